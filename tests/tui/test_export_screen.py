"""Export: the preview is the file, choices change it, nothing is replaced unasked."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import msgspec
import pytest
from textual.containers import VerticalScroll
from textual.pilot import Pilot

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.study import VerdictKind
from ingestune_tui.tui.screens.export import ExportScreen, export_of_outcome, state_of_path
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.choice import Choice
from ingestune_tui.tui.widgets.path_input import PathInput
from tests.tui.fake_study import BASELINE, FakeStudy
from tests.tui.shown import ShownApp, workers_done


@pytest.fixture(autouse=True)
def in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


async def opened(app: ShownApp, pilot: Pilot[int]) -> ExportScreen:
    """The export of the winner."""
    await pilot.press("e")
    await pilot.pause()
    assert isinstance(app.screen, ExportScreen)
    return app.screen


def finished(tmp_path: Path, place: str = "leaderboard") -> ShownApp:
    return ShownApp(tmp_path, place, StudyView.of(FakeStudy().all()))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_preview_is_the_file_with_its_claim(tmp_path: Path, size: tuple[int, int]) -> None:
    app = finished(tmp_path, "compare")
    async with app.run_test(size=size) as pilot:
        screen = await opened(app, pilot)
        text = app.text()
        assert "Export the winner of quick, 1 kB" in text
        assert "◆ 1.45x [1.39, 1.52]" in text
        assert "compression.type=lz4" in text
        assert "linger.ms=20" in screen.text


async def test_another_dialect_is_translated_and_says_that_it_was_not_measured(tmp_path: Path) -> None:
    app = finished(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot)
        assert screen.query_one("#dialect", Choice).value == "librdkafka"
        assert "not measured" not in screen.text
        await pilot.press("right")
        assert screen.query_one("#dialect", Choice).value == "java"
        assert "translated for Java, not measured" in screen.text
        await pilot.press("left", "space")
        assert screen.query_one("#dialect", Choice).value == "java"


async def test_page_down_and_page_up_scroll_the_preview(tmp_path: Path) -> None:
    app = finished(tmp_path)
    async with app.run_test(size=(60, 16)) as pilot:
        screen = await opened(app, pilot)
        preview, before = screen.query_one("#preview-scroll", VerticalScroll), app.text()
        await pilot.press("pagedown")
        await pilot.pause()
        assert preview.scroll_offset.y > 0
        assert screen.text.splitlines()[-1] in app.text()
        await pilot.press("pageup")
        await pilot.pause()
        assert preview.scroll_offset.y == 0
        assert app.text() == before


async def test_up_and_down_go_between_the_choices_and_left_and_right_choose_the_scope(tmp_path: Path) -> None:
    view = StudyView.of(FakeStudy().all())
    settings: dict[Scope, dict[str, Value]] = {
        Scope.PRODUCER: {"acks": "all", "linger.ms": 20},
        Scope.TOPIC: {"segment.bytes": 268435456},
        Scope.BROKER: {"num.io.threads": 16},
    }
    outcome = msgspec.structs.replace(view.outcomes[0], winner=Configuration.of(settings))
    app = ShownApp(tmp_path, "leaderboard", view)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = ExportScreen(export_of_outcome(view, outcome))
        await app.push_screen(screen)
        await pilot.pause()
        dialect, scope = screen.query_one("#dialect", Choice), screen.query_one("#scope", Choice)
        await pilot.press("down")
        assert scope.has_focus
        for key, chosen, line in (
            ("right", "topic", "segment.bytes=268435456"),
            ("right", "broker", "num.io.threads=16"),
            ("right", "producer", "linger.ms=20"),
            ("left", "broker", "num.io.threads=16"),
            ("left", "topic", "segment.bytes=268435456"),
            ("left", "producer", "linger.ms=20"),
        ):
            await pilot.press(key)
            await pilot.pause()
            assert scope.value == chosen
            assert line in screen.text.splitlines()
            assert line in app.text()
        await pilot.press("up")
        assert dialect.has_focus
        assert (dialect.value, scope.value) == ("librdkafka", "producer")


async def test_enter_writes_the_file_for_this_person_only(tmp_path: Path, in_a_directory_of_its_own: Path) -> None:
    app = finished(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot)
        text = screen.text
        await pilot.press("enter")
        await workers_done(app)
        await pilot.pause()
        written = in_a_directory_of_its_own / "quick-producer.properties"
        assert written.read_text() == text
        assert written.stat().st_mode & 0o077 == 0
        assert "cells" in app.text()


async def test_an_existing_file_is_announced_and_asked_about(tmp_path: Path, in_a_directory_of_its_own: Path) -> None:
    mine = in_a_directory_of_its_own / "quick-producer.properties"
    mine.write_text("mine")
    app = finished(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        text = (await opened(app, pilot)).text
        assert "exists: asks first" in app.text()
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert mine.read_text() == "mine"
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("right", "enter")
        await workers_done(app)
        assert mine.read_text() == text


async def test_a_path_that_cannot_be_written_is_said_before_anything_happens(tmp_path: Path) -> None:
    app = finished(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot)
        box = screen.query_one("#file", PathInput)
        box.value = "/no/such/place/x.properties"
        await pilot.pause()
        assert "no such directory" in app.text()
        await pilot.press("enter")
        await workers_done(app)
        assert isinstance(app.screen, ExportScreen)
        box.value = ""
        await pilot.pause()
        assert "type a path" in app.text()


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("~nobody-of-this-name", "✗ ~nobody-of-this-name is nobody's home directory"),
        ("x" * 5000, "✗ file name too long"),
        ("./" + "x" * 300 + "/y", "✗ file name too long"),
    ],
)
async def test_a_path_that_the_system_refuses_is_said_and_enter_says_it_again(
    tmp_path: Path, typed: str, why: str
) -> None:
    app = finished(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(app, pilot)
        screen.query_one("#file", PathInput).value = typed
        await pilot.pause()
        assert why in app.text()
        await pilot.press("enter")
        await workers_done(app)
        assert app.screen is screen
        assert app.state.said[-1].text == f"{typed}: {why.removeprefix('✗ ')}"


def test_a_place_that_may_not_be_looked_into_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "is_dir", refuse)
    assert state_of_path(str(tmp_path / "x.properties")) == "✗ permission denied"


async def test_the_footer_tells_what_enter_does_in_the_file_field(
    tmp_path: Path, in_a_directory_of_its_own: Path
) -> None:
    (in_a_directory_of_its_own / "settings").mkdir()
    app = finished(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot)
        box = screen.query_one("#file", PathInput)
        box.focus()
        await pilot.pause()
        assert "enter write  tab complete" in app.text().splitlines()[-1]
        box.value = "./se"
        await pilot.press("tab")
        await pilot.pause()
        assert box.value == "./settings/"
        assert "a directory" in app.text()
        assert "enter" not in app.text().splitlines()[-1]
        await pilot.press("enter")
        await workers_done(app)
        assert isinstance(app.screen, ExportScreen)
        await pilot.press(*"x.properties")
        await pilot.pause()
        assert "enter write" in app.text().splitlines()[-1]
        await pilot.press("enter")
        await workers_done(app)
        assert (in_a_directory_of_its_own / "settings" / "x.properties").exists()


async def test_tab_completes_a_path(tmp_path: Path, in_a_directory_of_its_own: Path) -> None:
    (in_a_directory_of_its_own / "settings").mkdir()
    app = finished(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot)
        box = screen.query_one("#file", PathInput)
        box.focus()
        box.value = "./se"
        await pilot.press("tab")
        assert box.value == "./settings/"


async def test_y_copies_what_is_shown(tmp_path: Path) -> None:
    app = finished(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot)
        await pilot.press("y")
        assert app.copied == [screen.text]


async def test_escape_leaves_without_writing(tmp_path: Path, in_a_directory_of_its_own: Path) -> None:
    app = finished(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, ExportScreen)
        assert list(in_a_directory_of_its_own.iterdir()) == []


async def test_a_row_that_was_not_confirmed_exports_without_a_claim(tmp_path: Path) -> None:
    app = finished(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        screen = await opened(app, pilot)
        assert "x [" not in screen.text
        assert "not confirmed" in screen.text
        text = " ".join(app.text().split())
        assert "△ no proven winner: only the winner of a study is confirmed" in text


@pytest.mark.parametrize(
    ("verdict", "reason", "said"),
    [
        ("unstable", "the throughput drifted", "△ no proven winner: unstable: the throughput drifted"),
        ("unconfirmed", "no pairs were wanted", "△ no proven winner: no pairs were wanted"),
        ("no measurable difference", "", "the baseline: no measurable difference"),
        ("slower", "", "the baseline: slower"),
    ],
)
async def test_what_is_no_proven_winner_is_called_so_in_full(
    tmp_path: Path, verdict: VerdictKind, reason: str, said: str
) -> None:
    view = StudyView.of(FakeStudy().all())
    outcome = view.outcomes[0]
    ratio = None if reason else outcome.ratio
    outcome = msgspec.structs.replace(outcome, verdict=verdict, reason=reason, ratio=ratio)
    app = ShownApp(tmp_path, "leaderboard", view)
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(ExportScreen(export_of_outcome(view, outcome)))
        await pilot.pause()
        text = " ".join(app.text().split())
        assert "Export the leader of quick, 1 kB" in text
        assert "△ no proven winner: " in text
        assert said in text
        assert "◆" not in text


async def test_nothing_is_claimed_for_the_baseline(tmp_path: Path) -> None:
    view = StudyView.of(FakeStudy().all())
    outcome = msgspec.structs.replace(view.outcomes[0], winner=BASELINE, verdict="unconfirmed", ratio=None)
    app = ShownApp(tmp_path, "leaderboard", view)
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(ExportScreen(export_of_outcome(view, outcome)))
        await pilot.pause()
        assert "◇ the baseline, and nothing is claimed for it" in app.text()
        assert "# the baseline, and nothing is claimed for it" in app.text()
        assert "a leader" not in app.text()
