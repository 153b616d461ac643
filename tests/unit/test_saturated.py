"""The closed loop's limits, with a client that only counts."""

from __future__ import annotations

import itertools
import time

import pytest

from ingestune_tui.bench.payload import prepare_values
from ingestune_tui.bench.ring import Ring
from ingestune_tui.bench.saturated import SATURATED_SHARE, WARM_SHARE, Flood


class CountingClient:
    """Takes messages in and acknowledges them when told."""

    def __init__(self, room: int = 1000) -> None:
        self.sent = 0
        self.acknowledged = 0
        self.max_outstanding_messages = room
        self.max_outstanding_bytes = 10**12
        self.most_outstanding = 0
        self.waits = 0

    @property
    def outstanding(self) -> int:
        return self.sent - self.acknowledged

    def send(self, ring: Ring, wanted: int) -> int:
        count = ring.reach(wanted)
        self.sent += count
        self.most_outstanding = max(self.most_outstanding, self.outstanding)
        ring.advance(count)
        return count

    def serve(self, timeout_ms: int) -> bool:
        if timeout_ms:
            self.waits += 1
            self.acknowledged = self.sent
        return True


def flood_of(client: CountingClient, message_bytes: int = 100, cap: int = 10**9, per_s: int | None = None) -> Flood:
    ring = Ring(prepare_values("zeros", message_bytes, 1), None)
    return Flood(client, ring, cap, per_s)  # type: ignore[arg-type]


def test_the_client_is_kept_full_but_never_asked_to_hold_more_than_it_can() -> None:
    client = CountingClient(room=1000)
    flood = flood_of(client)
    flood.allow(1.0)
    for _ in range(200):
        flood.step()
    assert 750 <= client.most_outstanding <= 1000
    assert client.waits < 100


def test_a_limit_in_bytes_bounds_the_queue_for_large_messages() -> None:
    client = CountingClient(room=100_000)
    client.max_outstanding_bytes = 1_000_000
    flood = flood_of(client, message_bytes=10_000)
    flood.allow(1.0)
    for _ in range(200):
        flood.step()
    assert 50 <= client.most_outstanding <= 100


def test_warm_up_leaves_most_of_the_byte_cap_and_the_stage_some_of_it() -> None:
    client = CountingClient()
    flood = flood_of(client, cap=1_000_000)
    for share, messages in ((WARM_SHARE, 3_000), (SATURATED_SHARE, 9_000)):
        flood.allow(share)
        while not flood.at_cap:
            flood.step()
        flood.step()
        assert client.sent == messages


def test_the_rate_cap_is_counted_from_the_moment_it_was_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(10**12, 10_000_000)  # 10 ms a look
    monkeypatch.setattr(time, "monotonic_ns", lambda: next(clock))
    client = CountingClient(room=10**6)
    flood = flood_of(client, per_s=1_000_000)
    flood.allow(1.0)
    for _ in range(100):
        flood.step()
    assert client.sent == pytest.approx(10_000, rel=0.02)


def test_the_ring_is_gone_round_in_order_and_cycles_the_values_through_the_keys() -> None:
    values = prepare_values("json", 50, 1)
    ring = Ring(values, [b"a", b"bb", b"ccc"])
    assert ring.slots == 3
    assert [ring.messages[slot].key_length for slot in range(3)] == [1, 2, 3]
    assert ring.reach(10) == 3
    ring.advance(2)
    assert ring.reach(10) == 1
    ring.advance(1)
    assert ring.position == 0
