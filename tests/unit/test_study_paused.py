"""What the list of studies says of one that waits, and what going on with a study leaves as it was."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ingestune_tui.errors import ClusterUnreachable
from ingestune_tui.model.events import StudyPaused
from ingestune_tui.storage.owner import this_process
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning import waits
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from tests.unit.scripted_cluster import Heard, Scripted, by_linger, scripted

GRID = """\
[search]
confirm_pairs = 4

[producer]
"linger.ms" = [0, 20]
"""


@pytest.fixture
def states(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The states that were written down, in their order."""
    found: list[str] = []
    update = store.update_study

    async def noted(study_id: str, **changes: Any) -> Any:
        found.extend([changes["state"]] if "state" in changes else [])
        return await update(study_id, **changes)

    monkeypatch.setattr(store, "update_study", noted)
    return found


def pausing_at(monkeypatch: pytest.MonkeyPatch, store: Store, number: int) -> tuple[Scripted, asyncio.Event]:
    """A study that is paused by a person in one of its trials, and what is set once it says so."""
    paused = asyncio.Event()

    def script(order: TrialOrder) -> Measurement:
        if order.number == number:
            assert world.engine is not None
            world.engine.pause()
        return by_linger()(order)

    world = scripted(monkeypatch, store, GRID, script)
    world.events = Heard(lambda event: paused.set() if isinstance(event, StudyPaused) else None)
    return world, paused


async def test_a_study_that_a_person_pauses_is_listed_paused_until_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, store: Store, states: list[str]
) -> None:
    world, paused = pausing_at(monkeypatch, store, 3)
    study = await world.study()
    running = asyncio.create_task(world.run(study))
    await paused.wait()
    assert (await store.find_study(study.id)).state == "paused"
    assert world.engine is not None
    world.engine.resume()
    assert (await running).state == "finished"
    assert states == ["paused", "running", "finished"]


async def test_a_study_that_is_stopped_while_it_is_paused_is_listed_stopped(
    monkeypatch: pytest.MonkeyPatch, store: Store, states: list[str]
) -> None:
    world, paused = pausing_at(monkeypatch, store, 3)
    study = await world.study()
    running = asyncio.create_task(world.run(study))
    await paused.wait()
    assert world.engine is not None
    world.engine.stop()
    await running
    assert states == ["paused", "stopped"]


async def test_a_study_whose_broker_is_away_is_listed_paused_until_it_answers(
    monkeypatch: pytest.MonkeyPatch, store: Store, states: list[str]
) -> None:
    monkeypatch.setattr(waits, "_RETRIES_S", (0.0,))
    gone = iter([True])

    def script(order: TrialOrder) -> Measurement:
        if order.number == 3 and next(gone, False):
            raise ClusterUnreachable("connection refused")
        return by_linger()(order)

    world = scripted(monkeypatch, store, GRID, script)
    await world.run(await world.study())
    assert states == ["paused", "running", "finished"]


async def test_going_on_with_a_study_keeps_what_it_has_found(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    world = scripted(monkeypatch, store, GRID)
    done = await world.run(await world.study())
    assert done.outcomes
    claimed = await store.claim_study(done.id, this_process("/again.sock"))
    assert claimed.state == "running"
    assert claimed.outcomes == done.outcomes
