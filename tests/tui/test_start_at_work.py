"""The first screen while a study is at work: it offers that one, and enter watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from ingestune_tui.model.events import StudyPaused
from ingestune_tui.model.study import StudyState
from ingestune_tui.storage.owner import this_process
from ingestune_tui.tui import clusters
from ingestune_tui.tui.state import ClusterChoice
from ingestune_tui.tui.stored import StudyLine
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.choice_list import ChoiceList
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp, ready, until

Starter = Callable[[], ShownApp]


def listed(state: StudyState = "running", *, host: str | None = None) -> StudyLine:
    """A line of the list of studies: `night`, of which another app may have begun 14 trials."""
    owner = this_process("/night.sock")
    owner = msgspec.structs.replace(owner, host=host or owner.host)
    study = msgspec.structs.replace(FakeStudy(name="night").study(), state=state, owner=owner)
    return StudyLine(study, 14)


def night() -> StudyView:
    return until(FakeStudy(name="night").all(), 16, "saturated", 2)


async def test_a_study_at_work_is_offered_first_and_enter_watches_it(
    starter: Starter, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[str] = []
    monkeypatch.setattr(ShownApp, "open_study", lambda self, study_id: chosen.append(study_id))
    app = starter()
    app.state.studies = (listed(),)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        text = app.text()
        assert "▸ ▶ night runs: enter to watch it" in text
        assert "14 trials so far on local" in text
        assert "enter watch" in text.splitlines()[-1]
        await pilot.press("r")
        await ready(pilot)
        assert chosen == []
        await pilot.press("enter")
        await ready(pilot)
        assert chosen == [FakeStudy().id]


async def test_a_study_that_only_its_own_database_can_tell_of_is_not_offered(starter: Starter) -> None:
    app = starter()
    app.state.studies = (replace(listed(), elsewhere="this very host, another database"),)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert "night" not in app.text()


async def test_a_grid_below_it_can_still_be_chosen(starter: Starter) -> None:
    app = starter()
    app.state.studies = (listed(),)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("down")
        await ready(pilot)
        text = app.text()
        assert "Does batching pay?" in text
        assert "enter run" in text.splitlines()[-1]


async def test_the_watched_study_is_offered_as_it_is_now(starter: Starter) -> None:
    app = starter()
    app.state.live = app.state.study = view = night()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert "▶ night runs: enter to watch it" in app.text()
        view.apply(StudyPaused(study="night", reason="paused by the person"))
        app.redraw()
        await pilot.pause()
        assert "‖ night is paused: enter shows it" in app.text()
        view.apply(FakeStudy(name="night").all()[-1])
        app.redraw()
        await pilot.pause()
        assert "night" not in app.text().split("\n", 2)[2]


@pytest.mark.parametrize(("keys", "highlighted"), [([], True), (["down"], False)])
async def test_one_that_turns_up_later_is_highlighted_only_where_the_person_has_not_moved(
    starter: Starter, keys: list[str], highlighted: bool
) -> None:
    app = starter()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press(*keys)
        app.state.studies = (listed(),)
        app.redraw()
        await ready(pilot)
        assert "▶ night runs" in app.text()
        assert ("▸ ▶ night" in app.text()) is highlighted


async def test_enter_on_a_cluster_goes_to_what_while_a_study_is_highlighted_there_and_the_footer_says_so(
    starter: Starter, size: tuple[int, int]
) -> None:
    app = starter()
    app.state.studies = (listed(),)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        screen = app.screen
        await pilot.press("tab")
        await pilot.pause()
        assert "enter choose a grid" in app.text().splitlines()[-1]
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen is screen
        assert screen.query_one("#what", ChoiceList).has_focus
        assert screen.query_one("#where", ChoiceList).chosen == "local"
        await pilot.press("down", "tab")
        await pilot.pause()
        assert "enter run" in app.text().splitlines()[-1]


async def test_the_cluster_that_was_chosen_stays_when_a_trial_starts(starter: Starter) -> None:
    app = starter()
    events = FakeStudy(name="night").all()
    app.state.live = app.state.study = until(events, 16, "saturated", 2)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("tab", "down")
        assert app.screen.query_one("#where", ChoiceList).chosen == "simulated"
        app.show_view(until(events, 17, "saturated", 2))
        await ready(pilot)
        assert app.screen.query_one("#where", ChoiceList).chosen == "simulated"
        app.state.cluster = ClusterChoice("kafka1:9092")
        app.redraw()
        assert app.screen.query_one("#where", ChoiceList).chosen == "at:kafka1:9092|"


async def test_a_study_of_another_machine_and_a_finished_one_are_not_offered(starter: Starter) -> None:
    app = starter()
    app.state.studies = (listed(host="elsewhere"), listed("finished"))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert "night" not in app.text()
        assert "▸ quick" in app.text()


async def test_a_long_name_keeps_its_line_readable(starter: Starter) -> None:
    app = starter()
    line = listed()
    name = "orders-on-the-big-cluster-without-compression"
    app.state.studies = (StudyLine(msgspec.structs.replace(line.study, name=name), 3),)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert "runs: enter to watch it" in app.text()


def test_start_at_work(
    snap_compare: Callable[..., bool], starter: Starter, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "local_cost", lambda: "will download Apache Kafka 4.3.0 (56 MB, once)")
    app = starter()
    app.state.studies = (listed(),)
    assert snap_compare(app, terminal_size=size, run_before=ready)
