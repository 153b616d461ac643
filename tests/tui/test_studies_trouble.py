"""Studies while the database cannot be opened or read: it says so and what to do, and it can be tried again."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from ingestune_tui.errors import StoreError
from ingestune_tui.model.study import Study
from ingestune_tui.storage.store import Store
from tests.tui.shown import ShownApp, ready

BUSY = StoreError("results.db is kept busy", "Try again when the backup is done.")


class Door:
    """Opens the database, unless it is shut."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.shut = True
        self.tried = 0

    async def __call__(self) -> Store:
        self.tried += 1
        if self.shut:
            raise BUSY
        return self._store


async def refuse(_: Store) -> list[Study]:
    """In place of reading the studies."""
    raise BUSY


async def says(app: ShownApp, pilot: Pilot[int], text: str) -> None:
    """Waits for it to be on the screen; the test's own time limit ends what never comes."""
    while text not in app.text():
        await pilot.pause()


async def behind_a_shut_door(app: ShownApp, pilot: Pilot[int]) -> None:
    """Waits for the screen itself to say so, and not only for the toast that goes by."""
    nothing = app.screen.query_one("#nothing", Static)
    while not str(nothing.content).startswith("✗"):
        await pilot.pause()
    said = str(nothing.content)
    assert nothing.display
    assert "results.db is kept busy" in said
    assert "Try again when the backup is done." in said
    assert "f5 or coming back tries again." in said
    assert "f5 read again" in app.text().splitlines()[-1]


async def test_a_database_that_cannot_be_opened_is_said_and_f5_tries_again(
    tmp_path: Path, store: Store, size: tuple[int, int]
) -> None:
    app = ShownApp(tmp_path / "home", "studies")
    app._open_store = door = Door(store)
    async with app.run_test(size=size) as pilot:
        await behind_a_shut_door(app, pilot)
        await pilot.press("f5")
        await ready(pilot)
        assert door.tried == 2
        await behind_a_shut_door(app, pilot)
        door.shut = False
        await pilot.press("f5")
        await says(app, pilot, "✓ finished")
        assert door.tried == 3
        assert "f5" not in app.text()
        await pilot.press("f5")
        await ready(pilot)
        assert door.tried == 3


async def test_coming_back_to_studies_tries_again(tmp_path: Path, store: Store) -> None:
    app = ShownApp(tmp_path / "home", "studies")
    app._open_store = door = Door(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await behind_a_shut_door(app, pilot)
        await pilot.press("2")
        await ready(pilot)
        door.shut = False
        await pilot.press("5")
        await says(app, pilot, "✓ finished")
        assert door.tried == 2


async def test_a_list_that_cannot_be_read_is_not_called_empty(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ShownApp(tmp_path / "home", "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        app.state.store = store
        with monkeypatch.context() as broken:
            broken.setattr(Store, "studies", refuse)
            app.read_studies()
            await behind_a_shut_door(app, pilot)
        await pilot.press("f5")
        await says(app, pilot, "✓ finished")


async def test_a_list_that_was_read_stays_and_is_called_an_earlier_one(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ShownApp(tmp_path / "home", "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        app.state.store = store
        app.read_studies()
        await says(app, pilot, "✓ finished")
        below = app.screen.query_one("#message", Static)
        with monkeypatch.context() as broken:
            broken.setattr(Store, "studies", refuse)
            app.read_studies()
            await ready(pilot)
            assert "✓ finished" in app.text()
            assert "The list is an earlier one; f5 reads it again." in str(below.content)
        await pilot.press("f5")
        await ready(pilot)
        assert str(below.content) == ""
