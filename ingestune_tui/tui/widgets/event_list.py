"""What the study said last, newest on top: beside the list of trials where the terminal is large."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ingestune_tui.tui.study_view import Told
from ingestune_tui.tui.widgets.rows import Row, Rows

_MARKS = {"info": ("·", "label"), "warning": ("⚠", "flag"), "error": ("✗", "bad")}


class EventList(Rows):
    """Draws the newest events that fit."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._newest: tuple[Told, ...] = ()

    def show(self, told: Iterable[Told], rows: int) -> None:
        """Take the events, oldest first, and the number of rows to take up."""
        newest = tuple(told)[-rows:]
        self.styles.height = rows
        if newest != self._newest:
            self._newest = newest
            self.update_rows()

    def compose_rows(self, width: int, height: int) -> tuple[Row, ...]:
        rows: list[Row] = []
        for told in reversed(self._newest[-height:]):
            mark, role = _MARKS[told.level]
            rows.append(
                ((f"{clock(told.time)} ", "label"), (f"{mark} ", role), (told.text, "" if role == "label" else role))
            )
        return tuple(rows)


def clock(iso: str) -> str:
    """HH:MM:SS of this machine's day; blank where no time is known."""
    try:
        return f"{datetime.fromisoformat(iso).astimezone():%H:%M:%S}"
    except ValueError:
        return " " * 8
