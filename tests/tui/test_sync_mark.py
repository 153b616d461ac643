"""The status line says how far PostgreSQL is behind, also when no study's process tells it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ingestune_tui.errors import StoreError
from ingestune_tui.model.events import SyncState
from ingestune_tui.secrets import Secret
from ingestune_tui.settings import SharedCopy
from ingestune_tui.storage.outbox import Queue
from ingestune_tui.storage.store import Store
from ingestune_tui.tui.study_view import StudyView
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import NOW, ShownApp, ready, until

COPY = SharedCopy(Secret("postgresql://nobody@127.0.0.1:1/none"), allow_plaintext=False, origin="INGESTUNE_POSTGRES")


def app_over(home: Path, place: str, store: Store, view: StudyView | None = None) -> ShownApp:
    """An app with a copy configured that does not answer."""
    app = ShownApp(home, place, view)
    app.state.settings = replace(app.state.settings, shared_copy=COPY)

    async def opened() -> Store:
        return store

    app._open_store = opened
    return app


@pytest.mark.parametrize("place", ["studies", "leaderboard", "grid"])
async def test_what_waits_and_how_long_is_said_without_a_running_study(
    tmp_path: Path, store: Store, size: tuple[int, int], place: str
) -> None:
    app = app_over(tmp_path, place, store)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        queue = app.state.queue
        assert queue is not None
        assert queue.since is not None
        later = queue.since + timedelta(seconds=40)
        app.state.clock = lambda: later
        app.redraw()
        assert "⇅ 2 rows wait, 40 s" in app.text().splitlines()[1]


async def test_what_a_study_at_work_tells_goes_before_what_was_read(tmp_path: Path, store: Store) -> None:
    view = until(FakeStudy().all(), 3, "saturated", 2)
    app = app_over(tmp_path, "live", store, view)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        view.apply(SyncState(state="waiting", waiting=7, retry_in_s=8))
        app.redraw()
        assert "⇅ 7 rows wait, retry in 8 s" in app.text().splitlines()[1]


@pytest.mark.parametrize(
    ("queue", "said"), [(Queue(0, 0, None), "⇅ 0"), (Queue(3, 1, NOW), "⇅ 1 row refused")], ids=["nothing", "refused"]
)
async def test_nothing_that_waits_and_what_was_refused_are_said_too(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, queue: Queue, said: str
) -> None:
    async def found(_: Store) -> Queue:
        return queue

    monkeypatch.setattr(Store, "queue", found)
    app = app_over(tmp_path, "studies", store)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.redraw()
        assert said in app.text().splitlines()[1]


async def test_a_queue_that_cannot_be_read_is_said_once(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_: Store) -> Queue:
        raise StoreError("results.db is kept busy")

    monkeypatch.setattr(Store, "queue", refused)
    app = app_over(tmp_path, "studies", store)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.read_queue()
        await ready(pilot)
        assert len([said for said in app.state.said if "kept busy" in said.text]) == 1
