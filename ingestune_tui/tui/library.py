"""What the app does with the database for its screens: the list of studies, one study, the samples of one trial.

The base of the app. Reading happens in workers, so a slow disk never holds up a key; what goes wrong becomes a toast.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import App

from ingestune_tui.errors import IngestuneError
from ingestune_tui.tui import crash
from ingestune_tui.tui.messages import (
    SamplesWanted,
    StudiesWanted,
    StudyChosen,
    StudyDeleteAsked,
    StudyRenameAsked,
)

if TYPE_CHECKING:
    from ingestune_tui.model.study import Study
    from ingestune_tui.model.trial import Trial
    from ingestune_tui.storage.store import Store
    from ingestune_tui.tui.state import AppState
    from ingestune_tui.tui.stored import StudyLine
    from ingestune_tui.tui.study_view import StudyView
    from ingestune_tui.tui.trial_view import Detail


def is_of(view: StudyView | None, study_id: str) -> bool:
    """Whether it is a view of that study."""
    return view is not None and view.started is not None and view.started.study_id == study_id


async def read_study(store: Store, study: Study, elsewhere: str = "") -> StudyView:
    """A stored study as if it had been watched; `elsewhere` is the other host that alone can go on with it."""
    from ingestune_tui.tui.stored import stored_view  # 40 ms with the events and the catalogue

    trials = await store.trials(study.id)
    return await asyncio.to_thread(stored_view, study, trials, elsewhere)


async def read_studies(store: Store) -> tuple[StudyLine, ...]:
    """Every study, newest first, with the number of its trials."""
    from ingestune_tui.tui.stored import StudyLine

    counts, pulled = await store.trial_counts(), await store.pulled_studies()
    lines = []
    for each in await store.studies():
        study, elsewhere = as_known(each, "R", pulled=each.id in pulled)
        lines.append(StudyLine(study, counts.get(study.id, 0), elsewhere))
    return tuple(lines)


async def read_detail(store: Store, trial: Trial) -> Detail:
    """What was kept of a trial; of one that another study measured, what is kept there and counts here too."""
    from ingestune_tui.tui.trial_view import Detail

    measured = trial.cached_from or trial.id
    samples, histograms = await store.samples(measured), await store.histograms(measured)
    if trial.cached_from is None:
        return Detail(tuple(samples), histograms.get("latency", ""))
    earlier = await store.study_of(measured)
    if trial.latency is None:  # it was measured at a rate that is not this study's
        return Detail(tuple(each for each in samples if each.stage != "paced"), "", earlier)
    return Detail(tuple(samples), histograms.get("latency", ""), earlier)


def as_known(study: Study, how_to_go_on: str, *, pulled: bool) -> tuple[Study, str]:
    """A study as it stands, and the other host that alone can go on with it; a colleague's stands as it was sent."""
    from ingestune_tui.storage.owner import as_it_stands, other_host  # psutil: 10 ms

    study = study if pulled else as_it_stands(study, how_to_go_on)
    return study, other_host(study, pulled=pulled)


class Library(App[int]):
    """Answers what the screens ask of the database."""

    state: AppState
    _open_store: Callable[[], Awaitable[Store]] | None = None
    """Opens the database; None where there is none to open."""
    _queue_failed = False
    """What waits for PostgreSQL could not be read the last time."""
    _first_study: str | None = None
    """The study to show as soon as the database is open, the newest one if it is empty."""

    def say_error(self, error: IngestuneError) -> None:
        """Show an error; the app does it."""

    def redraw(self) -> None:
        """Draw the screen in front; the app does it."""

    def mark_changed(self) -> None:
        """Draw with the next tick; the app does it."""

    def document_changed(self) -> None:
        """Count the grid in the editor again; the app does it."""

    def attach_to(self, study: Study) -> bool:
        """Look at a study whose process runs, instead of what is stored; False when it does not answer."""
        return False

    def views(self) -> list[StudyView]:
        """Every study that the app holds, shown or not."""
        return [view for view in (self.state.study, self.state.live) if view is not None]

    def let_go(self, study_id: str) -> None:
        """Show a deleted study nowhere."""
        if is_of(self.state.study, study_id):
            self.state.study = None
        if is_of(self.state.live, study_id):
            self.state.live = None

    @work
    async def open_database(self) -> None:
        """What waits for the first paint: the database, what is in it, the study to attach to."""
        if self._open_store is None:
            return
        try:
            store = await self._open_store()
        except IngestuneError as error:
            self._studies_failed(error)
            return
        self.state.store = store
        try:
            if self._first_study is not None:
                first = self._first_study
                self.open_study((await (store.find_study(first) if first else store.study_to_watch())).id)
        except IngestuneError as error:
            self.say_error(error)
        self.read_studies()
        self.read_queue()
        self.document_changed()

    @on(StudiesWanted)
    def _studies_wanted(self) -> None:
        if self.state.store is None and self.state.studies_trouble:
            self.state.studies_trouble = ""  # also what keeps a second opening from starting beside this one
            self.open_database()
            self.redraw()
        else:
            self.read_studies()

    @work(exclusive=True, group="studies")
    async def read_studies(self) -> None:
        """Bring the list of studies up to date."""
        if (store := self.state.store) is None:
            return
        try:
            self.state.studies = await read_studies(store)
        except IngestuneError as error:
            self._studies_failed(error)
            return
        self.state.studies_trouble = ""
        self.redraw()

    @work(exclusive=True, group="queue")
    async def read_queue(self) -> None:
        """Bring up to date what PostgreSQL lacks; a study's own process tells more, while one does."""
        state = self.state
        if (store := state.store) is None or state.settings.shared_copy is None or state.told_sync is not None:
            return
        try:
            state.queue = await store.queue()
        except IngestuneError as error:
            state.queue = None
            if not self._queue_failed:  # said once, and not again every few seconds
                self.say_error(error)
            self._queue_failed = True
        else:
            self._queue_failed = False
        self.mark_changed()

    def _studies_failed(self, error: IngestuneError) -> None:
        """The list is not empty and no longer being read: Studies says what is wrong until it could be read."""
        self.state.studies_trouble = crash.in_words(error)
        self.say_error(error)
        self.redraw()

    @on(StudyChosen)
    def _study_chosen(self, message: StudyChosen) -> None:
        self.open_study(message.study_id)

    @work(exclusive=True, group="study")
    async def open_study(self, study_id: str) -> None:
        """Show a study on the screens: a running one live, any other as it was stored."""
        if (store := self.state.store) is None:
            return
        live = self.state.live
        if live is not None and is_of(live, study_id):
            self.state.study = live
            self.switch_mode("live" if live.finished is None else "leaderboard")
            self.redraw()
            return
        asked_from, shown = self.current_mode, self.state.study
        try:
            pulled = study_id in await store.pulled_studies()
            study, elsewhere = as_known(await store.find_study(study_id), "5 Studies, R", pulled=pulled)
            if not elsewhere and study.state in ("running", "paused") and self.attach_to(study):
                return
            view = await read_study(store, study, elsewhere)
        except IngestuneError as error:
            self.say_error(error)
            return
        if self.state.study is not shown:  # another was begun or opened while this one was read
            return
        self.state.study = view
        if self.current_mode == asked_from:  # whoever went on to another place meanwhile stays there
            self.switch_mode("leaderboard" if study.state != "running" else "live")
        self.redraw()

    @on(StudyRenameAsked)
    @work(group="studies-change")
    async def _rename(self, message: StudyRenameAsked) -> None:
        if (store := self.state.store) is not None:
            try:
                await store.rename_study(message.study_id, message.name)
            except IngestuneError as error:
                self.say_error(error)
            else:
                for view in self.views():
                    if is_of(view, message.study_id):
                        view.rename(message.name)
            self.read_studies()

    @on(StudyDeleteAsked)
    @work(group="studies-change")
    async def _delete(self, message: StudyDeleteAsked) -> None:
        if (store := self.state.store) is not None:
            try:
                await store.delete_study(message.study_id)
            except IngestuneError as error:
                self.say_error(error)
            else:
                self.let_go(message.study_id)
            self.read_studies()

    @on(SamplesWanted)
    @work(group="samples")
    async def _read_samples(self, message: SamplesWanted) -> None:
        store, view = self.state.store, self.state.study
        if store is None or view is None:
            return
        try:
            trial = await store.trial(message.trial_id)
            detail = await read_detail(store, trial)
        except IngestuneError as error:
            self.say_error(error)
            return
        view.take_detail(trial, detail)
        self.redraw()
