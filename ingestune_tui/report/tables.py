"""What `ingestune results` prints: rich tables for people, CSV and JSON lines for everything else. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, JustifyMethod, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from ingestune_tui.model.events import StudyFinished, public_json
from ingestune_tui.model.study import Study
from ingestune_tui.model.trial import Trial
from ingestune_tui.model.workload import Workload
from ingestune_tui.report.board_text import BoardText, Column
from ingestune_tui.report.leaderboard import Board, BoardRow, leaderboard
from ingestune_tui.report.objective import objective_of
from ingestune_tui.report.summary import claim, farewell, for_all_text, summarize
from ingestune_tui.report.wording import ratio_text, size_text, unstable_text, what_mattered

_STYLES = {"winner": "bold cyan", "baseline": "magenta", "infeasible": "red"}
_GAP = 2
"""Columns of space between two columns of a table."""
_FEWEST, _FEWEST_FLAGS = 4, 12
"""Columns that words keep, however narrow the terminal is."""


def boards(study: Study, trials: Sequence[Trial]) -> Iterator[tuple[Workload, Board]]:
    """A leaderboard per message size, in the order they were measured."""
    objective = objective_of(study)
    for workload in dict.fromkeys(trial.workload for trial in trials):
        own = [trial for trial in trials if trial.workload == workload]
        outcome = next((each for each in study.outcomes if each.workload == workload), None)
        yield workload, leaderboard(own, objective, outcome=outcome)


# For people ------------------------------------------------------------------------------------------------------


def studies_table(studies: Sequence[Study], counts: Mapping[str, int]) -> RenderableType:
    """Every study, a row each; in a narrow terminal without the grid's name and the time of day."""
    columns = (
        *(Column(title) for title in ("study", "cluster", "grid")),
        Column("state", whole=True),
        Column("verdict"),
        Column("trials", number=True),
        Column("started", whole=True),
    )
    rows = []
    for study in studies:
        cluster = "simulated broker" if study.cluster.simulated else study.cluster.label
        trials = str(counts.get(study.id, 0) or "—")
        started = study.created_at[:16].replace("T", " ")
        rows.append((study.name, cluster, study.grid_name, study.state, _verdict(study), trials, started))
    styles = [""] * len(rows)
    narrow = [(*row[:2], *row[3:6], row[6][:10]) for row in rows]
    return _Fitting((_Cells(columns, rows, styles), _Cells((*columns[:2], *columns[3:]), narrow, styles)))


def _verdict(study: Study) -> str:
    if not study.outcomes:
        return "—"
    unstable = any(outcome.unstable_spread is not None for outcome in study.outcomes)
    return _claimed(study) + (" ⚠ unstable machine" if unstable else "")


def _claimed(study: Study) -> str:
    if len(study.outcomes) > 1:
        faster = sum(outcome.verdict == "faster" for outcome in study.outcomes)
        return f"{faster} of {len(study.outcomes)} sizes faster"
    only = study.outcomes[0]
    return f"{only.verdict}: {ratio_text(only.ratio)}" if only.ratio is not None else only.verdict


def study_report(study: Study, trials: Sequence[Trial]) -> RenderableType:
    """The leaderboards of one study, each under its claim, and what holds for all sizes."""
    parts: list[RenderableType] = []
    if study.cluster.simulated:
        parts.append(Text("Measured against a simulated broker: no figure here says anything about Kafka.", "yellow"))
    for workload, board in boards(study, trials):
        size = f"{size_text(workload.message_bytes)} {workload.payload}"
        head = f"{study.name} · {size} · {workload.client} · {objective_of(study)}"
        parts.append(Text(head, "bold"))
        if board.outcome is not None:
            parts.append(Text(claim(board.outcome), _STYLES["winner"] if board.outcome.verdict == "faster" else ""))
            if unstable := unstable_text([board.outcome]):
                parts.append(Text(f"⚠ {unstable}", "yellow"))
        parts.append(board_table(board))
        parts += [Text(line, "dim") for line in BoardText(board).legend()]
        if board.outcome is not None and board.outcome.effects:
            parts.append(Text(f"what mattered: {what_mattered(board.outcome.effects)}"))
        parts.append(Text(""))
    everywhere = summarize(trials, study.outcomes, objective=objective_of(study), overall=study.overall).for_all
    if everywhere is not None:
        parts.append(Text(f"one for all sizes: {for_all_text(everywhere)}"))
    if study.state != "finished" and parts:
        parts.append(Text(f"{study.name} is {study.state}" + (f": {study.message}" if study.message else "")))
    if not parts:
        parts.append(Text(farewell(study)))
    return Group(*parts)


def board_table(board: Board) -> RenderableType:
    """One leaderboard; in a narrow terminal with short names of parameters, and at last without a p50 nobody asked for.

    Rather than break a figure it folds words.
    """
    text = BoardText(board)
    rows = [text.cells(row) for row in board.rows]
    styles = tuple(_STYLES.get(row.standing, "") for row in board.rows)
    whole, short = text.columns(), text.columns(short=True)
    kept = [i for i, column in enumerate(short) if column.title != "p50 ms" or board.figure == "p50"]
    return _Fitting(
        (
            _Cells(whole, rows, styles),
            _Cells(short, rows, styles),
            _Cells(tuple(short[i] for i in kept), [tuple(row[i] for i in kept) for row in rows], styles),
        )
    )


@dataclass(frozen=True, slots=True)
class _Cells:
    """A table before it has a width."""

    columns: tuple[Column, ...]
    rows: Sequence[tuple[str, ...]]
    styles: Sequence[str]

    def widths(self) -> list[int]:
        """What each column takes when nothing is folded."""
        titles = tuple(column.title for column in self.columns)
        lines = [[max(map(cell_len, cell.split("\n"))) for cell in row] for row in (titles, *self.rows)]
        return [max(column) for column in zip(*lines, strict=True)]

    def table(self, within: int) -> Table:
        """The table; what may be folded is, the widest first, until it is `within` so many columns."""
        widths = self.widths()
        over = sum(widths) + _GAP * (len(widths) - 1) - within
        fewest = [
            width if column.number or column.whole else _FEWEST_FLAGS if column.title == "flags" else _FEWEST
            for column, width in zip(self.columns, widths, strict=True)
        ]
        for _ in range(over):
            foldable = [i for i, width in enumerate(widths) if width > fewest[i]]
            if foldable:
                widths[max(foldable, key=widths.__getitem__)] -= 1
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, _GAP - 1, 0, 0), show_edge=False)
        for column, width in zip(self.columns, widths, strict=True):
            justify: JustifyMethod = "right" if column.number else "left"
            table.add_column(Text(column.title), justify=justify, width=width, overflow="fold")
        for cells, style in zip(self.rows, self.styles, strict=True):
            table.add_row(*(Text(cell) for cell in cells), style=style)
        return table


@dataclass(frozen=True, slots=True)
class _Fitting:
    """The first of several tables that is not wider than the terminal, else the last with its words folded."""

    choice: tuple[_Cells, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for cells in self.choice:
            widths = cells.widths()
            if sum(widths) + _GAP * (len(widths) - 1) <= options.max_width:
                break
        yield cells.table(options.max_width)


# For programs ----------------------------------------------------------------------------------------------------


def _record(study: Study, objective: str, workload: Workload, board: Board, row: BoardRow) -> dict[str, Any]:
    return {
        "study": study.name,
        "message_bytes": workload.message_bytes,
        "rank": row.rank,
        "standing": row.standing,
        "tied": row.tied,
        "durability": row.durability_name,
        "objective": objective,
        "score": row.score,
        "half_width": row.half_width,
        "mb_per_s": row.mb_per_s,
        "messages_per_s": row.messages_per_s,
        "p50_ms": row.p50_ms,
        "p99_ms": row.p99_ms,
        "trials": row.n,
        "error": row.error,
    }


def results_csv(study: Study, trials: Sequence[Trial]) -> str:
    """A line per configuration of every message size; settings left to their default are empty."""
    every, objective = list(boards(study, trials)), objective_of(study)
    keys = list(dict.fromkeys(key for _, board in every for key in board.keys))
    out = io.StringIO()
    names = [f"{scope.value}.{name}" for scope, name in keys]
    writer: csv.DictWriter[str] | None = None
    for workload, board in every:
        for row in board.rows:
            settings = {
                label: row.configuration.get(scope, name) for label, (scope, name) in zip(names, keys, strict=True)
            }
            record = _record(study, objective, workload, board, row) | settings | {"flags": " ".join(row.flags)}
            if writer is None:
                writer = csv.DictWriter(out, list(record), lineterminator="\n")
                writer.writeheader()
            writer.writerow({name: _plain(value) for name, value in record.items()})
    return out.getvalue()


def _plain(value: object) -> object:
    """A cell that a spreadsheet takes for what it is: no formula can begin one."""
    if value is None:
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@"):
        return f"'{value}"
    return value


def results_json(study: Study, trials: Sequence[Trial]) -> Iterator[bytes]:
    """A line per configuration, then the study's outcome as `study_finished` tells it."""
    objective = objective_of(study)
    for workload, board in boards(study, trials):
        for row in board.rows:
            record = _record(study, objective, workload, board, row)
            record |= {"configuration": row.configuration.as_dict(), "flags": row.flags}
            yield msgspec.json.encode({"v": 1, "event": "configuration"} | record)
    yield public_json(
        StudyFinished(
            time=study.finished_at or study.created_at,
            study=study.name,
            state=study.state,
            outcomes=study.outcomes,
            overall=study.overall,
            message=study.message,
        )
    )


def studies_json(studies: Sequence[Study], counts: Mapping[str, int]) -> Iterator[bytes]:
    """A line per study."""
    for study in studies:
        yield msgspec.json.encode(
            {
                "v": 1,
                "event": "study",
                "study": study.name,
                "id": study.id,
                "state": study.state,
                "cluster": study.cluster.label,
                "simulated": study.cluster.simulated,
                "kafka": study.cluster.version,
                "grid": study.grid_name,
                "trials": counts.get(study.id, 0),
                "started": study.created_at,
                "finished": study.finished_at,
                "verdicts": [outcome.verdict for outcome in study.outcomes],
            }
        )


def studies_csv(studies: Sequence[Study], counts: Mapping[str, int]) -> str:
    """A line per study."""
    out = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for line in studies_json(studies, counts):
        record = msgspec.json.decode(line)
        record["verdicts"] = " | ".join(record["verdicts"])
        del record["v"], record["event"]
        if writer is None:
            writer = csv.DictWriter(out, list(record), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: _plain(value) for name, value in record.items()})
    return out.getvalue()
