"""Throughput against p99, a point per configuration, the front that nothing beats marked. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ingestune_tui.report.leaderboard import Board, BoardRow
from ingestune_tui.tui.widgets.axis import even_ticks, nice_above, nice_below, tick_text
from ingestune_tui.tui.widgets.plot import Plot, Series

Points = list[tuple[float, float]]
_OWN_MARK = {"leader": ("△", "dim"), "baseline": ("◇", "baseline"), "winner": ("◆", "tuned")}
"""A row has one glyph: who it is goes before where it lies."""


def pareto_plot(board: Board, front: Collection[str], chosen: str | None) -> Plot:
    """x is MB/s, y is p99 in ms (log): better is right and low."""
    measured = [row for row in board.rows if row.mb_per_s and row.p99_ms]
    if not measured:
        return Plot(unit="p99 ms", empty="no row has both throughput and p99")

    def points(rows: Iterable[BoardRow]) -> Points:
        return sorted((row.mb_per_s or 0.0, row.p99_ms or 0.0) for row in rows)

    on_front = [row for row in measured if row.id in front]
    plain = [row for row in measured if row.standing not in _OWN_MARK and row.id != chosen]
    rates = [row.mb_per_s or 0.0 for row in measured]
    delays = [row.p99_ms or 0.0 for row in measured]
    marks = even_ticks(min(rates), max(rates), 5)
    low, high = marks[0], marks[-1]
    series = (
        Series(points(row for row in plain if row.id not in front), "axis", mark="·"),
        Series(points(on_front), "ghost", dotted=True),
        Series(points(row for row in plain if row.id in front), "strong", "front", mark="●"),
        Series(points(row for row in measured if row.standing == "leader"), "dim", mark="△"),
        Series(points(row for row in measured if row.standing == "baseline"), "baseline", "◇ baseline", mark="◇"),
        Series(points(row for row in measured if row.standing == "winner"), "tuned", "◆ tuned", mark="◆"),
        *(_chosen(row, on_front=row.id in front) for row in measured if row.id == chosen),
    )
    return Plot(
        series=series,
        x=(low, high),
        y=(nice_below(min(delays) * 0.9), nice_above(max(delays) * 1.1)),
        log_y=True,
        unit="p99 ms",
        x_ticks=tuple((x, tick_text(x) + " MB/s" * (x == high)) for x in marks),
        margin=12,
        gutter=8,
    )


def _chosen(row: BoardRow, *, on_front: bool) -> Series:
    """The row under the table's cursor keeps its glyph, on the colour of what is chosen."""
    mark, role = _OWN_MARK.get(row.standing, ("●", "strong") if on_front else ("·", "axis"))
    return Series([(row.mb_per_s or 0.0, row.p99_ms or 0.0)], f"{role}.chosen", mark=mark)
