"""Names and values that look like markup, or are wide, stand on every screen as they are."""

from __future__ import annotations

from pathlib import Path

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
