"""Studies that another host alone can go on with: where they run is said, and nobody is told to resume them here."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from ingestune_tui.model.study import Owner, StudyState
from ingestune_tui.storage.owner import this_process
from ingestune_tui.storage.store import Store
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp, ready

AWAY = Owner(host="bench-1", pid=1, process_started_at=0.0)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty database."""
    async with await Store.open(tmp_path / "results.db") as opened:
        yield opened


async def keep(store: Store, state: StudyState, owner: Owner | None, *, pulled: bool) -> str:
    """A study of the host bench-1 that has no verdict yet; its id."""
    fake = FakeStudy(pairs=4, searched=4)
    fake.all()
    study = msgspec.structs.replace(fake.study(), state=state, owner=owner, outcomes=(), message="")
    await store.create_study(study)
    for trial in fake.trials:
        await store.finish_trial(trial)
    if pulled:
        with sqlite3.connect(store.path) as connection:
            connection.execute("update study set origin = 'another database'")
        connection.close()
    return study.id


@pytest.mark.parametrize(
    ("owner", "pulled"), [(AWAY, False), (AWAY, True), (None, True)], ids=["own", "pulled", "pulled without an owner"]
)
async def test_a_study_that_runs_on_another_host_is_not_called_dead(
    tmp_path: Path, store: Store, size: tuple[int, int], owner: Owner | None, pulled: bool
) -> None:
    await keep(store, "running", owner, pulled=pulled)
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=size) as pilot:
        app.state.store = store
        app.read_studies()
        await ready(pilot)
        assert "runs on bench-1, as last synced" in app.text()
        assert "R resume" not in app.text()
        await pilot.press("R", "enter")
        await ready(pilot)
        assert app.resumed == []
        rows = app.text().splitlines()
        assert "▶ runs elsewhere" in rows[1]
        assert any("▶ runs on bench-1, as last synced" in row for row in rows[2:])
        assert "does not answer" not in app.text()
        assert "R resumes" not in app.text()
        await pilot.press("3")
        await ready(pilot)
        assert "▶ runs on bench-1, as last synced" in app.text().splitlines()[1]


async def test_a_colleagues_stopped_study_takes_no_resume(tmp_path: Path, store: Store, size: tuple[int, int]) -> None:
    await keep(store, "stopped", None, pulled=True)
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=size) as pilot:
        app.state.store = store
        app.read_studies()
        await ready(pilot)
        assert "bench-1 alone can go on with it" in app.text()
        assert "R resume" not in app.text()
        await pilot.press("R")
        await ready(pilot)
        assert app.resumed == []


async def test_ones_own_stopped_study_still_takes_one(tmp_path: Path, store: Store) -> None:
    study_id = await keep(store, "stopped", None, pulled=False)
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        app.state.store = store
        app.read_studies()
        await ready(pilot)
        assert "R resume" in app.text()
        await pilot.press("R")
        await ready(pilot)
        assert app.resumed == [study_id]


async def test_a_process_of_this_host_that_says_nothing_is_still_said_to_be_silent(
    tmp_path: Path, store: Store
) -> None:
    study_id = await keep(store, "running", this_process(), pulled=False)
    app = ShownApp(tmp_path, "live")
    async with app.run_test(size=(80, 24)) as pilot:
        app.state.store = store
        app.attach_to = lambda study: False  # type: ignore[method-assign]
        app.open_study(study_id)
        await ready(pilot)
        assert "does not answer" in app.text()
