"""Leaderboard: its states, and what each key does."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import msgspec
import pytest
from textual.events import Key
from textual.widgets import Input

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import RunAgain, StudyFinished, TrialFinished
from ingestune_tui.model.study import StudyState
from ingestune_tui.report.leaderboard import Board, BoardRow
from ingestune_tui.tui.screens import leaderboard
from ingestune_tui.tui.screens.compare_rows import CompareRowsScreen
from ingestune_tui.tui.screens.export import ExportScreen
from ingestune_tui.tui.screens.leaderboard import LeaderboardScreen
from ingestune_tui.tui.screens.trial import TrialScreen
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.board_table import SORTS, cells_of
from ingestune_tui.tui.widgets.row_table import RowTable, TableRow
from tests.tui.fake_study import FakeStudy, many_trials
from tests.tui.shown import ShownApp, place_of, until, workers_done


def finished(**options: object) -> StudyView:
    return StudyView.of(FakeStudy(**options).all())  # type: ignore[arg-type]


async def test_without_a_finished_trial_it_says_what_to_do_next(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard")
    async with app.run_test(size=(80, 24)):
        assert "No trial is finished yet" in app.text()


async def test_an_unconfirmed_leader_and_a_confirmed_winner_never_look_alike(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", until(FakeStudy().all(), 20, "saturated", 4))
    async with app.run_test(size=(80, 24)) as pilot:
        text = app.text()
        assert "△  1" in text
        assert "not confirmed" in text
        assert "nothing is confirmed yet" in text
        assert "◆" not in text
        app.show_view(finished())
        await pilot.pause()
        text = app.text()
        assert "◆  1" in text
        assert "◆ 1.45x [1.39, 1.52] the baseline: faster" in text
        assert "△" not in text


@pytest.mark.parametrize(
    ("state", "ended"),
    [("failed", "it failed"), ("stopped", "it was stopped"), ("interrupted", "it was interrupted")],
)
async def test_a_study_that_ended_before_its_confirmation_promises_none(
    tmp_path: Path, size: tuple[int, int], state: StudyState, ended: str
) -> None:
    view = until(FakeStudy().all(), 20, "saturated", 4)
    app = ShownApp(tmp_path, "leaderboard", view.apply(StudyFinished(study="quick", state=state)))
    async with app.run_test(size=size):
        text = app.text()
        assert f"nothing was confirmed: {ended} before that" in text
        assert "△ led; nothing was confirmed." in text
        assert "yet" not in text


async def test_rows_carry_rank_ties_intervals_flags_and_only_what_differs(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished())
    async with app.run_test(size=(80, 30)):
        text = app.text()
        assert "=  2" in text
        assert "411 ± 12" in text
        assert "⚠ unsteady" in text
        assert "✗" in text
        assert "infeasible" in text
        header = next(line for line in text.splitlines() if "MB/s" in line)
        assert "batch" in header
        assert "acks" not in header
        assert "19 cells, 1 infeasible" in text


async def test_a_latency_below_a_millisecond_keeps_all_its_digits(tmp_path: Path) -> None:
    view = finished()
    for trial in view.trials.values():
        if trial.finished is not None and trial.finished.latency is not None:
            low = msgspec.structs.replace(trial.finished.latency, p50=0.443)
            trial.finished = msgspec.structs.replace(trial.finished, latency=low)
    app = ShownApp(tmp_path, "leaderboard", view)
    async with app.run_test(size=(80, 24)):
        assert "0.443" in app.text()


@pytest.mark.parametrize(
    ("settings", "promises"),
    [
        ({"enable.idempotence": True}, ("acks=all, idempotent", "acks=all")),
        ({"acks": "1"}, None),
        ({}, None),
    ],
    ids=["idempotence", "acks alone", "all alike"],
)
async def test_durability_has_a_column_only_where_it_says_more_than_that_of_acks(
    tmp_path: Path, settings: dict[str, Value], promises: tuple[str, str] | None
) -> None:
    view = finished()
    for trial in view.trials.values():
        named = trial.finished.configuration.scope(Scope.PRODUCER) if trial.finished is not None else {}
        if trial.finished is not None and named.get("compression.type") == "zstd":
            changed = Configuration.of({Scope.PRODUCER: {**named, **settings}})
            trial.finished = msgspec.structs.replace(trial.finished, configuration=changed)
    app = ShownApp(tmp_path, "leaderboard", view)
    async with app.run_test(size=(120, 40)):
        lines = app.text().splitlines()
        header = next(line for line in lines if "MB/s" in line)
        assert ("durability" in header) == (promises is not None)
        assert ("acks" in header) == ("acks" in settings)
        if promises is not None:
            at = header.index("durability")
            for codec, promise in zip(("zstd", "lz4"), promises, strict=True):
                assert {line[at : at + 22].strip() for line in lines if codec in line} == {promise}


async def test_the_filter_narrows_as_it_is_typed_and_escape_brings_all_back(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"p99<6")
        assert "12 of 19 cells" in app.text()
        await pilot.press("enter")
        assert app.screen.query_one(RowTable).has_focus
        await pilot.press("escape")
        assert "19 cells" in app.text()
        assert app.screen.query_one("#filter", Input).value == ""


@pytest.mark.parametrize("key", ["down", "tab", "escape"])
async def test_out_of_the_filter_it_goes_to_the_rows_and_the_filter_stays(tmp_path: Path, key: str) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished(sizes=(10, 1000)))
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.screen.query_one(RowTable)
        await pilot.press("slash", *"n>=1")
        assert app.screen.query_one("#filter").has_focus
        await pilot.press(key)
        await pilot.pause()
        assert table.has_focus
        assert app.screen.query_one("#filter", Input).value == "n>=1"
        assert table.cursor_row == 0
        assert "no measurable difference" not in app.text()  # the size of before


async def test_a_filter_that_is_not_understood_says_so_and_keeps_the_rows(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"lingr.ms>=5")
        assert "did you mean linger.ms?" in app.text()
        assert "19 cells" in app.text()


async def test_s_sorts_by_the_next_column_and_says_which(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("s", "s")
        assert "p50▾" in app.text()
        first = app.text().splitlines()[4]
        await pilot.press("s", "s", "s", "s")
        assert "▾" not in app.text()
        assert app.text().splitlines()[4] != first


async def test_space_marks_rows_and_c_compares_them(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space", "space")
        assert app.text().count("•") == 2
        await pilot.press("c")
        await pilot.pause()
        assert isinstance(app.screen, CompareRowsScreen)
        assert "A  #1 ◆" in app.text()
        assert "B  #2" in app.text()
        assert "linger.ms" in app.text()
        await pilot.press("escape")
        assert "cells" in app.text()


async def test_tab_in_a_study_of_one_size_keeps_the_marks(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space", "space", "tab")
        await pilot.pause()
        assert app.text().count("•") == 2


async def test_c_without_marks_compares_the_row_with_the_baseline(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "c")
        await pilot.pause()
        assert "A  #2" in app.text()
        assert "◇" in app.text()


async def test_p_shows_the_pareto_front(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished())
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.press("p")
        await pilot.pause()
        assert "3 of 19 cells" in app.text()
        assert "p99 ms" in app.text()
        await pilot.press("down", "p")
        assert "19 cells" in app.text()


async def test_enter_opens_the_trials_of_the_row(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, TrialScreen)
        text = app.text()
        assert "confirmation, 13 of 13" in text
        assert "p99.9 ~" in text
        assert "compression 4.10x" in text
        assert "linger.ms 5 → 20" in text
        await pilot.press("left")
        assert "12 of 13" in app.text()
        await pilot.press("right", "right")
        assert "13 of 13" in app.text()
        await pilot.press("escape")
        await pilot.pause()
        assert "cells" in app.text()


async def test_a_flagged_trial_says_what_to_do_about_it(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished(sizes=(10,)))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert "⚠ client-bound: the sending thread was full" in app.text()
        assert "[workload] producers" in app.text()


async def test_e_opens_the_export_of_the_row(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("e")
        await pilot.pause()
        assert isinstance(app.screen, ExportScreen)


async def test_no_key_acts_on_the_study_that_was_shown_before(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space")
        app.show_view(StudyView())
        await pilot.pause()
        await pilot.press("e", "c", "p", "enter")
        await pilot.pause()
        assert not isinstance(app.screen, ExportScreen)
        assert "No trial is finished yet" in app.text()


async def test_tab_goes_through_the_message_sizes(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished(sizes=(10, 1000)))
    async with app.run_test(size=(80, 24)) as pilot:
        assert "faster" in app.text()
        await pilot.press("tab")
        assert "no measurable difference" in app.text()
        await pilot.press("shift+tab")
        assert "the baseline: faster" in app.text()


async def test_the_cursor_stays_on_its_row_when_ranks_change(tmp_path: Path) -> None:
    events = FakeStudy().all()
    app = ShownApp(tmp_path, "leaderboard", until(events, 12, "saturated", 1))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "down")
        table = app.screen.query_one(RowTable)
        chosen = table.chosen_id
        app.show_view(until(events, 26, "saturated", 1))
        await pilot.pause()
        assert table.chosen_id == chosen


async def test_of_five_thousand_rows_only_those_in_view_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def cells(board: Board, row: BoardRow, marked: Collection[str]) -> TableRow:
        made.append(row.id)
        return cells_of(board, row, marked)

    monkeypatch.setattr(leaderboard, "cells_of", cells)
    app = ShownApp(tmp_path, "leaderboard", many_trials(5000))
    async with app.run_test(size=(120, 40)) as pilot:
        table = app.screen.query_one(RowTable)
        assert table.row_count > 4900
        for key in ("end", "home", *"ss", "space", "s"):
            made.clear()
            await pilot.press(key)
            await pilot.pause()
            assert len(set(made)) <= 40


async def test_capital_r_runs_a_trial_again_while_the_study_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []

    async def send(command: object) -> bool:
        told.append(command)
        return True

    events = FakeStudy().all()
    app = ShownApp(tmp_path, "leaderboard", until(events, 20, "saturated", 1))
    monkeypatch.setattr(app, "send", send)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, TrialScreen)
        assert "R run again" in app.text().splitlines()[-1]
        shown = app.screen.trial.number
        await pilot.press("R")
        await workers_done(app)
        assert told == [RunAgain(trial=shown)]
        assert app.state.said[-1].text == f"trial {shown} will be run again, after what is at work now"


async def test_a_trial_that_was_run_again_joins_those_of_its_configuration(tmp_path: Path) -> None:
    view = until(FakeStudy().all(), 20, "saturated", 1)
    app = ShownApp(tmp_path, "leaderboard", view)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, TrialScreen)
        like, told = app.screen.trial, app.text()
        assert "search, 1 of 1" in told
        again = msgspec.structs.replace(like, id="0" * 36, number=90, role="again")
        app.show_view(view.apply(TrialFinished.of(again, "quick")))
        await pilot.press("right")
        assert "run again, 2 of 2" in app.text()
        await pilot.press("escape")
        await pilot.pause()
        board = place_of(app)
        assert isinstance(board, LeaderboardScreen)
        assert board.chosen is not None
        assert (board.chosen.configuration, board.chosen.n) == (like.configuration, 2)


@pytest.mark.parametrize(
    ("state", "words"), [("finished", "stays as it is: run its grid again"), ("interrupted", "R in Studies")]
)
async def test_where_nothing_can_be_run_again_it_says_what_to_do(tmp_path: Path, state: StudyState, words: str) -> None:
    *events, last = FakeStudy().all()
    assert isinstance(last, StudyFinished)
    app = ShownApp(tmp_path, "leaderboard", StudyView.of([*events, msgspec.structs.replace(last, state=state)]))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("R")
        await workers_done(app)
        assert words in app.state.said[-1].text


async def test_what_is_only_predicted_stands_in_brackets_below_what_was_measured(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", until(FakeStudy().all(), 14, "saturated", 1))
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in SORTS:
            lines = [line for line in app.text().splitlines() if "MB/s" not in line]
            guessed = [
                place for place, line in enumerate(lines) if re.search(r"\([0-9]+ ± ?[0-9]+\) +not measured", line)
            ]
            measured = [place for place, line in enumerate(lines) if " ± " in line]
            assert len(guessed) == 3
            assert max(measured) < min(guessed)
            assert "=" not in lines[guessed[0]]
            await pilot.press("s")
        assert re.search(r" 9 cells, 1 infeasible", app.text())
        board = place_of(app)
        assert isinstance(board, LeaderboardScreen)
        await pilot.press("end", "up")
        if board.chosen is not None and board.chosen.trials:
            await pilot.press("up")
        for key in ("enter", "e", "space", "c"):
            await pilot.press(key)
            await pilot.pause()
            assert app.screen is board
            assert "was not measured" in app.state.said[-1].text
        assert len(app.state.said) == 4


async def test_keys_pressed_faster_than_it_sorts_all_count_and_filter_marks_and_cursor_stay(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "leaderboard", finished())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash", *"n>=1", "enter", "space", "space")
        table = app.screen.query_one(RowTable)
        chosen, before = table.chosen_id, table.cursor_row
        for key in "ss":  # all of them wait before the first is looked at
            app.post_message(Key(key, key))
        for _ in range(4):
            await pilot.pause()
        text = app.text()
        assert "p50▾" in text
        assert app.screen.query_one("#filter", Input).value == "n>=1"
        board = place_of(app)
        assert isinstance(board, LeaderboardScreen)
        assert len(board._marked) == 2
        assert table.chosen_id == chosen
        assert table.cursor_row != before
