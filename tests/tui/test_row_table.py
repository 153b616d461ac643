"""The table that draws only what is in view: cursor, scrolling, mouse, and what is drawn again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.app import App, ComposeResult
from textual.strip import Strip
from textual.widgets import Static

from ingestune_tui.tui.widgets.row_table import Column, RowTable, TableRow

COLUMNS = (Column("name", "name", 8), Column("number", "no", 4, right=True))


class TableApp(App[None]):
    """A table of nine lines: its header, and eight rows."""

    CSS = "RowTable { height: 9; }"

    def __init__(self) -> None:
        super().__init__()
        self.reached: list[str | None] = []
        self.entered: list[str | None] = []

    def compose(self) -> ComposeResult:
        yield RowTable()
        yield Static("below")

    @property
    def table(self) -> RowTable:
        return self.query_one(RowTable)

    def show(self, names: Sequence[str], columns: tuple[Column, ...] = COLUMNS) -> None:
        self.table.show(
            columns, names, lambda place: TableRow(names[place], (((names[place], ""),), ((str(place), "strong"),)))
        )

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict.fromkeys(("quiet", "chosen"), "#808080")

    def on_row_table_row_reached(self) -> None:
        self.reached.append(self.table.chosen_id)

    def on_row_table_row_entered(self) -> None:
        self.entered.append(self.table.chosen_id)

    def lines(self) -> list[str]:
        """What stands on the screen, without the scrollbar."""
        strips = self.screen._compositor.render_strips(self.size)[:9]
        return ["".join(segment.text for segment in strip)[:39].rstrip() for strip in strips]


def names(count: int) -> list[str]:
    return [f"row{number}" for number in range(count)]


async def test_cells_stand_in_their_columns_and_what_is_too_long_ends_with_an_ellipsis() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.show(["short", "far too long", "世界世界世"])
        await pilot.pause()
        assert app.lines()[:4] == [" name        no", " short        0", " far too…     1", " 世界世 …     2"]
        assert app.lines()[4:] == [""] * 5


async def test_the_cursor_goes_with_its_row_into_view_wherever_it_is_sorted() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.show(names(5000))
        await pilot.press("down", "down")
        app.show(names(5000)[::-1])
        await pilot.pause()
        assert (app.table.chosen_id, app.table.cursor_row) == ("row2", 4997)
        assert app.lines()[-1].split() == ["row2", "4997"]


async def test_a_cursor_whose_row_comes_back_among_thousands_is_scrolled_to_and_so_is_the_bar() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.show(["row4000", "row4001"])
        await pilot.press("down")
        app.show(names(5000))
        await pilot.pause()
        assert app.table.chosen_id == "row4001"
        assert app.lines()[-1].split() == ["row4001", "4001"]
        assert app.table.vertical_scrollbar.position == app.table.scroll_y > 0


async def test_where_its_row_is_gone_the_cursor_keeps_its_place_and_says_that_it_is_on_another_row() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.show(names(6))
        await pilot.press("down", "down")
        app.reached.clear()
        app.show([name for name in names(6) if name != "row2"])
        await pilot.pause()
        assert app.reached == ["row3"]
        app.show(["row0"])
        await pilot.pause()
        assert app.reached == ["row3", "row0"]
        app.show([])
        await pilot.press("enter", "down", "end", "pagedown")
        assert (app.table.chosen_id, app.entered) == (None, [])


@pytest.mark.parametrize(
    ("keys", "place", "first"),
    [
        (["up"], 0, 0),
        (["down"] * 8, 8, 1),
        (["pagedown"], 8, 8),
        (["pagedown", "pagedown", "pageup"], 8, 8),
        (["end"], 99, 92),
        (["end", "up"], 98, 92),
        (["end", "pagedown", "home"], 0, 0),
        (["ctrl+end", "ctrl+home"], 0, 0),
    ],
)
async def test_keys_move_the_cursor_and_the_rows_follow(keys: list[str], place: int, first: int) -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.show(names(100))
        await pilot.press(*keys, "enter")
        assert app.table.cursor_row == place
        assert app.lines()[1].split()[0] == f"row{first}"
        assert app.entered == [f"row{place}"]


async def test_a_click_goes_to_a_row_and_a_double_click_opens_it() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.show(names(4))
        await pilot.hover(RowTable, offset=(3, 3))
        hovered = app.table.hover_row
        await pilot.click(RowTable, offset=(3, 3))
        assert (hovered, app.table.hover_row) == (2, None)
        assert (app.table.cursor_row, app.entered) == (2, [])
        for y in (3, 0, 7):  # the row, the header, below the last row
            await pilot.click(RowTable, offset=(3, y), times=2)
        assert app.entered == ["row2"]
        await pilot.hover(Static)
        assert app.table.hover_row is None


async def test_only_lines_that_differ_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        app.show(names(100))
        await pilot.pause()
        drawn: list[int] = []
        render_line = RowTable.render_line

        def drawing(table: RowTable, y: int) -> Strip:
            drawn.append(y)
            return render_line(table, y)

        monkeypatch.setattr(RowTable, "render_line", drawing)
        app.show([*names(3), "new", *names(100)[4:]])
        await pilot.pause()
        assert drawn == [4]
        drawn.clear()
        await pilot.press("down")
        assert drawn == [1, 2]
        drawn.clear()
        app.show(names(2))
        await pilot.pause()
        assert app.lines()[3:] == [""] * 6
        app.show(names(2), (COLUMNS[0], Column("number", "no", 9, right=True)))
        await pilot.pause()
        assert app.lines()[0] == " name             no"
