"""The simulator's promises on fewer runs than its table: near the best, honest intervals, no false claims."""

from __future__ import annotations

import pytest

from ingestune_tui.tuning.confirm import VerdictKind
from tests.bench.simulate_search import SCENARIOS, Scenario, Summary, row, simulate, summarize


def scenario(name: str, noise: float = 0.10) -> Scenario:
    return next(each for each in SCENARIOS if (each.name, each.noise) == (name, noise))


def summary(name: str, runs: int, noise: float = 0.10) -> Summary:
    case = scenario(name, noise)
    return summarize(case, [simulate(case, 4_000_000 + i) for i in range(runs)])


def test_the_same_seed_is_the_same_study() -> None:
    one, two = (simulate(scenario("smooth"), 77) for _ in range(2))
    assert (one.loss, one.trials, one.kind) == (two.loss, two.trials, two.kind)


def test_a_gain_that_is_there_is_found_and_claimed() -> None:
    runs = [simulate(scenario("smooth", 0.05), 4_000_000 + i) for i in range(6)]
    assert all(run.loss <= 0.10 for run in runs)
    assert sum(run.kind is VerdictKind.FASTER for run in runs) >= 4


@pytest.mark.parametrize("name", ["A/A", "A/A, strong drift"])
def test_a_configuration_against_itself_is_seldom_faster_and_its_interval_honest(name: str) -> None:
    result = summary(name, 1000)
    assert result.faster <= 0.05
    assert 0.92 <= result.coverage <= 0.97


def test_a_row_of_the_table_says_what_was_seen() -> None:
    text = row(summary("A/A", 20))
    assert text.startswith("| A/A | 10% | 3% | - | - |")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["smooth", "plateau", "rugged"])
def test_the_winner_is_near_the_best_with_two_thirds_of_the_trials(name: str) -> None:
    result = summary(name, 24)
    assert result.near_best >= 0.875
    assert result.trials_share <= 0.65
    assert result.coverage >= 0.85


@pytest.mark.slow
def test_a_grid_where_nothing_matters_is_seldom_called_faster() -> None:
    assert summary("null grid", 24).faster <= 0.10
