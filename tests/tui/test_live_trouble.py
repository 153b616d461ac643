"""A study that stands still or ended over something: Live says why, counts down, and the message can be sent away."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingestune_tui.model.events import Event, Pause, Resume, StudyFinished, StudyPaused, StudyResumed
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.headline import Headline
from ingestune_tui.tui.widgets.trouble import TroubleRows
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import NOW, Gone, ShownApp, until

AWAY = StudyPaused(
    time=NOW.isoformat(), study="quick", reason="no broker of kafka1:9093 answers", attempt=3, retry_in_s=8
)
SIZES = [(60, 16), (80, 24), (120, 40)]


def running(*events: Event) -> StudyView:
    view = until(FakeStudy().all(), 16, "saturated", 9)
    for event in events:
        view.apply(event)
    return view


def status(app: ShownApp) -> str:
    return app.text().splitlines()[1]


def footer(app: ShownApp) -> str:
    return app.text().splitlines()[-1]


@pytest.mark.parametrize("size", SIZES)
async def test_a_cluster_that_is_away_is_said_with_the_reason_and_a_countdown(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    app = ShownApp(tmp_path, "live", running(AWAY))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert "waiting: no broker of kafka1:9093 answers" in app.text()
        assert "retrying in 8 s, 3rd time" in app.text()
        app.state.clock = lambda: NOW + timedelta(seconds=3)
        app._tick()
        assert "retrying in 5 s, 3rd time" in app.text()
        app.state.clock = lambda: NOW + timedelta(seconds=30)
        app._tick()
        assert "retrying now, 3rd time" in app.text()


async def test_a_study_whose_process_is_gone_waits_for_nothing(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", running(AWAY))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.screen.query_one(TroubleRows).display
        app.show_view(app.state.study, connected=False)
        await pilot.pause()
        assert "retrying" not in app.text()
        assert not app.screen.query_one(TroubleRows).display
        headline = app.screen.query_one(Headline)
        assert headline.display
        assert headline.text().startswith("✗ the study's process does not answer")


async def test_the_reason_is_said_once_on_live_and_whole_on_the_other_screens(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", running(AWAY))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert "‖ waiting │" in status(app)
        above = app.text().split("study   ")[0]
        assert above.count("no broker of kafka1:9093") == 1
        assert above.count("retrying") == 1
        await pilot.press("5")
        await pilot.pause()
        assert "‖ waiting: no broker of kafka1:9093 answers, retrying in 8 s, 3rd time" in status(app)


async def test_esc_sends_the_message_away_until_the_trouble_is_over(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", running(AWAY))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "esc hide" in footer(app)
        await pilot.press("escape")
        await pilot.pause()
        assert not app.screen.query_one(TroubleRows).display
        assert "‖ waiting: no broker" in app.screen.query_one(Headline).text()
        assert "esc hide" not in footer(app)
        view = app.state.study
        assert view is not None
        view.apply(msgspec.structs.replace(AWAY, attempt=4, retry_in_s=15))
        app.redraw()
        assert not app.screen.query_one(TroubleRows).display
        assert "in 15 s, 4th time" in app.screen.query_one(Headline).text()
        view.apply(StudyResumed(study="quick"))
        app.redraw()
        view.apply(AWAY)
        app.redraw()
        assert app.screen.query_one(TroubleRows).display


async def test_esc_is_offered_only_where_a_message_can_go(tmp_path: Path, size: tuple[int, int]) -> None:
    app = ShownApp(tmp_path, "live", running(AWAY))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert "esc hide" in footer(app)
        assert "esc hides this" in app.text()
        await pilot.press("f")
        await pilot.pause()
        assert "esc hide" not in app.text()
        assert app.text().count("frozen, f goes on") == 1
        await pilot.press("f")
        await pilot.pause()
        assert "esc hide" in footer(app)
        assert "esc hides this" in app.text()
        assert "frozen" not in app.text()
        app.show_view(StudyView())
        await pilot.pause()
        assert "Starting the study" in app.text()
        assert "esc hide" not in footer(app)


async def test_a_reason_that_is_longer_than_the_screen_is_wide_is_shown_whole(tmp_path: Path) -> None:
    reason = "no broker answered within 10 s at " + ", ".join(f"kafka{i}.example.org:9093" for i in range(6))
    app = ShownApp(tmp_path, "live", running(msgspec.structs.replace(AWAY, reason=reason)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        words = app.screen.query_one(TroubleRows).text().split()
        assert " ".join(words).startswith(f"‖ waiting: {reason}")


@pytest.mark.parametrize("hint", ["", "The same command goes on with it."])
async def test_a_reason_that_is_too_long_ends_in_an_ellipsis_above_its_hint(tmp_path: Path, hint: str) -> None:
    reason = "no broker answered within 10 s at " + ", ".join(f"kafka{i}.example.org:9093" for i in range(30))
    ended = StudyFinished(study="quick", state="failed", message=f"{reason}\n{hint}".rstrip())
    app = ShownApp(tmp_path, "live", running(ended))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        lines = app.screen.query_one(TroubleRows).text().removesuffix("esc hides this").rstrip().splitlines()
        assert len(lines) == 5
        assert lines[3 if hint else 4].endswith("…")
        assert all(len(line) <= 78 for line in lines)
        assert not hint or lines[-1].strip() == hint


@pytest.mark.parametrize("state", ["failed", "interrupted"])
async def test_the_reason_a_study_ended_over_stays(tmp_path: Path, state: Any) -> None:
    ended = StudyFinished(study="quick", state=state, message="the broker is gone\nThe same command goes on with it.")
    app = ShownApp(tmp_path, "live", running(AWAY, ended))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert f"✗ study {state}: the broker is gone\n" in app.text()
        assert "The same command goes on with it." in app.text()
        await pilot.press("escape")
        await pilot.pause()
        assert f"✗ study {state}  the broker is gone" in app.text()


async def test_a_study_that_never_began_leaves_its_reason_on_live(tmp_path: Path) -> None:
    ended = StudyFinished(
        time="2999-01-01T00:00:00.000Z", study="", state="failed", message="kafka1:9093 does not answer"
    )

    async def connect() -> Any:
        return Gone(ended)

    app = ShownApp(tmp_path, "grid")
    async with app.run_test(size=(80, 24)) as pilot:
        await app._watch(connect, "live").wait()
        await pilot.pause()
        assert "The study did not begin" in app.text()
        assert "kafka1:9093 does not answer" in app.text()
        assert "Nothing runs yet" not in app.text()
        assert [said.text for said in app.state.said] == ["the study did not begin: kafka1:9093 does not answer"]


async def test_the_first_try_is_a_toast_and_the_next_ones_are_counted_on_live(tmp_path: Path) -> None:
    later = msgspec.structs.replace(AWAY, time="2999-01-01T00:00:00.000Z", attempt=1)

    async def connect() -> Any:
        return Gone(FakeStudy().all()[0], later, msgspec.structs.replace(later, attempt=2))

    app = ShownApp(tmp_path, "live")
    async with app.run_test(size=(80, 24)):
        await app._watch(connect, "live").wait()
        assert [said.text for said in app.state.said].count("waiting: no broker of kafka1:9093 answers") == 1


async def test_a_pause_of_the_person_s_own_is_said_in_short_and_space_goes_on(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", running())
    async with app.run_test(size=(80, 24)) as pilot:
        assert "space pause" in footer(app)
        await pilot.press("space")
        app.show_view(running(StudyPaused(study="quick", reason="paused by the person")))
        await pilot.pause()
        assert "‖ paused │" in status(app)
        assert app.screen.query_one(Headline).text() == "‖ paused by you"
        assert "space go on" in footer(app)
        assert "space pause" not in footer(app)
        await pilot.press("space")
        assert app.commands == [Pause(), Resume()]


async def test_what_goes_on_by_itself_offers_no_key_to_go_on(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", running(AWAY))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "space" not in footer(app)
        await pilot.press("space")
        assert app.commands == []


async def test_waiting_for_disk_counts_down_in_the_headline(tmp_path: Path) -> None:
    reason = "waiting for the broker to free 4.2 GB of deleted topics"
    disk = StudyPaused(time=NOW.isoformat(), study="quick", reason=reason, retry_in_s=41.5)
    app = ShownApp(tmp_path, "live", running(disk))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.screen.query_one(Headline).text() == f"‖ {reason}     going on in 42 s"
        assert not app.screen.query_one(TroubleRows).display
