"""Which parameter mattered: shares of the explained variance, best levels, interactions, predictions. Pure, with numpy.

The surrogate is a sum of parts that each average to nothing over the levels, so its posterior mean splits into main
effects, two-way interactions and what is left to single cells: an analysis of variance in the model's own terms.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ingestune_tui.tuning.scoring import Prediction
from ingestune_tui.tuning.search_space import OUTSIDE, Observation, SearchSpace, infeasible_cells
from ingestune_tui.tuning.standing import Rules, level_table, thin
from ingestune_tui.tuning.surrogate import Floats, Surrogate, fit

SEEN_Z = 3.0
"""How many posterior standard deviations best and worst level must lie apart for the effect to count as seen."""
LEAST_GAIN = 0.01
"""An effect below 1 % between best and worst level is none that anybody would tune."""
INTERACTION_SHARE = 0.05
"""Of the explained variance, from which an interaction is worth saying."""


@dataclass(frozen=True, slots=True)
class FactorEffect:
    """What one parameter did."""

    factor: int
    """Index into the factors."""
    seen: bool
    """False says plainly: no effect seen."""
    share: float
    """Of the explained variance, 0 to 1; 0 when no effect was seen."""
    best_level: int | None
    """The level that is best on average over the others; None when no effect was seen."""
    gain: float
    """How much better the best level is than the worst, as a share: 0.4 is 40 %."""
    interacts_with: int | None
    """The factor it interacts with most, when that is worth saying."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What the search says about all parameters."""

    factors: tuple[FactorEffect, ...]
    """By share, greatest first."""
    strongest_interaction: tuple[int, int, float] | None
    """Two factors and their joint share of the explained variance, when worth saying."""


def effects(space: SearchSpace, finished: Sequence[Observation], *, maximize: bool, noise: float, seed: int) -> Effects:
    """The effects after the finished trials. `noise` is the preflight's share. Same input, same effects."""
    process = _process(space, finished, Rules(0.05, maximize, noise, None), seed)
    if process is None:
        quiet = (FactorEffect(i, False, 0.0, None, 0.0, None) for i in range(len(space.factors)))
        return Effects(tuple(quiet), None)
    mains = [_main(process, i) for i in range(len(space.factors))]
    pairs = {pair: _interaction(process, *pair) for pair in itertools.combinations(range(len(space.factors)), 2)}
    variances = [float(np.mean(mean**2)) for mean, _ in mains]
    total = sum(variances) + sum(float(np.mean(mean**2)) for mean, _ in pairs.values()) + _residual_variance(process)
    total = max(total, 1e-12)

    joint = {
        pair: float(np.mean(mean**2)) / total
        for pair, (mean, sd) in pairs.items()
        if float((np.abs(mean) / np.maximum(sd, 1e-9)).max()) >= SEEN_Z
    }
    worth = {pair: share for pair, share in joint.items() if share >= INTERACTION_SHARE}
    found = []
    for i, (mean, covariance) in enumerate(mains):
        best, worst = int(np.argmax(mean)), int(np.argmin(mean))
        gap = float(mean[best] - mean[worst])
        variance = float(covariance[best, best] + covariance[worst, worst] - 2.0 * covariance[best, worst])
        seen = gap >= math.log1p(LEAST_GAIN) and gap >= SEEN_Z * math.sqrt(max(variance, 1e-12))
        partners = {
            (left if right == i else right): share for (left, right), share in worth.items() if i in (left, right)
        }
        partner = max(partners, key=lambda other: partners[other]) if partners else None
        found.append(
            FactorEffect(
                i, seen, variances[i] / total if seen else 0.0, best if seen else None, math.expm1(gap), partner
            )
        )
    found.sort(key=lambda effect: -effect.share)
    top = max(worth, key=lambda pair: worth[pair]) if worth else None
    return Effects(tuple(found), (*top, worth[top]) if top else None)


def predictions(
    space: SearchSpace, finished: Sequence[Observation], *, maximize: bool, noise: float, seed: int
) -> tuple[Prediction, ...]:
    """What the model expects of every cell that is not infeasible; empty before the first measured cell."""
    rules = Rules(0.05, maximize, noise, None)
    process = _process(space, finished, rules, seed)
    if process is None:
        return ()
    masked = infeasible_cells(finished, None)
    cells = np.array([cell for cell in range(len(space.cells)) if cell not in masked], dtype=np.int64)
    mean, sd = process.mean_and_sd(cells)
    sign = 1.0 if maximize else -1.0
    ends = np.exp(sign * np.stack([mean, mean - 1.96 * sd, mean + 1.96 * sd]))
    low, high = np.minimum(ends[1], ends[2]), np.maximum(ends[1], ends[2])
    return tuple(
        Prediction(int(cell), float(value), float(below), float(above))
        for cell, value, below, above in zip(cells, ends[0], low, high, strict=True)
    )


def _process(space: SearchSpace, finished: Sequence[Observation], rules: Rules, seed: int) -> Surrogate | None:
    trials = thin(finished, rules, seed)
    if not any(trial.cell != OUTSIDE for trial in trials):
        return None
    seen = np.array([trial.cell for trial in trials], dtype=np.int64)
    y = np.array([rules.score(trial.value) for trial in trials], dtype=np.float64)
    t_s = np.array([trial.t_s for trial in trials], dtype=np.float64)
    return fit(space.factors, level_table(space), seen, y, t_s, rules.noise)


def _main(process: Surrogate, factor: int) -> tuple[Floats, Floats]:
    """Posterior mean and covariance of a factor's main effect, per level; higher is better."""
    kernel = process.hyper.main[factor] ** 2 * process.kernels[factor]
    inside = process.seen != OUTSIDE
    cross = kernel[:, process.levels[np.where(inside, process.seen, 0), factor]] * inside
    covariance: Floats = kernel - cross @ process.precision @ cross.T
    mean: Floats = cross @ process.weights
    return mean, covariance


def _interaction(process: Surrogate, left: int, right: int) -> tuple[Floats, Floats]:
    """Posterior mean and standard deviation of the interaction of two factors, levels x levels."""
    count = len(process.factors) * (len(process.factors) - 1) / 2
    variance = process.hyper.product**2 / count
    inside = process.seen != OUTSIDE
    rows = np.where(inside, process.seen, 0)
    one = process.kernels[left][:, process.levels[rows, left]]
    other = process.kernels[right][:, process.levels[rows, right]]
    cross = variance * (one[:, None, :] * other[None, :, :]).reshape(-1, len(rows)) * inside
    prior = variance * np.outer(process.kernels[left].diagonal(), process.kernels[right].diagonal())
    spread = prior.ravel() - np.einsum("ij,jk,ik->i", cross, process.precision, cross, optimize=True)
    shape = prior.shape
    mean: Floats = (cross @ process.weights).reshape(shape)
    sd: Floats = np.sqrt(np.maximum(spread, 0.0)).reshape(shape)
    return mean, sd


def _residual_variance(process: Surrogate) -> float:
    """The variance over all cells of what the model leaves to single cells."""
    inside = process.seen != OUTSIDE
    sums = np.zeros(len(process.levels))
    np.add.at(sums, process.seen[inside], process.hyper.residual**2 * process.weights[inside])
    return float(np.mean(sums**2))
