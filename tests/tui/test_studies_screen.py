"""Studies: the history on a real database, and what each key does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from ingestune_tui.model.events import Event, Notice, Resume, StudyFinished, StudyPaused
from ingestune_tui.model.study import Study, StudyState
from ingestune_tui.model.trial import Trial
from ingestune_tui.storage.owner import as_it_stands, this_process
from ingestune_tui.storage.store import Store
from ingestune_tui.tui.screens import studies
from ingestune_tui.tui.screens.dialogs import Dialog
from ingestune_tui.tui.screens.studies import StudiesScreen
from ingestune_tui.tui.widgets.row_table import RowTable
from ingestune_tui.tui.widgets.studies_table import as_watched, study_columns, when_text
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import Gone, ShownApp, place_of, until, workers_done


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Three studies: finished, interrupted, and one of two sizes."""
    async with await Store.open(tmp_path / "results.db") as opened:
        await keep(opened, FakeStudy(pairs=4, searched=4))
        await keep(
            opened, FakeStudy(pairs=4, searched=4, name="orders", id="0193d000-0000-7000-8000-00000000000a"), "stopped"
        )
        yield opened


async def keep(store: Store, fake: FakeStudy, state: StudyState = "finished") -> Study:
    fake.all()
    study = msgspec.structs.replace(fake.study(), state=state)
    if state != "finished":
        study = msgspec.structs.replace(study, outcomes=(), message="stopped by you")
    await store.create_study(study)
    for trial in fake.trials:
        await store.finish_trial(trial, fake.samples.get(trial.id, ()), {})
    return study


async def shown(app: ShownApp, store: Store, pilot: Pilot[int]) -> None:
    app.state.store = store
    app.read_studies()
    await workers_done(app)
    await pilot.pause()


async def test_it_says_that_it_reads_and_then_that_there_is_nothing(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot, await Store.open(tmp_path / "empty.db") as empty:
        assert isinstance(app.screen, StudiesScreen)
        app.screen.say_loading()
        await pilot.pause()
        assert "Reading the studies" in app.text()
        await shown(app, empty, pilot)
        assert "No study yet" in app.text()


async def test_every_study_stands_with_state_verdict_and_trials(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies, "today", lambda: date(2026, 11, 23))
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, store, pilot)
        text = app.text()
        assert "✓ finished" in text
        assert "✗ stopped" in text
        assert "x [" in text
        assert "2 studies" in text


async def test_enter_shows_a_stored_study_on_the_other_places(tmp_path: Path, store: Store) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, store, pilot)
        await pilot.press("slash", *"quick", "enter", "enter")
        await workers_done(app)
        await pilot.pause()
        assert "Leaderboard" in app.text()
        assert "cells" in app.text()
        await pilot.press("enter")
        await pilot.pause()
        await workers_done(app)
        await pilot.pause()
        assert "Trial" in app.text()


async def test_resume_is_offered_only_where_something_is_left_to_do(tmp_path: Path, store: Store) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, store, pilot)
        await pilot.press("slash", *"quick", "enter", "R")
        assert app.resumed == []
        await pilot.press("escape", "slash", *"orders", "enter")
        await pilot.pause()
        assert "stopped by you" in app.text()
        await pilot.press("R")
        assert app.resumed == ["0193d000-0000-7000-8000-00000000000a"]


async def test_a_study_whose_process_was_killed_is_interrupted_and_can_be_gone_on_with(
    tmp_path: Path, store: Store
) -> None:
    dead = msgspec.structs.replace(this_process("/nowhere.sock"), process_started_at=1.0)
    fake = FakeStudy(pairs=4, searched=4, name="killed", id="0193d000-0000-7000-8000-00000000000b")
    fake.all()
    study = msgspec.structs.replace(fake.study(), state="running", owner=dead, outcomes=())
    await store.create_study(study)
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, store, pilot)
        await pilot.press("slash", *"killed", "enter")
        await pilot.pause()
        assert "· interrupt" in app.text()
        assert "ended without a word" in app.text()
        await pilot.press("R")
        assert app.resumed == [study.id]
        await pilot.press("enter")
        await workers_done(app)
        await pilot.pause()
        assert "✗ interrupted" in app.text().splitlines()[1]


async def test_a_study_that_lives_here_or_elsewhere_is_believed() -> None:
    running = msgspec.structs.replace(FakeStudy().study(), state="running", owner=this_process("/some.sock"))
    assert as_it_stands(running, "R") == running
    assert running.owner is not None
    away = msgspec.structs.replace(running, owner=msgspec.structs.replace(running.owner, host="another", pid=1))
    assert as_it_stands(away, "R") == away


async def test_the_cursor_stays_on_its_study_when_rows_come_and_go(
    tmp_path: Path, store: Store, size: tuple[int, int]
) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=size) as pilot:
        await shown(app, store, pilot)
        screen = app.screen
        assert isinstance(screen, StudiesScreen)
        table = screen.query_one(RowTable)
        await pilot.press("down")
        chosen = screen.chosen
        assert chosen is not None
        assert table.cursor_row == 1
        new = FakeStudy(pairs=2, searched=2, name="newest", id="0193d000-0000-7000-8000-0000000000ff")
        new.all()
        await store.create_study(msgspec.structs.replace(new.study(), created_at="2027-01-01T00:00:00+00:00"))
        await shown(app, store, pilot)
        assert table.cursor_row == 2
        assert screen.chosen == chosen
        assert f" {chosen.study.name} " in app.text().splitlines()[5]
        await store.delete_study(new.id)
        await shown(app, store, pilot)
        assert table.cursor_row == 1
        assert screen.chosen == chosen


async def test_the_watched_study_is_listed_as_it_is_now_and_a_pause_can_be_ended_there(
    tmp_path: Path, store: Store
) -> None:
    fake = FakeStudy(pairs=4, searched=4, name="night", id="0193d000-0000-7000-8000-00000000000c")
    view = until(fake.all(), 3, "saturated", 2)
    await store.create_study(
        msgspec.structs.replace(fake.study(), state="running", owner=this_process("/night.sock"), outcomes=())
    )
    app = ShownApp(tmp_path, "studies", view)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, store, pilot)
        await pilot.press("slash", *"night", "enter", "R")
        await pilot.pause()
        assert "▶ running" in app.text()
        assert "R resume" not in app.text()
        view.apply(StudyPaused(study="night", reason="paused by the person"))
        app.mark_changed()
        app._tick()
        await pilot.pause()
        assert "‖ paused" in app.text()
        assert "paused by the person" in app.text()
        assert "R resume" in app.text()
        await pilot.press("R")
        await pilot.pause()
        assert app.commands == [Resume()]
        assert app.resumed == []


async def test_what_goes_on_by_itself_or_is_just_ending_takes_no_resume(tmp_path: Path, store: Store) -> None:
    fake = FakeStudy(pairs=4, searched=4, name="night", id="0193d000-0000-7000-8000-00000000000c")
    view = until(fake.all(), 3, "saturated", 2)
    await store.create_study(
        msgspec.structs.replace(fake.study(), state="running", owner=this_process("/night.sock"), outcomes=())
    )
    app = ShownApp(tmp_path, "studies", view)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, store, pilot)
        await pilot.press("slash", *"night", "enter")
        told: list[tuple[Event, str]] = [
            (StudyPaused(study="night", reason="no broker answers", attempt=2, retry_in_s=8), "‖ paused"),
            (StudyFinished(study="night", state="stopped", message="stopped by you"), "✗ stopped"),
        ]
        for event, state in told:
            view.apply(event)
            app.redraw()
            await pilot.press("R")
            await pilot.pause()
            assert state in app.text()
            assert "R resume" not in app.text()
        assert (app.commands, app.resumed) == ([], [])
        app.state.studies = tuple(as_watched(line, view) for line in app.state.studies or ())
        app.state.live = None
        app.redraw()
        await pilot.pause()
        assert "R resume" in app.text()


async def test_attaching_shows_old_warnings_in_the_event_list_and_not_as_toasts(tmp_path: Path) -> None:
    heard = [
        Notice(time="2020-01-01T00:00:00.000Z", level="warning", text="long ago"),
        Notice(time="2999-01-01T00:00:00.000Z", level="warning", text="just now"),
    ]

    async def connect() -> Any:
        return Gone(*FakeStudy().all()[:1], *heard)

    app = ShownApp(tmp_path, "live")
    async with app.run_test(size=(80, 24)):
        await app._watch(connect, "live").wait()
        texts = [said.text for said in app.state.said]
        assert "long ago" not in texts
        assert "just now" in texts
        assert app.watched is not None
        assert "long ago" in [told.text for told in app.watched.told]
        assert app.lost is app.watched


@pytest.mark.parametrize(("cluster", "keys", "goes_on"), [
    ("kafka1:9092", ["enter"], False),
    ("kafka1:9092", ["right", "enter"], True),
    ("simulated", [], True),
])  # fmt: skip
async def test_going_on_asks_again_before_it_loads_somebodys_cluster(
    tmp_path: Path, cluster: str, keys: list[str], goes_on: bool
) -> None:
    app = ShownApp(tmp_path, "studies")
    study = msgspec.structs.replace(
        FakeStudy(name="orders").study(), grid_text='[producer]\n"linger.ms" = [0, 5]\n', options={"cluster": cluster}
    )
    async with app.run_test(size=(80, 24)) as pilot:
        asking = app.run_worker(app.agreed_to_resume(study))
        while keys and not isinstance(app.screen, Dialog):
            await pilot.pause()
        if keys:
            assert "Go on with orders on kafka1:9092?" in app.text()
            await pilot.press(*keys)
        assert await asking.wait() is goes_on


async def test_rename_checks_the_name(tmp_path: Path, store: Store) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, store, pilot)
        await pilot.press("slash", *"orders", "enter", "n")
        await pilot.pause()
        box = app.screen.query_one("#name", Input)
        box.value = "a b"
        await pilot.press("enter")
        await pilot.pause()
        assert "letters, digits" in app.text()
        box.value = "orders-night"
        await pilot.press("enter")
        await workers_done(app)
        await pilot.pause()
        await workers_done(app)
        assert {study.name for study in await store.studies()} == {"quick", "orders-night"}
        await pilot.press("escape")
        assert "orders-ni" in app.text()


async def test_a_name_that_is_taken_is_said_and_nothing_changes(tmp_path: Path, store: Store) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, store, pilot)
        await pilot.press("slash", *"orders", "enter", "n")
        await pilot.pause()
        app.screen.query_one("#name", Input).value = "quick"
        await pilot.press("enter")
        await workers_done(app)
        await pilot.pause()
        assert {study.name for study in await store.studies()} == {"quick", "orders"}
        assert any(said.level == "error" for said in app.state.said)


async def test_delete_asks_and_the_safe_answer_has_the_focus(tmp_path: Path, store: Store) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, store, pilot)
        await pilot.press("slash", *"orders", "enter", "D")
        await pilot.pause()
        assert "Delete orders?" in app.text()
        await pilot.press("enter")
        await pilot.pause()
        assert len(await store.studies()) == 2
        await pilot.press("D")
        await pilot.pause()
        await pilot.press("right", "enter")
        await workers_done(app)
        await pilot.pause()
        await workers_done(app)
        assert [study.name for study in await store.studies()] == ["quick"]


async def test_find_narrows_by_name_cluster_grid_and_state(tmp_path: Path, store: Store) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, store, pilot)
        await pilot.press("slash", *"local stopped")
        assert "1 of 2 studies" in app.text()
        await pilot.press("escape", "escape")
        assert "2 studies" in app.text()


@pytest.mark.parametrize("key", ["down", "tab", "escape"])
async def test_out_of_the_find_line_it_goes_to_the_list_and_what_was_found_stays(
    tmp_path: Path, store: Store, key: str
) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, store, pilot)
        await pilot.press("slash", *"stopped")
        assert not app.screen.query_one(RowTable).has_focus
        await pilot.press(key)
        await pilot.pause()
        assert app.screen.query_one(RowTable).has_focus
        assert "1 of 2 studies" in app.text()


@pytest.mark.parametrize(
    ("iso", "text"),
    [("2026-11-20T10:00:00+00:00", "20 Nov"), ("2025-11-20T10:00:00+00:00", "Nov 2025"), ("nonsense", "")],
)
def test_when_is_said_as_people_say_it(iso: str, text: str) -> None:
    assert when_text(iso, date(2026, 11, 23)) == text


@pytest.mark.parametrize("width", [58, 78, 98, 118, 158])
def test_the_columns_of_studies_never_need_to_be_scrolled_sideways(width: int) -> None:
    columns = study_columns(width)
    assert sum(column.width + 2 for column in columns) < width
    assert {"study", "cluster", "state", "verdict"} <= {column.key for column in columns}
    assert next(column.width for column in columns if column.key == "cluster") >= len("simulated")


async def test_a_key_while_a_study_is_read_is_not_lost_and_nobody_is_called_back(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, asked = asyncio.Event(), asyncio.Event()
    trials = Store.trials

    async def slowly(opened: Store, study_id: str) -> list[Trial]:
        asked.set()
        await read.wait()
        return await trials(opened, study_id)

    monkeypatch.setattr(Store, "trials", slowly)
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, store, pilot)
        await pilot.press("enter")
        await asked.wait()
        await pilot.press("4")
        read.set()
        await workers_done(app)
        await pilot.pause()
        assert place_of(app).PLACE == "compare"
        assert app.state.study is not None
        await pilot.press("3")
        await pilot.pause()
        assert "cells" in app.text()
