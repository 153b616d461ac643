"""When a warm-up is over, what a slope is, and which flags a trial carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ingestune_tui.bench.protocol import Finished, StageDone
from ingestune_tui.model.sample import Sample, Stage
from ingestune_tui.model.trial import REMEDIES, Audit, Flag
from ingestune_tui.tuning.audit import audit_of
from ingestune_tui.tuning.flags import flags_of
from ingestune_tui.tuning.windows import fell_at_the_end, theil_sen_slope, trend, warmed_up


def halves(*rates: float, stage: Stage = "warmup", **changes: Any) -> list[Sample]:
    """One half-second sample for each rate in messages/s."""
    return [
        Sample(stage=stage, t_s=0.5 * (at + 1), interval_s=0.5, messages=round(rate / 2), bytes=100, **changes)
        for at, rate in enumerate(rates)
    ]


def seconds(*rates: float) -> list[Sample]:
    """Two samples for each second."""
    return halves(*(rate for rate in rates for _ in range(2)))


# Warm-up ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rates", "over"),
    [
        ((1000, 1000, 1000), True),
        ((1000, 1040, 950), True),
        ((1000, 1200, 1000), False),  # they do not agree
        ((1000, 1060, 1130), False),  # within 15 %, and rising
        ((100, 500, 1000, 1000, 990), True),  # only the last three count
        ((1000, 1000, 0), False),
        ((1000, 1000), False),  # too early
    ],
)
def test_a_warm_up_ends_when_three_seconds_agree_and_do_not_rise(rates: Sequence[float], over: bool) -> None:
    assert warmed_up(seconds(*rates), 3.0, 15.0) is over


def test_a_warm_up_ends_at_its_limit_whatever_the_rate_does() -> None:
    rising = [100.0 * 2**second for second in range(15)]
    assert not warmed_up(seconds(*rising[:14]), 3.0, 15.0)
    assert warmed_up(seconds(*rising), 3.0, 15.0)


def test_a_short_warm_up_is_judged_by_the_seconds_it_has() -> None:
    assert not warmed_up(halves(1000), 1.0, 15.0)
    assert warmed_up(halves(100, 1000), 1.0, 15.0)
    assert not warmed_up(seconds(100, 1000), 2.0, 15.0)
    assert warmed_up(seconds(1000, 1000), 2.0, 15.0)
    assert not warmed_up([], 1.0, 15.0)


# Slopes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "values", "slope"),
    [
        ((0, 1, 2, 3), (1, 3, 5, 7), 2.0),
        ((0, 1, 2), (0, 1, 5), 2.5),  # slopes 1, 4 and 2.5
        ((0, 1, 2, 3, 4), (1, 2, 3, 4, 1000), 1.0),  # one outlier: 6 of 10 slopes are 1
        ((0, 0, 2), (5, 9, 11), 2.0),  # slopes 3 and 1; two values of one moment have none
        ((1,), (1,), 0.0),
        ((), (), 0.0),
    ],
)
def test_the_slope_is_the_median_of_all_pairs(times: Sequence[float], values: Sequence[float], slope: float) -> None:
    assert theil_sen_slope(times, values) == pytest.approx(slope)


def test_a_trend_is_the_change_over_the_window_as_a_share_of_its_median() -> None:
    assert trend(halves(*(1000 + 20 * at for at in range(11)))) == pytest.approx(200 / 1100)
    assert trend(halves(1000, 2000, 3000, 4000, 5000)) == 0.0  # too few to say
    assert trend(halves(*[0] * 10)) == 0.0


def test_an_interval_of_no_length_does_not_disturb_the_trend() -> None:
    samples = halves(*(1000 + 20 * at for at in range(11)))
    empty = Sample(stage="warmup", t_s=0.5, interval_s=0.0, messages=0, bytes=0)
    assert trend([empty, *samples]) == pytest.approx(trend(samples))


def test_a_rate_that_falls_in_the_last_quarter_is_seen() -> None:
    assert fell_at_the_end(halves(*[1000] * 6, 600, 600))
    assert not fell_at_the_end(halves(*[1000] * 6, 800, 800))
    assert not fell_at_the_end(halves(600, 600, *[1000] * 6))
    assert not fell_at_the_end(halves(*[1000] * 5, 1, 1))  # too few to say


# Flags ------------------------------------------------------------------------------------------------------


def saturated(**changes: Any) -> StageDone:
    values = {"stage": "saturated", "window_s": 8.0, "messages": 80_000, "bytes": 8_000_000, "thread_cpu": 0.5}
    return StageDone(**{**values, **changes})


def paced(**changes: Any) -> StageDone:
    values = {"stage": "paced", "window_s": 5.0, "messages": 5000, "bytes": 500_000, "scheduled": 5000}
    return StageDone(**{**values, **changes})


def flags(**changes: Any) -> tuple[Flag, ...]:
    values: dict[str, Any] = {
        "saturated": saturated(),
        "samples": halves(*[10_000] * 16, stage="saturated", backlog=5000),
        "paced": paced(),
        "rate": 1000.0,
        "due_to_sent_p99_ms": 0.1,
        "audit": Audit(sent=10, acknowledged=10),
    }
    return flags_of(**{**values, **changes})


def test_a_clean_trial_carries_no_flag() -> None:
    assert flags() == ()


@pytest.mark.parametrize(
    ("flag", "changes"),
    [
        ("lossy", {"audit": Audit(failed={"MSG_TIMED_OUT": 1})}),
        ("lossy", {"audit": Audit(lost=1)}),
        ("overloaded", {"paced": paced(messages=3000, backlog_end=2000)}),
        ("client-bound", {"due_to_sent_p99_ms": 1.5}),
        (
            "client-bound",
            {
                "saturated": saturated(thread_cpu=0.99),
                "samples": halves(*[10_000] * 16, stage="saturated", backlog=100),
            },
        ),
        ("disk-bound", {"samples": halves(*[10_000] * 12, *[5000] * 4, stage="saturated", backlog=5000)}),
        (
            "unsteady",
            {"samples": halves(*(10_000 + 100 * at for at in range(16)), stage="saturated", backlog=5000)},
        ),
        ("throttled", {"samples": halves(*[10_000] * 16, stage="saturated", backlog=5000, throttle_ms=3.0)}),
        ("consumer-behind", {"consumer_behind": True}),
        ("consumer-bound", {"reader_cpu": 0.99}),
        ("byte-capped", {"saturated": saturated(ended_early="bytes_cap")}),
        ("byte-capped", {"paced": paced(ended_early="bytes_cap")}),
    ],
)
def test_each_flag_has_its_cause_and_its_remedy(flag: Flag, changes: dict[str, Any]) -> None:
    assert flags(**changes) == (flag,)
    assert REMEDIES[flag]


def test_a_consumer_is_not_blamed_where_the_producers_could_not_hold_the_rate() -> None:
    assert flags(paced=paced(messages=3000, backlog_end=2000), consumer_behind=True) == ("overloaded",)


def test_a_full_core_is_no_bottleneck_while_the_backlog_is_long() -> None:
    assert flags(saturated=saturated(thread_cpu=0.99)) == ()


def test_the_warm_up_plays_no_part_in_steadiness() -> None:
    warming = halves(*(100 * at for at in range(20)))
    assert flags(samples=[*warming, *halves(*[10_000] * 16, stage="saturated", backlog=5000)]) == ()


def test_without_a_paced_stage_nothing_is_overloaded() -> None:
    assert flags(paced=None, rate=None, due_to_sent_p99_ms=None) == ()


# Audit ------------------------------------------------------------------------------------------------------


def test_an_audit_that_agrees_is_exact() -> None:
    audit = audit_of(Finished(sent=100, acknowledged=100, bytes=1000), 100, acks0=False)
    assert audit.exact
    assert (audit.topic_growth, audit.bytes_written) == (100, 1000)


def test_growth_below_what_was_acknowledged_is_loss() -> None:
    audit = audit_of(Finished(sent=100, acknowledged=100), 90, acks0=False)
    assert (audit.lost, audit.failed) == (10, {"LOST": 10})
    assert not audit.exact


def test_with_acks_0_a_loss_is_a_figure_and_no_error() -> None:
    audit = audit_of(Finished(sent=100, acknowledged=100), 90, acks0=True)
    assert (audit.lost, audit.failed) == (10, {})


def test_growth_above_is_a_surplus_up_to_what_timed_out() -> None:
    finished = Finished(sent=100, acknowledged=90, failed={"MSG_TIMED_OUT": 6}, timed_out=6, unacknowledged=4)
    audit = audit_of(finished, 95, acks0=False)
    assert (audit.lost, audit.surplus) == (0, 5)
    assert audit.failed == {"MSG_TIMED_OUT": 6, "UNACKNOWLEDGED": 4}
    assert audit_of(finished, 200, acks0=False).surplus == 10


def test_a_growth_that_could_not_be_read_accuses_nobody() -> None:
    audit = audit_of(Finished(sent=100, acknowledged=100), None, acks0=False)
    assert audit.exact
    assert audit.topic_growth is None


def test_what_a_consumer_could_not_read_stands_in_the_audit_under_its_name() -> None:
    finished = Finished(sent=100, acknowledged=100, failed={"_BAD_MSG": 1})
    audit = audit_of(finished, 100, acks0=False, unread={"_BAD_MSG": 3})
    assert audit.failed == {"_BAD_MSG": 1, "consumer _BAD_MSG": 3}
    assert not audit.exact
    assert flags(audit=audit) == ("lossy",)
