"""Draws series into rows of characters with plotext 5, without a colour of its own. Used by the chart widget.

plotext keeps one figure per module, so `draw` belongs on the event loop's thread only. Each series is drawn in a colour
number that is its index; the rows come back as runs of (text, role), and the widget gives a role its theme colour.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingestune_tui.tui.widgets.axis import thin, ticks
from ingestune_tui.tui.widgets.rows import Row

Points = Sequence[tuple[float, float]]

_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_FIRST_COLOUR = 20
_BLANK = {" ", "⠀"}


@dataclass(frozen=True, slots=True)
class Series:
    """One line or cloud of points."""

    points: Points
    """(x, y) in the order of x; y that is not finite breaks nothing and is left out."""
    role: str
    """Names the component class that colours it: `tuned`, `baseline`, `ghost`."""
    label: str = ""
    """Said at the right, in the row of its last point."""
    mark: str = ""
    """A glyph for each point instead of a line."""
    dotted: bool = False
    """Drawn with gaps, so that two lines differ without colour."""
    fill: bool = False
    """Filled down to the axis."""


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the x axis with its own background."""

    start: float
    end: float
    role: str
    """Empty leaves the background as it is; an edge is drawn all the same."""
    name: str = ""
    """Said under the chart, in the middle of the stretch."""


@dataclass(frozen=True, slots=True)
class Plot:
    """Everything a chart shows at one moment."""

    series: tuple[Series, ...] = ()
    x: tuple[float, float] = (0.0, 1.0)
    y: tuple[float, float] = (0.0, 1.0)
    log_x: bool = False
    log_y: bool = False
    unit: str = ""
    """Of y; stands under the ticks, in the row of the x axis."""
    bands: tuple[Band, ...] = ()
    x_ticks: tuple[tuple[float, str], ...] = ()
    """(position, text) of the row under the chart, the important ones first; no ticks, no row."""
    empty: str = ""
    """Said in the middle while nothing is drawn."""
    gutter: int = 7
    """Columns for the y ticks."""
    margin: int = 0
    """Columns for labels at the right."""


@dataclass(slots=True)
class _Cell:
    text: str = " "
    role: str = ""


def draw(plot: Plot, width: int, height: int) -> tuple[Row, ...]:
    """`height` rows of exactly `width` columns. Too small to hold a chart, it gives blank rows."""
    under = 1 if plot.x_ticks else 0
    columns, rows = width - plot.gutter - plot.margin, height - under
    if columns < 4 or rows < 1:
        return tuple(((" " * width, ""),) for _ in range(height))
    area = _area(plot, columns, rows)
    _shade(plot, area, columns)
    if plot.empty and not any(series.points for series in plot.series):
        said = plot.empty if len(plot.empty) <= columns else f"{plot.empty[: columns - 1]}…"
        _write(area[rows // 2], (columns - len(said)) // 2, said, "label")
    left = _gutter(plot, rows)
    right = _labels(plot, rows)
    lines = [_join([*left[i], *area[i], *right[i]]) for i in range(rows)]
    if under:
        lines.append(_join(_x_axis(plot, columns, width)))
    return tuple(lines)


def _area(plot: Plot, columns: int, rows: int) -> list[list[_Cell]]:
    import plotext as figure  # 19 ms, and the leaderboard opens without a plot

    figure.clear_figure()
    figure.limitsize(False, False)
    figure.plotsize(columns, rows)
    figure.frame(False)
    figure.xaxes(False, False)
    figure.yaxes(False, False)
    figure.xticks([])
    figure.yticks([])
    figure.xlim(*_scaled(plot.x, plot.log_x))
    figure.ylim(*_scaled(plot.y, plot.log_y))
    drawn = False
    marked: list[tuple[float, float, Series]] = []
    for index, series in enumerate(plot.series):
        points = thin(_visible(series.points, plot), columns, *_scaled(plot.x, plot.log_x))
        if not points:
            continue
        drawn = drawn or not series.mark
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        colour = _FIRST_COLOUR + index
        if series.mark:
            marked.extend((x, y, series) for x, y in points)
        elif len(points) == 1:
            figure.scatter(xs, ys, marker="braille", color=colour)
        else:
            figure.plot(xs, ys, marker="braille", color=colour, fillx=series.fill)
    if drawn:
        area = _parse(figure.build(), plot, columns, rows)
    else:
        area = [[_Cell() for _ in range(columns)] for _ in range(rows)]
    figure.clear_figure()
    taken: set[tuple[int, int]] = set()
    # By the rounding of lines: plotext would round glyphs to whole cells, beside their line.
    for x, y, series in marked:
        column = _place(x, _scaled(plot.x, plot.log_x), 2 * columns) // 2
        row = (4 * rows - 1 - _place(y, _scaled(plot.y, plot.log_y), 4 * rows)) // 4
        if (row, column) in taken and column + 1 < columns:
            column += 1  # beside the one that is there: two that agree are both to be seen
        taken.add((row, column))
        area[row][column] = _Cell(series.mark, series.role)
    return area


def _place(value: float, limits: tuple[float, float], dots: int) -> int:
    """The dot, of `dots` between the limits, that plotext draws an already scaled value in."""
    share = min(1.0, max(0.0, (value - limits[0]) / (limits[1] - limits[0])))
    return round(share * (dots - 1))


def _parse(text: str, plot: Plot, columns: int, rows: int) -> list[list[_Cell]]:
    area = []
    for line in text.split("\n")[:rows]:
        cells: list[_Cell] = []
        role, dotted, at = "", False, 0
        for match in _SGR.finditer(line):
            cells.extend(_cells(line[at : match.start()], role, dotted, len(cells)))
            at = match.end()
            codes = match[1].split(";")
            if codes[:2] == ["38", "5"] and len(codes) == 3:
                series = plot.series[int(codes[2]) - _FIRST_COLOUR]
                role, dotted = series.role, series.dotted
            elif codes[0] in ("", "0"):
                role, dotted = "", False
        cells.extend(_cells(line[at:], role, dotted, len(cells)))
        area.append((cells + [_Cell() for _ in range(columns)])[:columns])
    while len(area) < rows:
        area.append([_Cell() for _ in range(columns)])
    return area


def _cells(text: str, role: str, dotted: bool, start: int) -> list[_Cell]:
    return [
        _Cell() if glyph in _BLANK or (dotted and (start + i) % 2) else _Cell(glyph, role)
        for i, glyph in enumerate(text)
    ]


def _scaled(limits: tuple[float, float], log: bool) -> tuple[float, float]:
    low, high = (math.log10(max(value, 1e-12)) for value in limits) if log else limits
    return (low, high) if high > low else (low, low + 1.0)


def _visible(points: Points, plot: Plot) -> list[tuple[float, float]]:
    (x_low, x_high), (y_low, y_high) = _scaled(plot.x, plot.log_x), _scaled(plot.y, plot.log_y)
    kept = []
    for x, y in points:
        if not (math.isfinite(x) and math.isfinite(y)) or (plot.log_x and x <= 0) or (plot.log_y and y <= 0):
            continue
        across = math.log10(x) if plot.log_x else x
        up = math.log10(y) if plot.log_y else y
        if x_low <= across <= x_high:
            kept.append((across, min(max(up, y_low), y_high)))
    return kept


def column_of(plot: Plot, x: float, columns: int) -> int:
    """The column of the drawing area in which `x` lies."""
    value = math.log10(max(x, 1e-12)) if plot.log_x else x
    return _place(value, _scaled(plot.x, plot.log_x), 2 * columns) // 2


def row_of(plot: Plot, y: float, rows: int) -> int:
    """The row, from the top, in which `y` lies; plotext rounds to a quarter of a row in the same way."""
    value = math.log10(max(y, 1e-12)) if plot.log_y else y
    return (4 * rows - 1 - _place(value, _scaled(plot.y, plot.log_y), 4 * rows)) // 4


def _shade(plot: Plot, area: list[list[_Cell]], columns: int) -> None:
    for band in plot.bands:
        if band.end <= plot.x[0] or band.start >= plot.x[1]:
            continue
        first, last = column_of(plot, band.start, columns), column_of(plot, band.end, columns)
        if last >= columns - 1:
            last = columns
        for row in area:
            if first > 0 and not row[first].role:
                row[first] = _Cell("│", "rule")
            for cell in row[first:last] if band.role else ():
                if not cell.role:
                    cell.role = band.role
                elif "." not in cell.role:
                    cell.role = f"{cell.role}.{band.role}"


def _gutter(plot: Plot, rows: int) -> list[list[_Cell]]:
    lines = [[_Cell() for _ in range(plot.gutter)] for _ in range(rows)]
    taken: set[int] = set()
    for value, text in reversed(ticks(*plot.y, rows, log=plot.log_y)):
        row = row_of(plot, value, rows)
        if row not in taken:
            taken.add(row)
            _write(lines[row], plot.gutter - 1 - len(text), text, "axis")
    return lines


def _labels(plot: Plot, rows: int) -> list[list[_Cell]]:
    lines = [[_Cell() for _ in range(plot.margin)] for _ in range(rows)]
    free = set(range(rows))
    for series in plot.series:
        points = _visible(series.points, plot)
        if not series.label or not plot.margin or not points:
            continue
        y = 10.0 ** points[-1][1] if plot.log_y else points[-1][1]
        wanted = row_of(plot, y, rows)
        if not free:
            break
        row = min(free, key=lambda each: (abs(each - wanted), each))
        free.discard(row)
        _write(lines[row], 1, series.label[: plot.margin - 1], "label" if series.role == "ghost" else series.role)
    return lines


def _x_axis(plot: Plot, columns: int, width: int) -> list[_Cell]:
    line = [_Cell() for _ in range(width)]
    _write(line, plot.gutter - 1 - len(plot.unit), plot.unit, "label")
    for x, text in plot.x_ticks:
        at = plot.gutter + column_of(plot, x, columns)
        at = min(at, width - len(text)) if at == plot.gutter else min(max(at - len(text) // 2, 0), width - len(text))
        around = line[max(at - 1, plot.gutter) : at + len(text) + 1]
        if at >= plot.gutter and all(cell.text == " " for cell in around):
            _write(line, at, text, "axis")
    return line


def _write(line: list[_Cell], at: int, text: str, role: str) -> None:
    for i, glyph in enumerate(text):
        if 0 <= at + i < len(line):
            line[at + i] = _Cell(glyph, role)


def _join(cells: list[_Cell]) -> Row:
    runs: list[tuple[list[str], str]] = []
    for cell in cells:
        if runs and runs[-1][1] == cell.role:
            runs[-1][0].append(cell.text)
        else:
            runs.append(([cell.text], cell.role))
    return tuple(("".join(text), role) for text, role in runs)
