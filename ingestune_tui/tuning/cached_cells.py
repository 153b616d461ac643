"""How many cells of a grid earlier studies have measured the same way, as far as can be told without a cluster.

The engine's own rule of what may stand in for a trial. What only the cluster itself can tell, its settings and whether
it is another one by now, is taken to be as in the newest study there.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from ingestune_tui.kafka.version import client_version
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.space import Space
from ingestune_tui.model.trial import Trial
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.grid_file import GridFile, payload_fingerprint
from ingestune_tui.tuning.identity import method_hash


async def cached_cells(
    store: Store, grid_file: GridFile, spaces: Sequence[Space], label: str, *, younger_than_s: float
) -> int:
    """Cells with a stored trial that may stand in; `label` is the cluster's. The baseline is always measured anew.

    Raises GridError for a payload that is gone.
    """
    there = [study for study in await store.studies() if study.cluster.label == label and study.cluster.id]
    if not there or younger_than_s <= 0:
        return 0
    own = {study.id for study in there if study.cluster == there[0].cluster and study.host == socket.gethostname()}
    hashes = await asyncio.to_thread(_hashes, grid_file, spaces)
    found: set[tuple[str, str]] = set()
    for method, wanted in hashes.items():
        for trial in await store.measured_alike(method, younger_than_s=younger_than_s):
            if trial.study_id in own and trial.config_hash in wanted and _alike(trial, grid_file.grid):
                found.add((method, trial.config_hash))
    return len(found)


def _alike(trial: Trial, grid: Grid) -> bool:
    """By the same client; where latency decides, at the same rate, which without a study only the grid can fix."""
    if trial.workload.client == "librdkafka" and trial.client_version not in ("", client_version()):
        return False
    needs_latency = not grid.objective.maximize or grid.objective.p99_limit_ms is not None
    same_rate = trial.state == "infeasible" or trial.rate == grid.objective.rate_per_s
    return same_rate or not needs_latency


def _hashes(grid_file: GridFile, spaces: Sequence[Space]) -> dict[str, set[str]]:
    """Of each way to measure, the hashes of the configurations it is wanted for."""
    grid, base = grid_file.grid, grid_file.path.parent
    return {
        method_hash(space.workload, grid.timings, grid.limits, payload_fingerprint(space.workload, base)): {
            cell.configuration.hash for index, cell in enumerate(space.cells) if index != space.baseline_cell
        }
        for space in spaces
    }
