"""The mouse: a click chooses, a double click is enter, the wheel scrolls, and keys and places can be clicked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.containers import VerticalScroll
from textual.events import MouseScrollDown
from textual.pilot import Pilot
from textual.widgets import Input

from ingestune_tui.tui.screens.dialogs import Dialog
from ingestune_tui.tui.screens.export import ExportScreen
from ingestune_tui.tui.screens.help import HelpScreen
from ingestune_tui.tui.screens.leaderboard import LeaderboardScreen
from ingestune_tui.tui.screens.trial import TrialScreen
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.choice_list import ChoiceList
from ingestune_tui.tui.widgets.grid_row import GridRow
from ingestune_tui.tui.widgets.places_bar import PLACES
from ingestune_tui.tui.widgets.row_table import RowTable
from tests.tui.fake_study import FakeStudy, many_trials
from tests.tui.shown import ShownApp, place_of, ready, until

Editor = Callable[..., ShownApp]


async def click(pilot: Pilot[int], text: str, times: int = 1) -> None:
    """Click where the screen first says `text`."""
    app = pilot.app
    assert isinstance(app, ShownApp)
    row, line = next((row, line) for row, line in enumerate(app.text().splitlines()) if text in line)
    await pilot.click(offset=(line.index(text), row), times=times)
    await ready(pilot)


async def wheel(pilot: Pilot[int], over: str) -> None:
    """One notch down."""
    await pilot._post_mouse_events([MouseScrollDown], over, offset=(5, 4))
    await ready(pilot)


def leaderboard(home: Path, view: StudyView | None = None) -> ShownApp:
    return ShownApp(home, "leaderboard", view or StudyView.of(FakeStudy().all()))


async def test_a_click_goes_to_a_row_of_the_leaderboard_and_a_double_click_opens_it(tmp_path: Path) -> None:
    app = leaderboard(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        board = app.screen.query_one("#board", RowTable)
        await pilot.click("#board", offset=(8, 4))
        assert board.cursor_row == 3
        await pilot.click("#board", offset=(30, 4))
        assert isinstance(place_of(app), LeaderboardScreen)
        await pilot.click("#board", offset=(8, 0))
        assert board.cursor_row == 3
        await pilot.click("#board", offset=(40, 6), times=2)
        await ready(pilot)
        assert board.cursor_row == 5
        assert isinstance(place_of(app), TrialScreen)


async def test_the_wheel_scrolls_a_long_table(tmp_path: Path) -> None:
    app = leaderboard(tmp_path, many_trials(100))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await wheel(pilot, "#board")
        assert app.screen.query_one("#board", RowTable).scroll_target_y > 0


async def test_the_wheel_scrolls_the_help(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(60, 16)) as pilot:
        await ready(pilot)
        await pilot.press("question_mark")
        await ready(pilot)
        assert isinstance(app.screen, HelpScreen)
        await wheel(pilot, "VerticalScroll")
        assert app.screen.query_one(VerticalScroll).scroll_target_y > 0


async def test_a_click_on_a_key_of_the_footer_is_the_key(tmp_path: Path) -> None:
    app = leaderboard(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await click(pilot, "s sort")
        assert "MB/s▾" in app.text()
        await click(pilot, "filter")
        assert app.screen.query_one("#filter", Input).has_focus
        await click(pilot, "to the rows")
        await click(pilot, "enter open")
        assert isinstance(place_of(app), TrialScreen)
        await click(pilot, "esc back")
        assert isinstance(place_of(app), LeaderboardScreen)


async def test_a_click_on_a_place_goes_there(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        for key, mode, title in (*PLACES, PLACES[0]):
            await click(pilot, f"{key} {title}")
            assert app.current_mode == mode
        await click(pilot, "? help")
        assert isinstance(app.screen, HelpScreen)


async def test_one_click_on_the_first_screen_only_chooses(
    starter: Callable[[], ShownApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(ShownApp, "start_study", lambda self, arguments: started.append(arguments))
    app = starter()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await click(pilot, "simulated")
        await click(pilot, "latency")
        assert app.screen.query_one("#where", ChoiceList).has_focus is False
        assert "How low can the latency get?" in app.text()
        await click(pilot, "▸ latency")
        assert started == []
        await click(pilot, "▸ latency", times=2)
        assert [(Path(grid).name, cluster) for grid, _, cluster, *_ in started] == [("latency.toml", "simulated")]


async def test_a_click_chooses_an_option_of_the_export(tmp_path: Path) -> None:
    app = leaderboard(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("e")
        await ready(pilot)
        assert isinstance(app.screen, ExportScreen)
        await click(pilot, "( ) java")
        assert "(•) java" in app.text()
        assert "translated for Java, not measured" in app.screen.text


async def test_a_click_goes_to_a_row_of_the_grid_and_a_double_click_edits_it(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await click(pilot, "compression.type")
        assert "▸ compression.type" in app.text()
        await click(pilot, "compression.type", times=2)
        assert [row.row.label for row in app.screen.query(GridRow) if row.editing] == ["compression.type"]


async def test_a_click_answers_a_dialog(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 2))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        await pilot.click("#leave")
    assert app.return_value == 0
