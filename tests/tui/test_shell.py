"""The shell: places, keys, help, events, quitting, themes, remapped keys, and what a failure shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.widgets import Static

from ingestune_tui import settings as kept
from ingestune_tui.model.events import StopStudy
from ingestune_tui.tui import terminal
from ingestune_tui.tui.app import IngestuneApp, _say_goodbye, initial_state
from ingestune_tui.tui.screens.dialogs import Dialog
from ingestune_tui.tui.screens.events import EventsScreen
from ingestune_tui.tui.screens.help import HelpScreen
from ingestune_tui.tui.screens.place import Place
from ingestune_tui.tui.stored import StudyLine
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.theme import THEMES
from ingestune_tui.tui.widgets.key_footer import MOST_KEYS, KeyFooter
from ingestune_tui.tui.widgets.places_bar import PLACES
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp, ready, until

Editor = Callable[..., ShownApp]


async def test_the_five_places_are_one_key_away_and_marked(editor: Editor, size: tuple[int, int]) -> None:
    app = editor()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        for key, mode, title in PLACES:
            await pilot.press(key)
            await pilot.pause()
            assert app.current_mode == mode
            assert f"{key} {title}" in app.text().splitlines()[0]


async def test_every_place_has_help_in_its_footer_and_at_most_six_keys(editor: Editor, size: tuple[int, int]) -> None:
    app = editor()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        for key, _, _ in PLACES:
            await pilot.press(key)
            await ready(pilot)
            shown = app.screen.query_one(KeyFooter).keys()
            assert len(shown) <= MOST_KEYS
            assert shown[-1][1] == "?"
            assert "? help" in app.text().splitlines()[-1]


async def test_help_lists_the_keys_that_work_here(editor: Editor, size: tuple[int, int]) -> None:
    app = editor()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        text = app.text()
        assert "Edit this row in place" in text
        assert "Focus Next" not in text
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, Place)


async def test_what_was_said_stays_in_the_event_list_with_markup_off(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.say("topic [red]x[/red] is gone [", "error")
        await pilot.press("v")
        await pilot.pause()
        assert isinstance(app.screen, EventsScreen)
        assert "21:57:00 ✗ topic [red]x[/red] is gone [" in app.text()
        await pilot.press("v")
        await pilot.pause()
        assert isinstance(app.screen, Place)


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quitting_without_a_study_just_ends(editor: Editor, key: str) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press(key)
        await pilot.pause()
    assert app.return_value == 0


async def test_quitting_while_a_study_runs_asks_and_cancel_is_the_safe_answer(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().events(), 3, "saturated", 2))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        await pilot.press("enter")
        await ready(pilot)
        assert app.is_running
        await pilot.press("ctrl+c")
        await pilot.pause()
        await pilot.press("escape")
        await ready(pilot)
        assert app.is_running
        await pilot.press("q")
        await pilot.pause()
        await pilot.press("right", "enter")
        await pilot.pause()
    assert app.return_value == 0


async def test_quitting_with_stop_tells_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().events(), 3, "saturated", 2))
    app.watched = app.state.study
    told: list[object] = []

    async def send(command: object) -> bool:
        told.append(command)
        return True

    monkeypatch.setattr(app, "send", send)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("q")
        await pilot.pause()
        await pilot.press("right", "right", "enter")
        await pilot.pause()
    assert [type(command) for command in told] == [StopStudy]
    _say_goodbye(app)
    assert capsys.readouterr().out == "quick: stopped, cleaning up\ningestune run --study quick\n"


async def test_leaving_it_running_says_how_to_come_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().events(), 3, "saturated", 2))
    app.watched = app.state.study
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("q")
        while not isinstance(app.screen, Dialog):
            await pilot.pause()
        await pilot.pause()
        assert "`ingestune attach quick`" in str(app.screen.query_one(".text", Static).content)
        await pilot.press("right", "enter")
        await pilot.pause()
    assert app.return_value == 0
    _say_goodbye(app)
    assert capsys.readouterr().out == "quick: still running\ningestune attach quick\n"


async def test_the_farewell_names_the_configuration_for_all_sizes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = ShownApp(tmp_path, "live", StudyView.of(FakeStudy(sizes=(10, 1000), pairs=4).all()))
    app.watched = app.state.study
    _say_goodbye(app)
    assert "\none for all sizes: " in capsys.readouterr().out


async def test_unsaved_changes_are_asked_about(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("space")
        await ready(pilot)
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        await pilot.press("enter")
        await ready(pilot)
        assert app.is_running


@pytest.mark.parametrize("key", ["ctrl+c", "ctrl+q"])
async def test_what_is_typed_and_not_yet_kept_is_asked_about(editor: Editor, key: str) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("enter", "space", "7", key)
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        assert "mine.toml has unsaved changes" in app.text()
        await pilot.press("enter")
        await ready(pilot)
        await pilot.press("5", "enter")
        await ready(pilot)
        assert app.state.document is not None
        assert "[0, 5, 20, 75]" in app.state.document.text


async def test_what_is_typed_in_the_grid_is_asked_about_from_another_place_too(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("enter", "space", "7")
        app.action_switch_place("studies")  # as a click on its name does, which leaves the input open
        await ready(pilot)
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        assert "mine.toml has unsaved changes" in app.text()


async def test_an_open_input_that_holds_what_the_row_holds_is_not_asked_about(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("enter", "ctrl+c")
        await pilot.pause()
    assert app.return_value == 0


def colours_of(app: ShownApp) -> set[str]:
    """Every colour on the screen, of letters and behind them, as `#rrggbb` where it is one of 16 million."""
    strips = app.screen._compositor.render_strips(app.size)
    styles = [segment.style for strip in strips for segment in strip if segment.style is not None]
    return {colour.name for style in styles for colour in (style.color, style.bgcolor) if colour is not None}


@pytest.mark.parametrize("name", [theme.name for theme in THEMES if theme.name != "dark"])
async def test_every_theme_draws_every_place_in_its_own_colours(editor: Editor, name: str) -> None:
    fake = FakeStudy()
    app = editor()
    app.state.study = StudyView.of(fake.all())
    app.state.studies = (StudyLine(fake.study(), 62),)
    drawn: dict[str, list[tuple[str, set[str]]]] = {}
    dark_values, values = (set(each.variables.values()) for each in THEMES if each.name in ("dark", name))
    async with app.run_test(size=(80, 24)) as pilot:
        for theme in ("dark", name):
            app.theme = theme
            for key, mode, _ in PLACES:
                await pilot.press(key)
                await ready(pilot)
                drawn.setdefault(mode, []).append((app.text(), colours_of(app)))
        assert app.state.remembered.theme == name
    shown = {
        "grid": "compression.type", "live": "faster", "leaderboard": "◆  1", "compare": "◆ tuned", "studies": "✓ fin",
    }  # fmt: skip
    for mode, ((text, dark), (again, colours)) in drawn.items():
        assert shown[mode] in text
        assert again == text
        assert len(colours) > 1
        assert colours & dark <= dark_values & values  # some themes draw several lines in the same palette


async def test_keys_can_be_remapped(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text('[keys]\n"place.studies" = "f5"\n')
    app = IngestuneApp(initial_state(kept.load(environment={"INGESTUNE_HOME": str(home)}), kept.Remembered()))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("5")
        await pilot.pause()
        assert app.current_mode == "start"
        await pilot.press("f5")
        await pilot.pause()
        assert app.current_mode == "studies"


async def test_too_small_a_terminal_gets_a_notice_and_comes_back(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        for key, _, _ in PLACES:
            await pilot.press(key)
            for width, height in ((40, 10), (80, 24)):
                await pilot.resize_terminal(width, height)
                await pilot.pause()
                assert ("too small" in app.text()) is (width == 40)


async def test_a_resize_that_was_missed_is_made_up_for(editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    app = editor()
    monkeypatch.setattr(ShownApp, "is_headless", False)
    monkeypatch.setattr(terminal, "size", lambda: (120, 40))
    async with app.run_test(size=(80, 24)) as pilot:
        while app.screen.size != (120, 40):
            await pilot.pause()
        await pilot.pause()
        assert max(map(len, app.text().splitlines())) > 80


class Broken(Exception):
    """What nobody expected."""


async def _crash(app: ShownApp, secret: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)

        def fail(password: str) -> None:
            raise Broken(f"password={password}")

        app.call_later(fail, secret)
        await pilot.pause()
        await pilot.pause()


async def test_a_crash_shows_no_value_of_any_variable(editor: Editor, capsys: pytest.CaptureFixture[str]) -> None:
    app = editor()
    with pytest.raises(Broken):
        await _crash(app, "hunter2")
    report = next(app.state.settings.paths.state.glob("crash-*.txt")).read_text()
    printed = capsys.readouterr()
    assert "Broken" in report
    assert "hunter2" not in report + printed.out + printed.err


def _bindings() -> list[tuple[str, str, Binding]]:
    found = []
    for module in ("start", "grid", "live", "leaderboard", "compare", "studies", "trial", "export"):
        for value in vars(import_module(f"ingestune_tui.tui.screens.{module}")).values():
            if isinstance(value, type) and issubclass(value, Place) and value.__module__.endswith(f".{module}"):
                found += [
                    (module, key.strip(), binding)
                    for binding in value.__dict__.get("BINDINGS", ())
                    if isinstance(binding, Binding)
                    for key in binding.key.split(",")
                ]
    return found + [
        ("app", key.strip(), each)
        for each in IngestuneApp.BINDINGS
        if isinstance(each, Binding)
        for key in each.key.split(",")
    ]


def test_keys_are_ones_that_reach_us_through_ssh_and_tmux() -> None:
    plain = re.compile(
        r"[a-zA-Z0-9]|f[1-9]|f1[0-2]|ctrl\+[a-z]|up|down|left|right|enter|escape|space|tab|shift\+tab|home|end|pageup|pagedown"
        r"|question_mark|slash\Z"
    )
    assert [key for _, key, _ in _bindings() if not plain.fullmatch(key)] == []


def test_one_letter_means_one_thing_on_every_screen() -> None:
    meanings: dict[str, set[str]] = {}
    for _, key, binding in _bindings():
        if len(key) == 1 and key.isalpha():
            meanings.setdefault(key, set()).add(binding.description.lower().split(" ")[0].rstrip("…"))
    several = {key: words for key, words in meanings.items() if len(words) > 1}
    same = {"R": {"run", "resume"}}
    assert {key: words for key, words in several.items() if words != same.get(key)} == {}
