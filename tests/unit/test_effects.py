"""Which parameter mattered, and when none did."""

from __future__ import annotations

import numpy as np
import pytest

from ingestune_tui.tuning.effects import effects, predictions
from ingestune_tui.tuning.search_space import OUTSIDE, Observation, SearchSpace
from tests.unit.search_values import grid

SPACE = grid(4, 3, 3, unordered=(1,))


def measured(space: SearchSpace, values: dict[int, float], noise: float, seed: int = 0) -> list[Observation]:
    """Two trials of every cell, shuffled, with noise."""
    rng = np.random.default_rng(seed)
    order = rng.permutation([*values, *values])
    return [
        Observation(int(cell), float(np.exp(values[int(cell)] + noise * rng.standard_normal())), 18.0 * i, i // 6)
        for i, cell in enumerate(order)
    ]


def surface(first: float, second: float, both: float = 0.0) -> dict[int, float]:
    """Log values: a slope over the first factor, a codec in the second, and a part that needs both."""
    return {
        i: first * a / 3 + second * (b == 1) + both * (a == 3) * (b == 2) for i, (a, b, _) in enumerate(SPACE.cells)
    }


def test_shares_follow_the_variance_each_parameter_explains() -> None:
    found = effects(SPACE, measured(SPACE, surface(0.6, 0.3), 0.03), maximize=True, noise=0.05, seed=1)
    assert [effect.factor for effect in found.factors[:2]] == [0, 1]
    first = 0.6**2 * (14 / 36 - 1 / 4)
    second = 0.3**2 * 2 / 9
    assert found.factors[0].share == pytest.approx(first / (first + second), abs=0.08)
    assert found.factors[1].share == pytest.approx(second / (first + second), abs=0.08)


def test_the_best_level_is_named_and_its_gain() -> None:
    found = effects(SPACE, measured(SPACE, surface(0.6, 0.3), 0.03), maximize=True, noise=0.05, seed=1)
    best = {effect.factor: effect.best_level for effect in found.factors}
    gain = {effect.factor: effect.gain for effect in found.factors}
    assert best[0] == 3
    assert best[1] == 1
    assert gain[1] == pytest.approx(np.expm1(0.3), abs=0.06)


def test_for_latency_the_best_level_is_the_smallest() -> None:
    found = effects(SPACE, measured(SPACE, surface(0.6, 0.3), 0.03), maximize=False, noise=0.05, seed=1)
    assert {effect.factor: effect.best_level for effect in found.factors}[0] == 0


def test_a_parameter_that_does_nothing_has_no_effect_seen() -> None:
    found = effects(SPACE, measured(SPACE, surface(0.6, 0.3), 0.03), maximize=True, noise=0.05, seed=1)
    idle = next(effect for effect in found.factors if effect.factor == 2)
    assert not idle.seen
    assert (idle.share, idle.best_level) == (0.0, None)


def test_on_a_grid_where_nothing_matters_nothing_is_seen() -> None:
    flat = dict.fromkeys(range(36), 5.0)
    found = [effects(SPACE, measured(SPACE, flat, 0.1, seed), maximize=True, noise=0.1, seed=1) for seed in range(40)]
    assert sum(any(effect.seen for effect in each.factors) for each in found) <= 4
    assert sum(each.strongest_interaction is not None for each in found) <= 4


def test_the_strongest_interaction_is_named_with_both_sides() -> None:
    found = effects(SPACE, measured(SPACE, surface(0.1, 0.1, both=0.8), 0.03), maximize=True, noise=0.05, seed=1)
    assert found.strongest_interaction is not None
    assert found.strongest_interaction[:2] == (0, 1)
    partners = {effect.factor: effect.interacts_with for effect in found.factors}
    assert (partners[0], partners[1], partners[2]) == (1, 0, None)


def test_without_an_interaction_none_is_claimed() -> None:
    found = effects(SPACE, measured(SPACE, surface(0.6, 0.3), 0.05), maximize=True, noise=0.05, seed=1)
    assert found.strongest_interaction is None


def test_shares_never_exceed_the_whole() -> None:
    found = effects(SPACE, measured(SPACE, surface(0.5, 0.4, 0.3), 0.05), maximize=True, noise=0.05, seed=1)
    assert 0.5 < sum(effect.share for effect in found.factors) <= 1.0


def test_before_any_cell_is_measured_there_is_no_effect_and_no_prediction() -> None:
    outside = [Observation(OUTSIDE, 100.0, 18.0 * i, -1) for i in range(4)]
    space = grid(4, 3, baseline=None)
    found = effects(space, outside, maximize=True, noise=0.1, seed=1)
    assert not any(effect.seen for effect in found.factors)
    assert predictions(space, outside, maximize=True, noise=0.1, seed=1) == ()


@pytest.mark.parametrize("maximize", [True, False])
def test_predictions_hold_the_truth_in_their_intervals(maximize: bool) -> None:
    values = surface(0.6, 0.3)
    some = [trial for trial in measured(SPACE, values, 0.03) if trial.cell % 3]
    guesses = predictions(SPACE, some, maximize=maximize, noise=0.05, seed=1)
    assert len(guesses) == len(SPACE.cells)
    held = [guess.low <= np.exp(values[guess.cell]) <= guess.high for guess in guesses]
    assert np.mean(held) >= 0.9
    assert all(guess.low <= guess.value <= guess.high for guess in guesses)


def test_infeasible_cells_are_not_predicted() -> None:
    finished = [*measured(SPACE, surface(0.6, 0.3), 0.03), Observation(7, 1.0, 9999.0, 9, infeasible=True)]
    assert 7 not in {guess.cell for guess in predictions(SPACE, finished, maximize=True, noise=0.05, seed=1)}
