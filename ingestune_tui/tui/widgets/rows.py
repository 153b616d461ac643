"""A widget made of rows of styled characters that repaints only the cells that changed: charts, tiles and strips.

A subclass implements `compose_rows(width, height)`; a row is runs of (text, role), see `roles`. Nothing is drawn while
it is hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from ingestune_tui.tui.plain import plain
from ingestune_tui.tui.widgets.roles import style_of

Run = tuple[str, str]
"""Some characters and the role they are styled as; empty is the plain foreground. `a.b` is `a` over `b`."""
Row = tuple[Run, ...]
_GAP = 2
_APART = 3
"""Columns between the parts of what is `flowed`."""


class Rows(Widget, can_focus=False):
    """Draws what `compose_rows` gives, a line at a time."""

    DEFAULT_CSS = "Rows { height: 1; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: tuple[Row, ...] = ()
        self._composed_for: tuple[int, int] | None = None
        self._strips: dict[int, Strip] = {}

    def compose_rows(self, width: int, height: int) -> tuple[Row, ...]:
        """At most `height` rows of at most `width` columns."""
        raise AssertionError(f"{type(self).__name__} does not say what it shows")

    def update_rows(self) -> None:
        """What is shown may be different now: compose again and repaint the cells that differ."""
        if not (self.is_attached and self.display and self.screen.is_current and self.size):
            self._composed_for = None
            self.refresh()  # forgets what Textual keeps of it, which would be shown again as it was
            return
        before, width = self._rows, self.size.width
        self._recompose_rows()
        changed = []
        for y, row in enumerate(self._rows):
            first, last = changed_columns(before[y], row) if y < len(before) else (0, width)
            if last > first:
                changed.append(Region(first, y, last - first, 1))
        if changed:
            self.refresh(*changed)

    def _recompose_rows(self) -> None:
        width, height = self.size
        composed = self.compose_rows(width, height)[:height]
        rows = [padded(tuple((plain(text), role) for text, role in row), width) for row in composed]
        rows += [((" " * width, ""),)] * (height - len(rows))
        for y, row in enumerate(rows):
            if y >= len(self._rows) or self._rows[y] != row:
                self._strips.pop(y, None)
        self._rows, self._composed_for = tuple(rows), (width, height)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        if self._composed_for != tuple(self.size):
            self._recompose_rows()
        if y not in self._strips:
            base = self.visual_style
            row = self._rows[y] if y < len(self._rows) else ((" " * self.size.width, ""),)
            self._strips[y] = Strip([Segment(text, style_of(self, role, base)) for text, role in row])
        return self._strips[y]

    def text(self) -> str:
        """What is shown, without styles: for tests and for reading aloud."""
        if self._composed_for != tuple(self.size):
            self._recompose_rows()
        return "\n".join("".join(text for text, _ in row).rstrip() for row in self._rows)


def columns(row: Iterable[Run]) -> int:
    """How wide it is: a Chinese or Japanese character takes two columns."""
    return sum(cell_len(text) for text, _ in row)


def padded(row: Row, width: int) -> Row:
    """The row at exactly `width` columns: cut with an ellipsis, or filled with spaces."""
    length = columns(row)
    if length == width:
        return row
    if length < width:
        return (*row, (" " * (width - length), ""))
    kept: list[Run] = []
    room = width - 1
    for text, role in row:
        if room <= 0:
            break
        kept.append((text if cell_len(text) <= room else set_cell_size(text, room), role))
        room -= cell_len(kept[-1][0])
    return (*kept, ("…", kept[-1][1] if kept else ""))


def spread(left: Iterable[Run], right: Iterable[Run], width: int) -> Row:
    """Runs at the left and runs at the right edge, two columns apart; where both do not fit, the left is cut."""
    left, right = tuple(left), tuple(right)
    taken = columns(right)
    gap = min(_GAP, max(width - taken - 1, 0)) if taken else 0
    return (*padded(left, max(width - taken - gap, 1)), *((" " * gap, ""),) * bool(gap), *right)


def wrapped(text: str, width: int) -> list[str]:
    """Text in lines of at most `width` columns, broken between words where it can be; at least one line."""
    lines: list[str] = []
    line = gap = ""
    for piece in re.findall(r" +|[^ ]+", " ".join(text.split("\n"))):
        if piece.isspace():
            gap = piece
            continue
        if line and cell_len(line + gap + piece) > width:
            lines.append(line)
            line = gap = ""
        *whole, line = chop_cells(line + gap + piece, width) or [""]  # of what has no width there is no line
        lines += whole
        gap = ""
    return [*lines, line]


def flowed(parts: Iterable[Run], width: int) -> tuple[Row, ...]:
    """Parts one after the other; one that no longer fits begins a new row, and is folded where it is wider."""
    rows: list[Row] = []
    room = 0
    for text, role in parts:
        if rows and _APART + cell_len(text) <= room:
            rows[-1] += ((" " * _APART, ""), (text, role))
        else:
            rows += [((line, role),) for line in wrapped(text, width)]
        room = width - columns(rows[-1])
    return tuple(rows)


def changed_columns(before: Row, after: Row) -> tuple[int, int]:
    """The first and one past the last column in which two rows differ; (0, 0) when they do not."""
    if before == after:
        return 0, 0
    old = [(glyph, role) for text, role in before for glyph in text]
    new = [(glyph, role) for text, role in after for glyph in text]
    if not len(old) == len(new) == columns(before) == columns(after):
        return 0, columns(after)
    differing = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    return (differing[0], differing[-1] + 1) if differing else (0, 0)
