"""Noise, throw-aways, the unstable-machine rule and the cap."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from ingestune_tui.tuning.preflight import another_throwaway, cap_trials, noise_of, preflight


def test_a_spread_of_thirty_percent_is_an_unstable_machine() -> None:
    look = preflight([85.0, 100.0, 100.0, 115.0])
    assert look.spread == pytest.approx(0.30)
    assert look.unstable
    assert "unstable machine" in look.message


def test_a_quiet_machine_is_not_unstable() -> None:
    look = preflight([98.0, 100.0, 101.0, 102.0])
    assert not look.unstable
    assert look.noise < 0.08


def test_noise_is_found_from_many_trials_and_only_guessed_from_few() -> None:
    rng = random.Random(3)
    many = [math.exp(rng.gauss(0, 0.2)) for _ in range(400)]
    assert noise_of(many) == pytest.approx(0.2, rel=0.1)
    assert noise_of([100.0]) == pytest.approx(0.08)
    assert 0.03 < noise_of([100.0] * 4) < 0.08


def test_noise_of_four_trials_is_seldom_absurd() -> None:
    rng = random.Random(5)
    guesses = [noise_of([math.exp(rng.gauss(0, 0.1)) for _ in range(4)]) for _ in range(500)]
    assert statistics.median(guesses) == pytest.approx(0.09, abs=0.02)
    assert min(guesses) > 0.04


def test_one_trial_says_nothing_about_noise() -> None:
    with pytest.raises(ValueError, match="at least two"):
        preflight([100.0])


@pytest.mark.parametrize(
    ("cells", "noise", "cap"),
    [
        *((216, 0.0, 72), (216, 0.05, 72), (216, 0.08, 108), (216, 0.1, 108), (216, 0.12, 108), (216, 0.16, 162)),
        *((216, 0.2, 216), (216, 0.9, 216), (108, 0.1, 72), (60, 0.1, 72), (30, 0.1, 60)),
    ],
)
def test_the_cap_grows_with_the_noise_from_a_third_of_the_cells_to_all(cells: int, noise: float, cap: int) -> None:
    assert cap_trials(cells, noise) == cap


@pytest.mark.parametrize(
    ("rates", "fresh", "another"),
    [
        ([], True, True),
        ([], False, True),
        ([200.0], False, False),
        ([200.0], True, True),
        ([200.0, 300.0], True, True),
        ([200.0, 300.0, 310.0], True, False),
        ([200.0, 150.0], True, False),
        ([100.0, 200.0, 300.0, 400.0], True, False),
    ],
)
def test_brokers_just_started_are_thrown_trials_until_they_get_no_faster(
    rates: list[float], fresh: bool, another: bool
) -> None:
    assert another_throwaway(rates, fresh=fresh) is another
