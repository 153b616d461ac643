"""Which cells of a grid a study leaves out, and why: told once, when it starts. Pure."""

from __future__ import annotations

from collections import Counter

from ingestune_tui.model.space import Space, durability_of
from ingestune_tui.tuning.price import SMALL_GRID
from ingestune_tui.tuning.search import target_class

_REASONS = 3
"""Why cells are invalid: told so many, `check` has them all."""


def not_run(space: Space) -> str:
    """How many cells are merged or invalid, and why; empty where all run, and where none does, as the outcome says."""
    if not space.cells or not (space.merged or space.invalid):
        return ""
    reasons = list(dict.fromkeys(reason for _, reason in space.invalid))
    more = f"; and {len(reasons) - _REASONS} more reasons" if reasons[_REASONS:] else ""
    return f"{space.counts}" + (f" ({'; '.join(reasons[:_REASONS])}{more})" if reasons else "")


def cannot_win(space: Space, strategy: str) -> str:
    """Which cells are of another durability class than the one the leader is sought in; empty when there are none."""
    classes = [durability_of(cell.configuration, space.workload) for cell in space.cells]
    wanted = target_class(durability_of(space.baseline, space.workload), classes)
    others = Counter(each for each in classes if each != wanted)
    if not others:
        return ""
    listed = ", ".join(f"{count} with {each}" for each, count in sorted(others.items(), reverse=True))
    whole = strategy == "exhaustive" or len(space.cells) <= SMALL_GRID
    done = "measured, and cannot win" if whole else "left out of the search"
    return (
        f"{others.total()} of {len(space.cells)} configurations are {done} ({listed}): like is compared with like, and "
        f"the leader is sought among those with {wanted}; what [baseline] promises decides which"
    )
