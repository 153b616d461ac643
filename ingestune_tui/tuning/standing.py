"""Who leads, and how surely: the models of objective and limit, and draws from them. Pure; serves both planners.

A leader is the cell that is most often within the tolerance of the best over draws from the posterior. Where a limit
goes along, a second process models it, and only cells that keep it with P >= .9 may lead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingestune_tui.tuning.search_space import OUTSIDE, Observation, SearchSpace, infeasible_cells
from ingestune_tui.tuning.surrogate import Floats, Indices, Surrogate, draws, fit

DRAWS = 400
FEASIBLE_ENOUGH = 0.9
_EXACT_CELLS = 2000
_SAMPLED_CELLS = 1500
_MODELLED_TRIALS = 400
_LIMIT_NOISE = 0.2
"""The relative noise expected of a latency percentile."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What winning means, as numbers."""

    tolerance: float
    """How far below the best a cell may be and still be good enough, as a share."""
    maximize: bool
    """Whether more is better."""
    noise: float
    """The relative noise of one trial that the preflight saw."""
    limit: float | None
    """What the limited figure must not exceed; None without a limit."""

    def score(self, value: float) -> float:
        """ln(value), turned so that more is better."""
        return math.log(value) if self.maximize else -math.log(value)

    @property
    def slack(self) -> float:
        """How far below the best, in ln, is still within the tolerance."""
        return -math.log1p(-self.tolerance)


@dataclass(frozen=True, slots=True)
class Lead:
    """A cell that leads, and how surely."""

    cell: int
    sure: float
    """P(it is within the tolerance of the best)."""
    keeps_limit: float
    """P(it keeps the limit); 1 without a limit."""

    def words(self, tolerance: float) -> str:
        """What is known of it, and plainly when it may break the limit."""
        if self.keeps_limit < FEASIBLE_ENOUGH:
            return (
                f"no measured configuration keeps the limit with probability {FEASIBLE_ENOUGH:.0%}, "
                f"the likeliest does with {self.keeps_limit:.0%}"
            )
        return f"the leader is within {tolerance:.0%} of the best with probability {self.sure:.0%}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the finished trials say, over the cells that may still win."""

    cells: Indices
    """The cells considered; positions below index into it."""
    objective: Surrogate
    """The model of ln(objective), turned so that more is better."""
    mean: Floats
    """Posterior mean per position."""
    covariance: Floats
    """Posterior covariance of the positions."""
    draws: Floats
    """Draws x positions: what the objective may be; minus infinity where that draw breaks the limit."""
    good: Floats
    """Per position, the share of draws in which it is within the tolerance of the best."""
    feasible: Floats
    """Per position, P(the limit is kept); all ones without a limit."""
    measured: Indices
    """Positions with at least one finished trial."""

    def leader(self, among_measured: bool = False) -> int:
        """The leading position among the cells that keep the limit surely enough.

        Where none does, the one that is likeliest to: `Lead.keeps_limit` says how likely that is.
        """
        rank = self.good + 1e-6 * np.argsort(np.argsort(self.mean)) / max(len(self.mean), 1)
        considered = np.ones(len(self.cells), dtype=bool)
        if among_measured and len(self.measured):
            considered[:] = False
            considered[self.measured] = True
        allowed = considered & (self.feasible >= FEASIBLE_ENOUGH)
        if not allowed.any():
            return int(np.argmax(np.where(considered, self.feasible, -1.0)))
        return int(np.argmax(np.where(allowed, rank, -1.0)))

    def lead(self) -> Lead:
        """Who leads among the measured cells, and how surely. There must be one."""
        position = self.leader(among_measured=True)
        return Lead(int(self.cells[position]), float(self.good[position]), float(self.feasible[position]))


def level_table(space: SearchSpace) -> Indices:
    """cells x factors, the level indices."""
    return np.array(space.cells, dtype=np.int64).reshape(len(space.cells), len(space.factors))


def _neighbours(space: SearchSpace, levels: Indices, cell: int) -> Indices:
    """Cells that differ from `cell` in one factor: by one level where ordered, by any where not."""
    apart = np.abs(levels - levels[cell])
    step = np.array([1 if factor.ordered else factor.levels for factor in space.factors])
    near = ((apart > 0).sum(axis=1) == 1) & (apart <= step).all(axis=1)
    return np.flatnonzero(near).astype(np.int64)


def sample_cells(alive: Indices, seed: int, keep: Indices | None = None) -> Indices:
    """All of the cells; of a large grid a seeded random 1 500, or `keep` filled up to so many."""
    if len(alive) <= _EXACT_CELLS:
        return alive
    kept = np.zeros(0, dtype=np.int64) if keep is None else keep
    order = np.random.default_rng([seed & 0xFFFFFFFF, 0x5A3]).permutation(alive)
    fill = order[~np.isin(order, kept)][: max(_SAMPLED_CELLS - len(kept), 0)]
    return np.sort(np.concatenate([kept, fill]))


def thin(finished: Sequence[Observation], rules: Rules, seed: int) -> list[Observation]:
    """At most 400 trials for the model: all of the cells that are ahead, and a seeded sample of the rest."""
    usable = [trial for trial in finished if not trial.infeasible]
    if len(usable) <= _MODELLED_TRIALS:
        return usable
    best = sorted(range(len(usable)), key=lambda i: -rules.score(usable[i].value))
    ahead = {usable[i].cell for i in best[: _MODELLED_TRIALS // 4]}
    rng = np.random.default_rng([seed & 0xFFFFFFFF, 0x7A1, len(usable)])
    order = sorted(rng.permutation(len(usable)).tolist(), key=lambda i: usable[i].cell not in ahead)
    return [usable[i] for i in sorted(order[:_MODELLED_TRIALS])]


def stand(space: SearchSpace, finished: Sequence[Observation], rules: Rules, seed: int, block: int) -> Standing | None:
    """The standing after `finished`; None when no cell can win any more. Same input, same standing."""
    masked = infeasible_cells(finished, rules.limit)
    alive = np.array([cell for cell in space.targets if cell not in masked], dtype=np.int64)
    if not len(alive):
        return None
    levels = level_table(space)
    trials = thin(finished, rules, seed)
    seen = np.array([trial.cell for trial in trials], dtype=np.int64)
    t_s = np.array([trial.t_s for trial in trials], dtype=np.float64)
    y = np.array([rules.score(trial.value) for trial in trials], dtype=np.float64)
    objective = fit(space.factors, levels, seen, y, t_s, rules.noise)

    measured = np.intersect1d(alive, seen)
    cells = alive
    if len(alive) > _EXACT_CELLS:
        ahead = int(alive[np.argmax(objective.mean(alive))])
        near = np.intersect1d(_neighbours(space, levels, ahead), alive)
        cells = sample_cells(alive, seed, np.union1d(np.union1d(near, measured), [ahead]))

    rng = np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF, block + 1])
    mean, covariance = objective.posterior(cells)
    drawn = draws(mean, covariance, DRAWS, rng)
    feasible = np.ones(len(cells))
    if rules.limit is not None:
        feasible, kept = _limit_kept(space, levels, trials, cells, rules.limit, rng)
        drawn = np.where(kept, drawn, -np.inf)
    best = drawn.max(axis=1, keepdims=True)
    good = ((drawn >= best - rules.slack) & np.isfinite(drawn)).mean(axis=0)
    return Standing(cells, objective, mean, covariance, drawn, good, feasible, np.searchsorted(cells, measured))


def _limit_kept(
    space: SearchSpace,
    levels: Indices,
    trials: Sequence[Observation],
    cells: Indices,
    limit: float,
    rng: np.random.Generator,
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """P(limit kept) per cell, and draws x cells whether it is kept, from a process over ln(limited figure)."""
    known = [trial for trial in trials if trial.limit_value is not None and trial.limit_value > 0]
    seen = np.array([trial.cell for trial in known], dtype=np.int64)
    t_s = np.array([trial.t_s for trial in known], dtype=np.float64)
    y = np.array([math.log(trial.limit_value or 1.0) for trial in known], dtype=np.float64)
    model = fit(space.factors, levels, seen, y, t_s, _LIMIT_NOISE)
    mean, covariance = model.posterior(cells)
    z = (math.log(limit) - mean) / np.sqrt(np.maximum(covariance.diagonal(), 1e-12))
    feasible = np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in z])
    kept: npt.NDArray[np.bool_] = draws(mean, covariance, DRAWS, rng) <= math.log(limit)
    return feasible, kept


def outside_only(finished: Sequence[Observation]) -> bool:
    """Whether nothing inside of the grid has been measured yet."""
    return all(trial.cell == OUTSIDE or trial.infeasible for trial in finished)
