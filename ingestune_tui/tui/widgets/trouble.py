"""What went wrong and what happens about it, whole: a cluster that is away, a study that ended over something.

It stands above everything on Live until the trouble is over or the person sends it away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rich.cells import cell_len

from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.waiting import is_waiting, reason_text, retry_text
from ingestune_tui.tui.widgets.rows import Row, Rows, Run, spread, wrapped

_MOST_ROWS = 5
HIDES: Run = ("esc hides this", "label")
"""What is said at the right of the message, unless something else is."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One message."""

    kind: Literal["waiting", "ended"]
    reason: str
    """In the words of whoever met it; a hint may follow in a line of its own."""
    then: str = ""
    """What happens next, if anything does by itself."""


def trouble_of(view: StudyView, now: datetime, *, connected: bool) -> Trouble | None:
    """The trouble a study is in at the moment `now`; None when it is in none.

    A study waits for something only while its process is there (`connected`): else the headline says that it is gone.
    """
    finished, paused = view.finished, view.paused
    if finished is not None:
        if finished.state not in ("failed", "interrupted") or not finished.message:
            return None
        return Trouble("ended", f"study {finished.state}: {finished.message}")
    if connected and paused is not None and is_waiting(paused) and paused.attempt:
        return Trouble("waiting", reason_text(paused), retry_text(paused, now))
    return None


class TroubleRows(Rows):
    """Draws a message, as high as it needs to be."""

    DEFAULT_CSS = "TroubleRows { display: none; height: 1; margin-bottom: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._trouble: Trouble | None = None
        self._hint = HIDES

    def show(self, trouble: Trouble | None, width: int, hint: Run = HIDES) -> None:
        """Take the message of the moment and what can be done about it, for `width` columns; None shows nothing."""
        self.display = trouble is not None
        if trouble is not None:
            self.styles.height = len(_rows(trouble, hint, width))
        if (trouble, hint) != (self._trouble, self._hint):
            self._trouble, self._hint = trouble, hint
            self.update_rows()

    def compose_rows(self, width: int, height: int) -> tuple[Row, ...]:
        return _rows(self._trouble, self._hint, width) if self._trouble is not None else ()


def _lines(reason: str, width: int) -> list[str]:
    """The reason in at most `_MOST_ROWS` lines. What does not fit leaves an ellipsis, and the hint below it stays."""
    parts = [wrapped(part, width) for part in reason.splitlines()]
    lines = [line for part in parts for line in part]
    if len(lines) <= _MOST_ROWS:
        return lines
    hint = parts[-1] if len(parts) > 1 and len(parts[-1]) < _MOST_ROWS else []
    kept = lines[: _MOST_ROWS - len(hint)]
    return [*kept[:-1], f"{kept[-1][: width - 1].rstrip()}…", *hint]


def _rows(trouble: Trouble, hint: Run, width: int) -> tuple[Row, ...]:
    mark, role = ("‖ ", "flag") if trouble.kind == "waiting" else ("✗ ", "bad")
    lines = _lines(trouble.reason, width - len(mark))
    rows: list[Row] = [((mark if not i else "  ", role), (line, role)) for i, line in enumerate(lines)]
    last = trouble.then or lines[-1]
    if trouble.then or cell_len(f"{mark}{last}  {hint[0]}") > width:
        rows.append((("  ", ""), (trouble.then, "strong")))
    rows[-1] = spread(rows[-1], (hint,), width)
    return tuple(rows)
