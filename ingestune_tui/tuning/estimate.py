"""What a study will cost before it runs: trials, time, bytes written and the peak on disk. Pure; shown and asked about.

Byte figures are for the fullest node of the cluster, replication counted, and lean to the high side: nobody minds a
study that wrote less than was said.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ingestune_tui.model.grid import Grid
from ingestune_tui.model.space import Space, topic_shape, why_unrunnable
from ingestune_tui.model.workload import Limits, Timings, Workload
from ingestune_tui.tuning.log_bytes import due_header_bytes, logged_bytes, share_of
from ingestune_tui.tuning.price import Prices
from ingestune_tui.tuning.windows import MOST_WARMUP_S

OVERHEAD_S = 1.5
"""Topic, children, drain and audit around the stages of one trial."""
FREE_DISK_FLOOR = 5_000_000_000
"""On `local`, a trial is stopped when less than this is free."""

MANY_PARTITIONS = 1000
"""In one topic; from so many on the person is asked first, since every broker holds open files for each."""

_PACED_SHARE = 0.35
"""Of the saturated rate, what the paced stage sends: a little more than the usual 30 %."""
_USUAL_WARMUPS = 1.5
"""How long a warm-up takes on average, in least warm-ups, with some to spare: most end at once, some at their limit."""
_MESSAGES_PER_S = ((10, 3.2e6), (100, 2.5e6), (1_000, 6e5), (10_000, 9e4), (100_000, 1e4))
"""By message size, for a rate that nobody has measured yet: just above the fastest that one producer has shown."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The price of a study."""

    trials: int
    seconds: float
    bytes_written: int
    """By all trials, on the fullest node."""
    peak_bytes: int
    """Held at once, on the fullest node."""


def most_partitions(spaces: Sequence[Space]) -> int:
    """Of the widest topic that any cell, or the baseline, would make."""
    shapes = [
        topic_shape(configuration, space.workload)
        for space in spaces
        for configuration in (space.baseline, *(cell.configuration for cell in space.cells))
    ]
    return max((partitions for partitions, _ in shapes), default=0)


def expected_messages_per_s(workload: Workload) -> float:
    """A fast broker's rate for this workload, interpolated over the logarithm of the size."""
    size = workload.message_bytes
    points = _MESSAGES_PER_S
    if size <= points[0][0]:
        rate = points[0][1]
    elif size >= points[-1][0]:
        rate = points[-1][1] * points[-1][0] / size
    else:
        (x0, y0), (x1, y1) = next((low, high) for low, high in itertools.pairwise(points) if low[0] <= size <= high[0])
        share = math.log(size / x0) / math.log(x1 / x0)
        rate = y0 * (y1 / y0) ** share
    return rate * min(workload.producers, 4)


def stage_seconds(timings: Timings) -> float:
    """The stages of one trial, without what stands around them."""
    return timings.warmup_s + timings.saturated_s + timings.paced_s


def child_byte_cap(limits: Limits, workload: Workload, share: float) -> int:
    """Message bytes that one producer may send in a trial so that no node writes more than its limit.

    `share` is the fullest node's, by `node_share`.
    """
    message_bytes = workload.message_bytes / logged_bytes(workload)
    return max(workload.message_bytes, int(limits.bytes_per_trial / share * message_bytes / workload.producers))


def node_bytes(workload: Workload, message_bytes: float, share: float) -> int:
    """What the fullest node holds of so many message bytes."""
    return math.ceil(message_bytes * logged_bytes(workload) / workload.message_bytes * share)


def trial_bytes(
    workload: Workload, timings: Timings, limits: Limits, share: float, *, messages_per_s: float | None = None
) -> int:
    """Bytes that one trial writes on the fullest node, at most. `messages_per_s` is a measured rate where there is one.

    `share` is that node's, by `node_share`.
    """
    longest_s = max(MOST_WARMUP_S, timings.warmup_s)
    return _trial_bytes(workload, timings, limits, share, longest_s, messages_per_s)


def usual_trial_bytes(workload: Workload, timings: Timings, limits: Limits, share: float) -> int:
    """The same for one of many trials, whose warm-ups do not all last to their limit."""
    warmup_s = max(timings.warmup_s, min(MOST_WARMUP_S, _USUAL_WARMUPS * timings.warmup_s))
    return _trial_bytes(workload, timings, limits, share, warmup_s, None)


def _trial_bytes(
    workload: Workload, timings: Timings, limits: Limits, share: float, warmup_s: float, messages_per_s: float | None
) -> int:
    rate = messages_per_s if messages_per_s is not None else expected_messages_per_s(workload)
    if limits.bytes_per_s is not None:
        rate = min(rate, limits.bytes_per_s / workload.message_bytes)
    busy_s = warmup_s + timings.saturated_s + _PACED_SHARE * timings.paced_s + 1.0
    sent = rate * busy_s * logged_bytes(workload) + due_header_bytes(workload, _PACED_SHARE * rate, timings.paced_s)
    return min(limits.bytes_per_trial, math.ceil(sent * share))


def estimate(
    grid: Grid,
    spaces: Sequence[Space],
    *,
    nodes: int = 1,
    fresh: bool = False,
    cached: int = 0,
    pairs: int | None = None,
) -> Estimate:
    """The whole study. `fresh` brokers are started for it, as those of `local` are.

    `cached` cells cost nothing; `pairs` overrides the grid's confirmation.
    """
    pairs = grid.search.confirm_pairs if pairs is None else pairs
    trials, seconds, written, peak = 0, 0.0, 0, 0
    for space in spaces:
        if why_unrunnable(space):
            continue
        prices = Prices(space, grid.search.strategy, nodes)
        searched = prices.searched()
        spared = min(cached, searched)
        cached -= spared
        parts = prices.preflight(fresh=fresh) + prices.search(searched, spared) + prices.confirmation(pairs)
        fresh = False  # the next workload finds them warm
        configurations = (space.baseline, *(cell.configuration for cell in space.cells))
        share = max(share_of(configuration, space.workload, nodes) for configuration in configurations)
        most = trial_bytes(space.workload, grid.timings, grid.limits, share)
        trials += parts.trials
        catch_up_s = grid.timings.saturated_s if space.workload.consumers else 0.0
        seconds += parts.seconds(stage_seconds(grid.timings) + catch_up_s + OVERHEAD_S)
        written += parts.trials * usual_trial_bytes(space.workload, grid.timings, grid.limits, share)
        peak = max(peak, min(2 * most, max(grid.limits.bytes_on_disk, most)))
    if grid.search.budget_s is not None and seconds > grid.search.budget_s:
        trials = max(1, round(trials * grid.search.budget_s / seconds))
        written = round(written * grid.search.budget_s / seconds)
        seconds = grid.search.budget_s
    return Estimate(trials, seconds, written, peak)
