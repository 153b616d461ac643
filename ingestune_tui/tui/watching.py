"""The app's line to a study process: starts one or attaches to one, folds what it says, sends what the person wants.

Losing the line or the app costs the study nothing. One study is watched at a time, also while another one is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from textual import on, work

from ingestune_tui.errors import IngestuneError, StudyError
from ingestune_tui.tui.library import Library, is_of
from ingestune_tui.tui.messages import CommandGiven, RunAgainAsked, StudyResumeAsked

if TYPE_CHECKING:
    from ingestune_tui.model.events import Command, Event
    from ingestune_tui.model.study import Study
    from ingestune_tui.tui.state import Level
    from ingestune_tui.tui.study_view import StudyView
    from ingestune_tui.tuning.study_client import StudyClient

STOP_WAIT_S: Final = 2.5
"""How long quitting waits for a study to say that it ended; its process cleans up by itself."""
_AT_ONCE: Final = 200
"""Events folded before other things get their turn: attaching brings the whole past at once."""


class Watching(Library):
    """The part of the app that talks to study processes."""

    _client: StudyClient | None = None
    _ended: asyncio.Event | None = None
    watched: StudyView | None = None
    """The last study that was started here or attached to; quitting sums it up."""
    lost: StudyView | None = None
    """The study whose process ended without a last word."""
    told_to_stop: StudyView | None = None
    """The study that was asked to stop; it may still be cleaning up when the app has gone."""

    def say(self, text: str, level: Level = "info") -> None:
        """A toast; the app does it."""

    def views(self) -> list[StudyView]:
        """As ever, and the one that quitting sums up."""
        return [*super().views(), *([self.watched] if self.watched is not None else [])]

    def let_go(self, study_id: str) -> None:
        """As ever; quitting has nothing to say of it either."""
        super().let_go(study_id)
        if is_of(self.watched, study_id):
            self.watched = None

    async def agreed_to_resume(self, study: Study) -> bool:
        """Ask before an interrupted study loads somebody's cluster again; the app does it."""
        return True

    def start_study(self, arguments: list[str]) -> None:
        """Start `ingestune run ARGUMENTS` detached and watch it."""

        async def start() -> StudyClient:
            from ingestune_tui.tuning.study_client import StudyClient  # 30 ms, and only a study needs it

            return await StudyClient.start(arguments, self.state.settings)

        self._watch(start, "live")

    async def why_not_now(self, resumed: str = "") -> str:
        """Why no study may begin: one is at work on this machine, and two would measure each other. Empty when none is.

        `resumed` is the id of the study that should go on; its own process is no hindrance.
        """
        from ingestune_tui.tuning.study_client import owner_lives

        state = self.state
        if state.running and state.live is not None:
            started = state.live.started
            name = started.study if started is not None else "a study"
            return f"{name} is running; " + ("2 shows it" if state.connected else "5, then enter on it, shows it")
        studies = await state.store.living_studies() if state.store is not None else []
        for study in studies:
            if study.id != resumed and owner_lives(study):
                return f"{study.name} is running on this machine; 5, then enter on it, shows it"
        return ""

    def attach_to(self, study: Study) -> bool:
        """Watch a study whose process runs on this host; False when there is none."""
        from ingestune_tui.tuning.study_client import StudyClient, owner_lives

        if not owner_lives(study):
            return False

        live = self.state.live
        left = live.started if live is not None and live.finished is None else None

        async def attach() -> StudyClient:
            try:
                client = await StudyClient.attach(study)
            except StudyError:
                if left is not None:
                    self.call_later(self.open_study, left.study_id)  # the line to it was given up for this one
                raise
            if left is not None:
                self.say(f"watching {study.name} now; {left.study} goes on, and 5, then enter on it, shows it again")
            return client

        self._watch(attach, "live")
        return True

    @work(exclusive=True, group="watch")
    async def _watch(self, connect: Callable[[], Awaitable[StudyClient]], place: str) -> None:
        from ingestune_tui.model.events import now
        from ingestune_tui.tui.study_view import StudyView  # 40 ms with the events and the catalogue

        view = StudyView()
        state = self.state
        before = state.study
        state.study = state.live = view
        self.switch_mode(place)
        self.redraw()
        asked_at = now()
        try:
            client = await connect()
        except IngestuneError as error:
            if state.live is view:
                state.live = None
            if state.study is view:
                state.study = before
                self.switch_mode("grid" if state.document is not None else "start")
            self.say_error(error)
            self.redraw()
            return
        self.watched = view
        self._ended = ended = asyncio.Event()
        try:
            async with client:
                self._client = client
                await self._follow(client, view, asked_at)
        except StudyError as error:
            self.say_error(error)
        finally:
            if self._client is client:
                self._client = None
            ended.set()
            if state.live is view:
                state.live = None
        if view.finished is None:
            self.lost = view
            self.say("the study's process ended without a last word; R in Studies goes on with it", "error")
        self.read_studies()
        self.read_queue()
        self.document_changed()  # cells of the grid in the editor may have been measured
        self.redraw()

    async def _follow(self, client: StudyClient, view: StudyView, asked_at: str) -> None:
        """Fold its events. What was said before `asked_at` is in the event list and makes no toast again."""
        number = 0
        async for event in client.events():
            view.apply(event)
            if getattr(event, "time", asked_at) >= asked_at:
                self._tell(event, view)
            self.mark_changed()
            number += 1
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)

    def _tell(self, event: Event, view: StudyView) -> None:
        """What should be read once becomes a toast, in the words it has in the study's own event list."""
        from ingestune_tui.model.events import Notice, StudyFinished, StudyPaused

        loud = (
            (isinstance(event, Notice) and event.level != "info")
            or isinstance(event, StudyFinished)
            or (isinstance(event, StudyPaused) and event.attempt == 1)  # Live counts the further ones
        )
        if loud and view.told:
            self.say(view.told[-1].text, view.told[-1].level)

    @on(CommandGiven)
    @work(group="command")
    async def _send(self, message: CommandGiven) -> None:
        await self.send(message.command)

    @on(RunAgainAsked)
    @work(group="command")
    async def _run_again(self, message: RunAgainAsked) -> None:
        from ingestune_tui.model.events import RunAgain

        if not (self.state.running and self.state.connected):
            self.say(self._why_not_again(), "warning")
        elif await self.send(RunAgain(message.number)):
            self.say(f"trial {message.number} will be run again, after what is at work now")

    def _why_not_again(self) -> str:
        """What to do instead, since no process of this study is there to measure anything."""
        study = self.state.study
        if study is None or study.started is None:
            return "no study is shown"
        name, state = study.started.study, study.finished.state if study.finished is not None else "interrupted"
        if study.elsewhere and state != "finished":
            return f"{name} can be gone on with on {study.elsewhere} alone"
        if state == "finished":
            return f"{name} is finished, and stays as it is: run its grid again (1, then r) for fresh figures"
        return f"{name} is {state}: R in Studies (5) goes on with it, then trials can be run again"

    async def send(self, command: Command) -> bool:
        """Tell the study; False, and a toast, when nobody listens."""
        if self._client is None:
            self.say("no study is running here", "warning")
            return False
        try:
            await self._client.send(command)
        except StudyError as error:
            self.say_error(error)
            return False
        return True

    async def stop_study(self) -> None:
        """Ask the study to stop and wait a moment for it; its process finishes cleaning up even without us."""
        from ingestune_tui.model.events import StopStudy

        ended = self._ended
        try:
            async with asyncio.timeout(STOP_WAIT_S):  # also of the sending: a process that hangs reads nothing
                if not await self.send(StopStudy()):
                    return
                self.told_to_stop = self.watched
                if ended is not None:
                    await ended.wait()
        except TimeoutError:
            return

    @on(StudyResumeAsked)
    @work(group="resume")
    async def _resume(self, message: StudyResumeAsked) -> None:
        from ingestune_tui.tui.run_request import arguments_to_resume

        store = self.state.store
        if store is None:
            return
        if why := await self.why_not_now(message.study_id):
            self.say(why, "warning")
            return
        try:
            study = await store.find_study(message.study_id)
        except IngestuneError as error:
            self.say_error(error)
            return
        if not self.attach_to(study) and await self.agreed_to_resume(study):
            self.start_study(arguments_to_resume(study, self.state.settings))
