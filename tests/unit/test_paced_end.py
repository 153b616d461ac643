"""The end of a paced window: what fell due inside it is sent and counted, however late the generator woke."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ingestune_tui.bench import paced
from ingestune_tui.bench.latency import decode
from ingestune_tui.bench.paced import GRACE_S, Pacer, pace
from ingestune_tui.bench.payload import prepare_values
from ingestune_tui.bench.protocol import ProducerSpec, StageDone
from ingestune_tui.bench.ring import Ring
from ingestune_tui.bench.sampler import Sampler

MS = 1_000_000


class Stage:
    """One paced stage on a clock that moves only while the generator sleeps, with a client of our own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, oversleeps_ns: int = 0) -> None:
        self.now_ns = 7_000_000_000
        self.oversleeps_ns = oversleeps_ns
        self.room: Callable[[], int] = lambda: 10**9
        """How many messages the client can hold at this moment."""
        self.answers = True
        self.sent = self.acknowledged = self.failed_total = 0
        self.failed: Counter[str] = Counter()
        self.statistics = None
        self.on_delivery: Callable[[list[int], int], None] | None = None
        self.on_failure: Callable[[int], None] | None = None
        self.events: list[Any] = []
        self.inbox = SimpleNamespace(stopped=False)
        self._timed: list[int] = []
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.now_ns)
        monkeypatch.setattr(paced, "Bell", lambda _: self)
        monkeypatch.setattr(Pacer, "delivered", acknowledge)

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait(self, nanoseconds: int) -> None:
        self.now_ns += nanoseconds + self.oversleeps_ns

    @property
    def outstanding(self) -> int:
        return self.sent - self.acknowledged

    def send(self, ring: Ring, wanted: int) -> int:
        count = max(0, min(ring.reach(wanted), self.room() - self.outstanding))
        opaques = (ring.messages[ring.position + index].opaque for index in range(count))
        self._timed += [opaque for opaque in opaques if opaque]
        self.sent += count
        ring.advance(count)
        return count

    def serve(self, _: int) -> None:
        if self.answers:
            self.acknowledged = self.sent
            if self.on_delivery:
                self.on_delivery(self._timed, len(self._timed))
                self._timed.clear()

    def check(self) -> None:
        pass

    def run(self, rate: float, seconds: float, bytes_cap: int = 10**12) -> StageDone:
        ring = Ring(prepare_values("zeros", 10, 1), None)
        spec = ProducerSpec(
            config={},
            topic="t",
            partitions=1,
            message_bytes=10,
            payload="zeros",
            keys="none",
            seed=1,
            bytes_cap=bytes_cap,
        )
        sampler = Sampler(self, SimpleNamespace(send=self.events.append), 10)  # type: ignore[arg-type]
        return pace(self, ring, sampler, self.inbox, spec, rate, seconds)  # type: ignore[arg-type]


def acknowledge(pacer: Pacer, timed: list[int], _: int) -> None:
    """In place of reading librdkafka's memory: these numbers are acknowledged now."""
    for number in timed:
        pacer.latencies_us.append((time.monotonic_ns() - pacer.in_flight.pop(number)) // 1000)


@pytest.mark.parametrize("oversleeps_ns", [0, 1 * MS, 7 * MS])
@pytest.mark.parametrize("rate", [100, 1000, 20_000])
def test_every_message_due_inside_the_window_is_sent_and_timed(
    monkeypatch: pytest.MonkeyPatch, rate: float, oversleeps_ns: int
) -> None:
    stage = Stage(monkeypatch, oversleeps_ns=oversleeps_ns)
    done = stage.run(rate, 0.5)
    assert done.sent == done.scheduled == stage.sent == rate * 0.5
    assert decode(done.latency).get_total_count() == decode(done.due_to_sent).get_total_count() == rate * 0.5
    assert decode(done.latency).get_max_value() <= 1.01 * (oversleeps_ns / 1000 + 10_000)
    assert done.messages + done.backlog_end == done.scheduled, "the last are acknowledged after the window"


def test_what_a_full_client_took_only_after_the_window_counts_with_its_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch)
    began_ns = stage.now_ns
    stage.room = lambda: 300 if stage.now_ns < began_ns + 700 * MS else 10**9
    stage.answers = False

    def serve(_: int) -> None:
        stage.answers = stage.now_ns >= began_ns + 700 * MS
        Stage.serve(stage, 0)

    monkeypatch.setattr(stage, "serve", serve)
    done = stage.run(1000, 0.5)
    assert done.sent == done.scheduled == 500
    assert (done.messages, done.backlog_end) == (0, 500)
    latency = decode(done.latency)
    assert latency.get_total_count() == 500
    assert latency.get_min_value() / 1000 == pytest.approx(201, abs=2), "the last was due 1 ms before the end"


def test_what_the_client_never_took_counts_with_the_age_it_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch)
    stage.room, stage.answers = (lambda: 300), False
    done = stage.run(1000, 0.5)
    assert (done.sent, done.scheduled, done.messages, done.backlog_end) == (300, 500, 0, 500)
    assert decode(done.latency).get_total_count() == 500
    assert decode(done.latency).get_min_value() / 1e6 == pytest.approx(GRACE_S, rel=0.01)


def test_nothing_more_is_sent_once_the_stage_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch)
    began_ns = stage.now_ns

    def wait(nanoseconds: int) -> None:
        stage.now_ns += nanoseconds + 5 * MS
        stage.inbox.stopped = stage.now_ns > began_ns + 200 * MS

    monkeypatch.setattr(stage, "wait", wait)
    done = stage.run(1000, 0.5)
    assert 150 < done.sent < done.scheduled < 250


def test_beyond_the_byte_cap_nothing_falls_due(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch)
    done = stage.run(1000, 0.5, bytes_cap=2000)
    assert (done.sent, done.scheduled, done.messages) == (200, 200, 200)
    assert done.ended_early == "bytes_cap"
    assert done.window_s == pytest.approx(0.2, abs=0.01)
