"""Whether a trial measured the wrong thing. Pure: from what the children reported to the flags beside the figure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from ingestune_tui.bench.protocol import StageDone
from ingestune_tui.model.sample import Sample
from ingestune_tui.model.trial import Audit, Flag
from ingestune_tui.tuning.windows import fell_at_the_end, latency_slope, trend

FULL_CORE = 0.95
"""CPU of a sending or reading thread, in cores, from which it is the bottleneck."""
SHORT_BACKLOG_S = 0.02
"""A saturated client whose backlog is worth less than this is waiting for its own sending thread."""
LATE_MS = 1.0
FAR_ABOVE = 3.0
"""Half of the messages taking so many times as long as the client's own queue and the broker's round trip together,"""
FAR_ABOVE_MS = 5.0
"""and so much longer, were acknowledged long before the client saw it ..."""
FAR_ABOVE_SHARE = 0.75
FAR_ABOVE_FEWEST = 4
"""... where at least so many intervals can be compared and such a share of them agrees: one is only a bad moment, and
statistics are means whose window may end a little earlier than the interval."""
HELD = 0.98
"""A paced stage holds its rate when at least this share of what fell due was acknowledged, or nearly so, in time."""
SLACK_S = 0.25
"""A rate that is held may be behind its schedule by so much without another look: it is in flight."""
STALLED = 0.25
"""Nothing acknowledged for this share of the stage, and longer than any message took, is no round trip any more."""


def overloaded(paced: StageDone, rate: float, samples: Sequence[Sample]) -> bool:
    """True when the configuration could not hold the paced rate: its latency is no number.

    What is missing at the end alone does not say so: with a long round trip or linger as much is always in flight.
    A rate that is not held leaves each message waiting longer than the one before; one that is held, however slowly,
    does not. `samples` are all samples of the trial.
    """
    missing_s = (paced.scheduled - paced.messages) / rate
    suspicious_s = max(SLACK_S, (1 - HELD) * paced.scheduled / rate)
    if missing_s <= suspicious_s:
        return False
    window = [sample for sample in samples if sample.stage == "paced"]
    if latency_slope(window) * paced.window_s > suspicious_s:
        return True
    slowest_ms = max((sample.latency_ms.max or 0.0 for sample in window if sample.latency_ms), default=0.0)
    return missing_s - slowest_ms / 1000 > max(SLACK_S, STALLED * paced.window_s)


def flags_of(
    *,
    saturated: StageDone,
    samples: Sequence[Sample],
    paced: StageDone | None,
    rate: float | None,
    due_to_sent_p99_ms: float | None,
    audit: Audit,
    reader_cpu: float = 0.0,
    consumer_behind: bool = False,
) -> tuple[Flag, ...]:
    """Every flag that applies, the gravest first. `samples` are all samples of the trial.

    `reader_cpu` is that of the busiest reading thread while it read the backlog, in cores.
    """
    window = [sample for sample in samples if sample.stage == "saturated"]
    found: list[Flag] = []
    if audit.failed or audit.lost:
        found.append("lossy")
    not_held = bool(paced is not None and rate and overloaded(paced, rate, samples))
    if not_held:
        found.append("overloaded")
    elif consumer_behind:
        found.append("consumer-behind")
    late = due_to_sent_p99_ms is not None and due_to_sent_p99_ms > LATE_MS
    if _client_bound(saturated, window) or late or (not not_held and seen_late(samples)):
        found.append("client-bound")
    if reader_cpu >= FULL_CORE:
        found.append("consumer-bound")
    if fell_at_the_end(window):
        found.append("disk-bound")
    elif abs(trend(window)) > 0.10:
        found.append("unsteady")
    if any((sample.throttle_ms or 0) > 0 for sample in samples):
        found.append("throttled")
    if saturated.ended_early == "bytes_cap" or (paced is not None and paced.ended_early == "bytes_cap"):
        found.append("byte-capped")
    return tuple(found)


def _client_bound(saturated: StageDone, window: Sequence[Sample]) -> bool:
    if saturated.thread_cpu < FULL_CORE or not window or saturated.window_s <= 0:
        return False
    per_second = saturated.messages / saturated.window_s
    backlog = statistics.median(sample.backlog for sample in window)
    return backlog < SHORT_BACKLOG_S * per_second


def seen_late(samples: Sequence[Sample]) -> bool:
    """True when acknowledgements took far longer than the client's queue and the broker's round trip explain.

    The rest of the time went by in the client: it was too busy to take its own reports in. Of the paced stage's first
    interval nothing is said, as its statistics reach back into the stage before. Nor is it where the client measures
    no round trip (acks=0), or in an interval that had none.
    """
    paced = [sample for sample in samples if sample.stage == "paced"]
    compared = [
        (sample.latency_ms.p50, sample.queue_ms + sample.round_trip_ms)
        for sample in paced[1:]
        if sample.latency_ms is not None
        and sample.latency_ms.p50 is not None
        and sample.queue_ms is not None
        and sample.round_trip_ms is not None
    ]
    far_above = sum(p50 > FAR_ABOVE * told and p50 - told > FAR_ABOVE_MS for p50, told in compared)
    return len(compared) >= FAR_ABOVE_FEWEST and far_above >= FAR_ABOVE_SHARE * len(compared)
