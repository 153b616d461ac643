"""Acknowledgements that the client saw late make a trial client-bound; those of a slow broker or a stall do not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ingestune_tui.bench.protocol import StageDone
from ingestune_tui.model.sample import Percentiles, Sample, Stage
from ingestune_tui.model.trial import Audit, Flag
from ingestune_tui.tuning.flags import flags_of, seen_late

Interval = tuple[float | None, float | None, float | None]
"""Median until acknowledged, time in the client's queue, broker's round trip; all in ms."""

FIRST: Interval = (4.0, 203.1, 6.5)
"""Its statistics are still those of the saturated stage."""
LATE: Interval = (48.0, 3.0, 1.2)
IN_TIME: Interval = (4.6, 2.9, 1.1)


def samples(intervals: Sequence[Interval], stage: Stage = "paced") -> list[Sample]:
    return [
        Sample(
            stage=stage,
            t_s=11.5 + 0.5 * number,
            interval_s=0.5,
            messages=500,
            bytes=500,
            latency_ms=Percentiles(p50=p50, max=2 * p50) if p50 is not None else None,
            queue_ms=queue_ms,
            round_trip_ms=round_trip_ms,
        )
        for number, (p50, queue_ms, round_trip_ms) in enumerate(intervals)
    ]


def flags(window: Sequence[Sample], messages: int = 5000) -> tuple[Flag, ...]:
    return flags_of(
        saturated=StageDone(stage="saturated", window_s=8.0, messages=80_000, bytes=80_000, thread_cpu=0.5),
        samples=window,
        paced=StageDone(stage="paced", window_s=5.0, messages=messages, bytes=messages, scheduled=5000),
        rate=1000.0,
        due_to_sent_p99_ms=0.1,
        audit=Audit(sent=10, acknowledged=10),
    )


def test_a_client_too_busy_to_take_its_reports_in_is_what_was_measured() -> None:
    assert flags(samples([FIRST, *[LATE] * 9])) == ("client-bound",)
    assert flags(samples([FIRST, *[LATE] * 7, IN_TIME, IN_TIME])) == ("client-bound",)


REPORTED: list[list[Interval]] = [
    # linger.ms=5 on one broker of a busy machine
    [(4.36, 203.11, 0.96), (4.43, 2.92, 0.85), (4.46, 2.96, 1.59), (4.72, 2.99, 1.1), (5.22, 2.92, 2.29)],
    # a simulated round trip of 300 ms with linger.ms=500; one interval without a round trip
    [
        (None, 601.1, 301.0),
        (554.3, 252.3, None),
        (555.1, 252.8, 300.4),
        (554.6, 252.2, 300.6),
        (556.3, 252.3, 301.5),
        (556.7, 253.2, 301.6),
    ],
    # a backlog in the client's queue
    [(69.6, 1169.0, 1.3), (190.6, 90.9, 0.6), (210.3, 189.9, 0.6), (194.1, 208.4, 0.3), (200.1, 201.3, 0.4)],
    # a broker that stops now and then: means and median tell of different moments
    [(2.3, 309.7, 3.6), (1.8, 1.0, 1.0), (17.0, 1.0, 1.2), (31.8, 3.0, 6.2), (4.3, 2.9, 1.4), (5.0, 2.9, 1.4)],
]


@pytest.mark.parametrize("intervals", REPORTED)
def test_what_a_broker_or_the_queue_takes_is_not_the_clients_fault(intervals: list[Interval]) -> None:
    assert not seen_late(samples(intervals))


@pytest.mark.parametrize(
    "intervals",
    [
        [FIRST, *[LATE] * 3],  # too few to say
        [LATE, *[IN_TIME] * 9],
        [FIRST, *[LATE] * 6, *[IN_TIME] * 3],
        [FIRST, *[(5.9, 0.4, 0.6)] * 9],  # six times as long, and within what a busy machine does to every process
        [FIRST, *[(250.0, 60.0, 40.0)] * 9],  # not far above
        [FIRST, *[(48.0, 3.0, None)] * 9],  # acks=0 has no round trip
        [FIRST, *[(None, 3.0, 1.2)] * 9],
        [],
    ],
)
def test_a_client_is_not_accused_without_evidence(intervals: list[Interval]) -> None:
    assert not seen_late(samples(intervals))


def test_only_the_paced_stage_is_judged() -> None:
    assert not seen_late(samples([LATE] * 9, "saturated"))


def test_a_rate_that_is_not_held_is_not_blamed_on_the_client() -> None:
    assert flags(samples([FIRST, *[LATE] * 9]), messages=2000) == ("overloaded",)
