"""What is on the brokers' disks, and how long the next trial waits for it. The clock is the test's."""

from __future__ import annotations

import asyncio

import pytest

from ingestune_tui.tuning.disk import SETTLE_S, DiskBudget

GB = 1_000_000_000


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
