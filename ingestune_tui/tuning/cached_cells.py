"""How many cells of a grid earlier studies have measured the same way, as far as can be told without a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ingestune_tui.model.space import Space
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.grid_file import GridFile, payload_fingerprint
from ingestune_tui.tuning.identity import method_hash


async def cached_cells(store: Store, grid_file: GridFile, spaces: Sequence[Space], label: str) -> int:
    """Cells with a stored, unflagged trial on a cluster of this label; the baseline is measured anew in any case.

    Raises GridError for a payload that is gone.
    """
    studies = [study for study in await store.studies() if study.cluster.label == label]
    if not studies:
        return 0
    methods, wanted = await asyncio.to_thread(_hashes, grid_file, spaces)
    found: set[tuple[str, str]] = set()
    for study in studies:
        for trial in await store.trials(study.id):
            if trial.counts and not trial.flags and trial.method_hash in methods and trial.config_hash in wanted:
                found.add((trial.method_hash, trial.config_hash))
    return len(found)


def _hashes(grid_file: GridFile, spaces: Sequence[Space]) -> tuple[set[str], set[str]]:
    grid = grid_file.grid
    methods = {
        method_hash(
            space.workload, grid.timings, grid.limits, payload_fingerprint(space.workload, grid_file.path.parent)
        )
        for space in spaces
    }
    return methods, {
        cell.configuration.hash
        for space in spaces
        for index, cell in enumerate(space.cells)
        if index != space.baseline_cell
    }
