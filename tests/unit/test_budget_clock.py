"""What counts against a budget: the time that passes, waits included, and none of a pause. The clock is set by hand."""

from __future__ import annotations

from typing import Any

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import ClusterUnreachable, TrialError
from ingestune_tui.model.events import Event, StudyPaused
from ingestune_tui.model.trial import Trial
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning import waits
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from ingestune_tui.tuning.record import cost_s
from tests.unit import scripted_cluster
from tests.unit.hand_clock import HandClock
from tests.unit.scripted_cluster import Heard, Scripted, by_linger, scripted

TRIAL_S = 10.0
LONG_S = 10_000.0
BUDGET_S = 1_000
GRID = f"""
[search]
budget = "{BUDGET_S}s"
confirm_pairs = 4
[producer]
"linger.ms" = [0, 5, 10, 20, 50]
"batch.size" = ["16KiB", "64KiB", "256KiB", "1MiB"]
"compression.type" = ["none", "lz4"]
acks = "all"
"""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    monkeypatch.setattr(waits, "_RETRIES_S", (0.0,))
    return HandClock(monkeypatch)


def searched(trials: list[Trial]) -> int:
    return sum(trial.role == "search" and trial.state == "done" for trial in trials)


async def finished(world: Scripted) -> list[Trial]:
    return await world.trials(await world.run(await world.study()))


async def test_an_outage_counts_against_the_budget(
    monkeypatch: pytest.MonkeyPatch, store: Store, clock: HandClock
) -> None:
    made = scripted_cluster.fake_cluster

    def slow_to_answer() -> Any:
        cluster = made()

        async def answer() -> None:
            clock.now_s += LONG_S

        cluster.answer = answer
        return cluster

    gone = iter([True])

    def script(order: TrialOrder) -> Measurement:
        if order.number == 10 and next(gone, False):
            raise ClusterUnreachable("connection refused")
        return by_linger()(order)

    monkeypatch.setattr(scripted_cluster, "fake_cluster", slow_to_answer)
    trials = await finished(scripted(monkeypatch, store, GRID, clock.timed(script, TRIAL_S)))
    after = next(trial for trial in trials if trial.number == 11)
    assert after.waited_s == LONG_S
    assert searched(trials) == 5
    assert sum(cost_s(trial) for trial in trials) > BUDGET_S


async def test_a_pause_does_not_count_against_the_budget(
    monkeypatch: pytest.MonkeyPatch, store: Store, clock: HandClock
) -> None:
    def script(order: TrialOrder) -> Measurement:
        if order.number == 10:
            assert world.engine is not None
            world.engine.pause()
        return by_linger()(order)

    def go_on(event: Event) -> None:
        if isinstance(event, StudyPaused):
            clock.now_s += LONG_S
            assert world.engine is not None
            world.engine.resume()

    world = scripted(monkeypatch, store, GRID, clock.timed(script, TRIAL_S))
    world.events = Heard(go_on)
    trials = await finished(world)
    assert any(isinstance(event, StudyPaused) for event in world.events)
    assert max(trial.waited_s for trial in trials) == 0
    assert searched(trials) >= 36


async def test_attempts_that_came_to_nothing_cost_what_they_took(
    monkeypatch: pytest.MonkeyPatch, store: Store, clock: HandClock
) -> None:
    failures = iter([True])

    def script(order: TrialOrder) -> Measurement:
        if order.configuration.get(Scope.PRODUCER, "linger.ms") != 5 and order.number > 8 and next(failures, False):
            clock.now_s += LONG_S
            raise TrialError("the load process ended unexpectedly", code="CHILD_ENDED")
        return by_linger()(order)

    trials = await finished(scripted(monkeypatch, store, GRID, clock.timed(script, TRIAL_S)))
    assert [trial.duration_s for trial in trials if trial.state == "failed"] == [LONG_S + TRIAL_S]
    assert searched(trials) < 8
