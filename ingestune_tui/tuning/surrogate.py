"""A Gaussian process over the cells of a grid: what the finished trials say about every cell, and how surely.

y = ln(objective) = constant + a main effect per factor + one variance for all two-way products + a residual per cell
+ noise + an Ornstein-Uhlenbeck drift in time (Rasmussen & Williams, Gaussian Processes for Machine Learning, 2006,
algorithms 2.1 and 5.1). Pure; the only room with numpy, so the engine imports it and its callers lazily.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingestune_tui.tuning.search_space import OUTSIDE, Factor

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

DRIFT_TAU_S = 600.0
"""How long the cluster's slow drift remembers itself."""
_CONSTANT_VARIANCE = 1.0
_ROWS_AT_ONCE = 64
"""Rows of a covariance made in one go, so that what they are made of stays in the processor's cache."""
_CELLS_AT_ONCE = 512
"""Cells whose covariances with the trials are held in memory together."""
_FIT_AT_MOST = 160
"""Trials that the hyper-parameters are fitted to; more change them little and cost cubically."""
_MODE_INFLATION = 1.3
"""What the posterior variance lacks because hyper-parameters are taken at their mode; measured with the simulator."""
_RESIDUAL = 2
"""Where ln(residual) stands in `Hyper.logs`."""
_RESIDUAL_LOGS = tuple(math.log(0.01) + 0.4 * step for step in range(9))
"""Where the residual's posterior is summed: 1 % to 25 %. Its mode alone would claim to know it is small."""
_STEPS = (1.0, 0.5, 0.5, 0.25)
"""Step of each coordinate sweep, in log standard deviations of the prior."""


@dataclass(frozen=True, slots=True)
class Hyper:
    """The hyper-parameters: standard deviations of ln(objective), and a length in levels."""

    main: tuple[float, ...]
    """Per factor, of its main effect."""
    length: float
    """Over how many levels of an ordered factor the objective stays alike."""
    product: float
    """Of all two-way products together."""
    residual: float
    """Of what is left to each cell alone."""
    noise: float
    """Of one trial around its cell."""
    drift: float
    """Of the cluster around its long-run speed."""

    def logs(self) -> list[float]:
        """The natural logarithms, in a fixed order: the coordinates that the fit searches."""
        values = (self.length, self.product, self.residual, self.noise, self.drift, *self.main)
        return [math.log(value) for value in values]

    @staticmethod
    def from_logs(logs: Sequence[float]) -> Hyper:
        """The inverse of `logs`."""
        length, product, residual, noise, drift, *main = (math.exp(value) for value in logs)
        return Hyper(tuple(main), length, product, residual, noise, drift)


def prior_median(factors: Sequence[Factor], noise: float) -> Hyper:
    """The median of the log-normal priors; `noise` is the preflight's relative noise."""
    return Hyper((0.15,) * len(factors), 2.0, 0.08, 0.03, min(max(noise, 0.01), 1.0), 0.03)


_PRIOR_LOG_SD = (1.0, 1.0, 1.8, 0.5, 1.0)
_PRIOR_LOG_SD_MAIN = 1.2


def _level_kernel(factor: Factor, length: float) -> Floats:
    """levels x levels, centred and of mean variance 1: an effect over the levels that averages to nothing.

    RBF on the level index where levels are ordered, same or different where not. Uncentred, the products would
    hold main effects of their own and their variance could not be told from that of the mains.
    """
    if not factor.ordered:
        raw = np.eye(factor.levels)
    else:
        index = np.arange(factor.levels, dtype=np.float64)
        raw = np.exp(-0.5 * ((index[:, None] - index[None, :]) / length) ** 2)
    centred = raw - raw.mean(axis=0) - raw.mean(axis=1)[:, None] + raw.mean()
    spread = float(np.trace(centred)) / factor.levels
    kernel: Floats = centred / spread if spread > 1e-12 else np.zeros_like(raw)
    return kernel


def _products(mains: Sequence[Floats]) -> Floats:
    """The mean of all two-way products of the main-effect kernels; zero where there are fewer than two factors."""
    total = np.zeros_like(mains[0])
    squares = np.zeros_like(mains[0])
    for main in mains:
        total += main
        squares += main * main
    total *= total
    total -= squares
    total /= max(len(mains) * (len(mains) - 1), 1)
    return total


class _Parts:
    """The covariance of the trials, taken apart, so that a change of one hyper-parameter re-weighs it cheaply."""

    def __init__(self, factors: Sequence[Factor], levels: Indices, seen: Indices, t_s: Floats) -> None:
        self._factors = factors
        inside = seen != OUTSIDE
        self._both = np.logical_and.outer(inside, inside).astype(np.float64)
        self._rows = levels[np.where(inside, seen, 0)]
        self._constant = _CONSTANT_VARIANCE * np.equal.outer(inside, inside)
        self._same = np.equal.outer(seen, seen) * self._both
        self._drift = np.exp(-np.abs(t_s[:, None] - t_s[None, :]) / DRIFT_TAU_S)
        self._eye = np.eye(len(seen))
        self._length = -1.0
        self._mains: list[Floats] = []
        self._product = self._eye

    def covariance(self, hyper: Hyper) -> Floats:
        """The n x n prior covariance of the trials."""
        if hyper.length != self._length:
            self._length = hyper.length
            self._mains = [
                _level_kernel(factor, hyper.length)[self._rows[:, None, i], self._rows[None, :, i]] * self._both
                for i, factor in enumerate(self._factors)
            ]
            self._product = _products(self._mains) if self._mains else np.zeros_like(self._eye)
        total: Floats = self._constant + hyper.product**2 * self._product + hyper.residual**2 * self._same
        total += hyper.noise**2 * self._eye
        total += hyper.drift**2 * self._drift
        for sd, main in zip(hyper.main, self._mains, strict=True):
            total += sd**2 * main
        return total


def _log_likelihood(covariance: Floats, y: Floats) -> float:
    """ln p(y) up to a constant. Appending y as a last row makes the Cholesky factor hold its whitened form."""
    n = len(y)
    extended = np.empty((n + 1, n + 1))
    extended[:n, :n] = covariance
    extended[n, :n] = extended[:n, n] = y
    smallest = float(covariance.diagonal().min()) * 1e-6
    extended[n, n] = float(y @ y) / smallest + 1.0
    try:
        factor = np.linalg.cholesky(extended)
    except np.linalg.LinAlgError:
        return -math.inf
    whitened = factor[n, :n]
    return float(-0.5 * (whitened @ whitened) - np.log(factor.diagonal()[:n]).sum())


def _fit_hyper(
    factors: Sequence[Factor], levels: Indices, seen: Indices, y: Floats, t_s: Floats, noise: float
) -> Hyper:
    """The most probable hyper-parameters, by coordinate search from the prior median."""
    parts = _Parts(factors, levels, seen, t_s)
    centre = prior_median(factors, noise).logs()
    widths = (*_PRIOR_LOG_SD, *(_PRIOR_LOG_SD_MAIN,) * len(factors))

    def score(logs: list[float]) -> float:
        prior = sum(((log - mid) / width) ** 2 for log, mid, width in zip(logs, centre, widths, strict=True))
        return _log_likelihood(parts.covariance(Hyper.from_logs(logs)), y) - 0.5 * prior

    best, best_score = list(centre), score(centre)
    for step in _STEPS:
        for coordinate in range(len(centre)):
            for direction in (step, -step):
                trial = list(best)
                trial[coordinate] += direction * widths[coordinate]
                trial_score = score(trial)
                if trial_score > best_score:
                    best, best_score = trial, trial_score
                    break

    def with_residual(log_sd: float) -> list[float]:
        return [*best[:_RESIDUAL], log_sd, *best[_RESIDUAL + 1 :]]

    scores = np.array([score(with_residual(log_sd)) for log_sd in _RESIDUAL_LOGS])
    shares = np.exp(scores - scores.max())
    mean_variance = float(shares @ np.exp(2.0 * np.array(_RESIDUAL_LOGS)) / shares.sum())
    return Hyper.from_logs(with_residual(0.5 * math.log(mean_variance)))


class Surrogate:
    """The fitted process. Cells are named by their row in `levels`; OUTSIDE shares only drift and noise with them."""

    def __init__(
        self,
        factors: Sequence[Factor],
        levels: Indices,
        seen: Indices,
        y: Floats,
        t_s: Floats,
        hyper: Hyper,
    ) -> None:
        """Conditions on `y` (n values of ln(objective)) of the cells `seen` at the times `t_s`, given `hyper`."""
        self.factors = tuple(factors)
        self.levels = levels
        self.seen = seen
        self.hyper = hyper
        self.kernels = tuple(_level_kernel(factor, hyper.length) for factor in factors)
        inside = seen[seen != OUTSIDE]
        self.centre = float(np.mean(y[seen != OUTSIDE])) if len(inside) else (float(np.mean(y)) if len(y) else 0.0)
        covariance = _Parts(factors, levels, seen, t_s).covariance(hyper)
        precision = np.linalg.inv(covariance) if len(seen) else np.zeros((0, 0))
        self.precision: Floats = np.asarray(precision, dtype=np.float64)
        self.weights: Floats = self.precision @ (y - self.centre)

    def prior(self, left: Indices, right: Indices) -> Floats:
        """Prior covariance of cells `left` with cells `right`, both inside the grid."""
        total: Floats = np.empty((len(left), len(right)))
        for start in range(0, len(left), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            total[rows] = self._prior_rows(left[rows], right)
        return total

    def _prior_rows(self, left: Indices, right: Indices) -> Floats:
        total: Floats = self.hyper.residual**2 * np.equal.outer(left, right) + _CONSTANT_VARIANCE
        mains = [kernel[self.levels[left, i]][:, self.levels[right, i]] for i, kernel in enumerate(self.kernels)]
        if mains:
            total += self.hyper.product**2 * _products(mains)
            for sd, main in zip(self.hyper.main, mains, strict=True):
                total += sd**2 * main
        return total

    def to_trials(self, cells: Indices) -> Floats:
        """Prior covariance of `cells` with the finished trials: a row per cell, a column per trial."""
        inside = self.seen != OUTSIDE
        cross = self.prior(cells, np.where(inside, self.seen, 0))
        cross *= inside
        return cross

    def mean(self, cells: Indices) -> Floats:
        """Posterior mean of ln(objective) at `cells`, without drift or noise."""
        at_once = range(0, len(cells), _CELLS_AT_ONCE)
        parts = [self.to_trials(cells[at : at + _CELLS_AT_ONCE]) @ self.weights for at in at_once]
        mean: Floats = self.centre + np.concatenate([*parts, np.zeros(0)])
        return mean

    def mean_and_sd(self, cells: Indices) -> tuple[Floats, Floats]:
        """Posterior mean and standard deviation of ln(objective) at each of `cells`, without drift or noise."""
        parts = [self._mean_and_sd(cells[at : at + _CELLS_AT_ONCE]) for at in range(0, len(cells), _CELLS_AT_ONCE)]
        means, sds = zip(*parts, strict=True) if parts else ((), ())
        return np.concatenate([*means, np.zeros(0)]), np.concatenate([*sds, np.zeros(0)])

    def _mean_and_sd(self, cells: Indices) -> tuple[Floats, Floats]:
        cross = self.to_trials(cells)
        own = _CONSTANT_VARIANCE + self.hyper.residual**2
        diagonals = [kernel.diagonal()[self.levels[cells, i]] for i, kernel in enumerate(self.kernels)]
        variance: Floats = np.full(len(cells), own)
        if diagonals:
            variance += self.hyper.product**2 * _products(diagonals)
        for sd, diagonal in zip(self.hyper.main, diagonals, strict=True):
            variance += sd**2 * diagonal
        known = cross @ self.precision
        known *= cross
        variance -= known.sum(axis=1)
        mean: Floats = self.centre + cross @ self.weights
        return mean, np.sqrt(_MODE_INFLATION * np.maximum(variance, 0.0))

    def posterior(self, cells: Indices) -> tuple[Floats, Floats]:
        """Posterior mean and covariance of ln(objective) at `cells`, without drift or noise."""
        cross = self.to_trials(cells)
        covariance: Floats = self.prior(cells, cells)
        covariance -= (cross @ self.precision) @ cross.T
        covariance *= _MODE_INFLATION
        mean: Floats = self.centre + cross @ self.weights
        return mean, covariance


def fit(factors: Sequence[Factor], levels: Indices, seen: Indices, y: Floats, t_s: Floats, noise: float) -> Surrogate:
    """The process with its most probable hyper-parameters.

    `levels` is cells x factors, `seen` the cell of each of n trials (or OUTSIDE), `y` their ln(objective), `t_s` their
    times in seconds, `noise` the relative noise expected of one trial.
    """
    some = np.unique(np.linspace(0, len(seen) - 1, min(len(seen), _FIT_AT_MOST)).round().astype(np.int64))
    inside = seen[some] != OUTSIDE
    centred = y[some].copy()
    for side in (inside, ~inside):
        if side.any():
            centred[side] -= centred[side].mean()
    hyper = (
        _fit_hyper(factors, levels, seen[some], centred, t_s[some], noise)
        if len(some) >= 3
        else prior_median(factors, noise)
    )
    return Surrogate(factors, levels, seen, y, t_s, hyper)


def draws(mean: Floats, covariance: Floats, count: int, rng: np.random.Generator) -> Floats:
    """count x cells draws of a multivariate normal."""
    diagonal = covariance.diagonal().copy()
    jitter = 1e-9 * max(float(diagonal.max()), 1e-6)
    try:
        for _ in range(8):
            np.fill_diagonal(covariance, diagonal + jitter)  # in its place: a copy of a large one would be felt
            try:
                factor = np.linalg.cholesky(covariance)
                break
            except np.linalg.LinAlgError:
                jitter *= 10.0
        else:
            factor = np.diag(np.sqrt(np.maximum(diagonal, 0.0)))
    finally:
        np.fill_diagonal(covariance, diagonal)
    return mean + rng.standard_normal((count, len(mean))) @ factor.T
