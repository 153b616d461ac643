"""Without colour, in sixteen, in high contrast and for the colour-blind: what is chosen is seen all the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from ingestune_tui.tui.grid_document import GridDocument
from ingestune_tui.tui.study_view import StudyView
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp, until

Compare = Callable[..., bool]
_OPENING = ("q", "e")
"""Keys that bring another screen to the front, in a worker's own time."""


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("textual.widgets.Input.cursor_blink", False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def pressing(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def press(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        for key in keys:
            before = pilot.app.screen
            await pilot.press(key)
            await pilot.pause()
            while key in _OPENING and pilot.app.screen is before:
                await pilot.pause()
        await pilot.pause()

    return press


def running(tmp_path: Path) -> ShownApp:
    return ShownApp(tmp_path, "live", until(FakeStudy().events(), 3, "saturated", 2), few_colours=True)


def editing(tmp_path: Path, grid_file: Path) -> ShownApp:
    app = ShownApp(tmp_path / "home", "grid", few_colours=True)
    app.state.document = GridDocument.open(grid_file)
    return app


@pytest.mark.usefixtures("no_colour")
async def test_the_button_with_the_focus_carries_a_mark(tmp_path: Path) -> None:
    app = running(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pressing("q")(pilot)
        assert app.no_color
        assert "▸ Cancel" in app.text()
        await pressing("right")(pilot)
        assert "▸ Leave it running" in app.text()
        assert app.text().count("▸") == 1


@pytest.mark.usefixtures("no_colour")
async def test_the_chosen_line_of_the_picker_carries_a_mark(tmp_path: Path, grid_file: Path) -> None:
    app = editing(tmp_path, grid_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await pressing("a", *"batch")(pilot)
        marked = [line for line in app.text().splitlines() if "▸ producer" in line]
        await pressing("down")(pilot)
        after = [line for line in app.text().splitlines() if "▸ producer" in line]
        assert len(marked) == len(after) == 1
        assert marked != after
        await pressing(*"no such thing")(pilot)
        assert "Nothing in the catalogue matches" in app.text()


@pytest.mark.usefixtures("no_colour")
async def test_the_choice_with_the_focus_carries_a_mark(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", StudyView.of(FakeStudy().all()), few_colours=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pressing("e")(pilot)
        assert "dialect ▸ (" in app.text()
        await pressing("tab")(pilot)
        assert "dialect   (" in app.text()
        assert "scope   ▸ (" in app.text()


@pytest.mark.usefixtures("no_colour")
def test_quit_dialog_without_colour(snap_compare: Compare, tmp_path: Path) -> None:
    assert snap_compare(running(tmp_path), terminal_size=(80, 24), run_before=pressing("q", "right"))


@pytest.mark.usefixtures("no_colour")
def test_picker_without_colour(snap_compare: Compare, tmp_path: Path, grid_file: Path) -> None:
    app = editing(tmp_path, grid_file)
    assert snap_compare(app, terminal_size=(80, 24), run_before=pressing("a", *"batch", "down"))


@pytest.mark.parametrize("theme", ["terminal", "high-contrast", "colour-blind"])
@pytest.mark.parametrize("place", ["live", "leaderboard"])
def test_few_and_strong_colours(
    snap_compare: Compare, tmp_path: Path, place: str, theme: str, size: tuple[int, int]
) -> None:
    view = until(FakeStudy().all(), 36, "paced", 6) if place == "live" else StudyView.of(FakeStudy().all())
    app = ShownApp(tmp_path, place, view, few_colours=theme == "terminal")
    app.theme = theme
    assert snap_compare(app, terminal_size=size, run_before=pressing("down"))
