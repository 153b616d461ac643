"""Keys of the app that no other test presses, the command palette, and the person's own editor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.command import Command, CommandList, CommandPalette
from textual.containers import VerticalScroll
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot
from textual.screen import Screen

from ingestune_tui.errors import UsageError
from ingestune_tui.tui.screens.dialogs import Dialog
from ingestune_tui.tui.screens.events import EventsScreen
from ingestune_tui.tui.screens.help import HelpScreen
from ingestune_tui.tui.screens.place import Place
from ingestune_tui.tui.state import Said
from ingestune_tui.tui.text_editor import edit
from tests.tui.shown import NOW, ShownApp, ready

Editor = Callable[..., ShownApp]
SMALLEST = (60, 16)
"""Where every list is longer than its window."""


async def until(pilot: Pilot[int], true: Callable[[], bool]) -> None:
    """Waits for it; the test's own time limit ends what never comes."""
    while not true():
        await pilot.pause()
    await pilot.pause()


def found_first(app: ShownApp) -> str:
    """The first command that the palette offers."""
    commands = app.screen.query_one(CommandList)
    first = commands.get_option_at_index(0) if commands.option_count else None
    return (first.hit.text or "") if isinstance(first, Command) else ""


async def test_o_goes_to_the_first_screen(starter: Callable[[], ShownApp]) -> None:
    app = starter()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("5")
        await ready(pilot)
        assert app.current_mode == "studies"
        await pilot.press("o")
        await ready(pilot)
        assert app.current_mode == "start"


async def test_f1_shows_the_help_and_closes_it(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, Place))


async def test_a_command_of_the_palette_does_what_its_key_does(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"Studies")
        await until(pilot, lambda: found_first(app) == "Studies")
        while isinstance(app.screen, CommandPalette):  # enter chooses the line first where none is chosen yet
            await pilot.press("enter")
            await pilot.pause()
        await until(pilot, lambda: app.current_mode == "studies")


async def test_the_palette_offers_what_works_on_the_screen_in_front(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        commands = {command.title: command for command in app.get_system_commands(app.screen)}
        assert {"Theme", "Grid", "Studies", "Open", "Events", "Quit", "help", "save", "as text"} <= set(commands)
        assert {"Commands", "resume", "skip"}.isdisjoint(commands)
        commands["Events"].callback()
        await until(pilot, lambda: isinstance(app.screen, EventsScreen))


async def scrolls(app: ShownApp, pilot: Pilot[int]) -> None:
    """j and down go down a line, k and up go up one."""
    window = app.screen.query_one(VerticalScroll)
    for key, line in (("j", 1), ("down", 2), ("k", 1), ("up", 0)):
        await pilot.press(key)
        await pilot.pause()
        assert window.scroll_offset.y == line


async def test_j_and_k_scroll_the_events(editor: Editor) -> None:
    app = editor()
    app.state.said.extend(Said(NOW, "info", f"this was said {number}.") for number in range(40))
    async with app.run_test(size=SMALLEST) as pilot:
        await ready(pilot)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen))
        await scrolls(app, pilot)


async def test_j_and_k_scroll_the_help(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=SMALLEST) as pilot:
        await ready(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await scrolls(app, pilot)


@pytest.mark.parametrize(
    ("opening", "screen", "closing"),
    [
        *(("question_mark", HelpScreen, key) for key in ("question_mark", "escape", "q", "enter")),
        *(("v", EventsScreen, key) for key in ("v", "escape", "q", "enter")),
    ],
)
async def test_what_lies_on_top_goes_with_any_of_its_keys_and_leaves_the_place_as_it_was(
    editor: Editor, opening: str, screen: type[Screen[None]], closing: str
) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        before = app.text()
        await pilot.press(opening)
        await until(pilot, lambda: isinstance(app.screen, screen))
        await pilot.press(closing)
        await ready(pilot)
        assert isinstance(app.screen, Place)
        assert app.text() == before
        assert app.is_running


async def test_up_and_down_go_through_the_answers_of_a_dialog(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, Dialog))
        for key, answer in (("down", "yes"), ("up", "no"), ("up", "yes")):
            await pilot.press(key)
            assert app.focused is not None
            assert app.focused.id == answer
        await pilot.press("enter")
        await ready(pilot)
        assert app.state.document is not None
        assert "linger.ms" not in app.state.document.text


@pytest.fixture
def own_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a shell script the person's editor; `$1` in it is the file."""

    def use(script: str) -> None:
        path = tmp_path / "editor"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", str(path))

    return use


@pytest.fixture
def lends_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a terminal: the app can make way for another program."""
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)


@pytest.mark.usefixtures("lends_its_terminal")
async def test_ctrl_e_takes_what_the_persons_editor_wrote(editor: Editor, own_editor: Callable[[str], None]) -> None:
    own_editor('sed "s/0, 5, 20/0, 5, 50/" "$1" > "$1.new" && mv "$1.new" "$1"')
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+e")
        await ready(pilot)
        document = app.state.document
        assert document is not None
        assert '"linger.ms" = [0, 5, 50]  # from none to a lot' in document.text
        assert "linger.ms 0 5 50" in " ".join(app.text().split())
        await pilot.press("u")
        await ready(pilot)
        assert "linger.ms 0 5 20" in " ".join(app.text().split())


@pytest.mark.usefixtures("lends_its_terminal")
async def test_an_editor_that_fails_changes_nothing(editor: Editor, own_editor: Callable[[str], None]) -> None:
    own_editor('echo spoiled > "$1"; exit 3')
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+e")
        await ready(pilot)
        assert app.state.document is not None
        assert not app.state.document.changed
        assert "the editor ended with code 3" in app.state.said[-1].text


async def test_where_there_is_no_terminal_to_lend_ctrl_e_says_so(
    editor: Editor, own_editor: Callable[[str], None]
) -> None:
    own_editor('echo spoiled > "$1"')
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+e")
        await ready(pilot)
        assert app.is_running
        assert app.state.document is not None
        assert not app.state.document.changed
        assert app.state.said[-1].text.startswith("an editor needs a terminal")


def test_an_editor_that_cannot_be_started_or_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "/no/such/editor --wait")
    with pytest.raises(UsageError, match="no/such/editor"):
        edit("acks = 1\n", "mine.toml")
    monkeypatch.delenv("VISUAL")
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="no text editor was found"):
        edit("acks = 1\n", "mine.toml")


def test_an_editor_that_takes_the_file_away_is_told(own_editor: Callable[[str], None]) -> None:
    own_editor('rm "$1"')
    with pytest.raises(UsageError, match="cannot be read"):
        edit("acks = 1\n", "mine.toml")
