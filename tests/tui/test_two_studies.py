"""One study at work while another is on the screens: which one is in sight, and which one the keys act on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from ingestune_tui.errors import StudyError
from ingestune_tui.model.events import Command, Event, Pause, StopStudy, TrialSampled
from ingestune_tui.model.study import Study
from ingestune_tui.storage.owner import this_process
from ingestune_tui.storage.store import Store
from ingestune_tui.tui.grid_document import GridDocument
from ingestune_tui.tui.screens.dialogs import Dialog
from ingestune_tui.tuning.study_client import StudyClient
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp


class Process:
    """A study process in the middle of its search: it says what happened so far and then works on in silence."""

    def __init__(self, fake: FakeStudy) -> None:
        events = fake.all()
        middle = [place for place, event in enumerate(events) if isinstance(event, TrialSampled)][300]
        self._events: Sequence[Event] = events[:middle]
        self.told: list[Command] = []
        self.watchers = 0
        self.answers = True

    async def __aenter__(self) -> Process:
        self.watchers += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self.watchers -= 1

    async def events(self) -> AsyncIterator[Event]:
        for event in self._events:
            yield event
        await asyncio.Event().wait()

    async def send(self, command: Command) -> None:
        self.told.append(command)


Processes = dict[str, Process]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """One study that is finished, and two that are at work."""
    async with await Store.open(tmp_path / "results.db") as opened:
        fake = FakeStudy(pairs=4, searched=4, name="done", id="0193d000-0000-7000-8000-00000000000a")
        fake.all()
        await opened.create_study(fake.study())
        for trial in fake.trials:
            await opened.finish_trial(trial, (), {})
        for name, last in (("night", "b"), ("orders", "c")):
            study = FakeStudy(name=name, id=f"0193d000-0000-7000-8000-00000000000{last}").study()
            owner = this_process(f"/{name}.sock")
            await opened.create_study(msgspec.structs.replace(study, state="running", finished_at="", owner=owner))
        yield opened


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Processes:
    """What answers when the app attaches, by the name of the study."""
    found = {
        name: Process(FakeStudy(name=name, id=f"0193d000-0000-7000-8000-00000000000{last}"))
        for name, last in (("night", "b"), ("orders", "c"))
    }

    async def attach(study: Study) -> Process:
        if not found[study.name].answers:
            raise StudyError(f"no study process answers for {study.name}", "It may just have ended.")
        return found[study.name]

    monkeypatch.setattr(StudyClient, "attach", attach)
    return found


async def until(pilot: Pilot[int], true: Callable[[], bool]) -> None:
    """Waits for it; the test's own time limit ends what never comes."""
    while not true():
        await pilot.pause()
    await pilot.pause()


def shows(app: ShownApp, name: str) -> bool:
    study = app.state.study
    return study is not None and study.started is not None and study.started.study == name


def watches(app: ShownApp, name: str) -> bool:
    live = app.state.live
    return live is not None and live.started is not None and live.started.study == name and bool(live.trials)


async def opened(app: ShownApp, pilot: Pilot[int], name: str) -> None:
    """Enter on a study of the list."""
    await pilot.press("5")
    await until(pilot, lambda: app.state.studies is not None)
    await pilot.press("escape", "slash", *name, "enter", "enter")
    await until(pilot, lambda: shows(app, name) and app.current_mode != "studies")


async def watching_night(app: ShownApp, pilot: Pilot[int], store: Store) -> None:
    app.state.store = store
    app.read_studies()
    await opened(app, pilot, "night")
    await until(pilot, lambda: watches(app, "night"))


def status(app: ShownApp) -> str:
    return app.text().splitlines()[1]


async def test_the_running_study_stays_in_sight_while_a_stored_one_is_shown(
    tmp_path: Path, store: Store, processes: Processes, size: tuple[int, int]
) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=size) as pilot:
        await watching_night(app, pilot, store)
        await opened(app, pilot, "done")
        assert app.current_mode == "leaderboard"
        for place in ("2", "3", "4", "5"):
            await pilot.press(place)
            await pilot.pause()
            assert "done" in status(app)
            assert "night: ▶ racing" in status(app)
        assert processes["night"].watchers == 1


async def test_no_key_of_live_acts_on_the_study_behind_the_one_that_is_shown(
    tmp_path: Path, store: Store, processes: Processes
) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await watching_night(app, pilot, store)
        await opened(app, pilot, "done")
        await pilot.press("2", "space", "x", "S")
        await pilot.pause()
        assert not isinstance(app.screen, Dialog)
        assert app.commands == []
        await opened(app, pilot, "night")
        await pilot.press("space")
        await pilot.pause()
        assert app.commands == [Pause()]


async def test_going_back_to_the_running_study_shows_it_live_again(
    tmp_path: Path, store: Store, processes: Processes
) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await watching_night(app, pilot, store)
        before = app.state.live
        await opened(app, pilot, "done")
        await opened(app, pilot, "night")
        assert app.current_mode == "live"
        assert app.state.study is before
        assert app.state.connected
        assert "▶ racing" in status(app)
        assert processes["night"].watchers == 1


async def test_no_second_study_starts_beside_the_one_that_is_not_shown(
    tmp_path: Path, store: Store, processes: Processes, grid_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(ShownApp, "start_study", lambda self, arguments: started.append(arguments))
    app = ShownApp(tmp_path, "studies")
    app.state.document = GridDocument.open(grid_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await watching_night(app, pilot, store)
        await opened(app, pilot, "done")
        await pilot.press("1", "r")
        await until(pilot, lambda: bool(app.state.said))
        assert app.state.said[-1].text == "night is running; 5, then enter on it, shows it"
        assert started == []


async def test_quitting_asks_about_the_study_at_work_and_stops_that_one(
    tmp_path: Path, store: Store, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestune_tui.tui.watching.STOP_WAIT_S", 0.0)
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await watching_night(app, pilot, store)
        await opened(app, pilot, "done")
        await pilot.press("q")
        await pilot.pause()
        assert "night is running" in app.text()
        await pilot.press("right", "right", "enter")
        await until(pilot, lambda: bool(processes["night"].told))
    assert processes["night"].told == [StopStudy()]


async def test_a_second_running_study_is_watched_instead_and_the_first_goes_on_within_reach(
    tmp_path: Path, store: Store, processes: Processes
) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await watching_night(app, pilot, store)
        await opened(app, pilot, "orders")
        await until(pilot, lambda: watches(app, "orders"))
        assert [said.text for said in app.state.said] == [
            "watching orders now; night goes on, and 5, then enter on it, shows it again"
        ]
        assert "orders" in status(app)
        assert processes["night"].told == []
        assert (processes["night"].watchers, processes["orders"].watchers) == (0, 1)
        await opened(app, pilot, "night")
        await until(pilot, lambda: watches(app, "night"))
        assert app.state.connected
        assert processes["night"].watchers == 1


async def test_the_first_is_watched_again_when_the_second_does_not_answer(
    tmp_path: Path, store: Store, processes: Processes
) -> None:
    app = ShownApp(tmp_path, "studies")
    async with app.run_test(size=(80, 24)) as pilot:
        await watching_night(app, pilot, store)
        processes["orders"].answers = False
        await pilot.press("5", "escape", "slash", *"orders", "enter", "enter")
        await until(pilot, lambda: any(said.level == "error" for said in app.state.said) and watches(app, "night"))
        assert app.current_mode == "live"
        assert app.state.connected
        assert processes["night"].watchers == 1
