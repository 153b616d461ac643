"""Quitting with "stop it" while the study's process does not answer: the app goes all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from ingestune_tui.model.events import Command, Event, StopStudy
from ingestune_tui.tui.app import _say_goodbye
from ingestune_tui.tui.screens.dialogs import Dialog
from ingestune_tui.tui.watching import STOP_WAIT_S
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp

WAIT_S = 0.05
"""What the app waits in these tests, in place of its own `STOP_WAIT_S`."""
ENDS_WITHIN_S = 3.0
"""What quitting may take at most, whatever the process of the study does."""
AT_LAST_S = 30.0
"""Far more than a slow machine needs to quit, and far less than for ever."""


class Silent:
    """A study process that hangs in the middle of its search. One that `reads` takes commands and does nothing."""

    def __init__(self, *, reads: bool) -> None:
        self._events: list[Event] = FakeStudy().all()[:40]
        self._reads = reads
        self.told: list[Command] = []

    async def __aenter__(self) -> Silent:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def events(self) -> AsyncIterator[Event]:
        for event in self._events:
            yield event
        await asyncio.Event().wait()

    async def send(self, command: Command) -> None:
        self.told.append(command)
        if not self._reads:
            await asyncio.Event().wait()


async def until(pilot: Pilot[int], true: Callable[[], bool]) -> None:
    """Waits for it; the test's own time limit ends what never comes."""
    while not true():
        await pilot.pause()
    await pilot.pause()


def test_the_app_s_own_wait_leaves_it_time_to_end_in_under_three_seconds() -> None:
    assert WAIT_S < STOP_WAIT_S < ENDS_WITHIN_S


@pytest.mark.parametrize(
    ("reads", "farewell"),
    [
        (True, "quick: stopped, cleaning up\ningestune run --study quick\n"),
        (False, "quick: still running\ningestune attach quick\n"),
    ],
    ids=["takes the word", "takes nothing"],
)
async def test_the_app_waits_a_moment_for_a_silent_process_and_goes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    reads: bool,
    farewell: str,
) -> None:
    monkeypatch.setattr("ingestune_tui.tui.watching.STOP_WAIT_S", WAIT_S)
    app, process = ShownApp(tmp_path, "live"), Silent(reads=reads)
    clock = asyncio.get_running_loop().time

    async def connect() -> Any:
        return process

    async with asyncio.timeout(AT_LAST_S), app.run_test(size=(80, 24)) as pilot:
        app._watch(connect, "live")
        await until(pilot, lambda: app.state.live is not None and bool(app.state.live.trials))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Dialog))
        asked_at = clock()
        await pilot.press("right", "right", "enter")
        await until(pilot, lambda: app.return_value is not None)
        assert clock() - asked_at >= WAIT_S
    assert process.told == [StopStudy()]
    assert app.return_value == 0
    _say_goodbye(app)
    assert capsys.readouterr().out == farewell
