"""Names and values that look like markup, or are wide, stand on every screen as they are."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len

from ingestune_tui.model.events import decode_event, encode
from ingestune_tui.tui.screens.compare_rows import CompareRowsScreen
from ingestune_tui.tui.screens.export import ExportScreen
from ingestune_tui.tui.screens.place import Place
from ingestune_tui.tui.screens.trial import TrialScreen
from ingestune_tui.tui.stored import StudyLine, study_of
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.rows import changed_columns, columns, padded, wrapped
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp

VALUE, NAME = "[red]漢[/]", "[b]漢字"


def odd() -> StudyView:
    """A finished study of that name, whose best codec has that value."""
    fake = FakeStudy(name=NAME, pairs=4)
    events = b"\n".join(map(encode, fake.all())).replace(b'"lz4"', f'"{VALUE}"'.encode())
    return StudyView.of(map(decode_event, events.split(b"\n")))


SCREENS: dict[str, tuple[str, tuple[str, ...], type[Place], tuple[str, ...]]] = {
    "live": ("live", (), Place, (VALUE, NAME)),
    "leaderboard": ("leaderboard", (), Place, (VALUE, NAME)),
    "trial": ("leaderboard", ("enter",), TrialScreen, (VALUE, NAME, "confirmation, 5 of 5")),
    "rows": ("leaderboard", ("c",), CompareRowsScreen, (VALUE, NAME)),
    "compare": ("compare", (), Place, (VALUE, NAME, "acks=all")),
    "export": ("leaderboard", ("e",), ExportScreen, ("compression.type=[red]\\u6f22[/]", f"study {NAME}")),
    "studies": ("studies", (), Place, (NAME,)),
}


@pytest.mark.parametrize("name", SCREENS)
async def test_what_looks_like_markup_and_what_is_wide_is_shown_as_it_is(
    tmp_path: Path, size: tuple[int, int], name: str
) -> None:
    place, keys, screen, words = SCREENS[name]
    view = odd()
    app = ShownApp(tmp_path, place, view)
    app.state.studies = (StudyLine(study_of(view), 35),)
    async with app.run_test(size=size) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        assert isinstance(app.screen, screen)
        text = app.text()
        for word in words:
            assert word in text
        assert max(map(cell_len, text.splitlines())) <= size[0]


def test_rows_are_cut_filled_folded_and_repainted_by_columns_and_not_by_characters() -> None:
    row = (("漢字", "a"), ("かな", "b"))
    assert columns(row) == 8
    for width in range(1, 12):
        assert columns(padded(row, width)) == width
    assert padded(row, 5) == (("漢字", "a"), ("…", "a"))
    assert wrapped("漢字漢字漢 かな", 8) == ["漢字漢字", "漢 かな"]
    assert changed_columns((("漢字", ""),), (("漢a ", ""),)) == (0, 4)
    assert wrapped("\u200b", 8) == [""]


OBEYED = "\x1b[2J\x1b]52;c;aGk=\x07\x9b31mno\r\x08 room\n for it"


def hostile() -> StudyView:
    """A study whose trials failed with a text that a terminal would obey, and so ended."""
    view = StudyView.of(FakeStudy(pairs=4, searched=4).all())
    for trial in view.trials.values():
        if trial.finished is not None:
            trial.finished = msgspec.structs.replace(trial.finished, state="infeasible", error=OBEYED)
    assert view.finished is not None
    view.apply(msgspec.structs.replace(view.finished, state="failed", message=OBEYED, outcomes=()))
    view.verdicts.clear()
    return view


@pytest.mark.parametrize("place", ["live", "leaderboard", "studies"])
async def test_what_a_terminal_would_obey_is_stripped_everywhere(tmp_path: Path, place: str) -> None:
    view = hostile()
    app = ShownApp(tmp_path, place, view)
    app.state.studies = (StudyLine(msgspec.structs.replace(study_of(view), name=f"quick{OBEYED}"), 35),)
    async with app.run_test(size=(120, 40)) as pilot:
        app.say(OBEYED)
        await pilot.press(*(("enter",) if place == "leaderboard" else ()))
        await pilot.pause()
        text = app.text()
        assert "no room" in text
        assert all(line.isprintable() for line in text.splitlines())
        assert "\x1b" not in text
        assert app.state.said[-1].text == "no room\n for it"
