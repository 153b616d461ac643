"""Pictures of what is seen more rarely: the event list, help, odd trials, notes on the first screen, trouble."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from ingestune_tui.bench.latency import encode, histogram_of
from ingestune_tui.errors import StoreError
from ingestune_tui.model.events import Notice, TrialFinished
from ingestune_tui.model.trial import Trial
from ingestune_tui.storage.store import Store
from ingestune_tui.tui import clusters
from ingestune_tui.tui.screens import studies
from ingestune_tui.tui.screens.events import EventsScreen
from ingestune_tui.tui.screens.help import HelpScreen
from ingestune_tui.tui.screens.trial import TrialScreen
from ingestune_tui.tui.state import ClusterChoice, Said
from ingestune_tui.tui.stored import StudyLine
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.trial_view import Detail
from tests.tui.conftest import GRID
from tests.tui.fake_study import BEST, CELLS, FakeStudy
from tests.tui.shown import NOW, ShownApp, ready, until

Compare = Callable[..., bool]
Starter = Callable[[], ShownApp]


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What depends on the machine and on the day."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(studies, "today", lambda: date(2026, 11, 23))
    monkeypatch.setattr(clusters, "local_cost", lambda: "will download Apache Kafka 4.3.0 (56 MB, once)")
    monkeypatch.chdir(tmp_path)


def pressing(
    *keys: str, until_on: type[Screen[Any]] | None = None, there: str = ""
) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Presses the keys, waits for the screen that they should bring, if they should, and presses one more on it."""

    async def press(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await pilot.press(*keys)
        while until_on is not None and not isinstance(pilot.app.screen, until_on):
            await pilot.pause()
        await ready(pilot)
        if there:
            await pilot.press(there)
            await ready(pilot)

    return press


def with_histograms(view: StudyView) -> StudyView:
    """All that a trial shows is at hand, so that nothing is read."""
    for trial in view.trials.values():
        trial.histogram = encode(histogram_of([int(3000 * 1.0005**i) for i in range(4000)]))
    return view


def test_events(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    view = until(FakeStudy().all(), 16, "saturated", 9)
    warned = (NOW - timedelta(minutes=4)).isoformat()
    view.apply(Notice(time=warned, level="warning", text="unstable machine: two runs of one trial differ by 31 %"))
    app = ShownApp(tmp_path, "live", view)
    app.state.said.append(Said(NOW - timedelta(days=1), "info", "written: orders-producer.properties"))
    app.state.said.append(Said(NOW, "error", "The cluster does not answer: kafka1:9092 does not answer\nIs it up?"))
    assert snap_compare(app, terminal_size=size, run_before=pressing("v", until_on=EventsScreen))


def test_help_over_live(snap_compare: Compare, tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9))
    assert snap_compare(app, terminal_size=(120, 40), run_before=pressing("question_mark", until_on=HelpScreen))


def test_trial_of_what_cannot_be_run(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    app = ShownApp(tmp_path, "leaderboard", StudyView.of(FakeStudy().all()))
    assert snap_compare(app, terminal_size=size, run_before=pressing("ctrl+end", "enter", until_on=TrialScreen))


def test_trial_that_failed(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    fake = FakeStudy()
    events = fake.all()
    failed = Trial(
        id="0193d000-0000-7000-8000-0000000000ff",
        study_id=fake.id,
        number=len(fake.trials) + 1,
        workload=fake.trials[-1].workload,
        role="again",
        baseline=False,
        configuration=BEST,
        cell=CELLS.index(BEST),
        state="failed",
        started_at=NOW.isoformat(),
        error="the broker was away for 31 s: NOT_ENOUGH_REPLICAS, fewer nodes are in sync than acks=all asks for",
        error_code="NOT_ENOUGH_REPLICAS",
    )
    told = msgspec.structs.replace(TrialFinished.of(failed, fake.name), time=NOW.isoformat())
    view = with_histograms(StudyView.of(events))
    view.apply(told)
    app = ShownApp(tmp_path, "leaderboard", view)
    assert snap_compare(app, terminal_size=size, run_before=pressing("enter", until_on=TrialScreen, there="right"))


def test_trial_that_an_earlier_study_measured(snap_compare: Compare, tmp_path: Path) -> None:
    fake = FakeStudy()
    view = StudyView.of(fake.all())
    for trial in fake.trials:
        if trial.role == "search" and trial.counts:
            stored = msgspec.structs.replace(
                trial, cached_from="0193c000", latency=None, rate=None, due_to_sent_p99_ms=None
            )
            kept = tuple(sample for sample in fake.samples[trial.id] if sample.stage != "paced")
            view.trials[trial.number].samples.clear()
            view.take_detail(stored, Detail(kept, "", "orders"))
    app = ShownApp(tmp_path, "leaderboard", view)
    run_before = pressing("down", "enter", until_on=TrialScreen)
    assert snap_compare(app, terminal_size=(80, 24), run_before=run_before)


def test_trial_while_its_study_runs(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    app = ShownApp(tmp_path, "leaderboard", with_histograms(until(FakeStudy().all(), 20, "saturated", 9)))
    assert snap_compare(app, terminal_size=size, run_before=pressing("enter", until_on=TrialScreen))


def test_start_on_a_grid_with_problems(snap_compare: Compare, starter: Starter, size: tuple[int, int]) -> None:
    app = starter()
    (app.state.ready_grids / "latency.toml").write_text(GRID.replace('"lz4"]', '"lz5"]'))
    assert snap_compare(app, terminal_size=size, run_before=pressing("down"))


def test_start_on_broker_settings_of_somebodys_cluster(snap_compare: Compare, starter: Starter) -> None:
    app = starter()
    app.state.cluster = ClusterChoice("kafka1:9092")
    (app.state.ready_grids / "quick.toml").write_text(f'{GRID}\n[broker]\n"num.io.threads" = [8, 16]\n')
    assert snap_compare(app, terminal_size=(80, 24), run_before=pressing())


def test_studies_with_one_at_work(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    fake = FakeStudy()
    fake.all()
    study = fake.study()
    running = msgspec.structs.replace(study, id="a", name="night", grid_name="night.toml", state="running", outcomes=())
    words = "its process ended without a word; R goes on with it"
    lost = msgspec.structs.replace(running, id="b", name="orders", state="interrupted", message=words)
    broken = msgspec.structs.replace(lost, id="c", name="orders-2", state="failed", message="the broker is gone")
    app = ShownApp(tmp_path, "studies")
    app.state.studies = (StudyLine(running, 14), StudyLine(lost, 31), StudyLine(broken, 2), StudyLine(study, 62))
    assert snap_compare(app, terminal_size=size, run_before=pressing("down"))


def test_studies_that_cannot_be_read(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    async def refuse() -> Store:
        raise StoreError(
            "results.db is kept busy by another process (waited 10 s)",
            "Try again when the other ingestune, backup or database tool is done with it.",
        )

    async def without_the_toast(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        while not app.state.studies_trouble:
            await pilot.pause()
        app.clear_notifications()
        await ready(pilot)

    app = ShownApp(tmp_path, "studies")
    app._open_store = refuse
    assert snap_compare(app, terminal_size=size, run_before=without_the_toast)
