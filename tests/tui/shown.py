"""The app with a made-up study on its screens, for tests and pictures: nothing is started, nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.widget import AwaitMount
from textual.worker import WorkerCancelled

from ingestune_tui import settings as kept
from ingestune_tui.model.events import Command, Event, TrialSampled
from ingestune_tui.tui.app import IngestuneApp, initial_state
from ingestune_tui.tui.messages import CommandGiven, StudyResumeAsked
from ingestune_tui.tui.screens.place import Place
from ingestune_tui.tui.study_view import StudyView

NOW = datetime(2026, 11, 23, 21, 57, tzinfo=UTC)
"""The moment at which the app's clock stands still."""


class ShownApp(IngestuneApp):
    """Opens on one place and keeps what it is asked for."""

    def __init__(
        self,
        home: Path,
        place: str,
        view: StudyView | None = None,
        *,
        connected: bool = True,
        few_colours: bool = False,
    ) -> None:
        settings = kept.load(environment={"INGESTUNE_HOME": str(home)})
        state = initial_state(settings, kept.Remembered())
        state.study = view
        state.live = view if connected and view is not None and view.finished is None else None
        state.clock = lambda: NOW
        super().__init__(state, few_colours=few_colours)
        self.place = place
        self.commands: list[Command] = []
        self.resumed: list[str] = []
        self.copied: list[str] = []

    def switch_mode(self, mode: str) -> AwaitMount:
        return super().switch_mode(self.place if mode == "start" else mode)

    def on_command_given(self, message: CommandGiven) -> None:
        self.commands.append(message.command)
        message.prevent_default()
        message.stop()

    def on_study_resume_asked(self, message: StudyResumeAsked) -> None:
        self.resumed.append(message.study_id)
        message.prevent_default()
        message.stop()

    def copy_text(self, text: str) -> None:
        self.copied.append(text)

    def show_view(self, view: StudyView | None, *, connected: bool = True) -> None:
        """Another state of the study, drawn at once."""
        self.state.study = view
        self.state.live = view if connected and view is not None and view.finished is None else None
        self.redraw()

    def text(self) -> str:
        """The screen as plain text, a line per row."""
        lines = self.screen._compositor.render_strips(self.size)
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in lines)


def until(events: Iterable[Event], trial: int, stage: str, samples: int) -> StudyView:
    """The study as it stood at the given sample of a stage of a trial."""
    view, seen = StudyView(), 0
    for event in events:
        view.apply(event)
        if isinstance(event, TrialSampled) and event.trial == trial and event.sample.stage == stage:
            seen += 1
            if seen == samples:
                return view
    raise AssertionError(f"trial {trial} has no {samples} samples of its {stage} stage")


def place_of(app: IngestuneApp) -> Place:
    """The screen in front."""
    assert isinstance(app.screen, Place)
    return app.screen


async def workers_done(app: App[Any]) -> None:
    """Wait until every worker has ended, also those that others begin; one that a newer one replaced is no failure."""
    while running := [worker for worker in app.workers if not worker.is_finished]:
        for worker in running:
            with suppress(WorkerCancelled):
                await worker.wait()


async def ready(pilot: Pilot[Any]) -> None:
    """Wait until what was pressed has been worked on, and is drawn."""
    await pilot.pause()
    await workers_done(pilot.app)
    await pilot.pause()


class Gone:
    """A study process that says these events and is gone."""

    def __init__(self, *events: Event) -> None:
        self._events = events

    async def __aenter__(self) -> Gone:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def events(self) -> AsyncIterator[Event]:
        for event in self._events:
            yield event
