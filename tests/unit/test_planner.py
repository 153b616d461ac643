"""The race: its design, its blocks, its stops, and that it is a function of what it is given."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from ingestune_tui.tuning.planner import BASELINE_EVERY_BLOCKS, SURE
from ingestune_tui.tuning.preflight import BLOCK_TRIALS, DESIGN_TRIALS
from ingestune_tui.tuning.search_space import OUTSIDE, Observation, SearchSpace, StopReason
from ingestune_tui.tuning.standing import FEASIBLE_ENOUGH, Rules, stand
from tests.unit.search_values import Study, grid, hill

SPACE = grid(5, 4, 3, unordered=(2,))


def hill_study(space: SearchSpace = SPACE, **options: object) -> Study:
    return Study(space, lambda cell: hill(space, cell), **options)  # type: ignore[arg-type]


def test_the_same_trials_and_seed_give_the_same_plan() -> None:
    one, two = hill_study(), hill_study()
    one.search()
    two.search()
    assert one.plans == two.plans


def test_the_order_in_which_trials_are_handed_over_does_not_matter() -> None:
    study = hill_study()
    study.search()
    expected = study.plan()
    study.finished.reverse()
    assert study.plan() == expected


def test_another_seed_starts_elsewhere() -> None:
    assert hill_study(seed=1).plan().cells != hill_study(seed=2).plan().cells


def test_a_study_killed_after_every_trial_runs_the_same_trials() -> None:
    whole, killed = hill_study(), hill_study()
    whole_stop, killed_stop = whole.search(), killed.search(plan_after_each_trial=True)
    assert killed.searched == whole.searched
    assert killed_stop == whole_stop


def test_the_design_is_24_cells_without_repeats_and_holds_the_baseline() -> None:
    design = hill_study().plan()
    assert design.block == 0
    assert len(set(design.cells)) == len(design.cells) == DESIGN_TRIALS
    assert SPACE.baseline in design.cells


def test_the_design_tries_every_level_of_every_factor() -> None:
    cells = hill_study().plan().cells
    for i, factor in enumerate(SPACE.factors):
        counts = Counter(SPACE.cells[cell][i] for cell in cells)
        assert len(counts) == factor.levels
        assert min(counts.values()) >= 2


def test_the_winner_of_a_clear_hill_is_within_tolerance_of_its_top() -> None:
    study = hill_study()
    stop = study.search()
    assert stop.leader is not None
    assert hill(SPACE, stop.leader) >= max(hill(SPACE, cell) for cell in range(60)) - 0.05


def test_the_winner_was_measured() -> None:
    study = hill_study()
    assert study.search().leader in study.searched


def test_a_search_runs_at_least_36_trials_and_at_most_the_cap() -> None:
    study = hill_study(grid(6, 5, 4), noise=0.03)
    stop = study.search()
    assert stop.stop is StopReason.SURE
    assert 36 <= len(study.searched) < 60
    assert stop.p_leader >= SURE


def test_a_flat_grid_ends_in_a_tie_before_the_cap() -> None:
    space = grid(6, 6, 6)
    ends = [Study(space, lambda cell: 5.0, noise=0.10, seed=seed).search() for seed in range(5)]
    assert sum(stop.stop is StopReason.TIE for stop in ends) >= 3
    assert all("equally good" in stop.message for stop in ends if stop.stop is StopReason.TIE)
    assert {stop.stop for stop in ends} <= {StopReason.TIE, StopReason.CAP}


def test_two_rivals_are_no_tie_of_many() -> None:
    space = grid(6, 6, 6)
    study = Study(space, lambda cell: 6.0 if cell in (7, 200) else 5.0, noise=0.10)
    assert study.search().stop is not StopReason.TIE


def test_a_race_at_ten_percent_noise_never_runs_more_than_half_of_the_cells() -> None:
    space = grid(6, 6, 6)
    for seed in range(3):
        study = Study(space, lambda cell: 5.0, noise=0.10, seed=seed)
        study.search()
        assert len(study.searched) <= len(space.cells) / 2


@pytest.mark.parametrize("baseline", [0, None])
def test_the_baseline_is_measured_again_at_least_every_four_blocks(baseline: int | None) -> None:
    space = grid(5, 4, 3, baseline=baseline)
    study = hill_study(space, noise=0.15)
    study.search()
    blocks = {trial.block for trial in study.finished if trial.cell == space.baseline_cell and trial.block >= 0}
    last = max(trial.block for trial in study.finished)
    assert 0 in blocks
    assert all(blocks & set(range(start, start + BASELINE_EVERY_BLOCKS)) for start in range(last - 2))


def test_blocks_after_the_design_have_six_trials() -> None:
    study = hill_study()
    study.search()
    assert {len(plan.cells) for plan in study.plans[1:-1]} == {BLOCK_TRIALS}


def test_a_budget_of_ten_trials_runs_ten_and_names_a_measured_leader() -> None:
    study = hill_study(trials_left=10)
    stop = study.search()
    assert stop.stop is StopReason.BUDGET
    assert len(study.searched) == 10
    assert stop.leader in study.searched
    assert "budget" in stop.message


def test_no_budget_at_all_stops_without_a_leader_only_where_nothing_was_measured() -> None:
    assert hill_study(trials_left=0).plan().leader == SPACE.baseline
    outside = hill_study(grid(5, 4, 3, baseline=None), trials_left=0).plan()
    assert (outside.stop, outside.leader) == (StopReason.BUDGET, None)


def test_an_infeasible_cell_is_not_tried_again_and_never_leads() -> None:
    top = max(range(60), key=lambda cell: hill(SPACE, cell))
    study = hill_study(broken=frozenset({top, top - 1, top - 2}))
    stop = study.search()
    assert stop.leader is not None
    assert stop.leader not in study.broken
    assert all(study.searched.count(cell) <= 1 for cell in study.broken)


def test_a_cell_that_fails_is_left_out_of_the_rest_of_its_block() -> None:
    study = hill_study(noise=0.10)
    plan = study.plan()
    while len(set(plan.cells)) == len(plan.cells) and plan.stop is None:
        for cell in plan.cells:
            study.run(cell, plan.block)
        plan = study.plan()
    twice, times = Counter(plan.cells).most_common(1)[0]
    assert times > 1
    study.broken = frozenset({twice})
    study.run(twice, plan.block)
    rest = study.plan()
    assert rest.block == plan.block
    assert twice not in rest.cells
    assert Counter(rest.cells) == Counter(cell for cell in plan.cells if cell != twice)


def test_when_every_cell_is_infeasible_the_search_says_so() -> None:
    study = hill_study(grid(5, 4, 3, baseline=None), broken=frozenset(range(60)))
    stop = study.search()
    assert stop.stop is StopReason.NONE_FEASIBLE
    assert stop.leader is None
    assert 36 <= len(set(study.searched)) <= 42
    assert "failed" in stop.message


def test_when_all_but_one_cell_are_infeasible_that_one_leads() -> None:
    study = hill_study(broken=frozenset(range(60)) - {17, SPACE.baseline_cell})
    assert study.search().leader == 17


def test_where_less_is_better_the_smallest_leads() -> None:
    study = hill_study(maximize=False)
    leader = study.search().leader
    assert leader is not None
    assert hill(SPACE, leader) <= hill(SPACE, 0) + 0.05


def test_only_the_target_class_is_searched_and_leads() -> None:
    classes = tuple(cell % 2 for cell in range(60))
    space = grid(5, 4, 3, baseline=2, classes=classes)
    study = hill_study(space)
    stop = study.search()
    assert stop.leader is not None
    assert all(classes[cell] == 0 for cell in (*study.searched, stop.leader))


def test_a_baseline_of_another_class_is_measured_but_never_leads() -> None:
    classes = (1, *(0 for _ in range(59)))
    space = grid(5, 4, 3, baseline=0, classes=classes)
    study = Study(space, lambda cell: 9.0 if cell == 0 else hill(space, cell))
    stop = study.search()
    assert 0 in study.searched
    assert stop.leader != 0


def test_with_a_limit_the_leader_keeps_it() -> None:
    space = grid(6, 5, 4)

    def latency_ms(cell: int) -> float:
        return 5.0 * math.exp(3.0 * (hill(space, cell) - 5.0))

    study = hill_study(space, limit=15.0, latency_ms=latency_ms)
    leader = study.search().leader
    assert leader is not None
    best = max(hill(space, cell) for cell in range(120) if latency_ms(cell) <= 15.0)
    assert latency_ms(leader) <= 15.0
    assert hill(space, leader) >= best - 0.07


def test_a_cell_that_keeps_the_limit_too_seldom_does_not_lead_however_fast() -> None:
    study = hill_study()
    study.search()
    rules = Rules(tolerance=0.05, maximize=True, noise=0.08, limit=None)
    standing = stand(SPACE, study.finished, rules, seed=1, block=99)
    assert standing is not None
    fastest = standing.leader()
    doubtful = np.ones(len(standing.cells))
    doubtful[fastest] = FEASIBLE_ENOUGH - 0.01
    assert replace(standing, feasible=doubtful).leader() != fastest


def test_a_cell_whose_limited_figure_cannot_be_measured_never_leads() -> None:
    top = max(range(60), key=lambda cell: hill(SPACE, cell))
    study = hill_study(limit=100.0, latency_ms=lambda cell: None if cell == top else 5.0)
    assert study.search().leader != top


def test_a_limit_that_nothing_keeps_ends_with_the_likeliest_cell_and_low_certainty() -> None:
    study = hill_study(limit=1.0, latency_ms=lambda cell: 50.0)
    stop = study.search()
    assert stop.stop in (StopReason.CAP, StopReason.NONE_FEASIBLE)
    assert stop.p_leader < 0.05
    assert stop.keeps_limit < 0.05
    assert "no measured configuration keeps the limit with probability 90%" in stop.message


def test_where_no_cell_surely_keeps_the_limit_the_likeliest_leads_however_slow() -> None:
    study = hill_study()
    study.search()
    standing = stand(SPACE, study.finished, Rules(tolerance=0.05, maximize=True, noise=0.08, limit=None), 1, 99)
    assert standing is not None
    slowest = int(standing.measured[np.argmin(standing.mean[standing.measured])])
    doubtful = np.full(len(standing.cells), 0.3)
    doubtful[slowest] = 0.6
    lead = replace(standing, feasible=doubtful).lead()
    assert (lead.cell, lead.keeps_limit) == (int(standing.cells[slowest]), 0.6)
    assert "the likeliest does with 60%" in lead.words(0.05)


@pytest.mark.parametrize("cells", [(1,), (2,), (4, 3), (24,)])
def test_a_small_grid_is_measured_twice_in_shuffled_rounds(cells: tuple[int, ...]) -> None:
    space = grid(*cells)
    study = Study(space, lambda cell: 5.0 + 0.02 * cell)
    stop = study.search()
    assert stop.stop is StopReason.MEASURED
    assert Counter(study.searched) == dict.fromkeys(range(len(space.cells)), 2)
    half = len(space.cells)
    if half > 3:
        assert study.searched[:half] != study.searched[half:]


def test_an_infeasible_cell_of_a_small_grid_is_not_tried_in_the_second_round() -> None:
    study = Study(grid(4, 3), lambda cell: 5.0 + 0.02 * cell, broken=frozenset({11}))
    stop = study.search()
    assert study.searched.count(11) == 1
    assert stop.leader in range(11)


def test_a_small_grid_with_a_baseline_outside_measures_that_too() -> None:
    study = Study(grid(3, 2, baseline=None), lambda cell: 5.0 + 0.1 * cell)
    stop = study.search()
    assert study.searched.count(OUTSIDE) == 2
    assert stop.leader == 5


def test_a_small_grid_killed_after_every_trial_runs_the_same_trials() -> None:
    whole, killed = (Study(grid(4, 3), lambda cell: 5.0 + 0.02 * cell) for _ in range(2))
    whole.search()
    killed.search(plan_after_each_trial=True)
    assert killed.searched == whole.searched


def test_one_cell_is_nothing_to_choose() -> None:
    stop = Study(grid(1, baseline=None), lambda cell: 5.0).search()
    assert stop.leader == 0
    assert "one cell" in stop.message


def test_a_value_that_is_not_above_zero_is_refused() -> None:
    for value in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="above 0"):
            Observation(0, value, 0.0, 0)


def test_a_cell_with_a_level_that_its_factor_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="level"):
        SearchSpace(SPACE.factors, ((0, 0, 7),))
