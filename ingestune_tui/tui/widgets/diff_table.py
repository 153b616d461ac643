"""A DataTable that is told what it should show and changes only the cells that differ. Leaderboard and Studies use it.

Rows are named by an id that outlives a redraw, so the cursor stays where the person put it. Long tables are filled as
far as someone has scrolled: a screen of five thousand rows opens like one of fifty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from ingestune_tui.tui.plain import plain
from ingestune_tui.tui.widgets.roles import style_of
from ingestune_tui.tui.widgets.rows import Run

FIRST_ROWS: Final = 80
MORE_ROWS: Final = 400


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    key: str
    title: str
    width: int
    right: bool = False
    """Numbers stand at the right."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its lasting id, and a cell per column, each of one or more runs."""

    id: str
    cells: tuple[tuple[Run, ...], ...]


class _Cell(Text):
    """A cell that knows its row's place, so that the table can be sorted by it."""

    __slots__ = ("order",)

    def __init__(self) -> None:
        super().__init__(no_wrap=True, overflow="ellipsis", end="")
        self.order = 0


class DiffTable(DataTable[Text]):
    """Shows rows; see `show`."""

    DEFAULT_CSS = """
    DiffTable {
        height: 1fr;
        background: $background;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 1;
        & > .datatable--header { background: $background; color: $quiet; text-style: none; }
        & > .datatable--cursor { background: $chosen; color: $foreground; text-style: none; }
        &:focus { background-tint: $foreground 0%; }
        &:focus > .datatable--cursor { background: $chosen; color: $foreground; text-style: none; }
        &:ansi > .datatable--cursor, &:ansi:focus > .datatable--cursor { text-style: reverse; }
        &:ansi > .datatable--header, &:ansi:focus > .datatable--header { background: $background; color: $quiet; }
        & > .datatable--header-cursor { background: $background; color: $quiet; }
        & > .datatable--hover { background: $surface; }
        & > .datatable--even-row { background: $background; }
        & > .datatable--odd-row { background: $background; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select_cursor", "open", id="table.open")]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row", cell_padding=1, cursor_foreground_priority="renderable")
        self._shown_columns: tuple[Column, ...] = ()
        self._wanted: Sequence[str] = ()
        self._make: Callable[[int], TableRow] = lambda _: TableRow("", ())
        self._shown: dict[str, TableRow] = {}
        self._heads: dict[str, _Cell] = {}
        self._limit = FIRST_ROWS
        self._styled_for = ""
        self._look: tuple[object, ...] = ()

    @property
    def chosen_id(self) -> str | None:
        """Id of the row under the cursor; None when there is none."""
        return self._wanted[self.cursor_row] if 0 <= self.cursor_row < len(self._wanted) else None

    def show(self, columns: tuple[Column, ...], ids: Sequence[str], make: Callable[[int], TableRow]) -> None:
        """Make the table show the rows `ids`, in that order; `make` gives one by its place when it is needed."""
        chosen = self.chosen_id
        if columns != self._shown_columns:
            self.clear(columns=True)
            self._forget()
            for column in columns:
                title = Text(column.title.rjust(column.width) if column.right else column.title, no_wrap=True)
                self.add_column(title, key=column.key, width=column.width)
            self._shown_columns = columns
        self._wanted, self._make = ids, make
        self._fill()
        if chosen is not None:
            self._go_to(chosen)

    def _forget(self) -> None:
        self._shown.clear()
        self._heads.clear()

    def _fill(self) -> None:
        wanted = [self._make(place) for place in range(min(self._limit, len(self._wanted)))]
        ids = {row.id for row in wanted}
        gone = [each for each in self._shown if each not in ids]
        if len(gone) > max(20, len(self._shown) // 3):
            self.clear()
            self._forget()
        else:
            for each in gone:
                self.remove_row(each)
                del self._shown[each], self._heads[each]
        for row in wanted:
            before = self._shown.get(row.id)
            if before is None:
                self._heads[row.id] = self._cell(row, 0)
                self.add_row(self._heads[row.id], *(self._cell(row, i) for i in range(1, len(row.cells))), key=row.id)
            elif before != row:
                self._change(before, row)
            self._shown[row.id] = row
        self._order(wanted)

    def _change(self, before: TableRow, row: TableRow) -> None:
        for i, (old, new) in enumerate(zip(before.cells, row.cells, strict=True)):
            if old != new:
                cell = self._cell(row, i)
                if i == 0:
                    self._heads[row.id] = cell
                self.update_cell(row.id, self._shown_columns[i].key, cell)

    def _order(self, wanted: Sequence[TableRow]) -> None:
        for order, row in enumerate(wanted):
            self._heads[row.id].order = order
        if [key.value for key in self.rows] != [row.id for row in wanted] or self._out_of_order(wanted):
            self.sort(self._shown_columns[0].key, key=lambda cell: cell.order)

    def _out_of_order(self, wanted: Sequence[TableRow]) -> bool:
        return any(self.get_row_index(row.id) != i for i, row in enumerate(wanted))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be opened where there is no row, and the footer then promises nothing."""
        return action != "select_cursor" or self.row_count > 0

    def _cell(self, row: TableRow, column: int) -> _Cell:
        cell = _Cell()
        for text, role in row.cells[column]:
            cell.append(plain(text), style_of(self, role))
        if self._shown_columns[column].right:
            cell.pad_left(max(0, self._shown_columns[column].width - cell.cell_len))
        return cell

    def notify_style_update(self) -> None:
        look = (self.app.theme, self.visual_style)
        if look == self._look:  # the focus came or went: hundreds of drawn cells look the same as before
            super(DataTable, self).notify_style_update()
            return
        self._look = look
        super().notify_style_update()
        if self._shown and self._styled_for != self.app.theme:
            self._styled_for = self.app.theme
            for row in self._shown.values():
                for i, column in enumerate(self._shown_columns):
                    cell = self._cell(row, i)
                    if i == 0:
                        cell.order = self._heads[row.id].order
                        self._heads[row.id] = cell
                    self.update_cell(row.id, column.key, cell)

    def _on_resize(self, event: events.Resize) -> None:
        """Columns have fixed widths, so what was drawn stays right; DataTable would draw every cell again."""
        event.prevent_default()

    # Filling on demand ---------------------------------------------------------------------------------------

    def _go_to(self, row_id: str) -> None:
        if row_id not in self._wanted:
            return
        index = self._wanted.index(row_id)
        self._reach(index)
        if self.cursor_row != index:
            self.move_cursor(row=index, animate=False)

    def _reach(self, index: int) -> None:
        if index >= self._limit - 30 and self._limit < len(self._wanted):
            self._limit = index + MORE_ROWS
            self._fill()

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        self._reach(int(new) + self.size.height)

    def action_scroll_bottom(self) -> None:
        self._reach(len(self._wanted))
        super().action_scroll_bottom()

    def action_scroll_home(self) -> None:
        self.action_scroll_top()

    def action_scroll_end(self) -> None:
        self.action_scroll_bottom()
