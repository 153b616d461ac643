"""What `ingestune results` prints: rich tables for people, CSV and JSON lines for everything else. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ingestune_tui.model.events import StudyFinished, public_json
from ingestune_tui.model.study import Study
from ingestune_tui.model.trial import Trial
from ingestune_tui.model.workload import Workload
from ingestune_tui.report.leaderboard import Board, BoardRow, leaderboard
from ingestune_tui.report.objective import objective_of
from ingestune_tui.report.summary import claim, farewell, for_all_text, summarize, what_mattered
from ingestune_tui.report.wording import figure_text, percentile_text, ratio_text, size_text, value_text

MARKS = {"winner": "◆", "leader": "△", "baseline": "◇", "infeasible": "✗"}
_STYLES = {"winner": "bold cyan", "baseline": "magenta", "infeasible": "red"}
LEGEND = "= cannot be told from the row above. Only ◆ and ◇ were confirmed."
LEGEND_SEARCH = "= cannot be told from the row above. △ leads; nothing was confirmed."


def boards(study: Study, trials: Sequence[Trial]) -> Iterator[tuple[Workload, Board]]:
    """A leaderboard per message size, in the order they were measured."""
    objective = objective_of(study)
    for workload in dict.fromkeys(trial.workload for trial in trials):
        own = [trial for trial in trials if trial.workload == workload]
        outcome = next((each for each in study.outcomes if each.workload == workload), None)
        yield workload, leaderboard(own, objective, outcome=outcome)


# For people ------------------------------------------------------------------------------------------------------


def studies_table(studies: Sequence[Study], counts: Mapping[str, int]) -> RenderableType:
    """Every study, a row each."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("study", "cluster", "grid", "state", "verdict"):
        table.add_column(name)
    table.add_column("trials", justify="right")
    table.add_column("started")
    for study in studies:
        cluster = "simulated broker" if study.cluster.simulated else study.cluster.label
        cells = (study.name, cluster, study.grid_name, study.state, _verdict(study))
        trials = str(counts.get(study.id, 0) or "—")
        started = study.created_at[:16].replace("T", " ")
        table.add_row(*(Text(cell) for cell in (*cells, trials, started)))
    return table


def _verdict(study: Study) -> str:
    if not study.outcomes:
        return "—"
    if len(study.outcomes) > 1:
        faster = sum(outcome.verdict == "faster" for outcome in study.outcomes)
        return f"{faster} of {len(study.outcomes)} sizes faster"
    only = study.outcomes[0]
    return f"{ratio_text(only.ratio)} {only.verdict}" if only.ratio is not None else only.verdict


def study_report(study: Study, trials: Sequence[Trial]) -> RenderableType:
    """The leaderboards of one study, each under its claim, and what holds for all sizes."""
    parts: list[RenderableType] = []
    if study.cluster.simulated:
        parts.append(Text("Measured against a simulated broker: no figure here says anything about Kafka.", "yellow"))
    for workload, board in boards(study, trials):
        head = f"{study.name} · {size_text(workload.message_bytes)} {workload.payload} · {workload.client}"
        parts.append(Text(head, "bold"))
        if board.outcome is not None:
            parts.append(Text(claim(board.outcome), _STYLES["winner"] if board.outcome.verdict == "faster" else ""))
        parts.append(board_table(board))
        confirmed = any(row.standing == "winner" for row in board.rows)
        parts.append(Text(LEGEND if confirmed else LEGEND_SEARCH, "dim"))
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


def board_table(board: Board) -> Table:
    """One leaderboard."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("#", justify="right")
    for _, name in board.keys:
        table.add_column(Text(name))
    for name in ("MB/s", "±", "p50 ms", "p99 ms"):
        table.add_column(name, justify="right")
    table.add_column("flags")
    table.add_column("n", justify="right")
    for row in board.rows:
        half = board.half_mb_per_s(row)
        words = ", ".join(row.flags) or (f"infeasible: {row.error}" if row.standing == "infeasible" else "")
        cells = [
            MARKS.get(row.standing, "=" if row.tied else ""),
            str(row.rank or ""),
            *(value_text(key, row.configuration.get(*key), board.client) for key in board.keys),
            figure_text(row.mb_per_s),
            figure_text(half, ""),
            percentile_text(row.p50_ms, "p50", row.approximate),
            percentile_text(row.p99_ms, "p99", row.approximate),
            words,
            str(row.n),
        ]
        table.add_row(*(Text(cell) for cell in cells), style=_STYLES.get(row.standing, ""))
    return table


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
