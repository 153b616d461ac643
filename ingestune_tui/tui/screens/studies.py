"""Place: Studies. Every stored study, to open, resume, rename or delete."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from ingestune_tui.model.events import Resume
from ingestune_tui.report.wording import unstable_text
from ingestune_tui.tui.messages import (
    CommandGiven,
    StudiesWanted,
    StudyChosen,
    StudyDeleteAsked,
    StudyRenameAsked,
    StudyResumeAsked,
)
from ingestune_tui.tui.plain import plain_lines
from ingestune_tui.tui.screens.study_place import StudyPlace
from ingestune_tui.tui.stored import StudyLine
from ingestune_tui.tui.waiting import is_waiting
from ingestune_tui.tui.widgets.eager_input import EagerInput
from ingestune_tui.tui.widgets.row_table import RowTable
from ingestune_tui.tui.widgets.studies_table import as_watched, matching, study_cells, study_columns

if TYPE_CHECKING:
    from ingestune_tui.tui.state import AppState
    from ingestune_tui.tui.study_view import StudyView

LOADING_AFTER_S = 0.15
_TO_RESUME = ("interrupted", "stopped", "paused", "failed")
"""States that a study can go on from."""


def today() -> date:
    """The day `today` and `yesterday` refer to."""
    return datetime.now().astimezone().date()


def message_of(line: StudyLine) -> str:
    """What the study has to say; of one that another host alone can go on with, that too."""
    study = line.study
    if not line.elsewhere or study.state == "finished":
        return study.message
    where = "runs on {}, as last synced" if study.state in ("running", "paused") else "{} alone can go on with it"
    return " · ".join(each for each in (study.message, where.format(line.elsewhere)) if each)


class FindInput(EagerInput):
    """The line that finds studies."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "keep"),
        Binding("escape,down,tab", "screen.leave_find", "to the list"),
    ]


class StudiesScreen(StudyPlace):
    """The history."""

    PLACE = "studies"
    AUTO_FOCUS = "#studies"
    HELP = "Every stored study, newest first. Enter shows one on 2, 3 and 4; R goes on with one that was stopped."
    CSS = """
    StudiesScreen {
        & #nothing { display: none; }
        & #studies { height: 1fr; }
        & #find-row { height: 1; }
        & #find-mark { width: 2; color: $quiet; }
        & #find { width: 1fr; background: $background; }
        & #find:focus { background: $chosen; }
        & #found { width: auto; color: $quiet; }
        & #message { height: auto; color: $quiet; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "resume", "resume", id="studies.resume", tooltip="Go on with this study where it stopped"),
        Binding("n", "rename", "rename", id="studies.rename", tooltip="Give this study another name"),
        Binding("D", "delete", "delete", id="studies.delete", tooltip="Delete this study and its trials; asks"),
        Binding(
            "slash", "find", "find", key_display="/", id="studies.find", tooltip="Find by name, cluster, grid or state"
        ),
        Binding("f5", "read_again", "read again", id="studies.again", tooltip="Try once more to read the studies"),
        Binding("escape", "leave_find", "All of them", show=False, id="studies.all", tooltip="Show all studies"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._wanted = ""
        self._lines: list[StudyLine] = []
        self._late = False

    def body(self) -> ComposeResult:
        yield Static("", id="nothing", classes="empty", markup=False)
        with Vertical(id="full"):
            yield RowTable(id="studies")
            yield Static("", id="message", markup=False)
            with Horizontal(id="find-row"):
                yield Static("/", id="find-mark", markup=False)
                yield FindInput(placeholder="name, cluster, grid or state", id="find", select_on_focus=False)
                yield Static("", id="found", markup=False)

    def on_screen_resume(self) -> None:
        self.post_message(StudiesWanted())
        self._late = False
        self.set_timer(LOADING_AFTER_S, self.say_loading)
        super().on_screen_resume()

    def say_loading(self) -> None:
        """Reading takes long enough to say so."""
        self._late = True
        self.redraw()

    # Drawing -------------------------------------------------------------------------------------------------

    def refresh_from(self, state: AppState) -> None:
        known = state.studies
        nothing = self.query_one("#nothing", Static)
        nothing.display = not known
        self.query_one("#full").display = bool(known)
        if not known:
            nothing.update(self._why_nothing(state))
            self.refresh_bindings()
            return
        self._lines = matching([as_watched(line, state.live) for line in known], self._wanted)
        lines, day, columns = self._lines, today(), study_columns(self.size.width - 2)
        self.query_one("#studies", RowTable).show(
            columns, [line.study.id for line in lines], lambda place: study_cells(lines[place], day, columns)
        )
        total = len(known)
        shown = f"{total} stud{'y' if total == 1 else 'ies'}"
        self.query_one("#found", Static).update(
            shown if len(self._lines) == total else f"{len(self._lines)} of {shown}"
        )
        self._say_more()
        self.refresh_bindings()

    def _why_nothing(self, state: AppState) -> Content:
        if trouble := state.studies_trouble:
            return Content.assemble(("✗ ", "$bad"), (trouble, "$foreground"), "\n\nf5 or coming back tries again.")
        if state.studies is None:
            return Content("Reading the studies …" if self._late else "")
        return Content("No study yet.\n\n1 goes to the grid, r there runs it.")

    def _say_more(self) -> None:
        """Below the list: that it is an old one, else what the study under the cursor has to say."""
        line = self.chosen
        message = Content(plain_lines(message_of(line)) if line is not None else "")
        if line is not None and (unstable := unstable_text(line.study.outcomes, len(line.study.outcomes))):
            warning = Content.assemble((f"⚠ {unstable}", "$flag"))
            message = Content("\n").join((message, warning)) if message else warning
        if trouble := self.ingestune.state.studies_trouble:
            message = Content.assemble(("✗ ", "$bad"), f"{trouble}\nThe list is an earlier one; f5 reads it again.")
        self.query_one("#message", Static).update(message)

    @property
    def chosen(self) -> StudyLine | None:
        """The study under the cursor."""
        chosen = self.query_one("#studies", RowTable).chosen_id
        return next((line for line in self._lines if line.study.id == chosen), None)

    def _live(self, line: StudyLine) -> StudyView | None:
        """The study as its process tells it, while there is a line to that process."""
        live = self.ingestune.state.live
        same = live is not None and live.started is not None and live.started.study_id == line.study.id
        return live if same else None

    @on(RowTable.RowReached)
    def _reached(self) -> None:
        self._say_more()
        self.refresh_bindings()

    # Keys ----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return True
        if action == "resume":
            line = self.chosen
            if line is not None and (live := self._live(line)) is not None:
                # what waits goes on by itself, and a process that has said its last word hears none
                return live.paused is not None and not is_waiting(live.paused)
            return line is not None and not line.elsewhere and line.study.state in _TO_RESUME
        if action == "read_again":
            return bool(self.ingestune.state.studies_trouble)
        if action in ("rename", "delete"):
            return self.chosen is not None
        if action == "find":
            return bool(self.ingestune.state.studies) and not self.query_one("#find").has_focus
        return True

    @on(RowTable.RowEntered)
    def _entered(self) -> None:
        if (line := self.chosen) is not None:
            self.post_message(StudyChosen(line.study.id))

    def action_resume(self) -> None:
        if (line := self.chosen) is None:
            return
        if self._live(line) is not None:
            self.post_message(CommandGiven(Resume()))  # its process waits for that word
        else:
            self.post_message(StudyResumeAsked(line.study.id))

    @work
    async def action_rename(self) -> None:
        from ingestune_tui.tui.screens.ask_name import NameDialog

        if (line := self.chosen) is not None:
            name = await self.app.push_screen_wait(NameDialog(line.study.name))
            if name:
                self.post_message(StudyRenameAsked(line.study.id, name))

    @work
    async def action_delete(self) -> None:
        from ingestune_tui.tui.screens.dialogs import ask

        if (line := self.chosen) is None:
            return
        trials = f" and its {line.trials} trials" if line.trials else ""
        question = ask(
            f"Delete {line.study.name}?",
            f"The study{trials} cannot be brought back; an exported file stays where it is.",
            "Delete",
            destroys=True,
        )
        if await self.app.push_screen_wait(question) == "yes":
            self.post_message(StudyDeleteAsked(line.study.id))

    def action_read_again(self) -> None:
        self.post_message(StudiesWanted())

    def action_find(self) -> None:
        self.query_one("#find").focus()

    def action_leave_find(self) -> None:
        """Out of the find line, then all studies again."""
        box = self.query_one("#find", Input)
        if not box.has_focus:
            box.value = ""
        self.query_one("#studies").focus()

    @on(Input.Changed, "#find")
    def _typed(self, event: Input.Changed) -> None:
        self._wanted = event.value
        self.redraw()

    @on(Input.Submitted, "#find")
    def _kept(self) -> None:
        self.query_one("#studies").focus()
