"""The trial's labels: what its axes are, which figures are the whole trial's, and where its samples come from."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.containers import VerticalScroll

from ingestune_tui.bench.latency import encode, histogram_of
from ingestune_tui.model.events import TrialStarted, WorkloadFinished
from ingestune_tui.model.trial import Trial
from ingestune_tui.model.workload import Workload
from ingestune_tui.report.wording import verdict_text
from ingestune_tui.storage.store import Store
from ingestune_tui.tui.screens.trial import TrialScreen
from ingestune_tui.tui.study_view import KEPT_SAMPLES, StudyView
from ingestune_tui.tui.widgets.chart import Chart
from ingestune_tui.tuning.planned import Planned, stand_in
from ingestune_tui.units import three_digits
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp, ready, until


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


def all_client_bound(view: StudyView) -> None:
    """Every trial is flagged, so that more is said of it."""
    for trial in view.trials.values():
        done = trial.finished
        assert done is not None
        trial.finished = msgspec.structs.replace(done, flags=("client-bound",), due_to_sent_p99_ms=3.2)


async def test_the_cause_of_client_bound_is_shown(tmp_path: Path, view: StudyView) -> None:
    all_client_bound(view)
    app = ShownApp(tmp_path, "leaderboard", view)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert "⚠ client-bound: messages were sent late, 3.20 ms after" in app.text()


async def test_down_and_up_scroll_what_is_said_of_a_trial_to_its_last_line(tmp_path: Path, view: StudyView) -> None:
    all_client_bound(view)
    app = ShownApp(tmp_path, "leaderboard", view)
    async with app.run_test(size=(60, 16)) as pilot:
        await pilot.press("enter")
        await ready(pilot)
        facts = app.screen.query_one("#facts", VerticalScroll)
        before = app.text()
        for key, line in (("down", 1), ("down", 2), ("up", 1), ("up", 0)):
            await pilot.press(key)
            await pilot.pause()
            assert facts.scroll_offset.y == line
            assert (app.text() == before) is (line == 0)
        await pilot.press(*["down"] * 20)
        await pilot.pause()
        assert "partitions" in app.text()


async def filled(path: Path, fake: FakeStudy) -> Store:
    """A database with that study, as it was measured."""
    store = await Store.open(path)
    fake.all()
    await store.create_study(fake.study())
    for trial in fake.trials:
        latencies = {"latency": encode(histogram_of([3000, 4000, 9000]))} if trial.counts else {}
        await store.finish_trial(trial, fake.samples.get(trial.id, ()), latencies)
    return store


def drawn(app: ShownApp, chart: str) -> int:
    """How many lines are on that chart of the screen in front."""
    return sum(bool(series.points) for series in app.screen.query_one(f"#{chart}", Chart).plot.series)


@pytest.mark.parametrize("key", ["enter", "c"])
async def test_charts_that_are_looked_at_while_sixty_trials_go_by_are_read_again(tmp_path: Path, key: str) -> None:
    fake = FakeStudy(pairs=4, searched=4)
    async with await filled(tmp_path / "results.db", fake) as store:
        app = ShownApp(tmp_path, "leaderboard", StudyView.of(FakeStudy(pairs=4, searched=4).all()))
        view = app.state.study
        assert view is not None
        async with app.run_test(size=(120, 40)) as pilot:
            app.state.store = store
            await pilot.press(key)
            await ready(pilot)
            lines = drawn(app, "throughput")
            assert lines == 2
            for number in range(4 * KEPT_SAMPLES):
                view.apply(another(view, number))
                if number % (2 * KEPT_SAMPLES) != 2 * KEPT_SAMPLES - 1:
                    continue
                assert not any(trial.samples for trial in view.trials.values() if trial.finished is not None)
                app.redraw()
                await ready(pilot)
                assert drawn(app, "throughput") == lines


def another(view: StudyView, number: int) -> TrialStarted:
    """One more trial begins, of a size of which nothing leads: no samples are kept for a leader's line."""
    last = next(iter(view.trials.values()))
    return TrialStarted(
        trial=1000 + number, trial_id=f"later-{number}", study="quick", role="search", baseline=False,
        workload=Workload(message_bytes=10), configuration=last.configuration,
    )  # fmt: skip


def standing_in(trial: Trial, study_id: str, *, latency_too: bool) -> Trial:
    """The trial as it stands in another study that took it over."""
    planned = Planned(trial.workload, trial.role, trial.configuration, trial.cell, False, trial.rate, "method", "env")
    return stand_in(planned, trial, study_id, trial.number, latency_too=latency_too)


@pytest.mark.parametrize("latency_too", [True, False])
async def test_a_cached_trial_shows_what_the_earlier_study_kept_and_names_that_study(
    tmp_path: Path, latency_too: bool
) -> None:
    before, after = FakeStudy(pairs=4, searched=4, name="before"), FakeStudy(name="after", id="0193d000-b")
    async with await filled(tmp_path / "results.db", before) as store:
        measured = next(trial for trial in before.trials if trial.role == "search" and trial.counts)
        cached = standing_in(measured, after.id, latency_too=latency_too)
        await store.create_study(after.study())
        await store.finish_trial(cached)
        app = ShownApp(tmp_path, "leaderboard")
        async with app.run_test(size=(120, 40)) as pilot:
            app.state.store = store
            app.open_study(after.id)
            await ready(pilot)
            await pilot.press("enter")
            await ready(pilot)
            assert drawn(app, "throughput") == 1 + latency_too
            assert drawn(app, "histogram") == latency_too
            assert "from an earlier study, before" in app.text()
            assert "study after" not in app.text()
            assert "host bench-1" in app.text()


async def test_a_trial_of_which_nothing_was_kept_says_so_and_is_not_read_for_ever(tmp_path: Path) -> None:
    fake = FakeStudy(pairs=4, searched=4)
    async with await Store.open(tmp_path / "results.db") as store:
        fake.all()
        await store.create_study(fake.study())
        for trial in fake.trials:
            await store.finish_trial(trial)
        app = ShownApp(tmp_path, "leaderboard")
        async with app.run_test(size=(120, 40)) as pilot:
            app.state.store = store
            app.open_study(fake.id)
            await ready(pilot)
            await pilot.press("enter")
            await ready(pilot)
            assert isinstance(app.screen, TrialScreen)
            app.screen.say_loading()
            await ready(pilot)
            assert "reading" not in app.text()
            assert "no distribution was kept" in app.text()


async def test_an_export_from_an_open_trial_has_the_claim_that_came_meanwhile(tmp_path: Path) -> None:
    events = FakeStudy(pairs=4, searched=22).all()
    at = next(i for i, event in enumerate(events) if isinstance(event, WorkloadFinished))
    view = StudyView.of(events[:at])
    app = ShownApp(tmp_path, "leaderboard", view)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await ready(pilot)
        assert isinstance(app.screen, TrialScreen)
        for event in events[at:]:
            view.apply(event)
        outcome = view.outcomes[0]
        assert outcome.winner == app.screen.trial.configuration
        await pilot.press("e")
        await ready(pilot)
        assert verdict_text(outcome) in app.text()
