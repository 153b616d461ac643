"""Another study on the screens is looked at afresh: nothing that was chosen over the one before is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from ingestune_tui.model.events import Event
from ingestune_tui.tui.screens.compare_rows import CompareRowsScreen
from ingestune_tui.tui.screens.leaderboard import LeaderboardScreen
from ingestune_tui.tui.screens.study_place import StudyPlace
from ingestune_tui.tui.screens.trial import TrialScreen
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.chart import Chart
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp, until


def first() -> list[Event]:
    return FakeStudy(pairs=4, searched=8).all()


def second() -> list[Event]:
    return FakeStudy(pairs=4, searched=8, name="orders", id="0193d000-0000-7000-8000-00000000000a", seed=11).all()


@pytest.fixture
def views() -> tuple[StudyView, StudyView]:
    """Two finished studies."""
    return StudyView.of(first()), StudyView.of(second())


async def test_live_shows_the_newest_trial_of_it_and_is_not_frozen(
    tmp_path: Path, views: tuple[StudyView, StudyView]
) -> None:
    app = ShownApp(tmp_path, "live", views[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("left", "left", "f")
        shown = app.screen.query_one("#throughput", Chart).plot
        app.show_view(until(second(), 9, "paced", 3))
        await pilot.pause()
        assert app.screen.query_one("#throughput", Chart).plot != shown
        assert "frozen" not in app.text()
        assert "▶ 9 " in app.text()


async def test_the_same_study_attached_to_again_stays_as_it_was_looked_at(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(first(), 9, "paced", 3))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("left", "left")
        app.show_view(until(first(), 9, "paced", 4))
        assert "trial 7/9" in app.text()


async def test_the_leaderboard_has_no_filter_and_no_marks(tmp_path: Path, views: tuple[StudyView, StudyView]) -> None:
    app = ShownApp(tmp_path, "leaderboard", views[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space", "slash", *"p99>7", "enter")
        await pilot.pause()
        assert "•" in app.text()
        app.show_view(views[1])
        await pilot.pause()
        assert app.screen.query_one("#filter", Input).value == ""
        assert "•" not in app.text()
        fresh = ShownApp(tmp_path, "leaderboard", views[1])
        text = app.text()
    async with fresh.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert text == fresh.text()


@pytest.mark.parametrize(("keys", "page"), [(["enter"], TrialScreen), (["space", "space", "c"], CompareRowsScreen)])
async def test_a_page_over_the_leaderboard_goes_with_its_study(
    tmp_path: Path, views: tuple[StudyView, StudyView], keys: list[str], page: type[StudyPlace]
) -> None:
    app = ShownApp(tmp_path, "leaderboard", views[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        assert isinstance(app.screen, page)
        await pilot.press("5")
        await pilot.pause()
        app.state.study = views[1]
        app.switch_mode("leaderboard")
        app.redraw()
        await pilot.pause()
        assert isinstance(app.screen, LeaderboardScreen)
        assert "orders" in app.text().splitlines()[1]


async def test_compare_is_against_the_baseline_again(tmp_path: Path, views: tuple[StudyView, StudyView]) -> None:
    app = ShownApp(tmp_path, "compare", views[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("b")
        assert "◇ the baseline" not in app.text()
        app.show_view(views[1])
        assert "◇ the baseline" in app.text()
