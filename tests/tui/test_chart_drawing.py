"""The charts: limits that do not jump, points that are thinned without loss, rows that are exactly as wide as asked."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ingestune_tui.tui.widgets.axis import Limits, even_ticks, nice_above, nice_below, thin, tick_text, ticks
from ingestune_tui.tui.widgets.plot import Band, Plot, Series, draw, row_of
from ingestune_tui.tui.widgets.rows import changed_columns, padded, spread, wrapped


def text_of(plot: Plot, width: int, height: int) -> list[str]:
    return ["".join(text for text, _ in row) for row in draw(plot, width, height)]


def test_what_an_empty_chart_says_keeps_its_beginning_where_it_is_narrow() -> None:
    said = "the broker was away for 31 s: NOT_ENOUGH_REPLICAS"
    narrow = "\n".join(text_of(Plot(empty=said), 32, 4))
    assert "the broker was away for" in narrow
    assert narrow.count("…") == 1
    assert said in "\n".join(text_of(Plot(empty=said), 80, 4))


def test_limits_grow_at_once_and_shrink_only_after_a_while() -> None:
    limits = Limits()
    assert limits.fit([400]) == (0.0, 500.0)
    assert limits.fit([600])[1] > 600
    high = limits.high
    for _ in range(5):
        assert limits.fit([100])[1] == high
    assert limits.fit([100])[1] < high


def test_a_short_dip_never_shrinks_the_axis() -> None:
    limits = Limits()
    limits.fit([400])
    for _ in range(20):
        limits.fit([100])
        limits.fit([400])
    assert limits.high == 500.0


def test_another_trial_starts_with_an_axis_of_its_own() -> None:
    limits = Limits()
    limits.fit([4000])
    limits.forget()
    assert limits.fit([40])[1] == 50.0


def test_a_log_axis_holds_its_values_and_spans_enough_to_be_read() -> None:
    low, high = Limits(log=True).fit([4.0, 5.0])
    assert low <= 4.0
    assert high >= 5.0
    assert high / low >= 4


def test_values_that_are_no_numbers_move_nothing() -> None:
    limits = Limits(log=True)
    limits.fit([4.0, 40.0])
    before = (limits.low, limits.high)
    assert limits.fit([math.nan, math.inf, -1.0, 0.0]) == before


@given(some.floats(min_value=1e-9, max_value=1e12))
def test_nice_numbers_enclose(value: float) -> None:
    assert nice_below(value) <= value * 1.0001
    assert nice_above(value) >= value * 0.9999
    assert nice_above(value) <= value * 10


@given(some.floats(0.01, 1e6), some.floats(1.0, 1e3))
def test_even_ticks_enclose_what_they_are_for(least: float, span: float) -> None:
    marks = even_ticks(least, least + span, 5)
    assert marks[0] <= least
    assert marks[-1] >= (least + span) * 0.999999
    assert 2 <= len(marks) <= 8


def test_tick_texts_have_no_trailing_zeros() -> None:
    assert [tick_text(value) for value in (0.5, 250.0, 10.0, 20_000.0)] == ["0.5", "250", "10", "20.0k"]
    assert ticks(0, 500, 6, log=False) == ((0.0, "0"), (250.0, "250"), (500.0, "500"))


def test_thinning_keeps_the_extremes_of_every_column() -> None:
    points = [(i / 100, math.sin(i / 7)) for i in range(10_000)]
    points[5003] = (50.03, 99.0)
    kept = thin(points, 80, 0.0, 100.0)
    assert len(kept) <= 160
    assert (50.03, 99.0) in kept
    assert kept == sorted(kept)


@given(
    width=some.integers(1, 130),
    height=some.integers(1, 40),
    points=some.lists(
        some.tuples(some.floats(0, 20), some.floats(-1e6, 1e9) | some.sampled_from([math.inf, math.nan])), max_size=40
    ),
    log=some.booleans(),
    margin=some.integers(0, 20),
)
def test_whatever_is_drawn_is_exactly_as_large_as_asked(
    width: int, height: int, points: list[tuple[float, float]], log: bool, margin: int
) -> None:
    plot = Plot(
        series=(Series(sorted(points), "now", "label"), Series(sorted(points), "tuned", mark="◆")),
        x=(0, 16),
        y=(1, 500) if log else (0, 500),
        log_y=log,
        unit="MB/s",
        bands=(Band(0, 3, "warmup", "warm-up"),),
        x_ticks=((0, "0 s"), (16, "16 s")),
        margin=margin,
    )
    lines = text_of(plot, width, height)
    assert len(lines) == height
    assert all(len(line) == width for line in lines)


def test_a_label_stands_in_the_row_of_its_line() -> None:
    plot = Plot(series=(Series([(0, 431), (16, 431)], "ghost", "leader"),), x=(0, 16), y=(0, 500), margin=10)
    lines = text_of(plot, 60, 8)
    row = next(i for i, line in enumerate(lines) if "leader" in line)
    assert any("⠀" < glyph <= "⣿" for glyph in lines[row])
    assert row == row_of(plot, 431, 8)


def test_marks_stand_on_their_lines() -> None:
    points = [(x, 100 + 37 * x) for x in range(11)]
    plot = Plot(series=(Series(points, "tuned"), Series(points, "tuned", mark="◆")), x=(0, 10), y=(0, 500), gutter=0)
    assert sum(line.count("◆") for line in text_of(plot, 80, 20)) == len(points)


def test_an_empty_chart_says_why() -> None:
    assert any("nothing yet" in line for line in text_of(Plot(empty="nothing yet"), 60, 5))


def test_x_labels_never_overlap_and_the_first_named_win() -> None:
    plot = Plot(x=(0, 10), x_ticks=((5.0, "p50 4.02"), (5.2, "p99 8.38"), (0.0, "0 ms"), (10.0, "20 ms")))
    line = text_of(plot, 50, 4)[-1]
    assert "p50 4.02" in line
    assert "p99" not in line
    assert "0 ms" in line


def test_dotted_lines_differ_without_colour() -> None:
    points = [(0, 100), (16, 100)]
    solid = text_of(Plot(series=(Series(points, "p50"),), x=(0, 16), y=(0, 500), gutter=0), 40, 5)
    dotted = text_of(Plot(series=(Series(points, "p99", dotted=True),), x=(0, 16), y=(0, 500), gutter=0), 40, 5)
    assert solid != dotted


def test_only_the_columns_that_differ_are_repainted() -> None:
    before = (("abc", "now"), ("def", ""))
    assert changed_columns(before, before) == (0, 0)
    assert changed_columns(before, (("abX", "now"), ("def", ""))) == (2, 3)
    assert changed_columns(before, (("abc", "dim"), ("def", ""))) == (0, 3)


@pytest.mark.parametrize("width", [1, 2, 5, 20])
def test_rows_are_padded_or_cut_to_their_width(width: int) -> None:
    assert sum(len(text) for text, _ in padded((("hello", "now"), (" you", "")), width)) == width
    assert sum(len(text) for text, _ in spread([("left side", "")], [("r", "")], width)) >= min(width, 2)


def test_wrapping_always_gives_a_line() -> None:
    assert wrapped("", 10) == [""]
    assert wrapped("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]
