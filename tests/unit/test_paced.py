"""The schedule of the open loop: what is due when, who is timed, and that nothing late is left out."""

from __future__ import annotations

import time

import pytest

from ingestune_tui.bench.paced import CHUNK_MESSAGES, Pacer
from ingestune_tui.bench.payload import prepare_values
from ingestune_tui.bench.ring import Ring

SECOND_NS = 1_000_000_000


class RecordingClient:
    """Takes in what it is given, up to `room`, and remembers the opaque numbers."""

    def __init__(self, room: int = 10**9) -> None:
        self.room = room
        self.sent = 0
        self.opaques: list[int | None] = []

    def send(self, ring: Ring, wanted: int) -> int:
        count = min(ring.reach(wanted), self.room - self.sent)
        self.opaques += [ring.messages[ring.position + index].opaque for index in range(count)]
        self.sent += count
        ring.advance(count)
        return count


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A clock that stands still until a test moves it."""
    now = [7 * SECOND_NS]
    monkeypatch.setattr(time, "monotonic_ns", lambda: now[0])
    return now


def pacer_of(client: RecordingClient, rate: float, seconds: float, limit: int = 10**9) -> Pacer:
    ring = Ring(prepare_values("zeros", 10, 1), None)
    return Pacer(client, ring, rate, seconds, limit, due_header=False)  # type: ignore[arg-type]


def test_a_message_is_due_at_its_place_in_the_schedule_whatever_happened_before(clock: list[int]) -> None:
    client = RecordingClient()
    pacer = pacer_of(client, rate=1000, seconds=2)
    pacer.begin()
    assert pacer.fallen_due(clock[0]) == 1
    clock[0] += SECOND_NS
    assert pacer.fallen_due(clock[0]) == 1001
    while pacer.send_due():
        pass
    assert client.sent == 1001
    assert max(pacer.lateness_us) == 1_000_000, "the first one is a second late, and says so"
    clock[0] += 5 * SECOND_NS
    assert pacer.fallen_due(clock[0]) == pacer.total == 2000


def test_every_message_is_timed_below_the_limit_and_every_fifth_at_five_times_it(clock: list[int]) -> None:
    for rate, every in ((20_000, 1), (20_001, 2), (100_000, 5)):
        client = RecordingClient()
        pacer = pacer_of(client, rate=rate, seconds=1)
        pacer.begin()
        clock[0] += SECOND_NS
        while pacer.send_due():
            pass
        assert client.sent == rate
        timed = [number for number, opaque in enumerate(client.opaques) if opaque]
        assert timed == list(range(0, rate, every))
        assert [client.opaques[number] for number in timed[:3]] == [number + 1 for number in timed[:3]]


def test_a_call_hands_over_one_chunk_at_most(clock: list[int]) -> None:
    client = RecordingClient()
    pacer = pacer_of(client, rate=1_000_000, seconds=1)
    pacer.begin()
    clock[0] += SECOND_NS // 10
    pacer.send_due()
    assert client.sent == CHUNK_MESSAGES


def test_what_a_full_client_did_not_take_keeps_its_due_time(clock: list[int]) -> None:
    client = RecordingClient(room=10)
    pacer = pacer_of(client, rate=1000, seconds=1)
    pacer.begin()
    clock[0] += SECOND_NS // 10
    while pacer.send_due():
        pass
    assert client.sent == 10
    assert not pacer.send_due()
    client.room = 10**9
    clock[0] += SECOND_NS // 10
    pacer.send_due()
    assert pacer.lateness_us[10] == 190_000, "message 10 was due 10 ms into the stage"


def test_what_was_never_acknowledged_or_never_sent_counts_with_its_age(clock: list[int]) -> None:
    client = RecordingClient(room=50)
    pacer = pacer_of(client, rate=100, seconds=1)
    pacer.begin()
    clock[0] += SECOND_NS
    while pacer.send_due():
        pass
    pacer.give_up()
    assert len(pacer.latencies_us) == 100
    assert min(pacer.latencies_us) == pytest.approx(10_000, abs=10)
    assert max(pacer.latencies_us) == 1_000_000
    assert not pacer.in_flight


def test_a_failed_message_counts_with_the_time_until_its_failure(clock: list[int]) -> None:
    pacer = pacer_of(RecordingClient(), rate=100, seconds=1)
    pacer.begin()
    pacer.send_due()
    clock[0] += SECOND_NS // 2
    pacer.failed(1)
    pacer.failed(1)
    assert list(pacer.latencies_us) == [500_000]


def test_the_byte_cap_ends_the_schedule_early(clock: list[int]) -> None:
    client = RecordingClient()
    pacer = pacer_of(client, rate=1000, seconds=1, limit=30)
    pacer.begin()
    clock[0] += SECOND_NS
    while pacer.send_due():
        pass
    assert client.sent == pacer.limit == 30
    assert pacer.total == 1000
