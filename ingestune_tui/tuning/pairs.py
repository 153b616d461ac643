"""Which trials of a confirmation make whole pairs. Pure, without numpy, so that printing a result starts fast.

Called by what judges a study, what tells how far it is, and what shows its figures.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingestune_tui.model.trial import Trial


def complete_pairs(trials: Sequence[Trial]) -> dict[int, tuple[Trial, Trial]]:
    """Pair number to (baseline, leader): the pairs whose halves were both measured in one attempt."""
    halves: dict[tuple[int, int], dict[bool, Trial]] = {}
    for trial in trials:
        if trial.role == "confirm" and trial.pair is not None and trial.counts:
            halves.setdefault((trial.pair, trial.block), {})[trial.baseline] = trial
    return {pair: (both[True], both[False]) for (pair, _), both in sorted(halves.items()) if len(both) == 2}
