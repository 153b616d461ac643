"""The study in one row or a few: a mark per trial by its score, the leader's line rising over them, what last changed.

A trial is over in seconds; this tells the story of the study.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.rows import Row, Rows, Run

_EIGHTHS = " ▁▂▃▄▅▆▇█"
LABEL_COLUMNS = 8
_GAP = 2
_FEWEST_COLUMNS = 10
"""Of a sentence; what is left of it in less says nothing."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One trial of the strip."""

    kind: str
    """`baseline`, `tried`, `leader` (the best so far), `failed`, `dropped`, `running`, `tuned` (confirmation)."""
    height: float = 0.0
    """0 to 1: its score between the worst and the best."""


def marks_of(view: StudyView, message_bytes: int) -> tuple[Mark, ...]:
    """A mark for each trial of one message size, oldest first."""
    scoring = view.scoring
    trials = view.of_workload(message_bytes)
    gains = {trial.number: gain for trial in trials if (gain := scoring.gain(trial)) is not None}
    low, high = min(gains.values(), default=0.0), max(gains.values(), default=1.0)
    floor = low - 0.15 * (high - low)
    marks = []
    best = 0.0
    for trial in trials:
        gain = gains.get(trial.number)
        height = (
            (gain - floor) / (high - floor) if gain is not None and high > floor else 0.5 if gain is not None else 0.0
        )
        if trial.finished is None:
            marks.append(Mark("running"))
        elif trial.finished.state == "interrupted":
            marks.append(Mark("dropped"))
        elif gain is None:
            marks.append(Mark("failed"))
        elif trial.baseline:
            marks.append(Mark("baseline", height))
        elif trial.role == "confirm":
            marks.append(Mark("tuned", height))
        elif trial.role == "again":
            marks.append(Mark("tried", height))
        else:
            marks.append(Mark("leader" if gain > best else "tried", height))
            best = max(best, gain)
    return tuple(marks)


def squeezed(marks: tuple[Mark, ...], columns: int) -> tuple[Mark, ...]:
    """At most `columns` marks: neighbours share one, the highest of them speaking."""
    if len(marks) <= columns:
        return marks
    order = {"running": 3, "leader": 2, "failed": 0, "dropped": -1}
    size = -(-len(marks) // columns)
    groups = [marks[i : i + size] for i in range(0, len(marks), size)]
    return tuple(max(group, key=lambda mark: (order.get(mark.kind, 1), mark.height)) for group in groups)


def shortened(sentence: str, columns: int) -> str:
    """A sentence in at most `columns`: what does not fit is left out from the end, by whole words."""
    return textwrap.shorten(sentence, columns, placeholder=" …") if columns >= _FEWEST_COLUMNS else ""


class StudyStrip(Rows):
    """Draws the marks, and at the right or below what last changed."""

    DEFAULT_CSS = "StudyStrip { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._marks: tuple[Mark, ...] = ()
        self._said = ""

    def show(self, marks: tuple[Mark, ...], said: str) -> None:
        """Take new marks."""
        if (marks, said) != (self._marks, self._said):
            self._marks, self._said = marks, said
            self.update_rows()

    def compose_rows(self, width: int, height: int) -> tuple[Row, ...]:
        if height == 1:
            room = width - LABEL_COLUMNS
            taken = len(self._said) + _GAP if self._said else 0
            marks = squeezed(self._marks, max(room // 2, room - taken))
            said = shortened(self._said, room - len(marks) - _GAP)
            return ((("study   ", "label"), *(_glyph(mark) for mark in marks), (f"{'':{_GAP}}{said}", "label")),)
        return self._tall(width, height)

    def _tall(self, width: int, height: int) -> tuple[Row, ...]:
        bars = height - 1
        marks = squeezed(self._marks, (width - LABEL_COLUMNS))
        wide = 2 if len(marks) * 2 <= width - LABEL_COLUMNS else 1
        rows: list[list[Run]] = [[("study   " if i == 0 else " " * LABEL_COLUMNS, "label")] for i in range(bars)]
        line = 0.0
        for mark in marks:
            if mark.kind == "leader":
                line = max(line, mark.height)
            for i, row in enumerate(rows):
                row.append(_bar(mark, line, bars - 1 - i, bars))
                if wide == 2:
                    row.append(_bar(Mark("gap"), line, bars - 1 - i, bars))
        return (*(tuple(row) for row in rows), ((" " * LABEL_COLUMNS, ""), (self._said, "label")))


def _glyph(mark: Mark) -> Run:
    match mark.kind:
        case "baseline":
            return "◇", "baseline"
        case "failed":
            return "✗", "bad"
        case "dropped":
            return "·", "flag"
        case "running":
            return "▶", "now"
        case "tuned":
            return "◆", "tuned"
    role = "tuned" if mark.kind == "leader" else "paced"
    return _EIGHTHS[max(1, min(8, round(mark.height * 8)))], role


def _bar(mark: Mark, line: float, level: int, rows: int) -> Run:
    """The character of one trial in one row; `level` 0 is the lowest row. The leader's line passes over empty cells."""
    filled = mark.height * rows - level
    if mark.kind in ("failed", "dropped", "running", "baseline", "tuned") and level == 0:
        return _glyph(mark)
    if mark.kind not in ("gap", "failed", "dropped", "running") and filled > 0:
        role = {"baseline": "baseline", "leader": "tuned", "tuned": "tuned"}.get(mark.kind, "paced")
        return _EIGHTHS[max(1, min(8, round(filled * 8)))], role
    if line and level == min(rows - 1, int(line * rows)):
        above = line * rows - level
        return "▁" if above < 0.25 else "─" if above < 0.75 else "▔", "ghost"
    return " ", ""
