"""How a budget is shared: the confirmation's time first, and every workload its part."""

from __future__ import annotations

import pytest

from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.space import expand
from ingestune_tui.tuning.budget import share
from ingestune_tui.tuning.confirm import FEWEST_PAIRS
from ingestune_tui.tuning.price import RESTART_S, Prices

TRIAL_S = 10.0


def prices(more: str = "") -> Prices:
    grid = read_grid("[producer]\n'linger.ms' = [0, 5]\n" + more)
    return Prices(expand(grid, grid.workloads[0]), grid.search.strategy)


PLAIN = prices()
STATIC = prices("[broker.static]\n'queued.max.requests' = [500, 50]\n")


def of(
    budget_s: float, *, spent_s: float = 50.0, workloads_left: int = 1, prices: Prices = PLAIN, pairs: int = 12
) -> tuple[float, float]:
    return share(budget_s, spent_s=spent_s, workloads_left=workloads_left, prices=prices, trial_s=TRIAL_S, pairs=pairs)


def test_a_large_budget_searches_until_all_pairs_just_fit() -> None:
    assert of(1000) == (1000, 1000 - (2 * 12 + 1) * TRIAL_S)


def test_pairs_that_need_restarts_are_set_aside_with_them_and_what_is_thrown_away() -> None:
    restarts = 6 + 1  # four pairs ABBABAAB, and the search's last trial
    assert of(1000, prices=STATIC, pairs=4) == (1000, 1000 - (8 + 1 + restarts) * TRIAL_S - restarts * RESTART_S)


@pytest.mark.parametrize("budget_s", [170, 200, 300])
def test_a_small_budget_never_leaves_fewer_pairs_than_a_claim_needs(budget_s: float) -> None:
    share_ends, search_ends = of(budget_s)
    assert share_ends == budget_s
    assert search_ends - 50 >= 2 * TRIAL_S
    assert share_ends - search_ends >= 2 * FEWEST_PAIRS * TRIAL_S


def test_without_pairs_the_search_gets_all_but_a_spare_trial() -> None:
    assert of(1000, pairs=0) == (1000, 990)


def test_workloads_to_come_get_their_preflights_and_the_same_again() -> None:
    share_ends, _ = of(50 + 5 * TRIAL_S + 2 * 400, workloads_left=2)
    assert share_ends == 50 + 400


def test_a_budget_that_is_used_up_leaves_nothing_to_either() -> None:
    assert of(40) == (50, 50)
