"""Every cell in shuffled rounds, with the model's leader."""

from __future__ import annotations

from collections import Counter

from ingestune_tui.tuning.exhaustive import plan_exhaustive
from ingestune_tui.tuning.search_space import StopReason
from tests.unit.search_values import Study, grid, hill

SPACE = grid(5, 4, 3)


def study(**options: object) -> Study:
    return Study(SPACE, lambda cell: hill(SPACE, cell), planner=plan_exhaustive, **options)  # type: ignore[arg-type]


def test_every_cell_is_measured_once_and_the_baseline_once_in_each_block() -> None:
    run = study()
    stop = run.search()
    assert stop.stop is StopReason.MEASURED
    counts = Counter(run.searched)
    assert all(counts[cell] == 1 for cell in range(1, 60))
    assert counts[0] == 3
    assert len(run.searched) == 62


def test_the_order_is_shuffled_by_the_seed() -> None:
    assert study(seed=1).plan().cells != study(seed=2).plan().cells
    assert list(study().plan().cells) != sorted(study().plan().cells)


def test_the_model_picks_the_leader() -> None:
    stop = study().search()
    assert stop.leader is not None
    assert hill(SPACE, stop.leader) >= max(hill(SPACE, cell) for cell in range(60)) - 0.05


def test_a_kill_after_every_trial_changes_nothing() -> None:
    whole, killed = study(), study()
    assert whole.search() == killed.search(plan_after_each_trial=True)
    assert whole.searched == killed.searched


def test_a_budget_ends_it_with_the_leader_so_far() -> None:
    run = study(trials_left=30)
    stop = run.search()
    assert stop.stop is StopReason.BUDGET
    assert len(run.searched) == 30
    assert stop.leader in run.searched


def test_infeasible_cells_do_not_lead_and_all_of_them_is_said() -> None:
    assert study(broken=frozenset({59, 58})).search().leader not in (58, 59)
    outside = grid(5, 4, 3, baseline=None)
    run = Study(outside, lambda cell: 5.0, planner=plan_exhaustive, broken=frozenset(range(60)))
    assert run.search().stop is StopReason.NONE_FEASIBLE


def test_other_durability_classes_are_measured_for_the_ranking_but_do_not_lead() -> None:
    classes = tuple(cell % 2 for cell in range(60))
    space = grid(5, 4, 3, baseline=0, classes=classes)
    run = Study(space, lambda cell: hill(space, cell), planner=plan_exhaustive)
    stop = run.search()
    assert set(run.searched) == set(range(60))
    assert stop.leader is not None
    assert classes[stop.leader] == 0
