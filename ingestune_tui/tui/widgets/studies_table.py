"""The columns and cells of the list of studies. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from ingestune_tui.model.study import Outcome
from ingestune_tui.report.wording import ratio_text
from ingestune_tui.tui.stored import StudyLine
from ingestune_tui.tui.widgets.diff_table import Column, TableRow
from ingestune_tui.tui.widgets.rows import Run

_STATES: Final[dict[str, tuple[str, str]]] = {
    "running": ("▶", "now"),
    "paused": ("‖", "flag"),
    "interrupted": ("·", "flag"),
    "stopped": ("✗", "flag"),
    "finished": ("✓", ""),
    "failed": ("✗", "bad"),
}


def study_columns(width: int) -> tuple[Column, ...]:
    """Columns for a table of `width`: names get what the others leave."""
    state, verdict, trials, when = 13, 19, 6, 12
    wide = width >= 98
    left = max(17, width - (state + verdict + trials + when + (15 if wide else 13)))  # gaps and scrollbar
    name = max(10, min(28, left * (2 if wide else 3) // 5))
    cluster = max(7, min(24, (left - name) // (2 if wide else 1)))
    grid = (Column("grid", "grid", max(7, min(24, left - name - cluster))),) if wide else ()
    return (
        Column("study", "study", name),
        Column("cluster", "cluster", cluster),
        *grid,
        Column("state", "state", state),
        Column("verdict", "verdict", verdict),
        Column("trials", "trials", trials, right=True),
        Column("when", "when", when),
    )


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
    """`today 21:57`, `yesterday`, `23 Nov`, `23 Nov 2025`, in this machine's time."""
    try:
        moment = datetime.fromisoformat(iso).astimezone()
    except ValueError:
        return ""
    day = moment.date()
    if day == today:
        return f"today {moment:%H:%M}"
    if day == today - timedelta(days=1):
        return "yesterday"
    return f"{moment.day} {moment:%b}" + (f" {moment.year}" if day.year != today.year else "")


def matching(lines: Sequence[StudyLine], text: str) -> list[StudyLine]:
    """Studies whose name, cluster, grid or state holds every word of `text`."""
    words = text.lower().split()

    def told(line: StudyLine) -> str:
        study = line.study
        return f"{study.name} {study.cluster.label} {study.grid_name} {study.state}".lower()

    return [line for line in lines if all(word in told(line) for word in words)]
