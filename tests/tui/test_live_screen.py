"""Live: what it shows in each state of a study, and what each key does."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ingestune_tui.model.events import (
    Notice,
    Pause,
    Resume,
    SearchStopped,
    Skip,
    StopAndConfirm,
    StudyFinished,
    StudyPaused,
    TrialFinished,
    TrialSampled,
    TrialStaged,
    TrialStarted,
    WorkloadFinished,
)
from ingestune_tui.model.study import Outcome
from ingestune_tui.model.workload import Workload
from ingestune_tui.report.wording import short_text, verdict_text
from ingestune_tui.storage.store import Store
from ingestune_tui.tui.screens.export import ExportScreen
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.chart import Chart
from ingestune_tui.tui.widgets.headline import Headline
from ingestune_tui.tui.widgets.rows import Rows
from ingestune_tui.tui.widgets.ruler import Ruler
from ingestune_tui.tui.widgets.study_strip import Mark, StudyStrip
from ingestune_tui.tui.widgets.tiles import Tiles
from tests.tui.fake_study import BASELINE, FakeStudy
from tests.tui.shown import ShownApp, place_of, ready, until, workers_done

SIZES = [(80, 24), (120, 40)]


async def test_without_a_study_it_says_what_to_do_next(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live")
    async with app.run_test(size=(80, 24)):
        assert "Nothing runs yet" in app.text()
        assert "1 goes to the grid" in app.text()


async def test_between_asking_and_the_first_event_it_says_what_happens(tmp_path: Path) -> None:
    view = StudyView().apply(Notice(level="info", text="downloading Apache Kafka 4.3.0"))
    app = ShownApp(tmp_path, "live", view)
    async with app.run_test(size=(80, 24)):
        assert "Starting the study" in app.text()
        assert "downloading Apache Kafka 4.3.0" in app.text()


@pytest.mark.parametrize("size", SIZES)
async def test_looking_back_at_a_size_that_is_over_shows_its_verdict(tmp_path: Path, size: tuple[int, int]) -> None:
    events = FakeStudy(sizes=(100, 1000), pairs=4).all()
    first = next(i for i, event in enumerate(events) if isinstance(event, WorkloadFinished))
    outcome = StudyView.of(events).outcome(100)
    assert outcome is not None
    app = ShownApp(tmp_path, "live", StudyView.of(events[: first + 1]))
    async with app.run_test(size=size) as pilot:
        assert verdict_text(outcome) in app.text()  # between the sizes
        app.show_view(StudyView.of(events[: first + 10]))
        assert verdict_text(outcome) not in app.text()  # the next size is at work
        await pilot.press("left")
        assert verdict_text(outcome) in app.text()
        await pilot.press("e")
        await pilot.pause()
        assert isinstance(app.screen, ExportScreen)


@pytest.mark.parametrize("size", SIZES)
async def test_a_running_trial_shows_rate_stage_and_when_p99_comes(tmp_path: Path, size: tuple[int, int]) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = app.text()
        assert "saturated 4/8 s" in text
        assert "MB/s" in text
        assert "in 4 s" in text
        assert "warm-up" in text
        assert "not confirmed" in text
        assert "◆" not in text


async def test_the_throughput_tile_is_frozen_when_the_saturated_stage_is_over(tmp_path: Path) -> None:
    events = FakeStudy().all()
    app = ShownApp(tmp_path, "live", until(events, 16, "paced", 2))
    async with app.run_test(size=(80, 24)):
        first = app.screen.query_one(Tiles).text()
        assert "MB/s ✓" in first
        app.show_view(until(events, 16, "paced", 9))
        assert app.screen.query_one(Tiles).text().split("p99")[0] == first.split("p99")[0]


async def test_the_leader_s_trial_lies_behind_as_a_ghost(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9))
    async with app.run_test(size=(80, 24)):
        roles = [series.role for series in app.screen.query_one("#throughput", Chart).plot.series]
        assert roles == ["ghost", "now", "dim"]
        assert "△ leader" in app.screen.query_one("#throughput", Chart).text()


async def test_while_confirming_the_pairs_the_ruler_and_the_sentence_form(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 36, "paced", 6))
    async with app.run_test(size=(80, 24)):
        text = app.screen.query_one(Ruler).text()
        assert "◇◆ ◆◇ ◇◆ ◆◇ ▶·" in text
        assert "4 of 12" in text
        assert "1.0x" in text
        assert "after 4 of 12 pairs: faster, if it stays so" in text
        assert "◆ 1." not in app.text()


async def test_the_verdict_is_shown_when_it_stands(tmp_path: Path) -> None:
    view = StudyView.of(FakeStudy().all())
    app = ShownApp(tmp_path, "live", view)
    async with app.run_test(size=(80, 24)):
        assert "◆ 1.45x [1.39, 1.52] the baseline: faster" in app.text()
        assert "linger.ms 5 → 20" in app.text()


@pytest.mark.parametrize("size", SIZES)
async def test_stopped_before_anything_led_it_claims_nothing_and_shows_no_ruler(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    view = until(FakeStudy().all(), 3, "saturated", 9)
    outcome = Outcome(
        workload=Workload(message_bytes=1000),
        objective="throughput",
        verdict="unconfirmed",
        reason="the study was stopped",
        baseline=BASELINE,
    )
    view.apply(StudyFinished(study="quick", state="stopped", outcomes=(outcome,), message="stopped before its end"))
    app = ShownApp(tmp_path, "live", view)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert app.screen.query_one(Headline).text().splitlines() == [
            "no leader: the study was stopped",
            "what was measured is kept: 5 Studies, R goes on with it",
        ]
        assert not app.screen.query_one(Ruler).display
        assert app.screen.query_one(StudyStrip).display


async def test_a_lost_study_process_is_said(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9), connected=False)
    async with app.run_test(size=(80, 24)):
        assert "does not answer" in app.text()


async def test_space_pauses_and_then_goes_on(tmp_path: Path) -> None:
    view = until(FakeStudy().all(), 16, "saturated", 9)
    app = ShownApp(tmp_path, "live", view)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space")
        view.apply(StudyPaused(study="quick", reason=""))
        await pilot.press("space")
        assert app.commands == [Pause(), Resume()]


async def test_x_skips_the_trial(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("x")
        assert app.commands == [Skip(16)]


@pytest.mark.parametrize("keys", [["f"], ["left"]])
async def test_a_trial_that_is_not_looked_at_cannot_be_skipped(tmp_path: Path, keys: list[str]) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9))
    async with app.run_test(size=(120, 24)) as pilot:
        assert "x skip" in app.text()
        await pilot.press(*keys)
        await pilot.pause()
        assert "x skip" not in app.text()
        await pilot.press("x")
        assert app.commands == []
        await pilot.press("f" if keys == ["f"] else "right", "x")
        assert app.commands == [Skip(16)]


async def test_stop_and_confirm_names_the_size_that_was_asked_about(tmp_path: Path) -> None:
    view = until(FakeStudy().all(), 16, "saturated", 9)
    assert view.progress is not None
    app = ShownApp(tmp_path, "live", view)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("S")
        view.apply(msgspec.structs.replace(view.progress, message_bytes=10_000))
        await pilot.press("right", "enter")
        await pilot.pause()
        assert app.commands == [StopAndConfirm(1000)]


async def test_stop_and_confirm_asks_and_the_safe_answer_has_the_focus(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("S", "enter")
        assert app.commands == []
        await pilot.press("S", "right", "enter")
        await pilot.pause()
        assert app.commands == [StopAndConfirm(1000)]


async def test_keys_that_cannot_work_now_are_not_offered(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", StudyView.of(FakeStudy().all()))
    async with app.run_test(size=(80, 24)) as pilot:
        footer = app.text().splitlines()[-1]
        assert "pause" not in footer
        assert "skip" not in footer
        await pilot.press("space", "x", "S")
        assert app.commands == []


async def test_the_footer_follows_what_the_study_allows(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live")
    async with app.run_test(size=(80, 24)) as pilot:
        app.show_view(until(FakeStudy().all(), 16, "saturated", 9))
        await pilot.pause()
        assert "S stop & confirm  ←→ trials" in app.text()
        app.show_view(StudyView.of(FakeStudy().all()))
        await pilot.pause()
        assert "skip" not in app.text().splitlines()[-1]
        assert "e export" in app.text().splitlines()[-1]


async def test_e_exports_the_winner_once_there_is_one(tmp_path: Path) -> None:
    events = FakeStudy().all()
    app = ShownApp(tmp_path, "live", until(events, 16, "saturated", 9))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("e")
        assert not isinstance(app.screen, ExportScreen)
        app.show_view(StudyView.of(events))
        await pilot.press("e")
        await pilot.pause()
        assert isinstance(app.screen, ExportScreen)


async def test_left_and_right_look_back_at_earlier_trials(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("left", "left")
        assert "trial 14/16 →" in app.text()
        await pilot.press("right", "right")
        assert "/16 →" not in app.text()


@pytest.mark.parametrize("trials", [3, 30, 200])
async def test_the_strip_keeps_half_its_width_for_the_marks_and_cuts_the_sentence_by_words(
    tmp_path: Path, trials: int
) -> None:
    said = "leader changed at 14, +9 %: lz4, batch.size 128KiB, linger.ms 20, buffer.memory 64MiB"
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9))
    async with app.run_test(size=(80, 24)):
        strip = app.screen.query_one(StudyStrip)
        strip.show((Mark("failed"),) * trials, said)
        marks, _, sentence = strip.text().removeprefix("study   ").partition("  ")
        assert len(marks) == {3: 3, 30: 30, 200: 34}[trials]
        assert sentence.endswith(" …")
        assert said.startswith(sentence.removesuffix(" …") + " ")
        assert len(strip.text()) <= 78


@pytest.mark.parametrize("size", SIZES)
async def test_a_trial_that_was_dropped_has_not_failed_and_keeps_no_rate(tmp_path: Path, size: tuple[int, int]) -> None:
    view = until(FakeStudy().all(), 4, "warmup", 1)
    done = next(each for each in FakeStudy().all() if isinstance(each, TrialFinished) and each.trial == 4)
    view.trials[4].samples.clear()
    view.apply(
        msgspec.structs.replace(
            done, state="interrupted", error="the study was stopped", messages_per_s=None, mb_per_s=None
        )
    )
    app = ShownApp(tmp_path, "live", view)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert "✗" not in app.screen.query_one(StudyStrip).text()
        assert "·" in app.screen.query_one(StudyStrip).text()
        assert "✓" not in app.screen.query_one(Tiles).text()


async def test_looking_back_names_the_trial_on_the_charts(tmp_path: Path) -> None:
    view = until(FakeStudy().all(), 16, "saturated", 9)
    app = ShownApp(tmp_path, "live", view)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("left", "left")
        name = short_text(view.trials[14].configuration, view.varied)
        assert app.screen.query_one(Headline).text().startswith(f"✓ 14  {name}  ")
        assert app.screen.query_one(Headline).text().endswith("  search   trial 14/16 →")
        await pilot.press(*["left"] * 11)
        assert app.screen.query_one(Headline).text().startswith("◇ 3   baseline, defaults")


@pytest.mark.parametrize("width", [60, 72, 80, 100])
@pytest.mark.parametrize("key", ["left", "f", "m"])
async def test_errors_are_never_cut_away(tmp_path: Path, width: int, key: str) -> None:
    view = until(FakeStudy().all(), 16, "saturated", 9)
    trial = view.trials[16]
    trial.samples[-1] = msgspec.structs.replace(trial.samples[-1], errors=123_456, backlog=98_765)
    app = ShownApp(tmp_path, "live", view)
    async with app.run_test(size=(width, 24)) as pilot:
        await pilot.press(key)
        await pilot.pause()
        text = app.screen.query_one(Tiles).text()
        assert ("errors 0" if key == "left" else "errors 123 k") in text
        assert "…" not in text
        assert "MB/s" in text
        assert ("msg/s" in text) == (width >= 72)


async def test_m_gives_everything_to_the_charts_and_back(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 16, "saturated", 9))
    async with app.run_test(size=(80, 24)) as pilot:
        before = app.screen.query_one("#throughput").size.height
        await pilot.press("m")
        assert app.screen.query_one("#throughput").size.height > before
        assert not app.screen.query_one("#below").display
        await pilot.press("m")
        assert app.screen.query_one(StudyStrip).display
        assert app.screen.query_one("#throughput").size.height == before


async def test_f_holds_the_picture_still_while_the_study_goes_on(tmp_path: Path) -> None:
    events = FakeStudy().all()
    app = ShownApp(tmp_path, "live", until(events, 16, "saturated", 9))
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.screen.query_one("#throughput", Chart)
        before = chart.text()
        await pilot.press("f")
        app.show_view(until(events, 16, "paced", 5))
        assert chart.text() == before
        assert "frozen" in app.text()
        await pilot.press("f")
        assert chart.text() != before
        assert "frozen" not in app.text()


async def test_nothing_is_drawn_for_a_screen_that_is_not_in_front(tmp_path: Path) -> None:
    events = FakeStudy().all()
    app = ShownApp(tmp_path, "live", until(events, 16, "saturated", 3))
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.screen.query_one("#throughput", Chart)
        shown = chart.plot
        await pilot.press("5")
        app.show_view(until(events, 16, "saturated", 12))
        assert chart.plot is shown
        await pilot.press("2")
        await pilot.pause()
        assert chart.plot is not shown


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (100, 30), (120, 40), (200, 60)])
async def test_it_fits_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 36, "paced", 6))
    async with app.run_test(size=size):
        text = app.text()
        assert "MB/s" in text
        assert all(len(line) <= size[0] for line in text.splitlines())


async def test_back_from_40x10_it_shows_the_study_as_it_is_by_then(tmp_path: Path) -> None:
    events = FakeStudy().all()
    app = ShownApp(tmp_path, "live", until(events, 16, "saturated", 9))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert app.screen.query_one(Headline).text().startswith("▶ 16 ")
        await pilot.resize_terminal(40, 10)
        await ready(pilot)
        assert "too small" in app.text()
        app.state.study = app.state.live = until(events, 19, "paced", 4)
        await pilot.resize_terminal(80, 24)
        await ready(pilot)
        assert app.screen.query_one(Headline).text().startswith("▶ 19 ")
        assert_painted(app)


async def test_text_from_the_broker_is_never_markup(tmp_path: Path) -> None:
    events = []
    for event in FakeStudy().all():
        if getattr(event, "state", "") == "infeasible":
            event = msgspec.structs.replace(event, error="[red]no[/red] [link=file:///x]")
        events.append(event)
    app = ShownApp(tmp_path, "live", until(events, 8, "warmup", 1))
    async with app.run_test(size=(80, 24)):
        assert "[red]no[/red]" in app.text()


async def test_a_thousand_samples_change_only_what_they_touch(tmp_path: Path) -> None:
    events = FakeStudy().all()
    view = until(events, 16, "saturated", 6)
    app = ShownApp(tmp_path, "live", view)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        chart = app.screen.query_one("#latency", Chart)
        rows = chart.text().split("\n")
        last = view.trials[16].samples[-1]
        view.apply(TrialSampled(trial=16, sample=msgspec.structs.replace(last, t_s=last.t_s + 0.5)))
        app.redraw()
        await pilot.pause()
        changed = [i for i, (a, b) in enumerate(zip(rows, chart.text().split("\n"), strict=True)) if a != b]
        assert len(changed) <= 1


async def test_attached_late_the_last_trial_and_the_leader_s_ghost_are_drawn_from_what_is_stored(
    tmp_path: Path,
) -> None:
    fake = FakeStudy(pairs=4, searched=6)
    told = [event for event in fake.all() if not isinstance(event, TrialStarted | TrialStaged | TrialSampled)]
    last = next(place for place, event in enumerate(told) if isinstance(event, SearchStopped))
    view = StudyView.of(told[:last])
    async with await Store.open(tmp_path / "results.db") as store:
        await store.create_study(fake.study())
        for trial in fake.trials:
            await store.finish_trial(trial, fake.samples.get(trial.id, ()), {})
        app = ShownApp(tmp_path, "live", view)
        app.state.store = store
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await workers_done(app)
            await pilot.pause()
            ghost, now, _ = app.screen.query_one("#throughput", Chart).plot.series
            assert len(now.points) > 10
            assert len(ghost.points) > 10
            assert app.screen.query_one("#latency", Chart).plot.series[0].points


def assert_painted(app: ShownApp) -> None:
    """Every row on the screen is what its widget would draw now."""
    lines = app.text().split("\n")
    for rows in app.screen.query(Rows):
        if rows.display and rows.size:
            at = rows.region
            painted = [line[at.x : at.right].rstrip() for line in lines[at.y : at.bottom]]
            rows.update_rows()
            assert painted == [line.rstrip() for line in rows.text().split("\n")], type(rows).__name__


@pytest.mark.parametrize("size", SIZES)
async def test_what_changed_while_another_place_was_in_front_is_there_on_return(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    events = FakeStudy().all()
    app = ShownApp(tmp_path, "live", until(events, 16, "saturated", 9))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        live = place_of(app)
        app.text()  # painted once, so that there is something to go stale
        await pilot.press("5")
        await pilot.pause()
        app.state.study = app.state.live = until(events, 19, "paced", 4)
        live.redraw()  # one that was under way when the place was left
        await pilot.press("2")
        await pilot.pause()
        assert_painted(app)


@pytest.mark.parametrize("size", SIZES)
async def test_what_changed_while_the_charts_were_maximised_is_there_afterwards(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    events = FakeStudy().all()
    app = ShownApp(tmp_path, "live", until(events, 16, "saturated", 9))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.text()
        await pilot.press("m")
        await pilot.pause()
        app.show_view(until(events, 19, "paced", 4))
        await pilot.press("m")
        await pilot.pause()
        assert_painted(app)
