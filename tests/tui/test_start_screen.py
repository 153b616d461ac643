"""The first screen: what is offered, what it says before enter, and the way from there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from ingestune_tui import settings as kept
from ingestune_tui.storage.store import Store
from ingestune_tui.tui.grid_document import GridDocument
from ingestune_tui.tui.messages import GridChosen
from ingestune_tui.tui.screens.ask_cluster import AddressDialog, wrong_with_address
from ingestune_tui.tui.screens.ask_path import PathDialog
from ingestune_tui.tui.screens.dialogs import Dialog
from ingestune_tui.tui.screens.grid import GridScreen
from ingestune_tui.tui.screens.start import StartScreen
from ingestune_tui.tui.state import ClusterChoice
from ingestune_tui.tui.widgets.path_input import complete, matches
from tests.tui.conftest import GRID
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp, ready

Starter = Callable[[], ShownApp]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Arguments of the studies that would have been started."""
    found: list[list[str]] = []
    monkeypatch.setattr(ShownApp, "start_study", lambda self, arguments: found.append(arguments))
    return found


async def test_clusters_grids_and_their_price_are_shown_before_enter(starter: Starter, size: tuple[int, int]) -> None:
    app = starter()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        text = app.text()
        for word in ("local", "simulated", "+ address…", "quick", "latency", "6 cells", "+ open a file…"):
            assert word in text
        assert "Does batching pay?" in text
        assert "writes up to" in text
        assert "needs 2 GB memory" in " ".join(text.split())


async def test_a_grid_that_was_written_meanwhile_has_its_new_price(starter: Starter) -> None:
    app = starter()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert app.text().count("6 cells") == 2
        await pilot.press("5")
        await ready(pilot)
        (app.state.ready_grids / "latency.toml").write_text(GRID.replace("[0, 5, 20]", "[0, 5, 20, 50]"))
        await pilot.press("o")
        await ready(pilot)
        assert (app.text().count("6 cells"), app.text().count("8 cells")) == (1, 1)


async def test_the_head_counts_what_is_stored_each_time_it_is_looked_at(starter: Starter, tmp_path: Path) -> None:
    app = starter()
    async with await Store.open(tmp_path / "results.db") as store:
        app.state.store = store
        async with app.run_test(size=(80, 24)) as pilot:
            await ready(pilot)
            assert "results:" not in app.text()
            for number, words in enumerate(("results: 1 study, 0 trials", "results: 2 studies, 0 trials")):
                await store.create_study(replace(FakeStudy().study(), id=f"study-{number}", name=f"night-{number}"))
                await pilot.press("5")
                await ready(pilot)
                await pilot.press("o")
                await ready(pilot)
                assert app.text().splitlines()[0].endswith(words)


async def test_enter_runs_the_preselected_grid_on_the_preselected_cluster(
    starter: Starter, started: list[list[str]], size: tuple[int, int]
) -> None:
    app = starter()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("enter")
        await ready(pilot)
        assert [Path(started[0][0]).parent.parent.name, started[0][2]] == ["grids", "local"]
        assert Path(started[0][0]).name == "quick.toml"


async def test_another_grid_and_another_cluster_are_two_keys_away(starter: Starter, started: list[list[str]]) -> None:
    app = starter()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("down")
        await pilot.pause()
        assert "How low can the latency get?" in app.text()
        await pilot.press("tab", "down")
        await pilot.pause()
        assert "its figures say nothing about Kafka" in " ".join(app.text().split())
        await pilot.press("r")
        await ready(pilot)
        assert Path(started[0][0]).name == "latency.toml"
        assert started[0][2] == "simulated"


async def test_left_and_right_go_from_one_list_to_the_other_and_back(starter: Starter) -> None:
    app = starter()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        for key, where in (("left", "where"), ("left", "what"), ("right", "where"), ("right", "what")):
            await pilot.press(key)
            assert app.focused is not None
            assert app.focused.id == where


async def test_q_quits_from_the_first_screen(starter: Starter, started: list[list[str]]) -> None:
    app = starter()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert "q quit" in app.text().splitlines()[-1]
        await pilot.press("q")
        await pilot.pause()
    assert app.return_value == 0
    assert started == []


async def test_the_choice_is_remembered_for_the_next_start(starter: Starter, started: list[list[str]]) -> None:
    app = starter()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("down", "tab", "down", "enter")
        await ready(pilot)
    remembered = kept.recall(app.state.settings.paths)
    assert remembered.cluster == "simulated"
    assert Path(remembered.grid).name == "latency.toml"
    again = starter_again(app, remembered)
    async with again.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        screen = again.screen
        assert isinstance(screen, StartScreen)
        card = screen._card()
        assert card is not None
        assert card.path.name == "latency.toml"


def starter_again(app: ShownApp, remembered: kept.Remembered) -> ShownApp:
    again = ShownApp(app.state.settings.paths.data, "start")
    again.state.ready_grids = app.state.ready_grids
    again.state.remembered = remembered
    return again


async def test_1_opens_the_grid_in_the_editor_first(starter: Starter, size: tuple[int, int]) -> None:
    app = starter()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("1")
        await ready(pilot)
        assert isinstance(app.screen, GridScreen)
        assert app.state.document is not None
        assert app.state.document.path is None


async def test_an_address_is_asked_for_checked_and_remembered(starter: Starter, tmp_path: Path) -> None:
    config = tmp_path / "client.properties"
    config.write_text("security.protocol=PLAINTEXT\n")
    app = starter()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("tab", "end", "enter")
        await pilot.pause()
        assert isinstance(app.screen, AddressDialog)
        await pilot.press(*"kafka1", "enter")
        await pilot.pause()
        assert "kafka1 is not HOST:PORT" in app.text()
        await pilot.press(*":9093", "enter")
        await pilot.pause()
        app.screen.query_one("#config", Input).value = str(config)
        await pilot.press("enter")
        await ready(pilot)
        assert isinstance(app.screen, StartScreen)
        assert app.state.cluster.address == "kafka1:9093"
        assert "kafka1:9093" in app.text()
        assert kept.recall(app.state.settings.paths).clusters == (("kafka1:9093", str(config)),)


async def test_a_cluster_that_is_not_ours_is_asked_about_before_anything_starts(
    starter: Starter, started: list[list[str]]
) -> None:
    app = starter()
    app.state.cluster = ClusterChoice("kafka1:9092")
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("enter")
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        await pilot.press("right", "enter")
        await ready(pilot)
        assert started[0][2] == "kafka1:9092"


async def test_a_file_is_opened_by_its_path(starter: Starter, grid_file: Path) -> None:
    app = starter()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("end", "enter")
        await pilot.pause()
        asked: object = app.screen
        assert isinstance(asked, PathDialog)
        await pilot.press("enter")
        await pilot.pause()
        assert "type a path" in app.text()
        field = app.screen.query_one(Input)
        field.value = str(grid_file)[:-3]
        field.cursor_position = len(field.value)
        await pilot.press("tab", "enter")
        await ready(pilot)
        assert isinstance(app.screen, GridScreen)
        assert app.state.document is not None
        assert app.state.document.path == grid_file
        assert app.state.remembered.recent == (str(grid_file),)


async def test_a_grid_with_problems_opens_in_the_editor_and_does_not_run(
    starter: Starter, started: list[list[str]]
) -> None:
    app = starter()
    (app.state.ready_grids / "quick.toml").write_text(GRID.replace('"lz4"', '"lz5"'))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert "has problems" in app.text()
        await pilot.press("enter")
        await ready(pilot)
        assert isinstance(app.screen, GridScreen)
        assert not started


@pytest.mark.parametrize("text", ["", "kafka1", "kafka1:0", "kafka1:99999", "a b:1", "k:1,,k:2", "k:1,"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert wrong_with_address(text)


@pytest.mark.parametrize("text", ["k:1", "kafka-1.example:9092,kafka_2:9093", "[::1]:9092", "10.0.0.1:9092, b:2"])
def test_what_is_an_address_is_taken(text: str) -> None:
    assert wrong_with_address(text) == ""


@pytest.mark.parametrize("typed", ["~nobody-of-this-name", "~nobody-of-this-name/x", "x" * 5000])
async def test_a_path_that_the_system_refuses_is_no_crash(starter: Starter, typed: str) -> None:
    assert matches(typed) == []
    app = starter()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("end", "enter")
        await pilot.pause()
        asked: object = app.screen
        assert isinstance(asked, PathDialog)
        asked.query_one(Input).value = typed
        await pilot.press("enter")
        await pilot.pause()
        assert "✗" in app.text()
        await pilot.press("escape", "tab", "end", "enter")
        await pilot.pause()
        dialog: object = app.screen
        assert isinstance(dialog, AddressDialog)
        dialog.query_one("#address", Input).value = "kafka1:9093"
        await pilot.press("enter")
        dialog.query_one("#config", Input).value = typed
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen is dialog
        assert "✗" in app.text()


def test_paths_are_completed_as_far_as_all_matches_agree(tmp_path: Path) -> None:
    for name in ("orders-1.toml", "orders-2.toml", "other.txt"):
        (tmp_path / name).touch()
    (tmp_path / "old").mkdir()
    assert complete(f"{tmp_path}/or", ".toml") == f"{tmp_path}/orders-"
    assert complete(f"{tmp_path}/orders-2", ".toml") == f"{tmp_path}/orders-2.toml"
    assert matches(f"{tmp_path}/ot", ".toml") == []
    assert complete(f"{tmp_path}/ol", ".toml") == f"{tmp_path}/old/"
    assert complete(f"{tmp_path}/none") == f"{tmp_path}/none"


async def test_the_footer_says_of_every_line_what_enter_does_there(starter: Starter) -> None:
    app = starter()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        for where, key, words in (
            ("what", "home", "enter run"),
            ("what", "end", "enter type it in"),
            ("where", "home", "enter type it in"),
            ("what", "home", "enter run"),
            ("where", "home", "enter run"),
            ("where", "end", "enter type it in"),
            ("what", "home", "enter type it in"),
        ):
            app.screen.query_one(f"#{where}").focus()
            await pilot.press(key)
            await pilot.pause()
            assert words in app.text().splitlines()[-1]


def edited(app: ShownApp, path: Path, *, ready: bool = False) -> GridDocument:
    """The app's grid: the one at `path`, with an edit that is not saved."""
    document = GridDocument.open(path, ready=ready)
    document.set_field(("title",), "Edited")
    app.state.document = document
    return document


@pytest.mark.parametrize("answer", ["drop", "cancel"])
async def test_another_grid_of_the_same_name_is_asked_about_and_never_mixed_up_with_the_edited_one(
    starter: Starter, started: list[list[str]], tmp_path: Path, answer: str
) -> None:
    app = starter()
    own = tmp_path / "quick.toml"
    own.write_text(GRID)
    document = edited(app, own)
    chosen = GridChosen(app.state.ready_grids / "quick.toml", ClusterChoice("simulated"), run=True, ready=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.post_message(chosen)
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        assert "quick.toml has unsaved changes" in app.text()
        assert app.state.cluster.address == "local"
        await pilot.press(*(("right", "enter") if answer == "drop" else ("enter",)))
        await ready(pilot)
        if answer == "drop":
            assert Path(started[0][0]).read_text() == GRID
            assert app.state.cluster.address == started[0][2] == "simulated"
        else:
            assert not started
            assert app.state.document is document
            assert document.changed
            assert app.state.cluster.address == "local"
            assert not kept.recall(app.state.settings.paths).cluster


@pytest.mark.parametrize("shipped", [True, False])
async def test_the_edited_copy_of_the_chosen_grid_goes_on_unasked(
    starter: Starter, grid_file: Path, shipped: bool
) -> None:
    app = starter()
    path = app.state.ready_grids / "quick.toml" if shipped else grid_file
    document = edited(app, path, ready=shipped)
    roundabout = path.parent / ".." / path.parent.name / path.name
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.post_message(GridChosen(roundabout, ClusterChoice("simulated"), run=False, ready=shipped))
        await ready(pilot)
        assert isinstance(app.screen, GridScreen)
        assert app.state.document is document
        assert document.changed
        assert app.state.cluster.address == "simulated"
