"""The first screen, the editor, the picker and the dialogs as pictures, in their main states and both sizes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from ingestune_tui.tui import clusters, grid_cards
from ingestune_tui.tui.grid_document import GridDocument
from ingestune_tui.tui.screens.ask_path import PathDialog
from ingestune_tui.tui.screens.dialogs import Dialog
from ingestune_tui.tui.screens.help import HelpScreen
from tests.tui.conftest import GRID
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp, until, workers_done

Compare = Callable[..., bool]


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What depends on the machine: whether Kafka was fetched, and whether the cursor blinks."""
    monkeypatch.setattr(clusters, "local_cost", lambda: "will download Apache Kafka 4.3.0 (56 MB, once)")
    monkeypatch.setattr(grid_cards, "short_path", lambda path: f"~/tuning/{path.name}")
    monkeypatch.setattr("textual.widgets.Input.cursor_blink", False)


def pressing(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def press(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await workers_done(pilot.app)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await workers_done(pilot.app)
        await pilot.pause()

    return press


def asking(
    key: str, *, until_on: type[Screen[Any]], first: tuple[str, ...] = ()
) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Presses a key that asks something, after the `first` ones, and waits for the question."""

    async def ask(pilot: Pilot[Any]) -> None:
        await pressing(*first)(pilot)
        await pilot.press(key)
        while not isinstance(pilot.app.screen, until_on):
            await pilot.pause()
        await pilot.pause()

    return ask


def test_start(snap_compare: Compare, starter: Callable[[], ShownApp], grid_file: Path, size: tuple[int, int]) -> None:
    from msgspec.structs import replace

    app = starter()
    app.state.remembered = replace(
        app.state.remembered, recent=(str(grid_file),), clusters=(("kafka1:9093", "/etc/kafka/client.properties"),)
    )
    assert snap_compare(app, terminal_size=size, run_before=pressing())


def test_grid(snap_compare: Compare, editor: Callable[..., ShownApp], size: tuple[int, int]) -> None:
    assert snap_compare(editor(), terminal_size=size, run_before=pressing("down"))


def test_grid_editing(snap_compare: Compare, editor: Callable[..., ShownApp], size: tuple[int, int]) -> None:
    assert snap_compare(editor(), terminal_size=size, run_before=pressing("down", "enter", "x"))


def test_grid_problems(snap_compare: Compare, editor: Callable[..., ShownApp], size: tuple[int, int]) -> None:
    text = GRID.replace('"lz4"]', '"lz5"]').replace("[search]", "[search]\nbudgt = 3")
    assert snap_compare(editor(text), terminal_size=size, run_before=pressing("down"))


def test_grid_with_invalid_cells(snap_compare: Compare, editor: Callable[..., ShownApp]) -> None:
    text = GRID.replace('acks = "all"', 'acks = ["1", "all"]\n"enable.idempotence" = [false, true]')
    assert snap_compare(editor(text), terminal_size=(120, 40), run_before=pressing())


def test_grid_empty(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(ShownApp(tmp_path, "grid"), terminal_size=size)


def test_picker(snap_compare: Compare, editor: Callable[..., ShownApp], size: tuple[int, int]) -> None:
    async def pick(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await pilot.press("a", *"batch")
        await pilot.pause()

    assert snap_compare(editor(), terminal_size=size, run_before=pick)


def test_delete_dialog(snap_compare: Compare, editor: Callable[..., ShownApp]) -> None:
    assert snap_compare(editor(), terminal_size=(80, 24), run_before=asking("D", until_on=Dialog))


def test_help(snap_compare: Compare, editor: Callable[..., ShownApp]) -> None:
    assert snap_compare(editor(), terminal_size=(80, 24), run_before=asking("question_mark", until_on=HelpScreen))


def test_grid_while_a_study_is_at_work(
    snap_compare: Compare, editor: Callable[..., ShownApp], size: tuple[int, int]
) -> None:
    app = editor()
    app.state.study = app.state.live = until(FakeStudy().all(), 16, "saturated", 9)
    assert snap_compare(app, terminal_size=size, run_before=pressing("down"))


def test_save_as_dialog(snap_compare: Compare, editor: Callable[..., ShownApp], grid_file: Path) -> None:
    app = editor()
    app.state.document = GridDocument.open(grid_file, ready=True)  # one that has no path of its own yet
    assert snap_compare(app, terminal_size=(80, 24), run_before=asking("f2", until_on=PathDialog))


def test_unsaved_changes_dialog(snap_compare: Compare, editor: Callable[..., ShownApp]) -> None:
    assert snap_compare(editor(), terminal_size=(80, 24), run_before=asking("q", until_on=Dialog, first=("space",)))
