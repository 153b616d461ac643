"""Several load children are one measurement: counts add up, histograms merge, percentiles are never averaged."""

from __future__ import annotations

from typing import Any

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestune_tui.bench.protocol import Finished, StageDone
from ingestune_tui.model.sample import Percentiles, Sample
from ingestune_tui.tuning.merge import (
    add_counts,
    common_rate,
    latency_of,
    merge_finished,
    merge_histograms,
    merge_samples,
    merge_stage,
    percentile_ms,
    why_of,
)


def encoded(*values_us: int) -> str:
    """A histogram as a child sends it."""
    histogram = HdrHistogram(1, 60_000_000, 3)
    for value in values_us:
        histogram.record_value(value)
    return str(histogram.encode().decode("ascii"))


def same_values(count: int, value_us: int = 1000) -> str:
    histogram = HdrHistogram(1, 60_000_000, 3)
    histogram.record_value(value_us, count)
    return str(histogram.encode().decode("ascii"))


def sample(**changes: Any) -> Sample:
    values = {"stage": "saturated", "t_s": 0.5, "interval_s": 0.5, "messages": 100, "bytes": 1000}
    return Sample(**{**values, **changes})


def stage(**changes: Any) -> StageDone:
    values = {"stage": "saturated", "window_s": 8.0, "messages": 800, "bytes": 8000}
    return StageDone(**{**values, **changes})


# Histograms -------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.integers(1, 50_000_000), max_size=30), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_merged_histograms_equal_one_of_all_values(parts: list[list[int]]) -> None:
    merged = merge_histograms([encoded(*part) for part in parts])
    whole = encoded(*(value for part in parts for value in part))
    assert HdrHistogram.decode(merged).get_total_count() == sum(map(len, parts))
    for percent in (1.0, 50.0, 99.0, 100.0):
        assert percentile_ms(merged, percent) == percentile_ms(whole, percent)


def test_a_percentile_of_two_children_is_not_the_mean_of_theirs() -> None:
    fast, slow = same_values(9900, 1000), same_values(100, 100_000)
    both = latency_of(merge_histograms([fast, slow]))
    assert both is not None
    assert both.p50 == pytest.approx(1.0, rel=0.01)
    assert both.p999 == pytest.approx(100.0, rel=0.01)


def test_histograms_that_were_not_given_play_no_part() -> None:
    assert merge_histograms([]) == merge_histograms(["", ""]) == ""
    one = encoded(5)
    assert merge_histograms(["", one]) == one
    assert latency_of("") is None
    assert latency_of(encoded()) is None
    assert percentile_ms("", 99) is None


# Which percentiles may be shown -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "shown", "approximate"),
    [
        (19, (), ()),  # 9.5 beyond the median
        (20, ("p50",), ("p50",)),
        (199, ("p50",), ("p50",)),
        (200, ("p50", "p95"), ("p95",)),
        (1000, ("p50", "p95", "p99"), ("p95", "p99")),
        (2000, ("p50", "p95", "p99"), ("p99",)),
        (9999, ("p50", "p95", "p99"), ("p99",)),
        (10_000, ("p50", "p95", "p99", "p999"), ("p999",)),
        (100_000, ("p50", "p95", "p99", "p999"), ()),
    ],
)
def test_a_percentile_is_shown_from_100_messages_beyond_it_and_approximate_from_10(
    count: int, shown: tuple[str, ...], approximate: tuple[str, ...]
) -> None:
    latency = latency_of(same_values(count))
    assert latency is not None
    assert tuple(name for name in ("p50", "p95", "p99", "p999") if getattr(latency, name) is not None) == shown
    assert latency.approximate == approximate
    assert latency.count == count
    assert latency.max == pytest.approx(1.0, rel=0.001)


def test_percentiles_are_in_milliseconds_and_close_to_the_true_ones() -> None:
    latency = latency_of(encoded(*range(1, 20_001)))
    assert latency is not None
    assert latency.p50 == pytest.approx(10.0, rel=0.005)
    assert latency.p99 == pytest.approx(19.8, rel=0.005)


# Samples, stages, audits ------------------------------------------------------------------------------------


def test_samples_of_one_half_second_become_one() -> None:
    both = merge_samples(
        [
            sample(backlog=10, errors=1, cpu=0.5, thread_cpu=0.4, round_trip_ms=2.0, retries=1, t_s=0.5),
            sample(backlog=30, errors=0, cpu=0.7, thread_cpu=0.9, round_trip_ms=4.0, retries=2, t_s=0.6, messages=300),
        ]
    )
    assert (both.messages, both.bytes, both.backlog, both.errors, both.retries) == (400, 2000, 40, 1, 3)
    assert (both.t_s, both.interval_s, both.cpu, both.thread_cpu) == (0.6, 0.5, 1.2, 0.9)
    assert both.round_trip_ms == 3.0
    assert both.queue_ms is None
    assert both.latency_ms is None


def test_of_samples_percentiles_the_worst_childs_is_kept() -> None:
    both = merge_samples(
        [
            sample(latency_ms=Percentiles(p50=1.0, p99=9.0)),
            sample(latency_ms=Percentiles(p50=2.0, p99=3.0, max=20.0)),
            sample(),
        ]
    )
    assert both.latency_ms == Percentiles(p50=2.0, p99=9.0, max=20.0)


def test_the_rates_of_stages_add_up_though_their_windows_differ() -> None:
    both = merge_stage(
        [stage(window_s=8.0, messages=8000), stage(window_s=4.0, messages=8000, ended_early="bytes_cap")]
    )
    assert both.messages / both.window_s == pytest.approx(1000 + 2000)
    assert both.ended_early == "bytes_cap"


def test_of_work_that_was_shared_the_last_to_finish_sets_the_rate() -> None:
    """10 s for 100 000 messages, however early those were done that had little to do."""
    parts = [stage(window_s=10.0, messages=90_000), stage(window_s=0.5, messages=10_000), stage(messages=0, window_s=0)]
    assert common_rate(parts) == pytest.approx(10_000)
    assert common_rate([stage(messages=0, window_s=0.0)]) is None
    assert common_rate([]) is None


def test_a_child_that_stopped_at_once_takes_no_other_down() -> None:
    both = merge_stage([stage(), stage(window_s=0.0, messages=0, bytes=0, ended_early="bytes_cap")])
    assert both.messages == 400  # 100/s over the common 4 s
    assert both.ended_early == "bytes_cap"


def test_a_stages_counts_and_histograms_are_those_of_all() -> None:
    both = merge_stage(
        [
            stage(failed={"A": 1}, latency=encoded(1000), sent=5, scheduled=6, backlog_end=1, thread_cpu=0.3, cpu=0.3),
            stage(failed={"A": 2, "B": 1}, latency=encoded(9000), sent=7, scheduled=8, thread_cpu=0.8, cpu=0.8),
        ]
    )
    assert both.failed == {"A": 3, "B": 1}
    assert (both.sent, both.scheduled, both.backlog_end, both.thread_cpu) == (12, 14, 1, 0.8)
    assert percentile_ms(both.latency, 100.0) == pytest.approx(9.0, rel=0.001)
    assert merge_stage([both]) is both


def test_the_audits_counts_add_up() -> None:
    both = merge_finished(
        [
            Finished(
                sent=10, acknowledged=8, failed={"A": 1}, timed_out=1, unacknowledged=1, bytes=100, log=["x"] * 15
            ),
            Finished(sent=5, acknowledged=5, bytes=50, log=["y"] * 15),
        ]
    )
    assert (both.sent, both.acknowledged, both.timed_out, both.unacknowledged, both.bytes) == (15, 13, 1, 1, 150)
    assert both.failed == {"A": 1}
    assert len(both.log) == 20
    assert add_counts([]) == {}


def test_why_is_the_mean_of_the_saturated_samples_alone() -> None:
    why = why_of(
        [
            sample(stage="warmup", batch_bytes=1.0, retries=1),
            sample(batch_bytes=100.0, thread_cpu=0.5),
            sample(batch_bytes=300.0, thread_cpu=0.7),
            sample(stage="paced", batch_bytes=9999.0),
        ]
    )
    assert why.batch_bytes == 200.0
    assert why.client_cpu == pytest.approx(0.6)
    assert why.round_trip_ms is None
    assert why.retries == 1
