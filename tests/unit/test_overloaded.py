"""A rate that is not held is told from one that is held slowly: by acknowledgements that take longer and longer."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest

from ingestune_tui.bench.latency import percentiles_of
from ingestune_tui.bench.protocol import StageDone
from ingestune_tui.model.sample import Percentiles, Sample
from ingestune_tui.tuning.flags import overloaded
from ingestune_tui.tuning.windows import latency_slope

HALF_S = 0.5
BEFORE_S = 11.0
"""Warm-up and saturated stage: the paced samples' time goes on from there."""

Acknowledged = Callable[[float], float]
"""When a message that is due at one moment is acknowledged, both in seconds since the stage began."""


def reported(rate: float, seconds: float, acknowledged: Acknowledged) -> tuple[StageDone, list[Sample]]:
    """What a child reports of a paced stage in which each message is acknowledged when `acknowledged` says."""
    total = math.ceil(rate * seconds)
    times = [(number / rate, acknowledged(number / rate)) for number in range(total)]
    in_time = sum(at <= seconds for _, at in times)
    done = StageDone(
        stage="paced",
        window_s=seconds,
        messages=in_time,
        bytes=in_time * 100,
        scheduled=total,
        backlog_end=total - in_time,
    )
    edges = [HALF_S * count for count in range(int(seconds / HALF_S) + 1)]
    samples = []
    for began, ended in pairwise(edges):
        took_us = [round((at - due) * 1e6) for due, at in times if began < at <= ended]
        samples.append(
            Sample(
                stage="paced",
                t_s=BEFORE_S + ended,
                interval_s=HALF_S,
                messages=len(took_us),
                bytes=len(took_us) * 100,
                latency_ms=percentiles_of(took_us),
                backlog=sum(due < ended < at for due, at in times),
            )
        )
    return done, samples


def is_overloaded(rate: float, acknowledged: Acknowledged, seconds: float = 5.0) -> bool:
    done, samples = reported(rate, seconds, acknowledged)
    return overloaded(done, rate, samples)


def slow(round_trip_s: float, linger_s: float = 0.0) -> Acknowledged:
    """Held: a batch gathers for the linger, and the round trip follows."""
    if not linger_s:
        return lambda due: due + round_trip_s
    period_s = linger_s + 0.005  # the next batch begins with the next message
    return lambda due: (math.floor(due / period_s) + 1) * period_s + round_trip_s


def beyond(capacity: float, otherwise: Acknowledged) -> Acknowledged:
    """Not held: only `capacity` of each second's messages get through, one after another."""
    return lambda due: otherwise(due / capacity)


def stalled(from_s: float, to_s: float) -> Acknowledged:
    """Nothing is acknowledged between these; then all that waited."""
    return lambda due: to_s if from_s <= due < to_s else due + 0.002


@pytest.mark.parametrize("rate", [100, 1000, 5000])
@pytest.mark.parametrize(
    ("round_trip_s", "linger_s"),
    [(0.3, 0.0), (0.6, 0.0), (2.0, 0.0), (4.0, 0.0), (0.002, 0.3), (0.002, 0.5), (0.3, 0.5), (0.05, 1.0)],
)
def test_a_rate_is_held_however_long_the_round_trip_and_the_linger(
    rate: float, round_trip_s: float, linger_s: float
) -> None:
    assert not is_overloaded(rate, slow(round_trip_s, linger_s))


@pytest.mark.parametrize("seconds", [2.0, 3.0, 20.0])
def test_a_rate_is_held_in_short_and_in_long_stages(seconds: float) -> None:
    assert not is_overloaded(1000, slow(0.3, 0.5), seconds)


@pytest.mark.parametrize("rate", [20, 1000, 5000])
@pytest.mark.parametrize("capacity", [0.1, 0.5, 0.8, 0.93])
@pytest.mark.parametrize(("round_trip_s", "linger_s"), [(0.001, 0.0), (0.3, 0.0), (0.002, 0.5), (1.5, 0.0)])
def test_a_rate_that_is_not_held_is_found_within_the_stage(
    rate: float, capacity: float, round_trip_s: float, linger_s: float
) -> None:
    assert is_overloaded(rate, beyond(capacity, slow(round_trip_s, linger_s)))


def test_a_configuration_that_acknowledges_nothing_holds_no_rate() -> None:
    assert is_overloaded(1000, lambda _: math.inf)
    assert is_overloaded(1000, lambda due: due + 0.002 if due < 2 else math.inf)


def test_a_stall_is_charged_to_the_latency_and_does_not_hide_it() -> None:
    assert not is_overloaded(1000, stalled(2.0, 2.8))
    assert not is_overloaded(1000, stalled(4.4, 5.3)), "the same at the end of the window"


def test_a_stall_that_does_not_end_is_an_overload() -> None:
    assert is_overloaded(1000, stalled(3.0, 9.0))


def test_a_rate_of_which_no_more_than_a_fiftieth_is_missing_is_held() -> None:
    done = StageDone(stage="paced", window_s=60.0, messages=59_000, bytes=1, scheduled=60_000)
    growing = [
        Sample(stage="paced", t_s=t, interval_s=0.5, messages=1, bytes=1, latency_ms=Percentiles(max=100.0 * t))
        for t in range(60)
    ]
    assert not overloaded(done, 1000.0, growing)


def test_nothing_due_is_nothing_missed() -> None:
    assert not overloaded(StageDone(stage="paced", window_s=5.0, messages=0, bytes=0), 1000.0, [])


def test_samples_of_other_stages_play_no_part() -> None:
    done, samples = reported(1000, 5.0, slow(0.6))
    before = [
        Sample(stage="drain", t_s=t, interval_s=0.5, messages=1, bytes=1, latency_ms=Percentiles(max=1000 * t))
        for t in (1.0, 5.0, 9.0)
    ]
    assert not overloaded(done, 1000.0, [*before, *samples])


def test_one_broker_of_three_that_falls_behind_is_found() -> None:
    quick, behind = slow(0.002), beyond(0.8, slow(0.002))

    def acknowledged(due: float) -> float:
        return behind(due) if round(due * 1000) % 3 == 0 else quick(due)

    assert is_overloaded(1000, acknowledged)


RECORDED = [
    # librdkafka with linger.ms=500 on a simulated broker with a round trip of 300 ms
    (500, False, [(0, None), (250, 803.2), (250, 804.9), (251, 806.9), (250, 805.1), (252, 806.0)]),
    # acks=all with small batches on one broker, which gets about 70 thousand messages a second through ...
    (92_000, True, [(39_169, 100.355), (36_825, 423.636), (34_539, 452.546), (39_184, 549.269)]),
    (92_000, True, [(28_763, 262.235), (32_862, 602.105), (29_920, 939.386), (31_440, 939.096)]),
    # ... and here it caught up after a bad start
    (92_000, False, [(31_468, 164.337), (42_944, 217.177), (44_704, 233.002), (48_256, 220.659)]),
]
"""Rate, whether it was too much, and for each half second what was acknowledged and the longest it took, in ms."""


@pytest.mark.parametrize(("rate", "too_much", "halves"), RECORDED)
def test_what_children_have_reported_is_judged_as_a_person_would(
    rate: float, too_much: bool, halves: list[tuple[int, float | None]]
) -> None:
    samples = [
        Sample(
            stage="paced",
            t_s=BEFORE_S + HALF_S * (number + 1),
            interval_s=HALF_S,
            messages=messages,
            bytes=messages,
            latency_ms=Percentiles(max=slowest_ms),
        )
        for number, (messages, slowest_ms) in enumerate(halves)
    ]
    seconds = HALF_S * len(halves)
    acknowledged = sum(messages for messages, _ in halves)
    done = StageDone(
        stage="paced", window_s=seconds, messages=acknowledged, bytes=acknowledged, scheduled=round(rate * seconds)
    )
    assert overloaded(done, rate, samples) is too_much


def test_a_slope_is_that_of_the_slowest_of_each_interval() -> None:
    samples = [
        Sample(stage="paced", t_s=t, interval_s=0.5, messages=5, bytes=1, latency_ms=Percentiles(p50=1, max=200.0 * t))
        for t in (1.0, 2.0, 3.0)
    ]
    assert latency_slope(samples) == pytest.approx(0.2)
    assert latency_slope(samples[:1]) == latency_slope([]) == 0.0
