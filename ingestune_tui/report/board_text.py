"""A leaderboard in words: its columns, a row's cells, and what its marks mean. Pure; for `results` and the web page.

The figure that ranks always has a column, with ± beside it, whatever the objective is.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingestune_tui.model.objective import MAXIMIZED, Figure
from ingestune_tui.report.leaderboard import Board, BoardRow
from ingestune_tui.report.wording import count_text, figure_text, heading, percentile_text, value_text

MARKS = {"winner": "◆", "leader": "△", "baseline": "◇", "infeasible": "✗"}
OVER = "!"
TIED = "="
_NO_FIGURE = "—"
_RANKED: dict[Figure, str] = {"throughput": "MB/s", "p50": "p50 ms", "p99": "p99 ms"}
"""The column that everybody reads anyway and that ranks."""
_EXTRA: dict[Figure, str] = {
    "consumer_throughput": "consumed\nmsg/s",
    "p999": "p99.9 ms",
    "end_to_end_p99": "end to end\np99 ms",
}
"""A column of its own for a figure that ranks and that no other column shows."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; a title may have two lines."""

    title: str
    number: bool = False
    """Its cells stand to the right and are never broken."""
    whole: bool = False
    """Its cells are never broken."""


class BoardText:
    """The text of one leaderboard."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._promises = board.classes_say_more
        self._ranked = _EXTRA.get(board.figure) or _RANKED[board.figure]
        self._spread = any(_half(board, row) for row in board.rows)

    def columns(self, *, short: bool = False) -> tuple[Column, ...]:
        """The columns; `short` for names of parameters as the app abbreviates them."""
        found = [Column(""), Column("#", number=True)]
        found += [Column(heading(name) if short else name) for _, name in self._board.keys]
        if self._promises:
            found.append(Column("durability"))
        extra = [self._ranked] if self._board.figure in _EXTRA else []
        for title in (*extra, "MB/s", "p50 ms", "p99 ms"):
            found.append(Column(title, number=True))
            if title == self._ranked and self._spread:
                found.append(Column("±", number=True))
        return (*found, Column("flags"), Column("n", number=True))

    def cells(self, row: BoardRow) -> tuple[str, ...]:
        """A row's text for each of the columns."""
        board = self._board
        cells = [mark_of(row), str(row.rank or "")]
        cells += [value_text(key, row.configuration.get(*key), board.client) for key in board.keys]
        if self._promises:
            cells.append(row.durability_name)
        figures = {self._ranked: _extra(board, row)} if board.figure in _EXTRA else {}
        figures |= {
            "MB/s": figure_text(row.mb_per_s),
            "p50 ms": percentile_text(row.p50_ms, "p50", row.approximate),
            "p99 ms": percentile_text(row.p99_ms, "p99", row.approximate),
        }
        for title, text in figures.items():
            cells.append(text)
            if title == self._ranked and self._spread:
                cells.append(_half(board, row))
        return (*cells, words_of(board, row), str(row.n))

    def legend(self) -> list[str]:
        """What each mark that occurs means, in the order of the columns."""
        board, marks = self._board, {mark_of(row) for row in self._board.rows}
        texts = [text for row in board.rows for text in self.cells(row)]
        winner = MARKS["winner"] in marks
        stays = board.outcome is not None and board.outcome.ratio is not None and board.outcome.verdict != "unstable"
        lines = [
            (winner, "◆ met ◇, the baseline, in fresh pairs; only they were confirmed"),
            (MARKS["leader"] in marks, "△ leads; nothing was confirmed"),
            (MARKS["baseline"] in marks and not winner, "◇ the baseline" + (", and it stays" if stays else "")),
            (TIED in marks, "= cannot be told from the row above"),
            (OVER in marks, "! breaks the limit on p99, or has no p99 to show that it keeps it"),
            (MARKS["infeasible"] in marks, "✗ could not be measured, or lacks the figure that decides"),
            (board.classes, "# ranks only those that promise the same durability"),
            (self._spread, "± half of the 95 % interval"),
            (any(text.startswith("~") for text in texts), "~ rests on few messages"),
            (_NO_FIGURE in texts, "— no figure"),
        ]
        return [line for shown, line in lines if shown]


def _extra(board: Board, row: BoardRow) -> str:
    if board.figure == "consumer_throughput":
        return count_text(row.score)
    if board.figure == "p999":
        return percentile_text(row.score, "p999", row.approximate)
    approximate = {
        name for trial in row.trials if trial.end_to_end is not None for name in trial.end_to_end.approximate
    }
    return percentile_text(row.score, "p99", approximate)


def _half(board: Board, row: BoardRow) -> str:
    """The half-width in the unit of the figure it belongs to, in two digits: it needs no third."""
    half = board.half_mb_per_s(row) if board.figure == "throughput" else row.half_width
    if half is None:
        return ""
    if board.figure == "consumer_throughput":
        return count_text(half)
    return f"{half:.0f}" if half >= 9.95 else f"{half:.1f}" if half >= 0.995 else f"{half:.2g}"


def mark_of(row: BoardRow) -> str:
    """What a row is; else that it breaks the limit, or that it is as good as the one above."""
    return MARKS.get(row.standing) or (OVER if not row.keeps_limit else TIED if row.tied else "")


def words_of(board: Board, row: BoardRow) -> str:
    """Its flags, and why it has no rank where the figures do not show it."""
    words: list[str] = [*row.flags]
    if row.standing == "infeasible":
        words.insert(0, f"infeasible: {row.error or _lacks(board, row)}")
    elif not row.keeps_limit:
        words.insert(0, "p99 over the limit" if row.p99_ms is not None else "no p99")
    return ", ".join(words)


def _lacks(board: Board, row: BoardRow) -> str:
    """The figure whose lack keeps a row that was measured from being ranked."""
    limited = board.figure in MAXIMIZED and row.mb_per_s is not None and row.p99_ms is None
    title = "p99 ms" if limited else _EXTRA.get(board.figure) or _RANKED[board.figure]
    return f"no {' '.join(title.removesuffix(' ms').split())}"
