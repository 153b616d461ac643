"""The Gaussian process: what it learns from a few trials, and that its arithmetic is that of the textbook."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ingestune_tui.tuning.search_space import OUTSIDE, Factor
from ingestune_tui.tuning.surrogate import Floats, Hyper, Indices, Surrogate, draws, fit, prior_median

FACTORS = (Factor("a", 5, True), Factor("b", 3, False), Factor("c", 4, True))
LEVELS: Indices = np.array(list(itertools.product(range(5), range(3), range(4))), dtype=np.int64)


def truth() -> Floats:
    values: Floats = 0.1 * LEVELS[:, 0] + np.array([0.0, 0.3, -0.2])[LEVELS[:, 1]]
    return values


def times(count: int) -> Floats:
    """A trial every 18 seconds."""
    return np.arange(count, dtype=np.float64) * 18.0


def trials(count: int, noise: float, seed: int = 0) -> tuple[Indices, Floats, Floats]:
    rng = np.random.default_rng(seed)
    seen = rng.integers(len(LEVELS), size=count)
    return seen, truth()[seen] + noise * rng.standard_normal(count), times(count)


def test_it_predicts_cells_that_nobody_measured() -> None:
    seen, y, t_s = trials(40, 0.05)
    process = fit(FACTORS, LEVELS, seen, y, t_s, 0.05)
    fresh = np.setdiff1d(np.arange(len(LEVELS)), seen)
    error = process.mean(fresh) - truth()[fresh]
    assert float(np.sqrt(np.mean(error**2))) < 0.05


def test_its_uncertainty_is_of_the_size_of_its_errors() -> None:
    scores = []
    for seed in range(20):
        seen, y, t_s = trials(40, 0.08, seed)
        process = fit(FACTORS, LEVELS, seen, y, t_s, 0.08)
        cells = np.arange(len(LEVELS))
        mean, covariance = process.posterior(cells)
        gap = (mean - mean.mean()) - (truth() - truth().mean())
        scores.append(float(np.mean(gap**2 / covariance.diagonal())))
    assert 0.2 < np.mean(scores) < 1.5


def test_noise_is_told_from_effects() -> None:
    rng = np.random.default_rng(4)
    seen = rng.integers(len(LEVELS), size=150)
    y = truth()[seen] + 0.15 * rng.standard_normal(150)
    process = fit(FACTORS, LEVELS, seen, y, times(150), 0.08)
    assert 0.11 < process.hyper.noise < 0.18


def test_a_slow_drift_is_not_taken_for_an_effect() -> None:
    rng = np.random.default_rng(5)
    t_s = times(120)
    seen = np.sort(rng.integers(len(LEVELS), size=120))
    drift = 0.25 * np.sin(t_s / 400.0)
    y = truth()[seen] + drift + 0.03 * rng.standard_normal(120)
    process = fit(FACTORS, LEVELS, rng.permutation(seen), y, t_s, 0.05)
    assert process.hyper.drift > 0.05


def test_a_baseline_outside_shares_drift_but_not_its_level() -> None:
    seen, y, t_s = trials(40, 0.05)
    with_outside = np.concatenate([seen, [OUTSIDE] * 4])
    hyper = prior_median(FACTORS, 0.05)
    alone = Surrogate(FACTORS, LEVELS, seen, y, t_s, hyper)
    later = np.concatenate([t_s, 1e6 + 1e5 * np.arange(4)])
    beside = Surrogate(FACTORS, LEVELS, with_outside, np.concatenate([y, [9.0] * 4]), later, hyper)
    cells = np.arange(len(LEVELS))
    assert beside.mean(cells) == pytest.approx(alone.mean(cells), abs=1e-6)


def test_the_posterior_is_the_one_of_the_textbook() -> None:
    seen, y, t_s = trials(12, 0.05)
    hyper = Hyper((0.2, 0.1, 0.3), 1.5, 0.1, 0.04, 0.05, 1e-9)
    process = Surrogate(FACTORS, LEVELS, seen, y, t_s, hyper)
    cells = np.arange(len(LEVELS))
    prior = process.prior(cells, cells)
    data = prior[np.ix_(seen, seen)] + 0.05**2 * np.eye(12)
    mean = y.mean() + prior[:, seen] @ np.linalg.solve(data, y - y.mean())
    spread = prior.diagonal() - np.einsum("ij,ji->i", prior[:, seen], np.linalg.solve(data, prior[seen]))
    found, sd = process.mean_and_sd(cells)
    assert found == pytest.approx(mean, abs=1e-8)
    assert sd**2 / 1.3 == pytest.approx(spread, abs=1e-8)
    assert process.posterior(cells)[1].diagonal() / 1.3 == pytest.approx(spread, abs=1e-8)


def test_effects_of_the_prior_average_to_nothing_over_the_levels() -> None:
    process = Surrogate(FACTORS, LEVELS, np.zeros(0, np.int64), np.zeros(0), np.zeros(0), prior_median(FACTORS, 0.1))
    for kernel in process.kernels:
        assert kernel.sum(axis=0) == pytest.approx(np.zeros(len(kernel)), abs=1e-12)
        assert np.trace(kernel) == pytest.approx(len(kernel))


def test_draws_have_the_mean_and_covariance_they_are_drawn_from() -> None:
    mean = np.array([1.0, 2.0, 3.0])
    covariance = np.array([[0.4, 0.2, 0.0], [0.2, 0.3, 0.1], [0.0, 0.1, 0.5]])
    drawn = draws(mean, covariance, 40_000, np.random.default_rng(1))
    assert drawn.mean(axis=0) == pytest.approx(mean, abs=0.02)
    assert np.cov(drawn.T) == pytest.approx(covariance, abs=0.02)


def test_draws_from_a_singular_covariance_do_not_fail() -> None:
    covariance = np.ones((4, 4))
    drawn = draws(np.zeros(4), covariance, 100, np.random.default_rng(1))
    assert np.ptp(drawn, axis=1).max() < 0.1


def test_equal_values_and_a_single_trial_are_no_trouble() -> None:
    for count in (1, 2, 3, 30):
        seen = np.arange(count) % len(LEVELS)
        process = fit(FACTORS, LEVELS, seen, np.full(count, 4.0), times(count), 0.08)
        assert process.mean(np.arange(60)) == pytest.approx(np.full(60, 4.0), abs=1e-6)


def test_a_factor_with_one_level_changes_nothing() -> None:
    seen, y, t_s = trials(20, 0.05)
    one_more = np.hstack([LEVELS, np.zeros((len(LEVELS), 1), dtype=np.int64)])
    process = fit((*FACTORS, Factor("d", 1, True)), one_more, seen, y, t_s, 0.05)
    assert np.isfinite(process.mean(np.arange(60))).all()
