"""One configuration for all message sizes, from what each size's model expects, not from means of few trials. Pure.

A cell that was measured once and lucky is drawn towards what its settings have done elsewhere, so the choice is not the
luckiest cell. It is no claim: nothing is confirmed over all sizes. The engine calls it when a study ends.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.space import Space
from ingestune_tui.model.study import Overall, SizeShare
from ingestune_tui.model.trial import Trial
from ingestune_tui.tuning.outcome import noise_seen
from ingestune_tui.tuning.overall import best_overall
from ingestune_tui.tuning.search import observations, search_space
from ingestune_tui.tuning.search_space import PREFLIGHT_BLOCK
from ingestune_tui.tuning.standing import FEASIBLE_ENOUGH, Rules, stand

_Expected = tuple[dict[Configuration, float], float, Counter[Configuration]]
"""The objective of each configuration that may win, that of the baseline, and how often each was measured."""


def one_for_all(grid: Grid, searches: Sequence[tuple[Space, Sequence[Trial]]]) -> Overall | None:
    """The configuration that is best over all sizes, with what it does and gives up at each.

    `searches` has each size's space and its trials. Only configurations that were measured at one size at least are
    looked at, and that may win at all of them: of each size's durability class, measurable, and surely within a limit.
    None with a single size, before every size has a measured configuration, and where none is left.
    """
    if len(searches) < 2:
        return None
    found = [_expected(grid, space, trials) for space, trials in searches]
    sizes = [each for each in found if each is not None]
    if len(sizes) < len(found):
        return None
    measured = {configuration for _, _, counts in sizes for configuration in counts}
    values = [{key: value for key, value in each.items() if key in measured} for each, _, _ in sizes]
    baselines = [baseline for _, baseline, _ in sizes]
    best = best_overall(values, maximize=grid.objective.maximize, baselines=baselines)
    if best is None or best.ratio is None:
        return None
    shares = tuple(
        SizeShare(
            message_bytes=space.workload.message_bytes,
            ratio=value[best.key] / baseline,
            cost=cost,
            trials=counts[best.key],
        )
        for (space, _), value, (_, baseline, counts), cost in zip(searches, values, sizes, best.costs, strict=True)
    )
    return Overall(configuration=best.key, ratio=best.ratio, per_size=shares)


def _expected(grid: Grid, space: Space, trials: Sequence[Trial]) -> _Expected | None:
    """What one size's model expects; None while it knows too little."""
    objective = grid.objective
    seen = observations(trials, objective, space)
    view = search_space(space)
    noise = noise_seen(grid, trials)
    own = [math.log(each.value) for each in seen if each.cell == view.baseline_cell and not each.infeasible]
    counts = Counter(
        space.cells[each.cell].configuration
        for each in seen
        if each.cell >= 0 and not each.infeasible and each.block != PREFLIGHT_BLOCK
    )
    if noise is None or not own or not counts:
        return None
    rules = Rules(grid.search.tolerance, objective.maximize, noise, objective.p99_limit_ms)
    standing = stand(view, seen, rules, seed=0, block=0)
    if standing is None:
        return None
    sign = 1.0 if objective.maximize else -1.0
    kept = standing.feasible >= FEASIBLE_ENOUGH
    expected = {
        int(cell): math.exp(sign * float(score)) for cell, score in zip(standing.cells, standing.mean, strict=True)
    }
    values = {
        space.cells[int(cell)].configuration: expected[int(cell)]
        for cell, keeps in zip(standing.cells, kept, strict=True)
        if keeps
    }
    return values, expected.get(view.baseline_cell, math.exp(math.fsum(own) / len(own))), counts
