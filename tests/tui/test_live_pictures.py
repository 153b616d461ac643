"""Pictures of every screen of a study in its main states, compared with those that were looked at and found good."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from ingestune_tui.bench.latency import encode, histogram_of
from ingestune_tui.model.events import StudyFinished, StudyPaused, TrialFinished, WorkloadFinished
from ingestune_tui.model.study import Outcome
from ingestune_tui.model.workload import Workload
from ingestune_tui.tui.screens import studies
from ingestune_tui.tui.screens.dialogs import Dialog
from ingestune_tui.tui.screens.leaderboard import LeaderboardScreen
from ingestune_tui.tui.stored import StudyLine
from ingestune_tui.tui.study_view import StudyView
from tests.tui.fake_study import BASELINE, FakeStudy
from tests.tui.shown import NOW, ShownApp, place_of, until

Compare = Callable[..., bool]
LATER = NOW.isoformat()
"""When what is added to a made-up study happens: just now, by the clock that stands still."""
SIZES = [(80, 24), (120, 40)]
both_sizes = pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])


@pytest.fixture(autouse=True)
def frozen_clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(studies, "today", lambda: date(2026, 11, 23))
    monkeypatch.chdir(tmp_path)


def pressing(*keys: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    async def press(pilot: Pilot[int]) -> None:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()

    return press


@both_sizes
def test_live_empty(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(ShownApp(tmp_path, "live"), terminal_size=size)


@both_sizes
def test_live_saturated(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    view = until(FakeStudy().all(), 16, "saturated", 9)
    assert snap_compare(ShownApp(tmp_path, "live", view), terminal_size=size)


@both_sizes
def test_live_confirming(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    view = until(FakeStudy().all(), 36, "paced", 6)
    assert snap_compare(ShownApp(tmp_path, "live", view), terminal_size=size)


@both_sizes
def test_live_finished(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(ShownApp(tmp_path, "live", StudyView.of(FakeStudy().all())), terminal_size=size)


@both_sizes
def test_live_paused(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    view = until(FakeStudy().all(), 16, "saturated", 9)
    view.apply(StudyPaused(time=LATER, study="quick", reason="broker away", attempt=3, retry_in_s=8))
    assert snap_compare(ShownApp(tmp_path, "live", view), terminal_size=size)


@both_sizes
def test_live_failed(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    view = until(FakeStudy().all(), 16, "saturated", 9)
    view.apply(StudyFinished(time=LATER, study="quick", state="failed", message="the broker is gone"))
    assert snap_compare(ShownApp(tmp_path, "live", view), terminal_size=size)


def test_live_paused_by_the_person(snap_compare: Compare, tmp_path: Path) -> None:
    view = until(FakeStudy().all(), 16, "saturated", 9)
    view.apply(StudyPaused(time=LATER, study="quick", reason="paused by the person"))
    assert snap_compare(ShownApp(tmp_path, "live", view), terminal_size=(80, 24))


def test_live_without_its_process(snap_compare: Compare, tmp_path: Path) -> None:
    view = until(FakeStudy().all(), 16, "saturated", 9)
    assert snap_compare(ShownApp(tmp_path, "live", view, connected=False), terminal_size=(80, 24))


def test_live_stopped(snap_compare: Compare, tmp_path: Path) -> None:
    events = FakeStudy().all()
    view = until(events, 16, "saturated", 9)
    done = next(each for each in events if isinstance(each, TrialFinished) and each.trial == 16)
    stopped = "the study was stopped"
    view.apply(
        msgspec.structs.replace(
            done, time=LATER, state="interrupted", error=stopped, messages_per_s=None, mb_per_s=None, latency_ms=None
        )
    )
    outcome = Outcome(
        workload=Workload(message_bytes=1000),
        objective="throughput",
        verdict="unconfirmed",
        reason=stopped,
        baseline=BASELINE,
    )
    message = "stopped before its end; the same command goes on with it"
    view.apply(StudyFinished(time=LATER, study="quick", state="stopped", outcomes=(outcome,), message=message))
    assert snap_compare(ShownApp(tmp_path, "live", view), terminal_size=(80, 24))


@pytest.mark.parametrize("keys", [("left", "left"), ("m",)], ids=["looking-back", "maximised"])
def test_live_as_the_person_looks_at_it(snap_compare: Compare, tmp_path: Path, keys: tuple[str, ...]) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9))
    assert snap_compare(app, terminal_size=(80, 24), run_before=pressing(*keys))


def test_too_small(snap_compare: Compare, tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9))
    assert snap_compare(app, terminal_size=(40, 10))


def test_live_in_light_colours(snap_compare: Compare, tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 36, "paced", 6))
    app.theme = "light"
    assert snap_compare(app, terminal_size=(80, 24))


@both_sizes
def test_leaderboard_running(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    view = until(FakeStudy().all(), 20, "saturated", 9)
    assert snap_compare(ShownApp(tmp_path, "leaderboard", view), terminal_size=size)


@both_sizes
def test_leaderboard_finished(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(ShownApp(tmp_path, "leaderboard", StudyView.of(FakeStudy().all())), terminal_size=size)


@both_sizes
def test_leaderboard_pareto(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    app = ShownApp(tmp_path, "leaderboard", StudyView.of(FakeStudy().all()))
    assert snap_compare(app, terminal_size=size, run_before=pressing("p"))


@both_sizes
def test_leaderboard_rows_compared(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    app = ShownApp(tmp_path, "leaderboard", StudyView.of(FakeStudy().all()))
    assert snap_compare(app, terminal_size=size, run_before=pressing("space", "space", "c"))


@both_sizes
def test_trial(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    view = StudyView.of(FakeStudy().all())
    histogram = encode(histogram_of([int(3000 * 1.0005**i) for i in range(4000)]))
    for trial in view.trials.values():
        trial.histogram = histogram
    app = ShownApp(tmp_path, "leaderboard", view)
    assert snap_compare(app, terminal_size=size, run_before=pressing("enter"))


@both_sizes
def test_compare(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    view = StudyView.of(FakeStudy(sizes=(10, 100, 1000, 10_000)).all())
    assert snap_compare(ShownApp(tmp_path, "compare", view), terminal_size=size)


@both_sizes
def test_compare_of_one_size(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(ShownApp(tmp_path, "compare", StudyView.of(FakeStudy().all())), terminal_size=size)


@both_sizes
def test_compare_running(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    view = until(FakeStudy().all(), 20, "saturated", 9)
    assert snap_compare(ShownApp(tmp_path, "compare", view), terminal_size=size)


@both_sizes
def test_studies(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    fake = FakeStudy()
    fake.all()
    study = fake.study()
    app = ShownApp(tmp_path, "studies")
    app.state.studies = (
        StudyLine(study, 62),
        StudyLine(
            msgspec.structs.replace(
                study,
                id="b",
                name="orders-2",
                grid_name="orders.toml",
                state="paused",
                outcomes=(),
                message="broker away",
            ),
            31,
        ),
        StudyLine(
            msgspec.structs.replace(
                study, id="c", name="ing2017", state="stopped", outcomes=(), created_at="2026-11-22T08:00:00+00:00"
            ),
            240,
        ),
    )
    assert snap_compare(app, terminal_size=size, run_before=pressing("down"))


@both_sizes
@pytest.mark.parametrize("place", ["leaderboard", "compare", "studies"])
def test_empty(snap_compare: Compare, tmp_path: Path, place: str, size: tuple[int, int]) -> None:
    app = ShownApp(tmp_path, place)
    app.state.studies = ()
    assert snap_compare(app, terminal_size=size)


@both_sizes
@pytest.mark.parametrize("place", ["leaderboard", "compare"])
def test_failed(snap_compare: Compare, tmp_path: Path, place: str, size: tuple[int, int]) -> None:
    view = until(FakeStudy().all(), 16, "saturated", 9)
    view.apply(StudyFinished(time=LATER, study="quick", state="failed", message="the broker is gone"))
    assert snap_compare(ShownApp(tmp_path, place, view), terminal_size=size)


def test_live_with_one_size_confirmed(snap_compare: Compare, tmp_path: Path) -> None:
    events = FakeStudy(sizes=(100, 1000), pairs=6).all()
    first = next(place for place, event in enumerate(events) if isinstance(event, WorkloadFinished))
    app = ShownApp(tmp_path, "live", StudyView.of(events[: first + 60]))
    assert snap_compare(app, terminal_size=(80, 24), run_before=pressing(*["left"] * 3))


@both_sizes
@pytest.mark.parametrize("row", ["winner", "unconfirmed"])
def test_export(snap_compare: Compare, tmp_path: Path, row: str, size: tuple[int, int]) -> None:
    app = ShownApp(tmp_path, "leaderboard", StudyView.of(FakeStudy().all()))
    keys = ("e",) if row == "winner" else ("down", "e")
    assert snap_compare(app, terminal_size=size, run_before=pressing(*keys))


def test_export_of_the_baseline(snap_compare: Compare, tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", StudyView.of(FakeStudy().all()))

    async def from_its_row(pilot: Pilot[int]) -> None:
        await pilot.pause()
        board = place_of(app)
        assert isinstance(board, LeaderboardScreen)
        while board.chosen is None or board.chosen.standing != "baseline":
            await pilot.press("down")
        await pressing("e")(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=from_its_row)


def test_export_to_a_file_that_exists(snap_compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "quick-producer.properties").write_text("acks=1\n")
    app = ShownApp(tmp_path, "leaderboard", StudyView.of(FakeStudy().all()))
    assert snap_compare(app, terminal_size=(80, 24), run_before=pressing("e"))


def asking(key: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Presses a key that asks something, and waits for the question."""

    async def ask(pilot: Pilot[int]) -> None:
        await pilot.pause()
        await pilot.press(key)
        while not isinstance(pilot.app.screen, Dialog):
            await pilot.pause()
        await pilot.pause()

    return ask


@both_sizes
def test_quit_dialog(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9))
    assert snap_compare(app, terminal_size=size, run_before=asking("q"))


def test_stop_and_confirm_dialog(snap_compare: Compare, tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9))
    assert snap_compare(app, terminal_size=(80, 24), run_before=asking("S"))


def test_delete_study_dialog(snap_compare: Compare, tmp_path: Path) -> None:
    fake = FakeStudy()
    fake.all()
    app = ShownApp(tmp_path, "studies")
    app.state.studies = (StudyLine(fake.study(), 62),)
    assert snap_compare(app, terminal_size=(80, 24), run_before=asking("D"))
