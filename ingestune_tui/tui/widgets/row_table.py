"""A table that keeps no rows: it asks for those in view and draws them. Leaderboard and Studies use it.

Rows are named by an id that outlives a redraw, so the cursor stays where the person put it. Sorting or scrolling costs
what is on the screen, however many rows there are; textual's DataTable holds, styles and sorts all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size, Spacing
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ingestune_tui.tui.plain import plain
from ingestune_tui.tui.widgets.roles import style_of
from ingestune_tui.tui.widgets.rows import Run

HEADER: Final = 1
"""Lines above the rows."""


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


class RowTable(ScrollView, can_focus=True):
    """Shows rows; see `show`."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--header", "table--cursor", "table--hover"}
    DEFAULT_CSS = """
    RowTable {
        height: 1fr;
        background: $background;
        color: $foreground;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 1;
        & > .table--header { background: $background; color: $quiet; }
        &:focus > .table--header { background-tint: $foreground 5%; }
        & > .table--cursor { background: $chosen; color: $foreground; }
        & > .table--hover { background: $surface; }
        &:ansi > .table--cursor { text-style: reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "open", id="table.open"),
        Binding("up", "cursor_up", "Cursor up", show=False),
        Binding("down", "cursor_down", "Cursor down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
        Binding("home,ctrl+home", "first_row", "First row", show=False),
        Binding("end,ctrl+end", "last_row", "Last row", show=False),
    ]

    cursor_row: reactive[int] = reactive(0, repaint=False)
    """Place of the row under the cursor; 0 while there is none."""
    hover_row: reactive[int | None] = reactive(None, repaint=False)
    """Place of the row under the mouse, until a key moves the cursor."""

    class RowReached(Message):
        """Another row is under the cursor."""

    class RowEntered(Message):
        """Enter, or a double click."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns: tuple[Column, ...] = ()
        self._ids: Sequence[str] = ()
        self._make: Callable[[int], TableRow] = lambda _: TableRow("", ())
        self._made: dict[int, TableRow] = {}

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._ids)

    @property
    def chosen_id(self) -> str | None:
        """Id of the row under the cursor; None when there is none."""
        return self._ids[self.cursor_row] if self.cursor_row < len(self._ids) else None

    def show(self, columns: tuple[Column, ...], ids: Sequence[str], make: Callable[[int], TableRow]) -> None:
        """Show the rows `ids`, in that order; `make` gives one by its place when it comes into view.

        The cursor goes with its row; where that is gone it stays at its place. Only lines that differ are drawn again.
        """
        chosen, other_columns, before = self.chosen_id, columns != self._columns, self._made
        self._columns, self._ids, self._make, self._made = columns, ids, make, {}
        self.virtual_size = Size(sum(column.width + 2 for column in columns), len(ids) + HEADER)
        if other_columns:
            self.refresh()
        else:  # another number of rows is another virtual size, for which all of it is drawn again
            for place in self._places_in_view():
                if self._row(place) != before.get(place):
                    self.refresh_line(place + HEADER)
        self._follow(chosen)

    def _follow(self, chosen: str | None) -> None:
        """Put the cursor on `chosen`, wherever it is now."""
        last = max(0, len(self._ids) - 1)
        place = self._ids.index(chosen) if chosen is not None and chosen in self._ids else min(self.cursor_row, last)
        if place != self.cursor_row:
            self.cursor_row = place
        elif chosen != self.chosen_id:
            self.post_message(self.RowReached())

    def _places_in_view(self) -> range:
        top = self.scroll_offset.y
        return range(top, min(top + self.size.height, len(self._ids)))

    def _row(self, place: int) -> TableRow | None:
        """The row at `place`, made when it is first asked for; None where there is none."""
        if place not in self._made and place < len(self._ids):
            self._made[place] = self._make(place)
        return self._made.get(place)

    # Drawing -------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        place = scroll_y + y - HEADER
        if y < HEADER:
            style = self.get_component_rich_style("table--header")
            line = self._line(((column.title, ""),) for column in self._columns)
        elif (row := self._row(place)) is not None:
            style = self._row_style(place)
            line = self._line(row.cells)
        else:
            return Strip.blank(self.size.width, self.rich_style)
        strip = Strip(line.render(self.app.console)).apply_style(style)
        return strip.crop_extend(scroll_x, scroll_x + self.size.width, style)

    def _row_style(self, place: int) -> Style:
        if place == self.cursor_row:
            return self.get_component_rich_style("table--cursor")
        return self.get_component_rich_style("table--hover") if place == self.hover_row else self.rich_style

    def _line(self, cells: Iterable[Iterable[Run]]) -> Text:
        """Cells in their columns, a space on each side; what is too long ends with an ellipsis."""
        line = Text(end="")
        for column, runs in zip(self._columns, cells, strict=True):
            cell = Text(no_wrap=True, overflow="ellipsis", end="")
            for text, role in runs:
                cell.append(plain(text), style_of(self, role))
            cell.align("right" if column.right else "left", column.width)
            line.append(" ").append_text(cell).append(" ")
        return line

    def watch_cursor_row(self, before: int, after: int) -> None:
        self.hover_row = None
        self.refresh_line(before + HEADER)
        self.refresh_line(after + HEADER)
        self.post_message(self.RowReached())
        if self.show_vertical_scrollbar:
            self._scroll_to_cursor()
        else:
            self.call_after_refresh(self._scroll_to_cursor)  # rows shown just now may bring the scrollbar with them

    def watch_hover_row(self, before: int | None, after: int | None) -> None:
        for place in (before, after):
            if place is not None:
                self.refresh_line(place + HEADER)

    def _scroll_to_cursor(self) -> None:
        """As little as brings the row under the cursor between the header and the last line."""
        region = Region(int(self.scroll_x), self.cursor_row + HEADER, self.size.width, 1)
        self.scroll_to_region(region, spacing=Spacing(HEADER, 0, 0, 0), animate=False, force=True)

    # Keys and mouse ------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be opened where there is no row, and the footer then promises nothing."""
        return action != "select_cursor" or bool(self._ids)

    def validate_cursor_row(self, place: int) -> int:
        return max(0, min(place, len(self._ids) - 1))

    def action_select_cursor(self) -> None:
        self.post_message(self.RowEntered())

    def action_cursor_up(self) -> None:
        self.cursor_row -= 1

    def action_cursor_down(self) -> None:
        self.cursor_row += 1

    def action_page_up(self) -> None:
        self._page(-1)

    def action_page_down(self) -> None:
        self._page(1)

    def _page(self, direction: int) -> None:
        """The cursor keeps its line on the screen while the rows move under it."""
        rows = direction * max(1, self.scrollable_content_region.height - HEADER)
        self.scroll_relative(y=rows, animate=False, force=True)
        self.cursor_row += rows

    def action_first_row(self) -> None:
        self.cursor_row = 0

    def action_last_row(self) -> None:
        self.cursor_row = len(self._ids) - 1

    def on_click(self, event: events.Click) -> None:
        """A click goes to a row and a double click opens it."""
        place = self._place_under(event)
        if place is None:
            return
        event.stop()
        self.cursor_row = place
        if event.chain == 2:
            self.action_select_cursor()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.hover_row = self._place_under(event)

    def on_leave(self) -> None:
        self.hover_row = None

    def _place_under(self, event: events.MouseEvent) -> int | None:
        """The place of the row under the mouse; None over the header and where there is none."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < HEADER:
            return None
        place = self.scroll_offset.y + offset.y - HEADER
        return place if place < len(self._ids) else None
