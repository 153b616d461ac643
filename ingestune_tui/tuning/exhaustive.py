"""Every cell, in shuffled rounds, as IngesTune did; the model still picks the leader. Pure, like the race.

Also serves grids too small to race, which are measured outright. A round is cut into blocks so that progress and leader
are seen on the way; each block after the first repeats the baseline once, for the drift chart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingestune_tui.tuning.search_space import Observation, Plan, SearchSpace, StopReason, infeasible_cells, not_done
from ingestune_tui.tuning.standing import Lead, Rules, outside_only, stand

_SMALL_GRID = 24
_BLOCK_CELLS = 24


def plan_exhaustive(
    space: SearchSpace,
    finished: Sequence[Observation],
    seed: int,
    *,
    tolerance: float,
    maximize: bool,
    noise: float,
    limit: float | None,
    time_left_trials: int | None,
) -> Plan:
    """The next block of one full pass (two for at most 24 cells), or the stop. Arguments as for `plan_race`."""
    return measure_outright(
        space,
        finished,
        seed,
        Rules(tolerance, maximize, noise, limit),
        time_left_trials=time_left_trials,
        rounds=2 if len(space.cells) <= _SMALL_GRID else 1,
        cells=range(len(space.cells)),
    )


def measure_outright(
    space: SearchSpace,
    finished: Sequence[Observation],
    seed: int,
    rules: Rules,
    *,
    time_left_trials: int | None,
    rounds: int,
    cells: Sequence[int],
) -> Plan:
    """Each of `cells` `rounds` times, in rounds that are each shuffled anew. Same input, same plan."""
    masked = {trial.cell for trial in finished if trial.infeasible}
    blocks = _blocks(space, seed, rounds, cells)
    lead = _lead(space, finished, rules, seed)
    leader, sure, keeps = (lead.cell, lead.sure, lead.keeps_limit) if lead is not None else (None, 0.0, 1.0)
    for number, planned in enumerate(blocks):
        done = [trial.cell for trial in finished if trial.block == number]
        rest = [cell for cell in not_done(planned, done) if cell not in masked]
        if not rest:
            continue
        affordable = rest if time_left_trials is None else rest[: max(time_left_trials, 0)]
        if not affordable:
            known = lead.words(rules.tolerance) if lead is not None else "no cell has been measured"
            words = f"the budget is used up; {known}"
            return Plan(number, (), StopReason.BUDGET, leader, sure, words, keeps)
        words = f"block {number + 1} of {len(blocks)}: {len(affordable)} trials, every cell in turn"
        return Plan(number, tuple(affordable), None, leader, sure, words, keeps)
    if lead is None or all(cell in infeasible_cells(finished, rules.limit) for cell in space.targets):
        return Plan(len(blocks), (), StopReason.NONE_FEASIBLE, None, 0.0, "no cell of the grid can be measured")
    if len(space.targets) == 1:
        words = "the grid has one cell: nothing to choose, only to confirm"
    else:
        words = f"every cell is measured; {lead.words(rules.tolerance)}"
    return Plan(len(blocks), (), StopReason.MEASURED, leader, sure, words, keeps)


def _lead(space: SearchSpace, finished: Sequence[Observation], rules: Rules, seed: int) -> Lead | None:
    """The measured cell that leads, and how surely; None before any cell is measured."""
    if outside_only(finished):
        return None
    standing = stand(space, finished, rules, seed, max(trial.block for trial in finished) + 1)
    if standing is None or not len(standing.measured):
        return None
    return standing.lead()


def _blocks(space: SearchSpace, seed: int, rounds: int, chosen: Sequence[int]) -> list[tuple[int, ...]]:
    """The trials of each block: rounds, each a fresh shuffle of the cells, cut to blocks; a baseline in each block."""
    blocks: list[tuple[int, ...]] = []
    for number in range(rounds):
        rng = np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF, 0x20000 + number])
        order = [int(cell) for cell in rng.permutation(np.array(chosen, dtype=np.int64))]
        for start in range(0, len(order), _BLOCK_CELLS):
            cells = order[start : start + _BLOCK_CELLS]
            if space.baseline_cell not in cells and (space.baseline not in order or len(order) > _BLOCK_CELLS):
                cells.insert(int(rng.integers(len(cells) + 1)), space.baseline_cell)
            blocks.append(tuple(cells))
    return blocks
