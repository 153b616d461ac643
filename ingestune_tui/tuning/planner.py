"""The race: which cells to run next, and when enough is known. Pure: a function of space, finished trials and seed.

So resuming is reading rows and planning again: a half-done block is planned again from the trials before it, and what
is finished of it is left out. Claims nothing; the confirmation does. Called by the engine, in a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ingestune_tui.tuning.exhaustive import measure_outright
from ingestune_tui.tuning.preflight import BLOCK_TRIALS, DESIGN_TRIALS, cap_trials
from ingestune_tui.tuning.search_space import (
    OUTSIDE,
    PREFLIGHT_BLOCK,
    Observation,
    Plan,
    SearchSpace,
    StopReason,
    infeasible_cells,
    not_done,
)
from ingestune_tui.tuning.standing import (
    FEASIBLE_ENOUGH,
    Rules,
    Standing,
    level_table,
    outside_only,
    sample_cells,
    stand,
)
from ingestune_tui.tuning.surrogate import Floats, Indices, Surrogate, prior_median

SMALL_GRID = 24
"""Grids of at most so many cells are measured outright, each cell twice."""
SURE = 0.975
"""The leader's probability that ends a race, two blocks in a row. It looks twenty times and stops at its luckiest look:
with 0.95 one winner in twenty was not within the tolerance, in the simulator."""
FEWEST_TRIALS = 36
TIE_CELLS = 6
TIE_SHARE = 0.6
TIE_BELOW = 0.8
TIE_FROM = 72
"""A tie: so many cells of which each is within the tolerance of the best nearly as often as the leader, which is itself
not nearly sure. On a plateau more trials would tell none of them from the others, and any of them will do."""
BASELINE_EVERY_BLOCKS = 4


@dataclass(frozen=True, slots=True)
class _Race:
    """What every decision is made from."""

    space: SearchSpace
    finished: Sequence[Observation]
    """In the order of their blocks."""
    rules: Rules
    seed: int

    def before(self, block: int) -> _Race:
        """The race as it stood before that block."""
        return replace(self, finished=[trial for trial in self.finished if trial.block < block])

    def stand(self, block: int) -> Standing | None:
        """Who leads, for a decision about `block`."""
        return stand(self.space, self.finished, self.rules, self.seed, block)

    def rng(self, stream: int) -> np.random.Generator:
        """Random numbers that are the same whenever the same thing is planned again."""
        return np.random.default_rng([self.seed & 0xFFFFFFFF, self.seed >> 32 & 0xFFFFFFFF, stream])


def plan_race(
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
    """The next block of trials, or the stop. Same input, same plan.

    `tolerance` and `noise` are shares (0.05 is 5 %), `limit` bounds the observations' `limit_value`,
    `time_left_trials` is how many more search trials the budget affords; None is no budget.
    """
    rules = Rules(tolerance, maximize, noise, limit)
    if len(space.targets) <= SMALL_GRID:
        return measure_outright(
            space,
            finished,
            seed,
            rules,
            time_left_trials=time_left_trials,
            rounds=2,
            cells=range(len(space.cells)) if len(space.cells) <= SMALL_GRID else space.targets,
        )
    finished = sorted(finished, key=lambda trial: (trial.block, trial.t_s, trial.cell))
    race = _Race(space, finished, rules, seed)
    block = max((trial.block for trial in finished), default=PREFLIGHT_BLOCK)
    if block == PREFLIGHT_BLOCK:
        return _rest_of_block(race, 0, _design(race), None, time_left_trials)
    done = [trial.cell for trial in finished if trial.block == block]
    if block == 0:
        earlier, planned = None, _design(race)
    elif len(done) < BLOCK_TRIALS:
        before = race.before(block)
        earlier = before.stand(block)
        planned = _next_block(before, block, earlier) if earlier else ()
    else:
        earlier, planned = None, ()
    masked = infeasible_cells(finished, rules.limit)
    rest = tuple(cell for cell in not_done(planned, done) if cell not in masked)
    if rest:
        return _rest_of_block(race, block, rest, earlier, time_left_trials)
    return _after_block(race, block, time_left_trials)


def _rest_of_block(
    race: _Race, block: int, cells: tuple[int, ...], standing: Standing | None, time_left_trials: int | None
) -> Plan:
    """A plan for `cells`, cut to the budget. `standing` is what was known before the block, if anything."""
    affordable = cells if time_left_trials is None else cells[: max(time_left_trials, 0)]
    if not affordable:
        return _stop(race, block, StopReason.BUDGET)
    if standing is None or not len(standing.measured):
        return Plan(
            block, affordable, None, None, 0.0, f"block {block + 1}: {len(affordable)} trials over the whole grid"
        )
    lead = standing.lead()
    words = f"block {block + 1}: {lead.words(race.rules.tolerance)}"
    return Plan(block, affordable, None, lead.cell, lead.sure, words, lead.keeps_limit)


def _after_block(race: _Race, block: int, time_left_trials: int | None) -> Plan:
    """The plan after a whole block: stop, or the next block."""
    failed = {trial.cell for trial in race.finished if trial.infeasible}
    if len(failed) >= FEWEST_TRIALS and outside_only(race.finished):
        words = f"all of the {len(failed)} cells that were tried failed"
        return Plan(block, (), StopReason.NONE_FEASIBLE, None, 0.0, words)
    standing = race.stand(block + 1)
    if standing is None:
        return _stop(race, block, StopReason.NONE_FEASIBLE)
    run = sum(trial.block >= 0 and not trial.infeasible for trial in race.finished)
    if (settled := _settled(race, block, standing, run)) is not None:
        return _stop(race, block, settled, standing)
    if run >= cap_trials(len(race.space.targets), standing.objective.hyper.noise):
        return _stop(race, block, StopReason.CAP, standing)
    cells = _next_block(race, block + 1, standing)
    return _rest_of_block(race, block + 1, cells, standing, time_left_trials)


def _settled(race: _Race, block: int, standing: Standing, run: int) -> StopReason | None:
    """Sure of one cell, or a tie of many, now and as it stood before `block`; None while trials may still tell."""
    total = len(race.space.targets)
    if run < min(FEWEST_TRIALS, total) or not len(standing.measured):
        return None
    leader = int(standing.cells[standing.leader(among_measured=True)])
    sure = _sure_of(standing, leader)
    tied = run >= max(total / 3, min(TIE_FROM, total)) and _tied(standing)
    if not sure and not tied:
        return None
    earlier = race.before(block).stand(block)
    if earlier is None:
        return None
    if sure and _sure_of(earlier, leader):
        return StopReason.SURE
    return StopReason.TIE if tied and _tied(earlier) else None


def _sure_of(standing: Standing, cell: int) -> bool:
    where = np.flatnonzero(standing.cells == cell)
    return len(where) > 0 and float(standing.good[where[0]]) >= SURE


def _tied(standing: Standing) -> bool:
    if len(standing.cells) < TIE_CELLS or not len(standing.measured):
        return False
    leader = standing.leader(among_measured=True)
    leads = float(standing.good[leader])
    if not 0.0 < leads < TIE_BELOW or standing.feasible[leader] < FEASIBLE_ENOUGH:
        return False
    return float(np.sort(standing.good)[-TIE_CELLS]) >= TIE_SHARE * leads


_STOPPED = {
    StopReason.SURE: "two blocks in a row agree on the leader",
    StopReason.TIE: "several configurations are equally good, and more trials would not tell them apart",
    StopReason.CAP: "more trials would not tell the best cells apart at this noise",
    StopReason.BUDGET: "the budget is used up",
}


def _stop(race: _Race, block: int, reason: StopReason, standing: Standing | None = None) -> Plan:
    """The end of the search, with the leader among the cells that were measured."""
    if standing is None and any(not trial.infeasible and trial.cell != OUTSIDE for trial in race.finished):
        standing = race.stand(block + 1)
    if standing is None or not len(standing.measured):
        masked = infeasible_cells(race.finished, race.rules.limit)
        if all(cell in masked for cell in race.space.targets):
            return Plan(block, (), StopReason.NONE_FEASIBLE, None, 0.0, "no cell of the grid can be measured")
        return Plan(block, (), reason, None, 0.0, f"{_STOPPED[reason]}; no cell has been measured")
    lead = standing.lead()
    words = f"{_STOPPED[reason]}; {lead.words(race.rules.tolerance)}"
    return Plan(block, (), reason, lead.cell, lead.sure, words, lead.keeps_limit)


class _Telling:
    """What a planned trial would tell, before it is run: the covariance less one rank per trial planned so far."""

    def __init__(self, covariance: Floats, noise_variance: float) -> None:
        self._covariance = covariance
        self._noise = noise_variance
        self._planned: list[Floats] = []
        self.variance: Floats = covariance.diagonal().copy()

    def _column(self, position: int) -> Floats:
        column: Floats = self._covariance[:, position].copy()
        for known in self._planned:
            column -= known * known[position]
        return column

    def measure(self, position: int) -> None:
        """Counts on a trial of this cell."""
        column = self._column(position)
        known = column / np.sqrt(max(float(column[position]), 0.0) + self._noise)
        self._planned.append(known)
        self.variance -= known * known

    def best_for(self, leader: int, challenger: int) -> int:
        """The cell whose measurement most reduces Var(leader - challenger)."""
        shared = self._column(leader) - self._column(challenger)
        return int(np.argmax(shared * shared / (np.maximum(self.variance, 0.0) + self._noise)))


def _design(race: _Race) -> tuple[int, ...]:
    """The first block: cells of greatest variance, each given those before it, the baseline included, shuffled."""
    space, rng = race.space, race.rng(0)
    cells = sample_cells(np.array(space.targets, dtype=np.int64), race.seed)
    if space.baseline is not None:
        cells = np.union1d(cells, [space.baseline])
    nothing = np.zeros(0)
    hyper = prior_median(space.factors, race.rules.noise)
    process = Surrogate(space.factors, level_table(space), np.zeros(0, dtype=np.int64), nothing, nothing, hyper)
    covariance = process.prior(cells, cells)
    telling = _Telling(covariance, hyper.noise**2)
    tie_break = rng.random(len(cells)) * 1e-9
    chosen: list[int] = []
    count = min(DESIGN_TRIALS, len(cells))
    if space.baseline is None:
        chosen.append(OUTSIDE)
        nearest: int | None = None
    else:
        nearest = int(np.searchsorted(cells, space.baseline))
    while len(chosen) < count:
        position = nearest if nearest is not None else int(np.argmax(telling.variance + tie_break))
        nearest = None
        chosen.append(int(cells[position]))
        telling.measure(position)
    return tuple(chosen[i] for i in rng.permutation(len(chosen)))


def _next_block(race: _Race, block: int, standing: Standing) -> tuple[int, ...]:
    """Six trials that best tell the leader from cells that may beat it, shuffled; the baseline among them when due."""
    rng, baseline = race.rng(0x10000 + block), race.space.baseline_cell
    chosen: list[int] = []
    recent = [trial for trial in race.finished if trial.block > block - BASELINE_EVERY_BLOCKS]
    broken = any(trial.cell == baseline and trial.infeasible for trial in race.finished)
    if not broken and not any(trial.cell == baseline for trial in recent):
        chosen.append(baseline)
    leader = standing.leader()
    if leader not in standing.measured:
        chosen.append(int(standing.cells[leader]))
    telling = _Telling(standing.covariance, standing.objective.hyper.noise**2)
    beaten = _draws_that_beat(standing, leader, race.rules)
    while len(chosen) < BLOCK_TRIALS:
        challenger = _challenger(standing, leader, beaten, rng)
        doubtful = 1.0 - FEASIBLE_ENOUGH < standing.feasible[challenger] < FEASIBLE_ENOUGH
        position = challenger if doubtful else telling.best_for(leader, challenger)
        chosen.append(int(standing.cells[position]))
        telling.measure(position)
    return tuple(chosen[i] for i in rng.permutation(len(chosen)))


def _draws_that_beat(standing: Standing, leader: int, rules: Rules) -> Indices:
    """Draws in which the leader is not good enough; all of them when there are none."""
    best = standing.draws.max(axis=1)
    with np.errstate(invalid="ignore"):
        beaten = np.flatnonzero(~(standing.draws[:, leader] >= best - rules.slack) & np.isfinite(best))
    if not len(beaten):
        beaten = np.flatnonzero(np.isfinite(best))
    return beaten.astype(np.int64)


def _challenger(standing: Standing, leader: int, beaten: Indices, rng: np.random.Generator) -> int:
    """The best other cell in one of the draws; the likeliest to keep the limit where no draw keeps it."""
    if not len(beaten):
        return int(np.argmax(standing.feasible))
    values = standing.draws[int(rng.choice(beaten))].copy()
    values[leader] = -np.inf
    return int(np.argmax(values))
