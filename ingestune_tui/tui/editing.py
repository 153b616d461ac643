"""The app's grid: which one is in the editor, what it would cost, and starting it on the chosen cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual import on, work
from textual.app import SuspendNotSupported

from ingestune_tui import settings as kept
from ingestune_tui.errors import GridError, IngestuneError
from ingestune_tui.tui.messages import DocumentChanged, GridChosen, RunAsked
from ingestune_tui.tui.watching import Watching

if TYPE_CHECKING:
    from ingestune_tui.errors import Problem
    from ingestune_tui.model.study import Study
    from ingestune_tui.tui.grid_document import GridDocument
    from ingestune_tui.tui.run_request import Question
    from ingestune_tui.tui.state import ClusterChoice, GridCount

MAX_REMEMBERED = 8


class Editing(Watching):
    """The part of the app that owns the grid document."""

    def copy_text(self, text: str) -> None:
        """Put text on the person's clipboard; the app does it."""

    def choose_cluster(self, cluster: ClusterChoice) -> None:
        """Take a cluster as the one to run on, and remember it. What the grid costs there is counted anew."""
        moved = cluster != self.state.cluster
        self.state.cluster = cluster
        config = str(cluster.command_config or "")
        known = self.state.remembered
        clusters = known.clusters
        if cluster.external:
            newest = (cluster.address, config)
            clusters = (newest, *(each for each in clusters if each != newest))[:MAX_REMEMBERED]
        self.remember(replace(known, cluster=cluster.address, command_config=config, clusters=clusters))
        if moved:
            self.document_changed()
        else:
            self.redraw()

    def remember(self, remembered: kept.Remembered) -> None:
        """Keep it for the next start. That it cannot be kept is said once and stops nothing."""
        if remembered == self.state.remembered:
            return
        self.state.remembered = remembered
        try:
            kept.remember(self.state.settings.paths, remembered)
        except (OSError, IngestuneError) as problem:
            self.say(f"the choice will not be remembered: {problem}", "warning")

    def open_grid(self, path: Path, *, ready: bool = False) -> bool:
        """Put a grid file into the editor; False, and a toast, when it cannot be read."""
        from ingestune_tui.tui.grid_document import GridDocument  # 40 ms with the catalogue

        try:
            self.state.document = GridDocument.open(path, ready=ready)
        except IngestuneError as error:
            self.say_error(error)
            return False
        self._remember_grid(path, ready=ready)
        self.document_changed()
        return True

    def _remember_grid(self, path: Path, *, ready: bool) -> None:
        known = self.state.remembered
        recent = known.recent if ready else (str(path), *(each for each in known.recent if each != str(path)))
        self.remember(replace(known, grid=str(path), recent=recent[:MAX_REMEMBERED]))

    def grid_saved(self, path: Path) -> None:
        """The document was written to `path`."""
        self._remember_grid(path, ready=False)
        self.say(f"saved: {path}")
        self.redraw()

    def edit_as_text(self, document: GridDocument) -> None:
        """The whole file in the person's own editor, with the app out of the way."""
        from ingestune_tui.tui.text_editor import edit

        try:
            with self.suspend():
                text = edit(document.text, document.name)
        except IngestuneError as error:
            self.say_error(error)
        except SuspendNotSupported:  # in a browser there is no terminal to lend
            self.say("an editor needs a terminal; ctrl+s saves the grid, for an editor elsewhere", "warning")
        else:
            if document.replace(text):
                self.document_changed()
        self.refresh()

    @property
    def half_typed(self) -> bool:
        """Whether a row of the grid is open and holds something else than it shows, on the screen or behind another."""
        from ingestune_tui.tui.screens.place import Place

        screens = [screen for stack in self._screen_stacks.values() for screen in stack]
        return any(screen.half_typed for screen in screens if isinstance(screen, Place))

    @on(GridChosen)
    def _grid_chosen(self, message: GridChosen) -> None:
        document = self.state.document
        if document is None or not (document.changed or self.half_typed):
            self._open_chosen(message)
        elif document.is_from(message.path):
            self._use_document(message)  # the edited copy goes on; it is not read again from the disk
        else:
            self._replace_unsaved(message, document.name)

    def _open_chosen(self, message: GridChosen) -> None:
        if self.open_grid(message.path, ready=message.ready):
            self._use_document(message)

    def _use_document(self, message: GridChosen) -> None:
        """On the cluster that was chosen with it, and only now: a choice that was taken back changes nothing."""
        self.choose_cluster(message.cluster)
        document = self.state.document
        if message.run and document is not None and not document.problems:
            self.ask_and_run()
        else:
            self.switch_mode("grid")
            self.redraw()

    @work
    async def _replace_unsaved(self, message: GridChosen, name: str) -> None:
        from ingestune_tui.tui.screens.dialogs import ask

        question = ask(f"{name} has unsaved changes", "Opening another grid drops them.", "Drop them", destroys=True)
        if await self.push_screen_wait(question) == "yes":
            self._open_chosen(message)

    @on(DocumentChanged)
    def document_changed(self) -> None:
        """The grid in the editor is another text now: draw it, then count it."""
        self.state.count = None
        self.redraw()
        document = self.state.document
        if document is not None and document.grid is not None:
            self._count(document, document.text)

    @work(thread=True, exclusive=True, group="count")
    def _count(self, document: GridDocument, text: str) -> None:
        """Cells, time and bytes; 5 000 cells take a few hundred milliseconds, so not in the way of the keys."""
        self.call_from_thread(self._counted, document, text, *_count_text(document, text, self.state.cluster))

    def _counted(
        self, document: GridDocument, text: str, count: GridCount | None, problems: tuple[Problem, ...]
    ) -> None:
        if self.state.document is document and document.text == text:
            self.state.count = count
            if problems:
                document.problems = problems
            self.redraw()
            if count is not None:
                self._look_in_cache(document, text)

    @work(exclusive=True, group="cached")
    async def _look_in_cache(self, document: GridDocument, text: str) -> None:
        """How many cells need not be measured again; what cannot be looked up stays unsaid."""
        from ingestune_tui.model.space import expand
        from ingestune_tui.tui.grid_cards import count_grid
        from ingestune_tui.tuning.cached_cells import cached_cells
        from ingestune_tui.tuning.grid_file import resolve

        store = self.state.store
        if store is None:
            return
        try:
            grid_file = resolve(text, document.directory / document.name)
            workloads = grid_file.grid.workloads
            spaces = await asyncio.to_thread(lambda: [expand(grid_file.grid, workload) for workload in workloads])
            cached = await cached_cells(
                store,
                grid_file,
                spaces,
                self.state.cluster.address,
                younger_than_s=self.state.settings.cache_days * 86400,
            )
        except IngestuneError as error:
            self.say_error(error)
            return
        count = await asyncio.to_thread(count_grid, grid_file.grid, fresh=self.state.cluster.fresh, cached=cached)
        if self.state.document is document and document.text == text and self.state.count is not None:
            self.state.count = count
            self.redraw()

    # Running.

    @on(RunAsked)
    def ask_and_run(self) -> None:
        """Start the grid in the editor; what is long or goes to somebody's cluster is asked about first."""
        self._ask_and_run()

    @work(exclusive=True, group="ask-run")
    async def _ask_and_run(self) -> None:
        from ingestune_tui.tui.run_request import arguments, question, refusal

        state, document = self.state, self.state.document
        if document is None:
            return
        if why := await self.why_not_now():
            self.say(why, "warning")
            return
        text, cluster = document.text, state.cluster
        count, problems = (
            (state.count, ()) if state.count else await asyncio.to_thread(_count_text, document, text, cluster)
        )
        if (state.document, state.cluster) != (document, cluster) or document.text != text:
            return  # something else was chosen meanwhile
        if problems:
            document.problems = problems
        if why := (str(problems[0]) if problems else refusal(document, state.cluster, count)):
            self.say(why, "warning")
            self.switch_mode("grid")
            self.redraw()
            return
        if not await self._agreed(question(document, state.cluster, count)):
            return
        try:
            self.start_study(arguments(document, state.cluster, state.settings))
        except IngestuneError as error:
            self.say_error(error)

    async def _agreed(self, question: Question | None) -> bool:
        """Whether the person says yes; what is nobody's trouble is not asked."""
        from ingestune_tui.tui.screens.dialogs import ask

        if question is None:
            return True
        dialog = ask(question.title, question.text, question.yes, destroys=question.destroys)
        return await self.push_screen_wait(dialog) == "yes"

    async def agreed_to_resume(self, study: Study) -> bool:
        from ingestune_tui.tui.grid_document import GridDocument
        from ingestune_tui.tui.run_request import question_to_resume
        from ingestune_tui.tui.state import ClusterChoice

        kept_path = study.options.get("grid_path", "")
        document = GridDocument(study.grid_text, study.grid_name, Path(kept_path) if kept_path else None)
        cluster = ClusterChoice(study.options.get("cluster") or study.cluster.label)
        count, _ = await asyncio.to_thread(_count_text, document, document.text, cluster)
        return await self._agreed(question_to_resume(study, document, cluster, count))


def _count_text(
    document: GridDocument, text: str, cluster: ClusterChoice
) -> tuple[GridCount | None, tuple[Problem, ...]]:
    """The count of a grid with the baseline files it names, or what is wrong with those or in librdkafka's eyes."""
    from ingestune_tui.model.space import expand
    from ingestune_tui.tui.grid_cards import count_grid
    from ingestune_tui.tuning.grid_file import resolve
    from ingestune_tui.tuning.refused import refused_values  # 110 ms with confluent_kafka, in a thread

    try:
        grid = resolve(text, document.directory / document.name).grid
    except GridError as error:
        return None, error.problems
    refused = refused_values(grid, [expand(grid, workload) for workload in grid.workloads])
    return (None, refused) if refused else (count_grid(grid, fresh=cluster.fresh), ())
