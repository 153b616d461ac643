"""The grid editor, key by key: every edit ends in the text of the file, and nothing else in it moves."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomli
from textual.events import AppBlur, AppFocus
from textual.pilot import Pilot
from textual.widgets import Input

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.kafka.version import client_version
from ingestune_tui.model.events import now
from ingestune_tui.model.space import expand
from ingestune_tui.storage.store import Store
from ingestune_tui.tui.grid_document import GridDocument
from ingestune_tui.tui.messages import GridChosen, RunAsked
from ingestune_tui.tui.screens.dialogs import Dialog
from ingestune_tui.tui.screens.grid import GridScreen
from ingestune_tui.tui.screens.pick_property import PickProperty
from ingestune_tui.tui.state import ClusterChoice
from ingestune_tui.tui.widgets.grid_row import GridRow
from ingestune_tui.tuning import refused
from ingestune_tui.tuning.grid_file import payload_fingerprint, resolve
from ingestune_tui.tuning.identity import method_hash
from tests.tui.conftest import GRID
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import Gone, ShownApp, ready

Editor = Callable[..., ShownApp]
BROKEN = GRID.replace('"lz4"]', '"lz5"]').replace("[search]", "[search]\nbudgt = 3")


def document(app: ShownApp) -> GridDocument:
    assert app.state.document is not None
    return app.state.document


def producer(app: ShownApp) -> dict[str, object]:
    found: dict[str, object] = tomli.loads(document(app).text)["producer"]
    return found


def focused(app: ShownApp) -> str:
    screen = app.screen
    assert isinstance(screen, GridScreen)
    assert screen._current is not None
    return screen._current.row.key


async def test_the_rows_and_the_count_are_shown(editor: Editor, size: tuple[int, int]) -> None:
    app = editor()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        text = app.text()
        assert "3x2 = 6 cells" in text
        assert "~" in text.splitlines()[1]
        for word in ("linger.ms", "x3", "pinned", "+ add", "1 kB json", "race, within 5 %", "librdkafka defaults"):
            assert word in text
        assert "How long a batch waits" in text


async def test_enter_edits_in_place_and_enter_keeps(editor: Editor, size: tuple[int, int]) -> None:
    app = editor()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        assert focused(app) == "producer.linger.ms"
        await pilot.press("enter", "space", "5", "0", "enter")
        await ready(pilot)
        assert producer(app)["linger.ms"] == [0, 5, 20, 50]
        assert "# from none to a lot" in document(app).text
        assert "4x2 = 8 cells" in app.text()
        assert focused(app) == "producer.linger.ms"


async def test_escape_leaves_the_row_as_it_was(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("enter", "space", "7", "escape")
        await ready(pilot)
        assert document(app).text == GRID
        assert not app.screen.query(Input)


async def test_what_is_wrong_is_said_while_typing_and_cannot_be_kept(editor: Editor, size: tuple[int, int]) -> None:
    app = editor()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("down", "enter", "x", "enter")
        await pilot.pause()
        assert "not one of none" in app.text()
        assert app.screen.query(Input)
        await pilot.press("backspace")
        await pilot.pause()
        assert "not one of none" not in app.text()


async def test_down_keeps_and_goes_to_the_next_row(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("enter", "space", "9", "down")
        await ready(pilot)
        assert producer(app)["linger.ms"] == [0, 5, 20, 9]
        assert focused(app) == "producer.compression.type"


async def test_up_keeps_and_goes_to_the_row_before(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("down", "enter", "space", *"zstd", "up")
        await ready(pilot)
        assert producer(app)["compression.type"] == ["none", "lz4", "zstd"]
        assert focused(app) == "producer.linger.ms"
        assert not app.screen.query(Input)


async def test_home_and_end_go_to_the_first_and_the_last_row(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("end")
        assert focused(app) == "section:baseline"
        await pilot.press("home")
        assert focused(app) == "producer.linger.ms"


async def test_letters_belong_to_the_input_while_one_is_open(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("enter", "r", "D", "u", "1", "q", "question_mark")
        await pilot.pause()
        field = app.screen.query_one(Input)
        assert field.value.endswith("rDu1q?")


async def test_space_switches_off_and_on_without_losing_values(editor: Editor, size: tuple[int, int]) -> None:
    app = editor()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("space")
        await ready(pilot)
        assert "2 = 2 cells" in app.text()
        assert tomli.loads(document(app).text)["search"]["off"] == ["producer.linger.ms"]
        await pilot.press("space")
        await ready(pilot)
        assert document(app).text == GRID


async def test_delete_asks_and_the_safe_answer_deletes_nothing(editor: Editor, size: tuple[int, int]) -> None:
    app = editor()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("D")
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        await pilot.press("enter")
        await ready(pilot)
        assert "linger.ms" in producer(app)
        await pilot.press("D")
        await pilot.pause()
        await pilot.press("right", "enter")
        await ready(pilot)
        assert "linger.ms" not in producer(app)
        assert focused(app) == "producer.compression.type"


async def test_undo_and_redo(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("u")
        await pilot.pause()
        assert app.state.said[-1].text == "nothing to undo"
        await pilot.press("enter", "space", "9", "enter")
        await ready(pilot)
        await pilot.press("u")
        await ready(pilot)
        assert document(app).text == GRID
        await pilot.press("U")
        await ready(pilot)
        assert producer(app)["linger.ms"] == [0, 5, 20, 9]


async def test_a_parameter_is_added_from_the_catalogue_and_edited_at_once(
    editor: Editor, size: tuple[int, int]
) -> None:
    app = editor()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("a")
        await pilot.pause()
        assert isinstance(app.screen, PickProperty)
        assert "acks" not in [name for _, name in app.screen._shown]
        await pilot.press(*"batch.si")
        await pilot.pause()
        assert "producer" in app.text()
        await pilot.press("enter")
        await ready(pilot)
        assert focused(app) == "producer.batch.size"
        await pilot.press("ctrl+u", *"16KiB", "space", *"1MiB", "enter")
        await ready(pilot)
        assert producer(app)["batch.size"] == ["16KiB", "1MiB"]


async def test_the_picker_finds_by_meaning_moves_and_closes(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("a", *"nothing has this")
        await pilot.pause()
        assert "Nothing in the catalogue" in app.text()
        await pilot.press("ctrl+u", *"retry", "down", "down", "up", "pagedown", "pageup", "escape")
        await ready(pilot)
        assert isinstance(app.screen, GridScreen)
        assert document(app).text == GRID


async def test_sections_open_and_their_fields_are_edited(editor: Editor, size: tuple[int, int]) -> None:
    app = editor()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("end", "up", "up", "up")
        assert focused(app) == "section:workload"
        await pilot.press("enter")
        await ready(pilot)
        await pilot.press("down", "enter", "space", *"10000", "enter")
        await ready(pilot)
        assert tomli.loads(document(app).text)["workload"]["message_bytes"] == [1000, 10000]
        assert "1 kB, 10 kB" in app.text()
        await pilot.press("left")
        await ready(pilot)
        assert focused(app) == "section:workload"
        assert not [row for row in app.screen.query(GridRow) if row.row.kind == "field"]
        await pilot.press("right")
        await ready(pilot)
        assert [row for row in app.screen.query(GridRow) if row.row.kind == "field"]


async def test_a_setting_is_added_to_the_baseline(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("end", "a", *"linger.ms", "enter")
        await ready(pilot)
        assert tomli.loads(document(app).text)["baseline"]["producer"] == {"linger.ms": 5}
        assert focused(app) == "baseline:producer.linger.ms"
        await pilot.press("ctrl+u", "0", "enter")
        await ready(pilot)
        assert tomli.loads(document(app).text)["baseline"]["producer"] == {"linger.ms": 0}


async def test_saving_writes_the_file_with_its_comments(editor: Editor, grid_file: Path) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("enter", "space", "9", "enter")
        await ready(pilot)
        assert "mine.toml*" in app.text()
        await pilot.press("ctrl+s")
        await ready(pilot)
        assert grid_file.read_text() == document(app).text
        assert grid_file.read_text().startswith("# Does batching pay?")
        assert "mine.toml*" not in app.text()


async def test_what_is_wrong_in_the_open_input_is_not_saved(editor: Editor, grid_file: Path) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("space")  # so that there is something to save
        await ready(pilot)
        await pilot.press("down", "enter", "x", "ctrl+s")
        await ready(pilot)
        assert grid_file.read_text() == GRID
        assert app.screen.query_one(Input).value == "none lz4x"
        assert "not one of none" in app.text()


async def test_saving_over_somebody_elses_change_asks(editor: Editor, grid_file: Path) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("space")
        await ready(pilot)
        grid_file.write_text("# theirs\n")
        await pilot.press("ctrl+s")
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        await pilot.press("escape")
        await ready(pilot)
        assert grid_file.read_text() == "# theirs\n"


async def test_saving_as_under_the_same_name_asks_about_somebody_elses_change(editor: Editor, grid_file: Path) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("f2")
        await pilot.pause()
        await pilot.press("enter")
        await ready(pilot)
        assert app.state.said[-1].text == f"saved: {grid_file}"
        grid_file.write_text("# theirs\n")
        await pilot.press("f2")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        assert "was changed by someone else" in app.text()
        await pilot.press("escape")
        await ready(pilot)
        assert grid_file.read_text() == "# theirs\n"


async def test_saving_as_asks_before_it_replaces(editor: Editor, grid_file: Path) -> None:
    app = editor()
    other = grid_file.with_name("mine2.toml")
    other.write_text("# old\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("f2")
        await pilot.pause()
        field = app.screen.query_one(Input)
        field.value = str(other)
        await pilot.press("enter")
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        await pilot.press("right", "enter")
        await ready(pilot)
        assert other.read_text() == GRID
        assert document(app).path == other


async def test_problems_are_marked_counted_and_reached_by_r(editor: Editor, size: tuple[int, int]) -> None:
    app = editor(BROKEN)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        assert "2 problems" in app.text().splitlines()[1]
        assert "⚠ compression.type" in app.text()
        await pilot.press("r")
        await pilot.pause()
        assert focused(app) == "producer.compression.type"
        await pilot.press("enter", "backspace", "4", "enter")
        await ready(pilot)
        assert "1 problem" in app.text().splitlines()[1]
        await pilot.press("r")
        await pilot.pause()
        assert focused(app) == "field:search.budgt"


async def test_r_runs_a_grid_without_problems(editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    app = editor()
    started: list[list[str]] = []
    monkeypatch.setattr(app, "start_study", started.append)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("r")
        await ready(pilot)
        assert started
        assert started[0][0] == str(document(app).path)


async def test_somebodys_cluster_is_asked_about_first(editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    app = editor()
    started: list[list[str]] = []
    monkeypatch.setattr(app, "start_study", started.append)
    app.state.cluster = ClusterChoice("kafka1:9092")
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.screen.post_message(RunAsked())
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        assert "kafka1:9092 is somebody's cluster" in " ".join(app.text().split())
        await pilot.press("enter")
        await ready(pilot)
        assert not started


async def asked(pilot: Pilot[int]) -> None:
    """Until a dialog is drawn."""
    while not isinstance(pilot.app.screen, Dialog):
        await pilot.pause()
    await pilot.pause()


async def test_changes_of_somebodys_brokers_name_cluster_and_settings_and_cancel_is_safe(
    editor: Editor, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    app = editor(GRID + '[broker]\n"num.io.threads" = [4, 8]\n"num.network.threads" = [3, 6]\n')
    started: list[list[str]] = []
    monkeypatch.setattr(app, "start_study", started.append)
    app.state.cluster = ClusterChoice("kafka1:9092,kafka2:9092")
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("r")
        await asked(pilot)
        text = " ".join(app.text().split())
        assert "on kafka1:9092,kafka2:9092?" in text
        assert "num.io.threads, num.network.threads" in text
        assert "Change them and run" in text
        await pilot.press("enter")
        await ready(pilot)
        assert not started
        await pilot.press("r")
        await asked(pilot)
        await pilot.press("right", "enter")
        await ready(pilot)
        assert "--allow-broker-changes" in started[0]


async def test_thousands_of_partitions_are_asked_about_even_here(
    editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = editor(GRID + "[topic]\npartitions = [6, 3000]\n")
    started: list[list[str]] = []
    monkeypatch.setattr(app, "start_study", started.append)
    app.state.cluster = ClusterChoice("local")
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("r")
        await asked(pilot)
        assert "3000" in app.text()
        assert "open files" in app.text()
        await pilot.press("escape")
        await ready(pilot)
        assert not started


async def test_the_editor_survives_every_size(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("enter", "space", "7")
        for width, height in ((40, 10), (59, 16), (60, 15), (80, 24), (30, 8), (200, 60)):
            await pilot.resize_terminal(width, height)
            await ready(pilot)
            if width < 60 or height < 16:
                assert "too small" in app.text()
            else:
                assert "0 5 20 7" in app.text()
        await pilot.press("5", "enter")
        await ready(pilot)
        assert producer(app)["linger.ms"] == [0, 5, 20, 75]


async def test_what_is_typed_waits_while_the_terminal_has_no_focus(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("enter", "space", "7")
        app.post_message(AppBlur())
        await ready(pilot)
        app.redraw()  # as it is drawn for a study that goes on meanwhile
        await ready(pilot)
        app.post_message(AppFocus())
        await ready(pilot)
        await pilot.press("5", "enter")
        await ready(pilot)
        assert producer(app)["linger.ms"] == [0, 5, 20, 75]


async def test_a_click_on_another_row_leaves_the_open_one_as_it_was(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("enter", "space", "7")
        other = next(row for row in app.screen.query(GridRow) if row.row.key == "producer.compression.type")
        await pilot.click(other)
        await ready(pilot)
        assert not app.screen.query(Input)
        assert document(app).text == GRID


async def test_without_a_grid_it_says_what_to_do(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "grid")
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert "No grid yet" in app.text()
        await pilot.press("a", "D", "space", "u", "r", "enter", "ctrl+s", "f2")
        await ready(pilot)
        assert "No grid yet" in app.text()


async def measure_a_cell(store: Store, directory: Path) -> None:
    """As if a study had measured the first cell of the usual grid here."""
    grid_file = resolve(GRID, directory / "mine.toml")
    grid, workload = grid_file.grid, grid_file.grid.workloads[0]
    cell = expand(grid, workload).cells[0].configuration
    fake = FakeStudy(pairs=4, searched=4)
    fake.all()
    done = next(trial for trial in fake.trials if trial.counts and not trial.flags)
    await store.create_study(msgspec.structs.replace(fake.study(), host=socket.gethostname()))
    trial = msgspec.structs.replace(
        done,
        configuration=cell,
        config_hash=cell.hash,
        method_hash=method_hash(workload, grid.timings, grid.limits, payload_fingerprint(workload, directory)),
        client_version=client_version(),
        finished_at=now(),
    )
    await store.finish_trial(trial, (), {})


async def test_cells_that_were_measured_before_are_counted(editor: Editor, tmp_path: Path) -> None:
    app = editor()
    async with await Store.open(tmp_path / "results.db") as store:
        await measure_a_cell(store, tmp_path)
        app.state.store = store
        async with app.run_test(size=(80, 24)) as pilot:
            await ready(pilot)
            await ready(pilot)
            assert "3x2 = 6 cells, 1 cached" in app.text()


async def test_cells_that_a_study_has_just_measured_are_counted_when_it_ends(editor: Editor, tmp_path: Path) -> None:
    app = editor()
    async with await Store.open(tmp_path / "results.db") as store:
        app.state.store = store

        async def connect() -> Any:
            await measure_a_cell(store, tmp_path)
            return Gone(FakeStudy().all()[0])

        async with app.run_test(size=(80, 24)) as pilot:
            await ready(pilot)
            assert "3x2 = 6 cells" in app.text()
            assert "1 cached" not in app.text()
            await app._watch(connect, "grid").wait()
            await ready(pilot)
            assert "3x2 = 6 cells, 1 cached" in app.text()


async def test_what_librdkafka_refuses_stands_on_its_row_in_its_words(
    editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no(_: Scope, properties: Mapping[str, str]) -> str:
        return "librdkafka says no" if properties["linger.ms"] == "20" else ""

    monkeypatch.setattr(refused, "refusal", no)
    app = editor()
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        assert any("linger.ms " in line and "20: librdkafka" in line for line in app.text().splitlines())
        assert "⚠ 1 problem" in app.text().splitlines()[1]


async def test_saving_keeps_what_the_open_input_holds(editor: Editor, grid_file: Path) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("enter", "space", "9", "ctrl+s")
        await ready(pilot)
        assert tomli.loads(grid_file.read_text())["producer"]["linger.ms"] == [0, 5, 20, 9]
        assert not app.screen.query(Input)
        assert "mine.toml*" not in app.text()


async def test_what_was_typed_for_one_grid_is_asked_about_and_never_stands_in_another(
    editor: Editor, tmp_path: Path
) -> None:
    other = tmp_path / "other.toml"
    other.write_text(GRID)
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("enter", "space", "7")
        app.action_switch_place("studies")  # as a click on its name does, which leaves the input open
        await ready(pilot)
        app.post_message(GridChosen(other, ClusterChoice("simulated"), run=False, ready=False))
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, Dialog)
        await pilot.press("right", "enter")
        await ready(pilot)
        assert app.state.document is not None
        assert app.state.document.path == other
        assert not app.screen.query(Input)
