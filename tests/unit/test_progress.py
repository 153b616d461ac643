"""Where a study stands: how long it will still take, with all its message sizes."""

from __future__ import annotations

import pytest

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import Event, Progress
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.space import expand
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.price import RESTART_S, Prices
from ingestune_tui.tuning.progress import Reporter, changed_words
from tests.unit.hand_clock import HandClock
from tests.unit.scripted_cluster import by_linger, scripted

TEXT = """
[workload]
message_bytes = [100, 1000, 10000]
[search]
confirm_pairs = 6
{more}
[producer]
"linger.ms" = [0, 5, 20]
acks = "all"
"""
PREFLIGHT_TRIALS = 5
TRIAL_S = 10.0


def grid_of(more: str = "", static: str = "") -> Grid:
    return read_grid(TEXT.format(more=more) + static)


def eta_of(grid: Grid, later: int, spent_s: float = 0.0) -> float:
    """Before the first preflight trial, where the price of a trial is known."""
    told: list[Event] = []
    space = expand(grid, grid.workloads[0])
    prices = Prices(space, grid.search.strategy)
    reporter = Reporter(grid, space, told.append, prices, later=later, spent_s=lambda: spent_s)
    reporter.priced(0.05, TRIAL_S)
    reporter.preflight(0, PREFLIGHT_TRIALS, [])
    (progress,) = told
    assert isinstance(progress, Progress)
    assert progress.eta_s is not None
    return progress.eta_s


def test_the_sizes_still_to_come_take_their_time_too() -> None:
    grid = grid_of()
    one = eta_of(grid, later=0)
    assert one == TRIAL_S * (PREFLIGHT_TRIALS + 2 * 3 + 12)
    assert eta_of(grid, later=2) == 3 * one


def test_restarts_and_what_is_thrown_away_after_them_take_their_time_too() -> None:
    grid = grid_of(more="", static="[broker.static]\n'queued.max.requests' = [500, 50]\n")
    turns, rounds = 9, 2  # ABBABAAB ABBA with one restart before its first trial
    counted = PREFLIGHT_TRIALS + rounds * 6 + 12
    first = TRIAL_S * (counted + rounds + turns) + RESTART_S * (rounds + turns)
    assert eta_of(grid, later=0) == first
    assert eta_of(grid, later=2) == 3 * first + 2 * RESTART_S, "before the later preflights, too"


@pytest.mark.parametrize(("spent_s", "left_s"), [(0.0, 600.0), (250.0, 350.0), (700.0, 0.0)])
def test_a_budget_ends_the_study_whatever_is_left_to_do(spent_s: float, left_s: float) -> None:
    assert eta_of(grid_of('budget = "10m"'), later=2, spent_s=spent_s) == left_s


async def test_a_size_that_is_confirmed_leaves_the_time_of_the_next_one(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    script = HandClock(monkeypatch).timed(by_linger(noise=0.0), TRIAL_S)
    world = scripted(monkeypatch, store, TEXT.format(more=""), script)
    await world.run(await world.study())
    last = {each.message_bytes: each.eta_s for each in world.events if isinstance(each, Progress)}
    assert list(last) == [100, 1000, 10_000]
    first, second, third = last.values()
    assert first is not None
    assert second is not None
    assert first > second > 0
    assert third == 0


@pytest.mark.parametrize(
    ("new", "old", "words"),
    [
        ({"compression.type": "lz4"}, {}, "lz4"),
        ({"batch.size": 131072, "linger.ms": 20}, {"batch.size": 16384, "linger.ms": 5}, "128KiB, linger.ms 20"),
        ({"batch.size": 131072, "buffer.memory": 33554432}, {}, "batch.size 128KiB, buffer.memory 32MiB"),
        ({}, {"linger.ms": 5}, "linger.ms default"),
    ],
)
def test_what_a_leader_changes_is_said_as_people_write_it(
    new: dict[str, Value], old: dict[str, Value], words: str
) -> None:
    after, before = (Configuration.of({Scope.PRODUCER: values}) for values in (new, old))
    assert changed_words(after, before) == words
