"""Several load children added up to one measurement: summed counts, merged histograms, one sample a half second. Pure.

It does not matter where the children ran. Percentiles are read from merged histograms, never averaged; of the samples'
own percentiles, which are only drawn, the worst child's is kept.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from hdrh.histogram import HdrHistogram

from ingestune_tui.bench.protocol import Finished, StageDone
from ingestune_tui.model.sample import Percentiles, Sample
from ingestune_tui.model.trial import Latency, Why

LOWEST_US, HIGHEST_US, DIGITS = 1, 60_000_000, 3
SHOWN_FROM = 100
"""A percentile is shown when so many messages lie beyond it; from a tenth of that it is approximate."""


def merge_samples(parts: Sequence[Sample]) -> Sample:
    """One sample for all producers, of samples that cover the same half second."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]

    def mean(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return statistics.fmean(known) if known else None

    def worst(name: str) -> float | None:
        known = [getattr(part.latency_ms, name) for part in parts if part.latency_ms is not None]
        return max((value for value in known if value is not None), default=None)

    timed = any(part.latency_ms is not None for part in parts)
    return Sample(
        stage=first.stage,
        t_s=max(part.t_s for part in parts),
        interval_s=statistics.fmean(part.interval_s for part in parts),
        messages=sum(part.messages for part in parts),
        bytes=sum(part.bytes for part in parts),
        latency_ms=Percentiles(**{name: worst(name) for name in Percentiles.__struct_fields__}) if timed else None,
        backlog=sum(part.backlog for part in parts),
        errors=sum(part.errors for part in parts),
        cpu=sum(part.cpu for part in parts),
        thread_cpu=max(part.thread_cpu for part in parts),
        round_trip_ms=mean(part.round_trip_ms for part in parts),
        queue_ms=mean(part.queue_ms for part in parts),
        batch_bytes=mean(part.batch_bytes for part in parts),
        batch_messages=mean(part.batch_messages for part in parts),
        compression=mean(part.compression for part in parts),
        throttle_ms=mean(part.throttle_ms for part in parts),
        retries=sum(part.retries for part in parts),
    )


def merge_stage(parts: Sequence[StageDone]) -> StageDone:
    """One stage's result for all children; rates add up, so counts are scaled to one common window."""
    if len(parts) == 1:
        return parts[0]
    window_s = statistics.fmean(part.window_s for part in parts)
    return StageDone(
        stage=parts[0].stage,
        window_s=window_s,
        messages=round(sum(_in_window(part.messages, part.window_s, window_s) for part in parts)),
        bytes=round(sum(_in_window(part.bytes, part.window_s, window_s) for part in parts)),
        failed=add_counts(part.failed for part in parts),
        latency=merge_histograms(part.latency for part in parts),
        due_to_sent=merge_histograms(part.due_to_sent for part in parts),
        sent=sum(part.sent for part in parts),
        scheduled=sum(part.scheduled for part in parts),
        backlog_end=sum(part.backlog_end for part in parts),
        ended_early=next((part.ended_early for part in parts if part.ended_early), ""),
        cpu=sum(part.cpu for part in parts),
        thread_cpu=max(part.thread_cpu for part in parts),
    )


def _in_window(count: int, own_s: float, common_s: float) -> float:
    """What a child would have counted in the common window; one that stopped at once counted what it counted."""
    return count * common_s / own_s if own_s > 0 else count


def common_rate(parts: Sequence[StageDone]) -> float | None:
    """Messages/s of children that shared one piece of work from a common start: all of it, until the last was done.

    Their own rates must not be added up: who had little to do was done early, and no faster for it.
    """
    longest_s = max((part.window_s for part in parts), default=0.0)
    return sum(part.messages for part in parts) / longest_s if longest_s > 0 else None


def merge_finished(parts: Sequence[Finished]) -> Finished:
    """The audit's counts of all children."""
    return Finished(
        sent=sum(part.sent for part in parts),
        acknowledged=sum(part.acknowledged for part in parts),
        failed=add_counts(part.failed for part in parts),
        timed_out=sum(part.timed_out for part in parts),
        unacknowledged=sum(part.unacknowledged for part in parts),
        bytes=sum(part.bytes for part in parts),
        log=[line for part in parts for line in part.log][:20],
    )


def add_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Counts by name, added up."""
    total: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            total[name] = total.get(name, 0) + count
    return total


def merge_histograms(encoded: Iterable[str]) -> str:
    """V2 base64 histograms of microseconds into one; empty where none was given."""
    some = [each for each in encoded if each]
    if len(some) < 2:
        return some[0] if some else ""
    total = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
    for each in some:
        total.add(HdrHistogram.decode(each))
    return str(total.encode().decode("ascii"))


def latency_of(encoded: str) -> Latency | None:
    """Percentiles in ms of a histogram of microseconds. pQ is None with fewer than 10 messages beyond it."""
    if not encoded:
        return None
    histogram = HdrHistogram.decode(encoded)
    count = int(histogram.get_total_count())
    if not count:
        return None
    shown: dict[str, float] = {}
    approximate: list[str] = []
    for name, percent in (("p50", 50.0), ("p95", 95.0), ("p99", 99.0), ("p999", 99.9)):
        beyond = count * (1 - percent / 100)
        if beyond < SHOWN_FROM / 10 - 1e-9:
            continue
        shown[name] = histogram.get_value_at_percentile(percent) / 1000
        if beyond < SHOWN_FROM - 1e-9:
            approximate.append(name)
    return Latency(**shown, max=histogram.get_max_value() / 1000, count=count, approximate=tuple(approximate))


def percentile_ms(encoded: str, percent: float) -> float | None:
    """One percentile in ms, however few messages there were; None without a histogram."""
    if not encoded:
        return None
    histogram = HdrHistogram.decode(encoded)
    return histogram.get_value_at_percentile(percent) / 1000 if histogram.get_total_count() else None


def why_of(samples: Sequence[Sample]) -> Why:
    """Means over the saturated samples of what the client says about itself."""
    saturated = [sample for sample in samples if sample.stage == "saturated"]

    def mean(name: str) -> float | None:
        known = [value for sample in saturated if (value := getattr(sample, name)) is not None]
        return statistics.fmean(known) if known else None

    return Why(
        batch_bytes=mean("batch_bytes"),
        batch_messages=mean("batch_messages"),
        compression=mean("compression"),
        round_trip_ms=mean("round_trip_ms"),
        queue_ms=mean("queue_ms"),
        throttle_ms=mean("throttle_ms"),
        retries=sum(sample.retries for sample in samples),
        client_cpu=mean("thread_cpu"),
    )
