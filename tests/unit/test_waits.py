"""Waiting between trials: nothing is waited for without end, and a pause holds whatever else was waited for."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from ingestune_tui.model.events import Event, StudyPaused
from ingestune_tui.tuning import waits
from ingestune_tui.tuning.disk import DiskBudget
from ingestune_tui.tuning.waits import Waits


class World:
    """A study that waits, on a disk with room for one topic."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.waits_for_disk, self.waits_for_person = asyncio.Event(), asyncio.Event()
        self.disk = DiskBudget(10, 0.0, lambda topic: True)
        self.tries = 0

        async def delete_left() -> None:
            self.tries += 1
            if self.tries > 1:  # the first time there was nothing to be tried again yet
                self.disk.deleted("ingestune-1", 7)

        async def refuse_ended() -> None:
            return None

        async def update_study(*_: Any, **__: Any) -> None:
            return None

        info = SimpleNamespace(nodes=1)
        cluster: Any = SimpleNamespace(info=info, refuse_ended=refuse_ended, free_bytes=lambda: None)
        grid: Any = SimpleNamespace(timings=None, limits=None)
        nothing: Any = None
        study: Any = SimpleNamespace(id="1", name="study")
        store: Any = SimpleNamespace(update_study=update_study)
        runner: Any = SimpleNamespace(delete_left=delete_left, undeleted={})
        self.waits = Waits(study, grid, cluster, store, self.disk, runner, nothing, self.heard)

    def heard(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, StudyPaused):
            (self.waits_for_person if "person" in event.reason else self.waits_for_disk).set()

    def begin(self) -> asyncio.Task[None]:
        """The next trial's turn, as long as it takes."""
        nothing: Any = None
        return asyncio.create_task(self.waits.until_allowed(nothing, nothing))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(waits, "share_of", lambda *_: 1.0)
    monkeypatch.setattr(waits, "trial_bytes", lambda *_: 7)
    monkeypatch.setattr(waits, "_DELETE_AGAIN_S", 0.01)
    return World()


async def test_a_deletion_that_fails_while_its_room_is_waited_for_is_tried_again(world: World) -> None:
    world.disk.writing("ingestune-1", 7)
    await asyncio.wait_for(world.begin(), 20)
    assert world.tries == 2
    assert [event.reason for event in world.events if isinstance(event, StudyPaused)] == [
        "waiting for the broker to free 7 B of deleted topics"
    ]


async def test_a_pause_that_comes_while_the_disk_is_waited_for_holds(world: World) -> None:
    world.disk.writing("ingestune-1", 7)
    turn = world.begin()
    await world.waits_for_disk.wait()
    world.waits.pause()
    await world.waits_for_person.wait()
    assert not turn.done()
    world.waits.resume()
    await asyncio.wait_for(turn, 20)
