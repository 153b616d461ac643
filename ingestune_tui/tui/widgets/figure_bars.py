"""One message size has no plot over sizes: a bar per figure and side, with its interval at the end. Pure."""

from __future__ import annotations

from ingestune_tui.report.summary import Estimate, SizeResult
from ingestune_tui.report.wording import figure_text
from ingestune_tui.tui.widgets.rows import Row, Run

_LABEL = 26
_FIGURE = 22


def figure_bars(result: SizeResult, width: int, *, tuned: Run) -> tuple[Row, ...]:
    """Rows of at most `width` columns; `tuned` is the mark and role of the tuned side, as its plots would have it."""
    mark, role = tuned
    sides = (("◇ baseline", "baseline", result.baseline), (mark, role, result.tuned))
    rows: list[Row] = []
    for title, unit, pick in (("throughput", "MB/s", "mb_per_s"), ("p99 at the same rate", "ms", "p99_ms")):
        found: list[tuple[str, str, Estimate | None]] = [
            (name, colour, getattr(arm, pick) if arm is not None else None) for name, colour, arm in sides
        ]
        most = max((each.high or each.mean for _, _, each in found if each is not None), default=0.0)
        rows += [((f"  {title}", "label"),)]
        for name, colour, each in found:
            label: Run = (f"    {name}"[:_LABEL].ljust(_LABEL), colour)
            if each is None or most <= 0:
                rows.append((label, ("not measured", "label")))
                continue
            text = f"{figure_text(each.mean)} {unit}"
            if each.low is not None and each.high is not None:
                text += f" [{figure_text(each.low)}, {figure_text(each.high)}]"
            rows.append((label, *_bar(each, most, max(8, width - _LABEL - _FIGURE - 6), colour), (f"  {text}", colour)))
        rows.append(())
    return tuple(rows)


def _bar(each: Estimate, most: float, room: int, role: str) -> tuple[Run, ...]:
    """Filled up to the interval, a line across it, and the mean on it."""

    def column(value: float) -> int:
        return min(room - 1, max(0, round(value / most * (room - 1))))

    low, mean, high = (column(value) for value in (each.low or each.mean, each.mean, each.high or each.mean))
    cells = ["█"] * low + ["─"] * (high - low + 1)
    cells[low], cells[high], cells[mean] = "├", "┤", "┿" if low < high else "█"
    return (("".join(cells), role), (" " * (room - len(cells)), ""))
