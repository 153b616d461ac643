"""The leaderboard's filter language: what it keeps, and what it says about what it does not understand."""

from __future__ import annotations

import contextlib

import pytest

from ingestune_tui.report.filter import FilterError, parse_filter
from ingestune_tui.report.leaderboard import Board, leaderboard
from tests.tui.fake_study import BASELINE, REFUSED, FakeStudy

NAMES = {"acks", "linger.ms", "batch.size", "compression.type"}


@pytest.fixture(scope="module")
def board() -> Board:
    fake = FakeStudy()
    fake.all()
    return leaderboard(fake.trials, "throughput", baseline=BASELINE)


def kept(board: Board, text: str) -> int:
    return sum(parse_filter(text, NAMES).keeps(row) for row in board.rows)


def test_an_empty_filter_keeps_every_row(board: Board) -> None:
    assert kept(board, "  ") == len(board.rows)


def test_every_term_must_hold(board: Board) -> None:
    rows = [row for row in board.rows if parse_filter("linger.ms>=5 p99<6 compression.type=lz4", NAMES).keeps(row)]
    assert rows
    for row in rows:
        settings = {item.name: item.value for item in row.configuration}
        assert settings["linger.ms"] in (5, 20)
        assert settings["compression.type"] == "lz4"
        assert row.p99_ms is not None
        assert row.p99_ms < 6


@pytest.mark.parametrize("text", ["batch.size=16KiB", "batch.size=16384", "batch.size<1MiB", "batch.size<=16k"])
def test_sizes_are_understood_with_and_without_units(board: Board, text: str) -> None:
    rows = [row for row in board.rows if parse_filter(text, NAMES).keeps(row)]
    assert rows
    assert all(("batch.size", 16384) in {(item.name, item.value) for item in row.configuration} for row in rows)


def test_times_with_units_are_milliseconds(board: Board) -> None:
    assert kept(board, "linger.ms=20ms") == kept(board, "linger.ms=20") > 0
    assert kept(board, "p99<1s") == kept(board, "p99<1000")


def test_one_of_several_values(board: Board) -> None:
    both = kept(board, "compression.type=lz4,zstd")
    assert both == kept(board, "compression.type=lz4") + kept(board, "compression.type=zstd")


def test_a_setting_left_to_its_default_is_found_as_default_only(board: Board) -> None:
    assert kept(board, "linger.ms=default") == 1
    assert kept(board, "linger.ms>=0") == len(board.rows) - 1


def test_not_equal_is_the_rest_of_equal(board: Board) -> None:
    assert kept(board, "compression.type!=lz4") + kept(board, "compression.type=lz4") == len(board.rows)


def test_flags_are_wanted_or_unwanted(board: Board) -> None:
    assert 0 < kept(board, "unsteady") < len(board.rows)
    assert kept(board, "unsteady") + kept(board, "!unsteady") == len(board.rows)
    assert kept(board, "flag") + kept(board, "!flag") == len(board.rows)


def test_infeasible_rows_can_be_left_out(board: Board) -> None:
    rows = [row for row in board.rows if parse_filter("infeasible", NAMES).keeps(row)]
    assert [row.configuration for row in rows] == [REFUSED]
    assert kept(board, "!infeasible") == len(board.rows) - 1


def test_a_row_without_a_figure_never_satisfies_a_comparison_with_it(board: Board) -> None:
    assert kept(board, "p99<1000000") == kept(board, "!infeasible")
    assert kept(board, "p99>0") == kept(board, "!infeasible")


def test_a_bare_word_is_looked_for_in_the_settings(board: Board) -> None:
    assert kept(board, "zstd") == kept(board, "compression.type=zstd")


def test_spaces_around_an_operator_do_not_matter(board: Board) -> None:
    assert kept(board, "p99 < 6  linger.ms >= 5") == kept(board, "p99<6 linger.ms>=5")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p99<", "p99< lacks a value"),
        ("linger.m>=5", "did you mean linger.ms?"),
        ("p99<fast", "'fast' is no number"),
        ("!clientbound", "did you mean client-bound?"),
        ("<20", "lacks a name"),
        ("p99", "is compared with something"),
        ("acks", "is compared with something"),
        ("x" * 501, "at most 500 characters"),
    ],
)
def test_what_is_not_understood_is_said(text: str, said: str) -> None:
    with pytest.raises(FilterError, match=said.replace("?", r"\?")):
        parse_filter(text, NAMES)


@pytest.mark.parametrize("text", ["[bold]", "a=b=c", "🙂", "p99<20;drop", "''", '"', "\x00", "acks==all"])
def test_nothing_that_can_be_typed_breaks_it(board: Board, text: str) -> None:
    with contextlib.suppress(FilterError):
        parsed = parse_filter(text, NAMES)
        assert all(parsed.keeps(row) in (True, False) for row in board.rows)
