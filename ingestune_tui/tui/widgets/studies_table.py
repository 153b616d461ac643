"""The columns and cells of the list of studies. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from ingestune_tui.model.study import Outcome, StudyState
from ingestune_tui.report.wording import ratio_text
from ingestune_tui.tui.stored import StudyLine
from ingestune_tui.tui.widgets.row_table import Column, TableRow
from ingestune_tui.tui.widgets.rows import Run

if TYPE_CHECKING:
    from ingestune_tui.tui.study_view import StudyView

_STATES: Final[dict[str, tuple[str, str]]] = {
    "running": ("▶", "now"),
    "paused": ("‖", "flag"),
    "interrupted": ("·", "flag"),
    "stopped": ("✗", "flag"),
    "finished": ("✓", ""),
    "failed": ("✗", "bad"),
}


def as_watched(line: StudyLine, live: StudyView | None) -> StudyLine:
    """The line as the process of the study tells it, where the app listens: newer than what was read."""
    if live is None or live.started is None or live.started.study_id != line.study.id:
        return line
    wait, ended = live.paused, live.finished
    state: StudyState = ended.state if ended is not None else "paused" if wait is not None else "running"
    message = ended.message if ended is not None else wait.reason if wait is not None else ""
    study = msgspec.structs.replace(line.study, state=state, message=message, outcomes=live.outcomes)
    return StudyLine(study, max(line.trials, len(live.trials)))


def study_columns(width: int) -> tuple[Column, ...]:
    """Columns for a table of `width`: names get what the others leave."""
    state, verdict, trials, when = 13, 18, 6, 9
    wide, narrow = width >= 98, width < 72
    fixed = (
        Column("state", "state", state),
        Column("verdict", "verdict", verdict),
        *(() if narrow else (Column("trials", "trials", trials, right=True), Column("when", "when", when))),
    )
    gaps = 2 * (len(fixed) + (3 if wide else 2)) + 1  # a space on each side of a column, and the scrollbar
    left = max(18, width - sum(column.width for column in fixed) - gaps)
    name = min(28, left * 2 // 5 if wide else left - 9)
    cluster = min(24, (left - name) // 2 if wide else left - name)
    grid = (Column("grid", "grid", min(24, left - name - cluster)),) if wide else ()
    return (Column("study", "study", name), Column("cluster", "cluster", cluster), *grid, *fixed)


def study_cells(line: StudyLine, today: date, columns: Sequence[Column]) -> TableRow:
    """One study, with a cell for each of `columns`."""
    study = line.study
    glyph, role = _STATES.get(study.state, ("·", ""))
    cluster = "simulated" if study.cluster.simulated else study.cluster.label
    cells: dict[str, Run] = {
        "study": (study.name, "strong"),
        "cluster": (cluster, "flag" if study.cluster.simulated else ""),
        "grid": (study.grid_name, "label"),
        "state": (f"{glyph} {study.state}", role),
        "verdict": verdict_cell(study.outcomes),
        "trials": (str(line.trials) if line.trials else "—", ""),
        "when": (when_text(study.created_at, today), "label"),
    }
    return TableRow(study.id, tuple((cells[column.key],) for column in columns))


def verdict_cell(outcomes: Sequence[Outcome]) -> Run:
    """The verdict of one workload, or how many of several were faster."""
    if not outcomes:
        return "—", "label"
    if len(outcomes) > 1:
        faster = sum(outcome.verdict == "faster" for outcome in outcomes)
        return f"{faster} of {len(outcomes)} faster", "tuned" if faster else ""
    only = outcomes[0]
    if only.ratio is None:
        return only.verdict, "flag"
    return ratio_text(only.ratio), "tuned" if only.verdict == "faster" else "bad" if only.verdict == "slower" else ""


def when_text(iso: str, today: date) -> str:
    """`21:57`, `yesterday`, `23 Nov`, `Nov 2025`, in this machine's time."""
    try:
        moment = datetime.fromisoformat(iso).astimezone()
    except ValueError:
        return ""
    day = moment.date()
    if day == today:
        return f"{moment:%H:%M}"
    if day == today - timedelta(days=1):
        return "yesterday"
    return f"{moment.day} {moment:%b}" if day.year == today.year else f"{moment:%b %Y}"


def matching(lines: Sequence[StudyLine], text: str) -> list[StudyLine]:
    """Studies whose name, cluster, grid or state holds every word of `text`."""
    words = text.lower().split()

    def told(line: StudyLine) -> str:
        study = line.study
        return f"{study.name} {study.cluster.label} {study.grid_name} {study.state}".lower()

    return [line for line in lines if all(word in told(line) for word in words)]
