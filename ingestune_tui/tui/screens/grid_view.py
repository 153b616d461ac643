"""The rows of the grid on the screen: drawn from the document, folded, and the focus moved through them.

Changes nothing in the document: `grid_edits.py` adds the edits, and `grid.py` the keys, the file and the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.widgets import Static

from ingestune_tui.tui.grid_help import help_for
from ingestune_tui.tui.grid_rows import Row, client_of, rows
from ingestune_tui.tui.row_value import wrong_with
from ingestune_tui.tui.screens.place import Place
from ingestune_tui.tui.status import Part, editor_parts
from ingestune_tui.tui.widgets.grid_row import Columns, GridRow

if TYPE_CHECKING:
    from textual.events import DescendantFocus

    from ingestune_tui.tui.grid_document import GridDocument
    from ingestune_tui.tui.state import AppState, GridCount


class RowList(VerticalScroll, inherit_bindings=False):
    """The rows; up and down move the focus and not the view."""


class GridView(Place):
    """The rows of the document and the help of the row in focus."""

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
            for widget in self._row_widgets():
                widget.close(focus=False)  # what is open there was typed for the grid before
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
                    found = GridRow(row, wrong_with)
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
        """The row with the open input or the last focus, else the first one: a hidden screen loses its focus."""
        if self.focused is None and self.query_one("#body").display:
            able = [widget for widget in self._row_widgets() if widget.can_focus]
            last = next((widget for widget in able if widget.row.key == self._last_key), able[0] if able else None)
            wanted = self._current or last
            if wanted is not None:
                wanted.take_focus()

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

    @property
    def half_typed(self) -> bool:
        return any(widget.half_typed for widget in self._row_widgets())

    # Where the person is.

    @property
    def _current(self) -> GridRow | None:
        """The row with the focus; while nothing has it, the one whose input waits for it to come back."""
        focused = self.focused
        if focused is None:
            return next((widget for widget in self._row_widgets() if widget.editing), None)
        if isinstance(focused, GridRow):
            return focused
        if focused is not None and isinstance(focused.parent, GridRow):
            return focused.parent
        return None

    @property
    def _editing(self) -> bool:
        current = self._current
        return current is not None and current.editing

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

    # Sections.

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
