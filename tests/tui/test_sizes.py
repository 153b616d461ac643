"""Every place through every class of sizes while a study runs: what it shows comes back as it was."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ingestune_tui.tui.grid_document import GridDocument
from ingestune_tui.tui.stored import StudyLine
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp, ready, until


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("start", "+ address…"),
        ("grid", "compression.type"),
        ("live", "not confirmed"),
        ("leaderboard", "△  1"),
        ("compare", "x so far"),
        ("studies", "▶ running"),
    ],
)
async def test_a_place_comes_back_from_a_large_and_a_tiny_terminal(
    tmp_path: Path, grid_file: Path, place: str, shown: str
) -> None:
    app = ShownApp(tmp_path / "home", place, until(FakeStudy().all(), 16, "saturated", 9))
    app.state.document = GridDocument.open(grid_file)
    app.state.studies = (StudyLine(msgspec.structs.replace(FakeStudy().study(), state="running"), 14),)
    async with app.run_test(size=(80, 24)) as pilot:
        app.switch_mode(place)
        await ready(pilot)
        before = app.text()
        assert shown in before
        for width, height, words in ((120, 40, shown), (40, 10, "40x10 is too small"), (80, 24, shown)):
            await pilot.resize_terminal(width, height)
            await ready(pilot)
            assert words in app.text()
        assert app.text() == before
