"""What the parts of a study take: trials, throw-aways and restarts of the brokers."""

from __future__ import annotations

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.space import expand
from ingestune_tui.tuning.price import RESTART_OF_THREE_S, RESTART_S, Part, Prices

PLAIN = "[producer]\n'linger.ms' = [0, 5]\n"
STATIC = PLAIN + "[broker.static]\n'queued.max.requests' = [500, 50]\n"


def prices(text: str, nodes: int = 1) -> Prices:
    grid = read_grid(text)
    return Prices(expand(grid, grid.workloads[0]), grid.search.strategy, nodes)


def queue(requests: int) -> Configuration:
    return Configuration.of({Scope.BROKER_STATIC: {"queued.max.requests": requests}})


@pytest.mark.parametrize(
    ("pairs", "done", "restarts"),
    [(4, 0, 6), (4, 1, 5), (4, 2, 4), (4, 8, 0), (0, 0, 0)],
    ids=["all of ABBABAAB", "A is running", "from the second B", "none left", "not asked for"],
)
def test_pairs_of_two_kinds_take_a_restart_and_a_throw_away_at_each_turn(pairs: int, done: int, restarts: int) -> None:
    left = 2 * pairs - done
    assert prices(STATIC).confirmation(pairs, done) == Part(left + restarts, restarts * RESTART_S)
    assert prices(PLAIN).confirmation(pairs, done) == Part(left)


def test_pairs_with_a_challenger_of_the_baselines_kind_take_no_restart() -> None:
    assert prices(STATIC).confirmation(4, challenger=queue(500)) == Part(8)
    assert prices(STATIC).confirmation(4, challenger=queue(50)) == prices(STATIC).confirmation(4)


def test_three_nodes_take_longer_to_restart() -> None:
    assert prices(STATIC, nodes=3).confirmation(4) == Part(14, 6 * RESTART_OF_THREE_S)


def test_a_search_in_two_rounds_restarts_once_in_each() -> None:
    assert prices(STATIC).search(8) == Part(8 + 2, 2 * RESTART_S)
    assert prices(STATIC).search(8, done=4) == Part(4 + 1, RESTART_S)
    assert prices(STATIC).search_trial_s(10.0, 0.1) == (100 + 2 * RESTART_S) / 8


def test_a_baseline_with_static_settings_is_restarted_to_before_what_is_thrown_away_anyway() -> None:
    pinned = PLAIN + "[broker.static]\n'queued.max.requests' = 50\n"
    assert prices(pinned).preflight(fresh=True) == Part(4 + 4, RESTART_S)
    assert prices(PLAIN).preflight(fresh=True) == Part(4 + 4)
    assert prices(PLAIN).preflight() == Part(1 + 4)
