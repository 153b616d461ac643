"""Place: Grid, the editor. Rows by scope, then workload, objective, method and baseline; edited in place.

The document does the editing (`grid_document.py`); this screen moves the focus, opens inputs and shows what came of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.widgets import Static

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import IngestuneError
from ingestune_tui.tui.grid_help import help_for
from ingestune_tui.tui.grid_input import field_value, parameter_values
from ingestune_tui.tui.grid_rows import SCOPE_ROWS, Row, client_of, rows
from ingestune_tui.tui.messages import DocumentChanged, RunAsked
from ingestune_tui.tui.screens.place import Place
from ingestune_tui.tui.status import Part, editor_parts
from ingestune_tui.tui.widgets.grid_row import Columns, GridRow

if TYPE_CHECKING:
    from textual.events import DescendantFocus

    from ingestune_tui.tui.grid_document import GridDocument
    from ingestune_tui.tui.state import AppState, GridCount

_WHILE_READING = frozenset(
    (
        "edit",
        "add",
        "delete",
        "toggle_row",
        "undo",
        "redo",
        "run_or_jump",
        "fold",
        "unfold",
        "move",
        "edge",
        "save_as",
        "text",
    )
)
"""Actions of letters and arrows, which belong to the input while one is open."""


class RowList(VerticalScroll, inherit_bindings=False):
    """The rows; up and down move the focus and not the view."""


class GridScreen(Place):
    """The rows of the grid and the help of the row in focus."""

    PLACE = "grid"
    HELP = "Edit what is tried: every row is a setting of the grid file. Comments in the file stay where they are."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "edit", id="grid.edit", tooltip="Edit this row in place; open or close a section"),
        Binding("a", "add", "add", id="grid.add", tooltip="Add a parameter from the catalogue"),
        Binding("r", "run_or_jump", "run", id="grid.run", tooltip="Run the grid, or go to the first problem"),
        Binding("D", "delete", "delete", id="grid.delete", tooltip="Delete this row from the file (asks)"),
        Binding("space", "toggle_row", "off", id="grid.toggle", tooltip="Switch this parameter off, or on again"),
        Binding("u", "undo", "undo", show=False, id="grid.undo", tooltip="Take the last edit back"),
        Binding("U", "redo", "redo", show=False, id="grid.redo", tooltip="Make the edit again that was taken back"),
        Binding("ctrl+s", "save", "save", show=False, id="grid.save", tooltip="Save the file, comments and all"),
        Binding("f2", "save_as", "save as", show=False, id="grid.save-as", tooltip="Save under another name"),
        Binding("ctrl+e", "text", "as text", show=False, id="grid.text", tooltip="Edit the file as text in $EDITOR"),
        Binding("down", "move(1)", "Row below", show=False, id="grid.down"),
        Binding("up", "move(-1)", "Row above", show=False, id="grid.up"),
        Binding("right", "unfold", "Open section", show=False, id="grid.open"),
        Binding("left", "fold", "Close section", show=False, id="grid.close"),
        Binding("home", "edge(0)", "First row", show=False),
        Binding("end", "edge(-1)", "Last row", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._opened: frozenset[str] = frozenset()
        self._document: GridDocument | None = None
        self._drawn: tuple[object, ...] = ()
        self._helped: tuple[Row | None, GridCount | None, str] | None = None
        self._last_key = ""

    def body(self) -> ComposeResult:
        yield Static("No grid yet.\n\no chooses one.", id="grid-empty", classes="empty", markup=False)
        with Container(id="grid-body"):
            yield RowList(id="grid-rows", can_focus=False)
            with VerticalScroll(id="grid-help", can_focus=False):
                yield Static("", id="grid-help-text")

    # From the state.

    def status(self, state: AppState) -> list[Part]:
        return editor_parts(state)

    def refresh_from(self, state: AppState) -> None:
        document = state.document
        self.query_one("#grid-empty").display = document is None
        self.query_one("#grid-body").display = document is not None
        if document is None:
            return
        if document is not self._document:
            self._document, self._opened = document, frozenset()
        wanted = (document, document.text, document.problems, self._opened, self._rows_width)
        if wanted != self._drawn:
            self._drawn = wanted
            self._show_rows(rows(document, self._opened))
        if self.focused is None:
            self.call_after_refresh(self._focus_first)
        self._show_help()

    @property
    def _rows_width(self) -> int:
        width = self.app.size.width - 4
        return width - 42 if self.app.size.width >= 100 else width

    def _show_rows(self, wanted: list[Row]) -> None:
        holder = self.query_one("#grid-rows", RowList)
        columns = Columns.fit(wanted, self._rows_width)
        here = {widget.row.key: widget for widget in self._row_widgets()}
        if [row.key for row in wanted] != list(here):
            for key, widget in here.items():
                if key not in {row.key for row in wanted}:
                    widget.remove()
            previous: GridRow | None = None
            for row in wanted:
                found = here.get(row.key)
                if found is None:
                    found = GridRow(row, self._wrong_with)
                    if previous is None:
                        holder.mount(found, before=0) if holder.children else holder.mount(found)
                    else:
                        holder.mount(found, after=previous)
                here[row.key] = previous = found
        for number, row in enumerate(wanted):
            here[row.key].show_row(row, columns)
            here[row.key].set_class(number == 0, "-first")

    def _row_widgets(self) -> list[GridRow]:
        return [widget for widget in self.query(GridRow) if widget.is_attached and not widget._pruning]

    def _focus_first(self) -> None:
        """The row that had the focus last, else the first one: a hidden screen loses its focus."""
        if self.focused is None and self.query_one("#body").display:
            able = [widget for widget in self._row_widgets() if widget.can_focus]
            wanted = next((widget for widget in able if widget.row.key == self._last_key), able[0] if able else None)
            if wanted is not None:
                self.set_focus(wanted)

    def _show_help(self) -> None:
        row = self._current
        count = self.ingestune.state.count if self.app.size.width >= 100 else None
        client = client_of(self._document.plain) if self._document is not None else "librdkafka"
        wanted = (row.row if row is not None else None, count, client)
        if wanted != self._helped:
            self._helped = wanted
            text = self.query_one("#grid-help-text", Static)
            text.update(help_for(*wanted))
            self.call_after_refresh(text.refresh, layout=True)  # the first text comes before the panel has its width

    # Where the person is.

    @property
    def _current(self) -> GridRow | None:
        focused = self.focused
        if isinstance(focused, GridRow):
            return focused
        if focused is not None and isinstance(focused.parent, GridRow):
            return focused.parent
        return None

    @property
    def _editing(self) -> bool:
        current = self._current
        return current is not None and current.editing

    @property
    def urgent_actions(self) -> tuple[str, ...]:
        """What the footer shows first: a changed grid can be saved, and its edits taken back."""
        changed = self._document is not None and self._document.changed and not self._editing
        return ("save", "undo") if changed else ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _WHILE_READING:
            if self._document is None or self._editing:
                return False
            current = self._current
            if action == "toggle_row":
                return current is not None and current.row.kind == "parameter"
            if action == "delete":
                return current is not None and self._deletable(current.row)
        return True

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        if (current := self._current) is not None:
            self._last_key = current.row.key
        self._show_help()
        self.refresh_bindings()

    @on(GridRow.EditingChanged)
    def _editing_changed(self) -> None:
        self.refresh_bindings()
        self.refresh_from(self.ingestune.state)

    def action_move(self, by: int) -> None:
        self._step(self._current, by)

    def _step(self, start: GridRow | None, by: int) -> None:
        able = [widget for widget in self._row_widgets() if widget.can_focus]
        if able:
            at = able.index(start) + by if start in able else 0
            self.set_focus(able[max(0, min(at, len(able) - 1))])

    def action_edge(self, which: int) -> None:
        able = [widget for widget in self._row_widgets() if widget.can_focus]
        if able:
            self.set_focus(able[which])

    def _focus_key(self, key: str, *, edit: bool = False) -> None:
        for widget in self._row_widgets():
            if widget.row.key == key:
                self.set_focus(widget)
                if edit:
                    widget.edit()
                return

    # Editing.

    def _wrong_with(self, row: Row, text: str) -> str:
        """What is wrong with a text for a row: the catalogue's word, in one sentence."""
        try:
            self._values_of(row, text)
        except ValueError as problem:
            return str(problem)
        return ""

    def _values_of(self, row: Row, text: str) -> object:
        if row.kind == "parameter":
            assert row.scope is not None
            return parameter_values(row.scope, row.name, text)
        if row.kind == "baseline":
            assert row.scope is not None
            values = parameter_values(row.scope, row.name, text)
            if len(values) > 1:
                raise ValueError("a baseline has one value for each property")
            return values
        if row.keys == ("title",) or row.section == "baseline":
            return text.strip() or None
        return field_value(row.section, row.name, text)

    @on(GridRow.Edited)
    def _edited(self, message: GridRow.Edited) -> None:
        document, row = self._document, message.row
        assert document is not None
        value = self._values_of(row, message.text)
        widget = self._current
        if widget is not None:
            widget.close(focus=not message.step)
            if message.step:
                self._step(widget, message.step)
        if isinstance(value, list) and row.kind in ("parameter", "baseline"):
            self._change(lambda: document.set_values(row.keys, value))
        else:
            self._change(lambda: document.set_field(row.keys, value))

    def _change(self, edit: object) -> bool:
        """Do one edit; what cannot be done is said and changes nothing."""
        assert callable(edit)
        try:
            changed = bool(edit())
        except IngestuneError as error:
            self.ingestune.say_error(error)
            return False
        if changed:
            self.post_message(DocumentChanged())
        return changed

    def action_edit(self) -> None:
        current = self._current
        if current is None:
            return
        row = current.row
        if row.kind == "section":
            self._fold(row, not row.opened)
        elif row.kind == "scope":
            self.action_add()
        else:
            current.edit()

    def action_unfold(self) -> None:
        if (current := self._current) is not None and current.row.kind == "section":
            self._fold(current.row, True)

    def action_fold(self) -> None:
        current = self._current
        if current is None:
            return
        row = current.row
        if row.kind == "section":
            self._fold(row, False)
        elif row.kind in ("field", "baseline"):
            able = self._row_widgets()
            owner = next(widget for widget in reversed(able[: able.index(current)]) if widget.row.kind == "section")
            self._fold(owner.row, False)
            self.set_focus(owner)

    def _fold(self, row: Row, opened: bool) -> None:
        self._opened = self._opened | {row.label} if opened else self._opened - {row.label}
        self.refresh_from(self.ingestune.state)

    def action_toggle_row(self) -> None:
        document, current = self._document, self._current
        if document is not None and current is not None and current.row.kind == "parameter":
            row = current.row
            self._change(lambda: document.toggle(row.parameter))

    @staticmethod
    def _deletable(row: Row) -> bool:
        return row.kind in ("parameter", "baseline") or (row.kind == "field" and bool(row.chips))

    @work
    async def action_delete(self) -> None:
        from ingestune_tui.tui.screens.dialogs import ask

        document, current = self._document, self._current
        if document is None or current is None or not self._deletable(current.row):
            return
        row = current.row
        question = ask(f"Delete {row.label}?", f"Its values {row.typed} leave the grid. u brings them back.", "Delete")
        if await self.app.push_screen_wait(question) == "yes":
            able = [widget for widget in self._row_widgets() if widget.can_focus]
            at = able.index(current) if current in able else 0
            name = row.parameter if row.kind == "parameter" else ""
            if self._change(lambda: document.delete(row.keys, name)):
                self.set_focus(able[at - 1 if at + 1 >= len(able) else at + 1])

    def action_undo(self) -> None:
        if self._document is not None and self._change(self._document.undo) is False:
            self.ingestune.say("nothing to undo")

    def action_redo(self) -> None:
        if self._document is not None and self._change(self._document.redo) is False:
            self.ingestune.say("nothing to redo")

    @work
    async def action_add(self) -> None:
        from ingestune_tui.tui.screens.pick_property import PickProperty

        document, current = self._document, self._current
        if document is None:
            return
        row = current.row if current is not None else None
        for_baseline = row is not None and (
            row.kind == "baseline" or row.key == "section:baseline" or row.section == "baseline"
        )
        scope = row.scope if row is not None and row.scope is not None else Scope.PRODUCER
        here = {
            (each.row.scope, each.row.name)
            for each in self._row_widgets()
            if each.row.kind == ("baseline" if for_baseline else "parameter")
        }
        client = client_of(document.plain)
        found = await self.app.push_screen_wait(PickProperty(scope, frozenset(here), client))
        if found is None:
            return
        table = ("baseline", found.scope.value) if for_baseline else dict(SCOPE_ROWS)[found.scope]
        if self._change(lambda: document.add(table, found.written, [found.value])):
            if for_baseline:
                self._opened |= {"baseline"}
            prefix = "baseline:" if for_baseline else ""
            self.refresh_from(self.ingestune.state)
            self.call_after_refresh(self._focus_key, f"{prefix}{found.scope.value}.{found.written}", edit=True)

    # The file.

    def action_save(self) -> None:
        if (current := self._current) is not None and current.editing and not current.keep():
            return
        self.call_after_refresh(self._save)

    @work
    async def _save(self) -> None:
        document = self._document
        if document is None:
            return
        if document.path is None:
            self.action_save_as()
            return
        if document.changed_on_disk():
            from ingestune_tui.tui.screens.dialogs import ask

            question = ask(
                f"{document.name} was changed by someone else",
                "Saving puts your text in place of theirs.",
                "Overwrite",
                destroys=True,
            )
            if await self.app.push_screen_wait(question) != "yes":
                return
        self._write(None)

    @work
    async def action_save_as(self) -> None:
        from pathlib import Path

        from ingestune_tui.tui.screens.ask_path import PathDialog
        from ingestune_tui.tui.screens.dialogs import ask

        document = self._document
        if document is None:
            return
        proposal = str(document.path or document.name)
        typed = await self.app.push_screen_wait(PathDialog("Save the grid as", proposal, "Save", ending=".toml"))
        if typed is None:
            return
        path = Path(typed)
        if path.exists() and path != document.path:
            question = ask(f"{path.name} exists", f"{path} will be replaced.", "Replace", destroys=True)
            if await self.app.push_screen_wait(question) != "yes":
                return
        self._write(typed)

    def _write(self, path: str | None) -> None:
        from pathlib import Path

        assert self._document is not None
        try:
            written = self._document.save(Path(path) if path else None)
        except IngestuneError as error:
            self.ingestune.say_error(error)
        else:
            self.ingestune.grid_saved(written)

    def action_text(self) -> None:
        if self._document is not None:
            self.ingestune.edit_as_text(self._document)

    # Running.

    def action_run_or_jump(self) -> None:
        """Run, or go to the first problem: what cannot be run says why."""
        wrong = next((widget for widget in self._row_widgets() if widget.row.problem), None)
        if wrong is None:
            self.post_message(RunAsked())
            return
        if wrong.can_focus:
            self.set_focus(wrong)
        else:
            wrong.scroll_visible()
        self.ingestune.say(wrong.row.problem, "warning")
