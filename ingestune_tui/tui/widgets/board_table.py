"""The leaderboard's columns and cells: only the parameters that differ, figures that say how sure they are. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from rich.cells import cell_len

from ingestune_tui.model.objective import Figure
from ingestune_tui.report.leaderboard import Board, BoardRow
from ingestune_tui.report.wording import figure_text, heading, percentile_text, value_text
from ingestune_tui.tui.widgets.row_table import Column, TableRow
from ingestune_tui.tui.widgets.rows import Run

SORTS: Final = ("rank", "MB/s", "p50", "p99", "flags", "n")
"""What `s` goes through."""
_HALF: Final = 5
"""Columns of ` ± 12`."""
MARKS: Final = {
    "winner": ("◆", "tuned"),
    "leader": ("△", "dim"),
    "baseline": ("◇", "baseline"),
    "infeasible": ("✗", "bad"),
}
_FIGURE_COLUMN: Final[dict[Figure, str]] = {
    "throughput": "mbs",
    "consumer_throughput": "mbs",
    "p50": "p50",
    "p99": "p99",
    "p999": "p99",
    "end_to_end_p99": "p99",
}


def columns_of(board: Board, rows: Sequence[BoardRow], sort: str, width: int) -> tuple[Column, ...]:
    """Columns wide enough for their contents, the sorted one marked; flags get what is left of `width`."""

    def title(text: str) -> str:
        return f"{text}▾" if text == sort else text

    settings = []
    for scope, name in board.keys:
        texts = [value_text((scope, name), row.configuration.get(scope, name), board.client) for row in rows[:200]]
        wide = min(14, max([len(heading(name)), *map(cell_len, texts)]))
        settings.append(Column(f"{scope.value}.{name}", heading(name), wide))
    widest = max((len(figure_text(row.mb_per_s)) for row in rows[:50]), default=4)
    p50, p99 = (
        max([4, *(len(percentile_text(getattr(row, f"{name}_ms"), name, row.approximate)) for row in rows[:200])])
        for name in ("p50", "p99")
    )
    ranked = _FIGURE_COLUMN[board.figure]
    promise = max((len(row.durability_name) for row in rows[:200]), default=0)
    classes = (Column("class", "durability", min(22, max(10, promise))),) if board.classes_say_more else ()
    columns = (
        Column("rank", "    #", 5),
        *settings,
        *classes,
        _figure_column("mbs", title("MB/s"), max(5, widest), ranked),
        _figure_column("p50", title("p50"), p50, ranked),
        _figure_column("p99", title("p99"), p99, ranked),
    )
    n = Column("n", title("n"), 2, right=True)
    left = width - sum(column.width + 2 for column in (*columns, n)) - 3  # its own gap, and the scrollbar
    return (*columns, Column("flags", title("flags"), max(10, min(26, left))), n)


def _figure_column(key: str, title: str, width: int, ranked: str) -> Column:
    """A column of figures; the one that ranks has room for ± and stands with its title over the figure."""
    if key != ranked:
        return Column(key, title, width, right=True)
    return Column(key, title.rjust(width) + " " * _HALF, width + _HALF, right=True)


def cells_of(board: Board, row: BoardRow, marked: Collection[str]) -> TableRow:
    """One row, a cell for each column."""
    ranked = _FIGURE_COLUMN[board.figure]
    if row.standing == "predicted":
        return _predicted(board, row)
    dim = "label" if row.standing == "infeasible" else ""
    weight = "tuned" if row.standing == "winner" else "baseline" if row.standing == "baseline" else dim
    cells: list[tuple[Run, ...]] = [_rank(row, row.id in marked)]
    for scope, name in board.keys:
        value = row.configuration.get(scope, name)
        cells.append(((value_text((scope, name), value, board.client), weight if value is not None else "label"),))
    if board.classes_say_more:
        cells.append(((row.durability_name, dim),))
    halves = {key: row.half_width if key == ranked else None for key in ("p50", "p99")}
    cells.append(_figure(figure_text(row.mb_per_s), board.half_mb_per_s(row), ranked == "mbs", weight or "strong"))
    cells.append(_figure(percentile_text(row.p50_ms, "p50", row.approximate), halves["p50"], ranked == "p50", ""))
    cells.append(_figure(percentile_text(row.p99_ms, "p99", row.approximate), halves["p99"], ranked == "p99", ""))
    cells.append(_flags(row))
    cells.append(((str(row.n), "label"),))
    return TableRow(row.id, tuple(cells))


def _predicted(board: Board, row: BoardRow) -> TableRow:
    """All of it grey, the one figure in brackets: nobody shall take it for a measurement."""
    values = [value_text(key, row.configuration.get(*key), board.client) for key in board.keys]
    expected = {"mbs": row.mb_per_s, "p50": row.p50_ms, "p99": row.p99_ms}
    half = board.half_mb_per_s(row) if board.figure == "throughput" else row.half_width
    texts = ["", *values, *((row.durability_name,) if board.classes_say_more else ())]
    texts += ["" if value is None else f"({figure_text(value)} ±{_half_text(half):>2})" for value in expected.values()]
    return TableRow(row.id, tuple(((text, "label"),) for text in (*texts, "not measured", "0")))


def _rank(row: BoardRow, marked: bool) -> tuple[Run, ...]:
    number = f"{row.rank:>3}" if row.rank is not None else "   "
    mark = MARKS.get(row.standing, ("=", "label") if row.tied else (" ", ""))
    return (("•", "now") if marked else (" ", ""), mark, (number, "label"))


def _figure(text: str, half: float | None, ranked: bool, role: str) -> tuple[Run, ...]:
    if not ranked:
        return ((text, role),)
    return ((text, role), (f" ±{_half_text(half):>3}" if text != "—" else "     ", "label"))


def _half_text(half: float | None) -> str:
    """Two digits: a half-width needs no third."""
    if half is None:
        return "?"
    return f"{half:.0f}" if half >= 9.95 else f"{half:.1f}"


def _flags(row: BoardRow) -> tuple[Run, ...]:
    if row.standing == "infeasible":
        return (("infeasible", "bad"),)
    if not row.keeps_limit:
        return (("p99 over the limit", "flag"),)
    if not row.flags:
        return (("", ""),)
    return ((f"⚠ {', '.join(row.flags)}", "flag"),)


def sorted_rows(rows: Sequence[BoardRow], sort: str) -> list[BoardRow]:
    """Rows in another order than the rank's; what has no figure comes last, and below it what is only predicted."""
    if sort == SORTS[0]:
        return list(rows)
    measured = _sorted([row for row in rows if row.standing != "predicted"], sort)
    return measured + [row for row in rows if row.standing == "predicted"]


def _sorted(rows: Sequence[BoardRow], sort: str) -> list[BoardRow]:
    last = float("inf")
    match sort:
        case "MB/s":
            return sorted(rows, key=lambda row: -(row.mb_per_s or 0.0))
        case "p50":
            return sorted(rows, key=lambda row: row.p50_ms if row.p50_ms is not None else last)
        case "p99":
            return sorted(rows, key=lambda row: row.p99_ms if row.p99_ms is not None else last)
        case "flags":
            return sorted(rows, key=lambda row: (row.standing == "infeasible", len(row.flags)), reverse=True)
        case "n":
            return sorted(rows, key=lambda row: -row.n)
    return list(rows)


def summary_of(board: Board, shown: int) -> str:
    """`12 cells, 1 infeasible`, or how many of them a filter lets through."""
    total = len(board.rows) - board.predicted
    text = f"{total} cell{'s' * (total != 1)}" if shown == total else f"{shown} of {total} cells"
    return f"{text}, {board.infeasible} infeasible" if board.infeasible else text
