"""Export: see the `.properties` before it is written, in the dialect and scope asked for, and where it goes.

Writes only after enter, never over an existing file unasked. What was not measured or confirmed is said in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input, Static

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import IngestuneError
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.study import Outcome, Study
from ingestune_tui.model.workload import Workload
from ingestune_tui.report.files import write_text
from ingestune_tui.report.leaderboard import Board, BoardRow
from ingestune_tui.report.summary import SizeResult
from ingestune_tui.report.wording import short_text, size_text, verdict_text
from ingestune_tui.tui.screens.place import Place
from ingestune_tui.tui.stored import study_of
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.typed_path import typed_path, why_unusable
from ingestune_tui.tui.widgets.choice import Choice
from ingestune_tui.tui.widgets.path_input import PathInput
from ingestune_tui.tui.widgets.rows import Row, Run, columns, flowed, spread
from ingestune_tui.tui.widgets.text_rows import TextRows
from ingestune_tui.tui.widgets.verdict import doubts

_UNWRITABLE: Final = ("✗", "type")
"""How the states of a path begin that keep it from being written."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What is to be exported."""

    study: Study
    outcome: Outcome
    """The claim, or a stand-in that says there is none."""
    name: str
    """In words: `the winner of quick, 1 kB`."""
    client_version: str = ""
    """What made the load, such as `librdkafka 2.16.1`; empty where nobody knows."""


def export_of_outcome(view: StudyView, outcome: Outcome) -> Exported:
    """The winner, or the unconfirmed leader, of an outcome."""
    study = study_of(view)
    who = "winner" if outcome.verdict == "faster" else "leader"
    name = f"the {who} of {study.name}, {size_text(outcome.workload.message_bytes)}"
    return Exported(study, outcome, name, _client_version(view, outcome.winner or outcome.baseline))


def export_of_size(view: StudyView, result: SizeResult) -> Exported:
    """The winner (or leader) of one message size."""
    outcome = result.outcome
    tuned = result.tuned.configuration if result.tuned is not None else result.baseline.configuration
    if outcome is None or outcome.winner != tuned:
        outcome = _unconfirmed(view, result.workload, tuned, result.baseline.configuration)
    return export_of_outcome(view, outcome)


def export_of_row(view: StudyView, board: Board, row: BoardRow) -> Exported:
    """Any row of the leaderboard; only the winner's comes with a claim."""
    study = study_of(view)
    workload = row.trials[0].workload
    outcome = board.outcome
    if outcome is None or row.configuration != outcome.winner:
        baseline = next((each.configuration for each in board.rows if each.standing == "baseline"), Configuration())
        outcome = _unconfirmed(view, workload, row.configuration, baseline)
    who = "the baseline" if row.standing == "baseline" else short_text(row.configuration, board.keys)
    name = f"{who} of {study.name}, {size_text(workload.message_bytes)}"
    return Exported(study, outcome, name, _client_version(view, row.configuration))


def _client_version(view: StudyView, configuration: Configuration) -> str:
    trials = (each.finished for each in view.trials.values() if each.configuration == configuration)
    return next((trial.client_version for trial in trials if trial is not None and trial.client_version), "")


def _unconfirmed(view: StudyView, workload: Workload, tuned: Configuration, baseline: Configuration) -> Outcome:
    return Outcome(
        workload=workload,
        objective=view.scoring.objective,
        verdict="unconfirmed",
        reason="" if tuned == baseline else "only the winner of a study is confirmed",
        winner=tuned,
        baseline=baseline,
    )


def claim_of(outcome: Outcome) -> Run:
    """What is claimed for it. Where nothing is proven that comes first, before any figure."""
    if outcome.winner == outcome.baseline:
        return "◇ the baseline, and nothing is claimed for it", "baseline"
    if outcome.verdict == "faster":
        return f"◆ {verdict_text(outcome)}", "tuned"
    why = outcome.reason if outcome.verdict == "unconfirmed" else ""
    return f"△ no proven winner: {why or verdict_text(outcome)}", "flag"


def state_of_path(typed: str) -> str:
    """What is to be said of the path before enter; empty where it can just be written."""
    if not typed.strip():
        return "type a path"
    try:
        path = typed_path(typed)
        if path.is_dir():
            return "✗ a directory"
        if not path.parent.is_dir():
            return "✗ no such directory"
        return "exists: asks first" if path.exists() else ""
    except OSError as problem:
        return f"✗ {why_unusable(problem)}"


class FileInput(PathInput):
    """The path to write to. Enter writes, and says so only while there is a file to be written."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "write", id="export.submit")]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "submit" or self.writable

    @property
    def writable(self) -> bool:
        """Whether a file can be written there."""
        return not state_of_path(self.value).startswith(_UNWRITABLE)


class ExportScreen(Place):
    """Preview and write."""

    PLACE = "leaderboard"
    HELP = (
        "The preview is the file. Java and librdkafka differ in names and defaults: values are translated, and what "
        "has no counterpart stays as a comment. y puts the text on your clipboard."
    )
    CSS = """
    ExportScreen {
        & #title { margin: 0 0 1 0; }
        & #file-row { height: 1; }
        & #file-label { width: 10; color: $quiet; }
        & #file { width: 1fr; background: $background; }
        & #file:focus { background: $chosen; }
        & #file-state { width: auto; padding: 0 0 0 2; color: $flag; }
        & #preview-scroll { height: 1fr; margin: 1 0 0 0; border-top: solid $rule; }
        & #preview { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "write", "write", id="export.write", tooltip="Write the file; asks before replacing one"),
        Binding("y", "copy", "copy", id="export.copy", tooltip="Copy the text to the clipboard"),
        Binding("tab", "app.focus_next", "next", show=False, id="export.next"),
        Binding("escape", "dismiss", "cancel", id="export.cancel", tooltip="Back without writing"),
        Binding("pagedown", "scroll(8)", "Scroll down", show=False, id="export.down"),
        Binding("pageup", "scroll(-8)", "Scroll up", show=False, id="export.up"),
    ]

    def __init__(self, exported: Exported) -> None:
        super().__init__()
        self._exported = exported
        winner = exported.outcome.winner or Configuration()
        scopes = [scope.value for scope in Scope if winner.scope(scope)] or [Scope.PRODUCER.value]
        self._scopes = tuple(dict.fromkeys(scopes))

    def body(self) -> ComposeResult:
        client = self._exported.outcome.workload.client
        yield TextRows(id="title")
        yield Choice("dialect", ("java", "librdkafka"), client, id="dialect")
        yield Choice("scope", self._scopes, self._scopes[0], id="scope")
        with Horizontal(id="file-row"):
            yield Static("file", id="file-label", markup=False)
            yield FileInput(self._default_path(), id="file", placeholder="~/producer.properties")
            yield Static("", id="file-state", markup=False)
        with VerticalScroll(id="preview-scroll", can_focus=False):
            yield Static("", id="preview", markup=False)

    def _default_path(self) -> str:
        return f"./{self._exported.study.name}-{self._scopes[0].replace('.', '-')}.properties"

    def on_mount(self) -> None:
        self._show_title()
        self.query_one("#dialect").focus()
        self._changed()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "write" or not self.is_mounted:
            return True
        field = self.query_one("#file", FileInput)
        return field.writable or not field.has_focus  # from anywhere else enter says what is wrong with the path

    def on_resize(self) -> None:
        """The title needs one row or several. Textual calls `Place.on_resize` by itself."""
        self._show_title()

    def _show_title(self) -> None:
        title = (f"Export {self._exported.name}", "strong")
        claim = claim_of(self._exported.outcome)
        width = self.app.size.width - 2
        if columns((title, claim)) + 2 <= width:
            rows: tuple[Row, ...] = (spread((title,), (claim,), width),)
        else:
            rows = ((title,), *flowed((claim,), width))
        self.query_one("#title", TextRows).show((*rows, *doubts(self._exported.outcome, width)))

    @property
    def text(self) -> str:
        """The file as it would be written."""
        from ingestune_tui.report.properties import render_properties

        return render_properties(
            self._exported.study,
            self._exported.outcome,
            dialect="java" if self.query_one("#dialect", Choice).value == "java" else "librdkafka",
            scope=Scope(self.query_one("#scope", Choice).value),
            client_version=self._exported.client_version,
        )

    @property
    def path(self) -> Path:
        """Where it goes. Raises OSError where `state_of_path` says what is wrong with it."""
        return typed_path(self.query_one("#file", PathInput).value)

    @on(Choice.Changed)
    def _changed(self) -> None:
        try:
            self.query_one("#preview", Static).update(self.text)
        except IngestuneError as error:
            self.query_one("#preview", Static).update(str(error))
        self._path_typed()

    @on(Input.Changed, "#file")
    def _path_typed(self) -> None:
        self.query_one("#file-state", Static).update(state_of_path(self.query_one("#file", PathInput).value))
        self.refresh_bindings()

    @on(Input.Submitted, "#file")
    def _submitted(self) -> None:
        self.action_write()

    @work(exclusive=True, group="export")
    async def action_write(self) -> None:
        from ingestune_tui.tui.screens.dialogs import ask

        field = self.query_one("#file", FileInput)
        if not field.writable:
            state = state_of_path(field.value)
            field.focus()
            said = (field.value.strip(), state.removeprefix("✗ "))
            self.ingestune.say(": ".join(filter(None, said)), "warning")
            return
        if self.path.exists():
            question = ask(f"{self.path.name} exists", f"Replace {self.path}?", "Replace", destroys=True)
            if await self.app.push_screen_wait(question) != "yes":
                return
        try:
            write_text(self.path, self.text)
        except IngestuneError as error:
            self.ingestune.say_error(error)
        else:
            self.ingestune.say(f"written: {self.path}")
            self.dismiss()

    def action_copy(self) -> None:
        self.ingestune.copy_text(self.text)

    def action_scroll(self, by: int) -> None:
        self.query_one("#preview-scroll", VerticalScroll).scroll_relative(y=by, animate=False)
