"""The trial's labels: what its axes are, and which figures are the whole trial's."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ingestune_tui.bench.latency import encode, histogram_of
from ingestune_tui.tui.screens.trial import TrialScreen
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.chart import Chart
from ingestune_tui.units import three_digits
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp, until


@pytest.fixture
def view() -> StudyView:
    view = StudyView.of(FakeStudy().all())
    for trial in view.trials.values():
        trial.histogram = encode(histogram_of([int(3000 * 1.0005**i) for i in range(4000)]))
    return view


async def test_the_histogram_says_what_its_axes_are(tmp_path: Path, view: StudyView, size: tuple[int, int]) -> None:
    app = ShownApp(tmp_path, "leaderboard", view)
    async with app.run_test(size=size) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert "% of messages, by latency in ms" in app.text()
        assert "24 ms" in app.text()


async def test_a_finished_trials_charts_name_its_own_percentiles(
    tmp_path: Path, view: StudyView, size: tuple[int, int]
) -> None:
    app = ShownApp(tmp_path, "leaderboard", view)
    async with app.run_test(size=size) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, TrialScreen)
        latency = screen.trial.latency
        assert latency is not None
        assert latency.p50 is not None
        assert latency.p99 is not None
        text = app.text()
        assert f"┄ p99 {three_digits(latency.p99)} ms" in text
        assert f"─ p50 {three_digits(latency.p50)} ms" in text
        assert ("points are half seconds" in text) is (size[0] > 80)


async def test_a_running_trials_charts_say_that_theirs_are_of_now(tmp_path: Path) -> None:
    running = until(FakeStudy().all(), 36, "paced", 6)
    assert running.running is not None
    newest = running.running.latency("p99")[-1][1]
    app = ShownApp(tmp_path, "live", running)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        labels = [series.label for series in app.screen.query_one("#latency", Chart).plot.series]
        assert f"┄ p99 {three_digits(newest)} now" in labels


async def test_the_cause_of_client_bound_is_shown(tmp_path: Path, view: StudyView) -> None:
    for trial in view.trials.values():
        done = trial.finished
        assert done is not None
        trial.finished = msgspec.structs.replace(done, flags=("client-bound",), due_to_sent_p99_ms=3.2)
    app = ShownApp(tmp_path, "leaderboard", view)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert "⚠ client-bound: messages were sent late, 3.20 ms after" in app.text()
