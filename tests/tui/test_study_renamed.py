"""A study that is renamed or deleted while it is shown: no screen and no farewell speaks of what is no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from ingestune_tui.storage.store import Store
from ingestune_tui.tui.app import _say_goodbye
from ingestune_tui.tui.library import read_study
from ingestune_tui.tui.screens.trial import TrialScreen
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp, ready


@pytest.fixture
async def store(store: Store) -> Store:
    """The study with its trials."""
    fake = FakeStudy(pairs=4, searched=4)
    fake.all()
    for trial in fake.trials:
        await store.finish_trial(trial)
    return store


async def showing(app: ShownApp, store: Store, pilot: Pilot[int]) -> None:
    """The study on the screens, as one that was watched from here, and the cursor of Studies on it."""
    app.state.store = store
    app.state.study = app.watched = await read_study(store, await store.find_study("quick"))
    app.read_studies()
    await ready(pilot)


async def test_a_renamed_study_has_its_new_name_on_every_screen_and_in_the_farewell(
    tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await showing(app, store, pilot)
        for place in "345":
            await pilot.press(place)
            await ready(pilot)
            assert "quick │" in app.text()
        await pilot.press("n")
        await ready_to_type(pilot)
        app.screen.query_one("#name", Input).value = "night"
        await pilot.press("enter")
        await ready(pilot)
        for place in "2345":
            await pilot.press(place)
            await ready(pilot)
            assert "night │" in app.text()
            assert "quick │" not in app.text()
    _say_goodbye(app)
    said = capsys.readouterr().out
    assert "ingestune export night " in said
    assert "export quick" not in said


async def ready_to_type(pilot: Pilot[int]) -> None:
    """Until the dialog that was asked for stands there; the worker that waits for its answer goes on."""
    while not pilot.app.screen.query("#name"):
        await pilot.pause()


async def test_a_deleted_study_is_on_no_screen_and_quitting_has_nothing_to_say_of_it(
    tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await showing(app, store, pilot)
        await pilot.press("3")
        await ready(pilot)
        await pilot.press("enter")
        await ready(pilot)
        assert isinstance(app.screen, TrialScreen)
        await pilot.press("5")
        await ready(pilot)
        await pilot.press("D")
        while "Delete quick?" not in app.text():
            await pilot.pause()
        await pilot.press("right", "enter")
        await ready(pilot)
        assert await store.studies() == []
        for place in "234":
            await pilot.press(place)
            await ready(pilot)
            assert "quick" not in app.text()
    _say_goodbye(app)
    assert capsys.readouterr().out == ""
