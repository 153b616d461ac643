"""What is on the brokers' disks, and how long the next trial waits for it. The clock is the test's."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.space import expand
from ingestune_tui.model.trial import Audit, Trial
from ingestune_tui.tuning.disk import SETTLE_S, DiskBudget, tight_disk
from ingestune_tui.tuning.earlier_bytes import recall
from ingestune_tui.tuning.estimate import trial_bytes
from ingestune_tui.tuning.log_bytes import share_of
from tests.unit.store_values import make_trial

GB = 1_000_000_000
GRID = read_grid("[producer]\n'linger.ms' = [5, 50]\n")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_bytes_count_while_the_topic_exists_and_until_the_broker_has_surely_let_go() -> None:
    clock = Clock()
    budget = DiskBudget(20 * GB, 60.0, clock=clock)
    budget.writing("a", 10 * GB)
    clock.now += 10_000
    assert budget.held() == 10 * GB  # it exists, however long
    budget.deleted("a", 7 * GB)
    assert budget.held() == 7 * GB  # what it really held
    clock.now += 60 + SETTLE_S - 0.1
    assert budget.held() == 7 * GB
    clock.now += 0.1
    assert budget.held() == 0


def test_where_the_disk_can_be_seen_the_directories_decide() -> None:
    clock, gone = Clock(), set[str]()
    budget = DiskBudget(20 * GB, 1.0, gone.__contains__, clock)
    budget.deleted("a", 7 * GB)
    clock.now += 1000
    assert budget.held() == 7 * GB
    gone.add("a")
    assert budget.held() == 0


def test_there_is_room_up_to_the_budget_and_always_for_one_alone() -> None:
    budget = DiskBudget(20 * GB, 60.0, clock=Clock())
    assert budget.room_for(50 * GB)
    budget.writing("a", 12 * GB)
    assert budget.room_for(8 * GB)
    assert not budget.room_for(8 * GB + 1)


async def nobody_waits(held: int, seconds: float) -> None:
    raise AssertionError("it waited")


async def test_with_room_nobody_waits() -> None:
    await DiskBudget(20 * GB, 60.0, clock=Clock()).wait_for_room(50 * GB, nobody_waits)


async def test_a_trial_waits_for_room_and_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestune_tui.tuning.disk._LOOK_S", 0.001)
    clock = Clock()
    budget = DiskBudget(20 * GB, 60.0, clock=clock)
    budget.deleted("a", 15 * GB)
    clock.now += 5
    budget.deleted("b", 4 * GB)
    told: list[tuple[int, float]] = []
    said = asyncio.Event()

    async def waiting(held: int, seconds: float) -> None:
        told.append((held, seconds))
        said.set()

    waiter = asyncio.create_task(budget.wait_for_room(10 * GB, waiting))
    await said.wait()
    await asyncio.sleep(0)
    assert not waiter.done()
    clock.now += 60
    await asyncio.wait_for(waiter, 5)
    assert told == [(19 * GB, 60.0)]
    assert budget.held() == 4 * GB


# What an earlier process left ----------------------------------------------------------------------------------------


def ended(number: int, seconds_ago: float, **changes: Any) -> Trial:
    finished = (NOW - timedelta(seconds=seconds_ago)).isoformat()
    values: dict[str, Any] = {"number": number, "finished_at": finished, "audit": Audit(bytes_written=GB)}
    return make_trial("study", **{**values, **changes})


def recalled(*trials: Trial, swept: tuple[str, ...] = ()) -> DiskBudget:
    budget = DiskBudget(20 * GB, 60.0, clock=Clock())
    recall(budget, trials, swept, "t-", GRID, 1, NOW.timestamp())
    return budget


def test_a_study_that_goes_on_counts_what_its_trials_of_the_last_minute_wrote() -> None:
    one = recalled(ended(1, 10)).held()
    assert one > GB, "with what the log adds"
    assert recalled(ended(1, 64), ended(2, 1), ended(3, 66), ended(4, 1e6)).held() == 2 * one
    assert recalled(ended(1, 10, cached_from="another study's")).held() == 0


def test_recalled_bytes_are_free_when_the_broker_has_surely_let_go() -> None:
    clock = Clock()
    budget = DiskBudget(20 * GB, 60.0, clock=clock)
    recall(budget, [ended(1, 40)], (), "t-", GRID, 1, NOW.timestamp())
    clock.now += 24
    assert budget.held() > 0
    clock.now += 1
    assert budget.held() == 0


def test_a_killed_trial_is_taken_to_have_written_all_it_may_and_counts_from_the_sweep() -> None:
    killed = ended(1, 1e6, state="interrupted", audit=None)
    share = share_of(killed.configuration, killed.workload, 1)
    assert recalled(killed).held() == 0
    most = trial_bytes(killed.workload, GRID.timings, GRID.limits, share)
    assert recalled(killed, swept=("t-1",)).held() == most > GB


def test_a_clock_that_was_put_back_makes_nobody_wait_longer() -> None:
    clock = Clock()
    budget = DiskBudget(20 * GB, 60.0, clock=clock)
    recall(budget, [ended(1, -10_000)], (), "t-", GRID, 1, NOW.timestamp())
    clock.now += budget.kept_s
    assert budget.held() == 0


# A local disk -------------------------------------------------------------------------------------------------------


def test_a_disk_that_cannot_hold_the_study_is_told_at_its_start() -> None:
    grid = read_grid("[limits]\nbytes_per_trial = '1GB'\n[producer]\n'linger.ms' = [5, 50]\n")
    spaces = [expand(grid, workload) for workload in grid.workloads]
    assert tight_disk(grid, spaces, 1, 7 * GB) == ""
    assert "6.90 GB free, and the study may hold 2.00 GB at once: below 5.00 GB" in tight_disk(
        grid, spaces, 1, 69 * GB // 10
    )
    assert tight_disk(grid, spaces, 1, None) == "", "somebody else's disks"
    assert "may hold 6.00 GB" in tight_disk(grid, spaces, 3, 7 * GB), "three nodes share one disk"
