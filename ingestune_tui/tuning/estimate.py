"""What a study will cost before it runs: trials, time, bytes written and the peak on disk. Pure; shown and asked about.

Byte figures are for one node of the cluster, replication counted, and lean to the high side: nobody minds a study
that wrote less than was said.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ingestune_tui.model.grid import Grid
from ingestune_tui.model.space import Space, topic_shape, why_unrunnable
from ingestune_tui.model.workload import Limits, Timings, Workload
from ingestune_tui.tuning.restarts import RESTART_OF_THREE_S, RESTART_S, expected_restarts

PREFLIGHT_TRIALS = 5
EXPECTED_NOISE = 0.10
SMALL_GRID = 24
OVERHEAD_S = 1.5
"""Topic, children, drain and audit around the stages of one trial."""
RECORD_OVERHEAD_BYTES = 12
"""What Kafka's log adds to a small message, at most."""
FREE_DISK_FLOOR = 5_000_000_000
"""On `local`, a trial is stopped when less than this is free."""

MANY_PARTITIONS = 1000
"""In one topic; from so many on the person is asked first, since every broker holds open files for each."""

_MESSAGES_PER_S = ((10, 1.6e6), (100, 1.2e6), (1_000, 5e5), (10_000, 8e4), (100_000, 1e4))
"""Fast figures of one producer by message size, for a rate that nobody has measured yet."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The price of a study."""

    trials: int
    seconds: float
    bytes_written: int
    """By all trials, per node."""
    peak_bytes: int
    """Held at once, per node."""


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


def child_byte_cap(limits: Limits, workload: Workload, replication: int, nodes: int) -> int:
    """Message bytes that one producer may send in a trial so that no node writes more than its limit."""
    on_all_nodes = limits.bytes_per_trial * max(nodes, 1) / max(replication, 1)
    overhead = workload.message_bytes / (workload.message_bytes + RECORD_OVERHEAD_BYTES)
    return max(workload.message_bytes, int(on_all_nodes * overhead / workload.producers))


def trial_bytes(
    workload: Workload,
    timings: Timings,
    limits: Limits,
    *,
    replication: int,
    nodes: int,
    messages_per_s: float | None = None,
) -> int:
    """Bytes that one trial writes on each node, at most. `messages_per_s` is a measured rate where there is one."""
    rate = messages_per_s if messages_per_s is not None else expected_messages_per_s(workload)
    if limits.bytes_per_s is not None:
        rate = min(rate, limits.bytes_per_s / workload.message_bytes)
    busy_s = timings.warmup_s + timings.saturated_s + 0.35 * timings.paced_s + 1.0
    sent = rate * busy_s * (workload.message_bytes + RECORD_OVERHEAD_BYTES)
    return min(limits.bytes_per_trial, int(sent * replication / max(nodes, 1)))


def search_trials(cells: int, strategy: str, noise: float = EXPECTED_NOISE) -> int:
    """Trials of a search over `cells`, as far as can be told before it: the race's cap, or whole rounds."""
    if cells <= SMALL_GRID:
        return 2 * cells
    if strategy == "exhaustive":
        return cells + math.ceil(cells / SMALL_GRID)
    return math.ceil(min(max(cells * noise / 0.20, cells / 3, 36), cells))


def estimate(
    grid: Grid, spaces: Sequence[Space], *, nodes: int = 1, cached: int = 0, pairs: int | None = None
) -> Estimate:
    """The whole study. `cached` cells cost nothing; `pairs` overrides the grid's confirmation."""
    confirm = 2 * (grid.search.confirm_pairs if pairs is None else pairs)
    trials, seconds, written, peak = 0, 0.0, 0, 0
    for space in spaces:
        if why_unrunnable(space):
            continue
        searched = search_trials(len(space.cells), grid.search.strategy)
        spared = min(cached, searched)
        cached -= spared
        restarts = expected_restarts(space, searched, confirm // 2, in_blocks=grid.search.strategy == "race")
        run = PREFLIGHT_TRIALS + searched - spared + confirm + restarts
        replication = max((topic_shape(cell.configuration, space.workload)[1] for cell in space.cells), default=1)
        each = trial_bytes(space.workload, grid.timings, grid.limits, replication=replication, nodes=nodes)
        trials += run
        catch_up_s = grid.timings.saturated_s if space.workload.consumers else 0.0
        seconds += run * (stage_seconds(grid.timings) + catch_up_s + OVERHEAD_S)
        seconds += restarts * (RESTART_S if nodes == 1 else RESTART_OF_THREE_S)
        written += run * each
        peak = max(peak, min(2 * each, max(grid.limits.bytes_on_disk, each)))
    if grid.search.budget_s is not None and seconds > grid.search.budget_s:
        trials = max(1, round(trials * grid.search.budget_s / seconds))
        written = round(written * grid.search.budget_s / seconds)
        seconds = grid.search.budget_s
    return Estimate(trials, seconds, written, peak)
