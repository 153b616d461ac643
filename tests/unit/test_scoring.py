"""The ranking: scores, intervals, ties, classes, limits, predictions."""

from __future__ import annotations

import math
import random
import time

import pytest

from ingestune_tui.tuning.scoring import Prediction, pooled_noise, ranking
from ingestune_tui.tuning.search_space import OUTSIDE, Observation
from tests.unit.search_values import grid


def trial(cell: int, value: float, t_s: float = 0.0, **more: object) -> Observation:
    return Observation(cell, value, t_s, 0, **more)  # type: ignore[arg-type]


def test_cells_are_ranked_by_their_geometric_mean() -> None:
    finished = [trial(0, 100.0), trial(1, 150.0), trial(1, 600.0), trial(2, 200.0)]
    rows = ranking(grid(3), finished, maximize=True, noise=0.05)
    assert [(row.cell, row.rank) for row in rows] == [(1, 1), (2, 2), (0, 3)]
    assert rows[0].value == pytest.approx(300.0)
    assert rows[0].trials == 2


def test_where_less_is_better_the_smallest_is_first() -> None:
    rows = ranking(grid(3), [trial(0, 5.0), trial(1, 3.0), trial(2, 9.0)], maximize=False, noise=0.05)
    assert [row.cell for row in rows] == [1, 0, 2]


def test_a_row_is_tied_when_noise_explains_the_gap_to_the_row_above() -> None:
    finished = [trial(0, 100.0), trial(0, 101.0), trial(1, 97.0), trial(1, 98.0), trial(2, 50.0), trial(2, 51.0)]
    rows = ranking(grid(3), finished, maximize=True, noise=0.02)
    assert [row.tied for row in rows] == [False, True, False]


def test_more_trials_make_a_narrower_interval() -> None:
    finished = [trial(0, 100.0), *(trial(1, 90.0 + i) for i in range(8))]
    once, often = ranking(grid(2), finished, maximize=True, noise=0.05)
    assert once.half_width is not None
    assert often.half_width is not None
    assert once.half_width > 2 * often.half_width
    assert once.low is not None
    assert once.high is not None
    assert once.low < 100.0 < once.high


def test_intervals_of_cells_measured_once_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = random.Random(2)
    held: list[bool] = []
    for _ in range(60):
        finished = [trial(cell, math.exp(rng.gauss(5.0, 0.1))) for cell in [*range(20), *range(10), *range(5)]]
        rows = ranking(grid(20), finished, maximize=True, noise=0.1)
        held.extend((row.low or 9e9) <= math.exp(5.0) <= (row.high or 0.0) for row in rows)
    assert 0.92 <= sum(held) / len(held) <= 0.98


def test_noise_is_pooled_over_repeated_cells_and_guessed_without_any() -> None:
    rng = random.Random(1)
    finished = [trial(cell, math.exp(cell + rng.gauss(0, 0.2))) for cell in range(30) for _ in range(4)]
    assert pooled_noise(finished, guess=0.05).sd == pytest.approx(0.2, rel=0.15)
    assert pooled_noise([trial(0, 1.0), trial(1, 9.0)], guess=0.07).sd == pytest.approx(0.07)


def test_classes_are_ranked_apart_and_the_stronger_comes_first() -> None:
    space = grid(4, classes=(0, 1, 0, 1))
    rows = ranking(space, [trial(cell, 100.0 + cell) for cell in range(4)], maximize=True, noise=0.01)
    assert [(row.cell, row.durability, row.rank) for row in rows] == [(3, 1, 1), (1, 1, 2), (2, 0, 1), (0, 0, 2)]
    assert not rows[2].tied


def test_infeasible_cells_stand_last_without_a_figure() -> None:
    rows = ranking(grid(2), [trial(1, 1.0, infeasible=True), trial(0, 10.0)], maximize=True, noise=0.1)
    assert rows[-1].infeasible
    assert (rows[-1].cell, rows[-1].value, rows[-1].rank) == (1, None, None)


def test_cells_that_break_the_limit_stand_behind_those_that_keep_it() -> None:
    finished = [trial(0, 900.0, limit_value=50.0), trial(1, 100.0, limit_value=5.0)]
    first, second = ranking(grid(2), finished, maximize=True, noise=0.1, limit=20.0)
    assert (first.cell, first.rank, first.keeps_limit) == (1, 1, True)
    assert (second.cell, second.rank, second.keeps_limit) == (0, None, False)


def test_a_row_without_the_limited_figure_does_not_keep_the_limit() -> None:
    (row,) = ranking(grid(2), [trial(OUTSIDE, 900.0)], maximize=True, noise=0.1, limit=20.0)
    assert (row.cell, row.keeps_limit) == (OUTSIDE, False)


def test_predictions_fill_in_for_cells_never_measured_and_are_flagged() -> None:
    guesses = [Prediction(0, 500.0, 400.0, 600.0), Prediction(1, 300.0, 200.0, 400.0)]
    rows = ranking(grid(3), [trial(0, 100.0)], maximize=True, noise=0.1, predictions=guesses)
    assert [(row.cell, row.predicted, row.value, row.rank) for row in rows][1:] == [(1, True, 300.0, None)]
    assert not rows[0].predicted
    assert rows[0].value == pytest.approx(100.0)


def test_a_baseline_outside_stands_in_its_place_without_a_rank() -> None:
    finished = [trial(OUTSIDE, 100.0), trial(0, 150.0), trial(1, 50.0)]
    rows = ranking(grid(2, baseline=None), finished, maximize=True, noise=0.01)
    assert [(row.cell, row.rank) for row in rows] == [(0, 1), (OUTSIDE, None), (1, 2)]


def test_nothing_measured_is_an_empty_ranking() -> None:
    assert ranking(grid(3), [], maximize=True, noise=0.1) == ()


def test_five_thousand_trials_are_ranked_in_a_moment() -> None:
    space = grid(10, 10, 5, 5, 2)
    finished = [trial(cell, 100.0 + cell % 97) for cell in range(5000)]
    spent = []
    for _ in range(3):
        started = time.process_time()
        ranking(space, finished, maximize=True, noise=0.1)
        spent.append(time.process_time() - started)
    assert min(spent) < 1  # of CPU; about 0.06 are usual, and a look at each pair would take a minute
