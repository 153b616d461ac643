"""A verdict that an unstable machine makes doubtful says so wherever it stands, also long after the study."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ingestune_tui.model.events import StudyFinished
from ingestune_tui.tui.screens.export import ExportScreen
from ingestune_tui.tui.stored import StudyLine, study_of
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.headline import Headline
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp

WORDS = "⚠ unstable machine: the baseline's own trials differed by"


def finished(*spreads: float | None) -> StudyView:
    """A finished study whose preflights, one for each message size, differed so much."""
    fake = FakeStudy(sizes=(10, 100, 1000)[: len(spreads)], pairs=4)
    view = StudyView.of(fake.all()[:-1])
    outcomes = tuple(
        msgspec.structs.replace(outcome, unstable_spread=spread)
        for outcome, spread in zip(fake.outcomes, spreads, strict=True)
    )
    return view.apply(StudyFinished(study=fake.name, state="finished", outcomes=outcomes))


async def test_live_warns_below_the_verdict_until_one_looks_back(tmp_path: Path, size: tuple[int, int]) -> None:
    app = ShownApp(tmp_path, "live", finished(0.42))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        lines = app.screen.query_one(Headline).text().splitlines()
        assert "the baseline: " in lines[0]
        assert lines[-1] == f"{WORDS} 42 %"
        assert f"{WORDS} 42 %" in app.text()
        await pilot.press("left")
        assert WORDS not in app.text()
        app.show_view(finished(None))
        await pilot.press("right", "right")
        await pilot.pause()
        assert "unstable" not in app.text()


async def test_compare_warns_in_one_line_that_names_the_sizes(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "compare", finished(0.42, None, 0.31))
    async with app.run_test(size=(120, 40)):
        assert f"{WORDS} 42 % at 10 B, 31 % at 1 kB" in map(str.strip, app.text().splitlines())
        app.show_view(finished(0.42))
        assert f"{WORDS} 42 %" in map(str.strip, app.text().splitlines())
        app.show_view(finished(None))
        assert "unstable" not in app.text()


async def test_in_a_narrow_terminal_the_warning_is_folded_and_not_cut(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "compare", finished(0.42, 0.38, 0.31))
    async with app.run_test(size=(80, 24)):
        text = " ".join(app.text().split())
        assert f"{WORDS} 42 % at 10 B, 38 % at 100 B, 31 % at 1 kB" in text


async def test_leaderboard_and_export_warn_beside_the_claim_and_in_the_file(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished(None, 0.42))
    async with app.run_test(size=size) as pilot:
        await pilot.press("tab")
        assert WORDS not in app.text()
        await pilot.press("tab")
        text = " ".join(app.text().split())
        assert text.index("the baseline: faster") < text.index(f"{WORDS} 42 %") < text.index("MB/s")
        await pilot.press("e")
        await pilot.pause()
        assert isinstance(app.screen, ExportScreen)
        assert app.text().index("the baseline: faster") < app.text().index(f"{WORDS} 42 %")
        claim, warning = app.screen.text.splitlines()[2:4]
        assert claim.endswith(": faster")
        assert warning == f"# {WORDS.removeprefix('⚠ ')} 42 %"


async def test_studies_warns_below_the_list(tmp_path: Path, size: tuple[int, int]) -> None:
    app = ShownApp(tmp_path, "studies")
    app.state.studies = (StudyLine(study_of(finished(0.42, None)), 60), StudyLine(FakeStudy(id="b").study(), 9))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert f"{WORDS} 42 % at 10 B" in app.text()
        await pilot.press("down")
        await pilot.pause()
        assert WORDS not in app.text()
