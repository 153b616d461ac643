"""The leaderboard of one workload: a row per configuration, ranked, with intervals and ties. Pure; it claims nothing.

A row's figures are geometric means over its trials. Intervals and ties use the noise of all rows together, since most
configurations are measured only once or twice. Only an outcome names a winner; a leader is never shown as one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.objective import MAXIMIZED, Figure
from ingestune_tui.model.space import durability_of
from ingestune_tui.model.study import Outcome
from ingestune_tui.model.trial import Flag, Trial
from ingestune_tui.report.wording import Key, varied
from ingestune_tui.tuning.search import objective_value
from ingestune_tui.tuning.student_t import two_sided

Standing = Literal["winner", "leader", "baseline", "infeasible", ""]
CONFIDENCE = 0.95
_CLAIMED = ("faster", "no measurable difference", "slower")
_LABELS: dict[str, Figure] = {
    "throughput": "throughput",
    "consumer throughput": "consumer_throughput",
    "p50": "p50",
    "p99": "p99",
    "p99.9": "p999",
    "end to end p99": "end_to_end_p99",
}


def figure_of(objective: str) -> Figure:
    """The figure that ranks, from an objective's label: `throughput, p99 < 20 ms` is throughput."""
    return _LABELS.get(objective.split(",")[0], "throughput")


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One configuration."""

    id: str
    """Names the row for as long as the study lives: the number of its first trial."""
    configuration: Configuration
    standing: Standing
    rank: int | None
    """Within its durability class; None for an infeasible one."""
    tied: bool
    """It cannot be told from the row above at this noise."""
    durability: int
    """Its class; a greater one promises more."""
    durability_name: str
    score: float | None
    """The objective's figure in its own unit."""
    half_width: float | None
    """Of the 95 % interval of `score`, in the same unit; None where the noise is unknown."""
    mb_per_s: float | None
    messages_per_s: float | None
    p50_ms: float | None
    p99_ms: float | None
    approximate: tuple[str, ...]
    """Percentiles with few messages beyond them."""
    flags: tuple[Flag, ...]
    trials: tuple[Trial, ...]
    """All its trials, oldest first."""
    error: str

    @property
    def n(self) -> int:
        """Trials that count."""
        return sum(trial.counts for trial in self.trials)


@dataclass(frozen=True, slots=True)
class Board:
    """All rows of one workload, best first, the infeasible ones last."""

    rows: tuple[BoardRow, ...]
    keys: tuple[Key, ...]
    """The parameters that differ between the rows: the only ones worth a column."""
    figure: Figure
    outcome: Outcome | None
    classes: bool
    """Whether durability classes differ, and so deserve a column."""
    client: str
    """The client that was measured; its defaults stand where a configuration sets nothing."""

    @property
    def maximize(self) -> bool:
        """True when more is better."""
        return self.figure in MAXIMIZED

    def half_mb_per_s(self, row: BoardRow) -> float | None:
        """The half-width of a row's throughput in MB/s; None where another figure ranks, or the noise is unknown."""
        if self.figure != "throughput" or row.half_width is None or not row.messages_per_s or row.mb_per_s is None:
            return None
        return row.half_width * row.mb_per_s / row.messages_per_s

    @property
    def infeasible(self) -> int:
        """How many configurations could not be measured."""
        return sum(row.standing == "infeasible" for row in self.rows)


@dataclass(slots=True)
class _Cell:
    configuration: Configuration
    baseline: bool
    trials: list[Trial]
    logs: list[float]

    @property
    def mean(self) -> float:
        return math.fsum(self.logs) / len(self.logs)


def leaderboard(
    trials: Iterable[Trial],
    objective: str,
    *,
    outcome: Outcome | None = None,
    leader: Configuration | None = None,
    baseline: Configuration | None = None,
) -> Board:
    """Rank the trials of one workload. `leader` is the search's; with an outcome that confirmed, its winner counts."""
    figure = figure_of(objective)
    cells = _cells(trials, figure)
    spread, freedom = _pooled(cells)
    t = two_sided(CONFIDENCE, freedom) if freedom else None
    winner = outcome.winner if outcome is not None and outcome.verdict in _CLAIMED else None
    leader = (outcome.winner if outcome is not None else None) or leader
    sign = 1.0 if figure in MAXIMIZED else -1.0
    classes = {cell.configuration: durability_of(cell.configuration, cell.trials[0].workload) for cell in cells}
    ranked = sorted(
        (cell for cell in cells if cell.logs), key=lambda cell: (-int(classes[cell.configuration]), -sign * cell.mean)
    )
    rows: list[BoardRow] = []
    above: _Cell | None = None
    rank = 0
    for cell in ranked:
        durability = classes[cell.configuration]
        if above is not None and classes[above.configuration] != durability:
            above, rank = None, 0
        rank += 1
        standing: Standing = ""
        if cell.baseline or cell.configuration == baseline:
            standing = "baseline"
        if cell.configuration == winner:
            standing = "winner"
        elif winner is None and cell.configuration == leader and standing != "baseline":
            standing = "leader"
        tied = above is not None and t is not None and _tied(cell, above, t * spread)
        half = t * spread / math.sqrt(len(cell.logs)) if t is not None else None
        rows.append(_row(cell, standing, rank, tied, half, int(durability), str(durability)))
        above = cell
    for cell in cells:
        if not cell.logs:
            durability = classes[cell.configuration]
            rows.append(_row(cell, "infeasible", None, False, None, int(durability), str(durability)))
    client = cells[0].trials[0].workload.client if cells else ""
    keys = varied(cell.configuration for cell in cells)
    return Board(tuple(rows), keys, figure, outcome, classes=len({row.durability for row in rows}) > 1, client=client)


def _cells(trials: Iterable[Trial], figure: Figure) -> list[_Cell]:
    cells: dict[Configuration, _Cell] = {}
    for trial in trials:
        if trial.state in ("running", "interrupted") or trial.discarded:
            continue
        cell = cells.setdefault(trial.configuration, _Cell(trial.configuration, trial.baseline, [], []))
        cell.baseline = cell.baseline or trial.baseline
        cell.trials.append(trial)
        value = objective_value(trial, figure) if trial.counts else None
        if value is not None and value > 0:
            cell.logs.append(math.log(value))
    return list(cells.values())


def _pooled(cells: Sequence[_Cell]) -> tuple[float, int]:
    """The standard deviation of ln(figure) within configurations, and its degrees of freedom."""
    squares = math.fsum((log - cell.mean) ** 2 for cell in cells if len(cell.logs) > 1 for log in cell.logs)
    freedom = sum(len(cell.logs) - 1 for cell in cells if len(cell.logs) > 1)
    return (math.sqrt(squares / freedom), freedom) if freedom else (0.0, 0)


def _tied(cell: _Cell, above: _Cell, reach: float) -> bool:
    return abs(cell.mean - above.mean) < reach * math.sqrt(1 / len(cell.logs) + 1 / len(above.logs))


def _row(
    cell: _Cell, standing: Standing, rank: int | None, tied: bool, half: float | None, durability: int, name: str
) -> BoardRow:
    counted = [trial for trial in cell.trials if trial.counts]
    score = math.exp(cell.mean) if cell.logs else None
    flags = tuple(dict.fromkeys(flag for trial in cell.trials for flag in trial.flags))
    latencies = [trial.latency for trial in counted if trial.latency is not None]
    return BoardRow(
        id=str(cell.trials[0].number),
        configuration=cell.configuration,
        standing=standing,
        rank=rank,
        tied=tied,
        durability=durability,
        durability_name=name,
        score=score,
        half_width=score * math.sinh(half) if score is not None and half is not None else None,
        mb_per_s=_geometric([trial.mb_per_s for trial in counted]),
        messages_per_s=_geometric([trial.messages_per_s for trial in counted]),
        p50_ms=_geometric([latency.p50 for latency in latencies]),
        p99_ms=_geometric([latency.p99 for latency in latencies]),
        approximate=tuple(dict.fromkeys(name for latency in latencies for name in latency.approximate)),
        flags=flags,
        trials=tuple(cell.trials),
        error=next((trial.error for trial in reversed(cell.trials) if trial.error), ""),
    )


def _geometric(values: list[float | None]) -> float | None:
    if len(values) == 1:  # nearly every row of a wide search, and there are thousands
        return values[0]
    logs = [math.log(value) for value in values if value is not None and value > 0]
    return math.exp(math.fsum(logs) / len(logs)) if logs else None


def pareto(rows: Sequence[BoardRow]) -> frozenset[str]:
    """Ids of the rows that no other row beats in both throughput and p99."""
    measured = [row for row in rows if row.mb_per_s is not None and row.p99_ms is not None]
    order = sorted(measured, key=lambda row: (-(row.mb_per_s or 0.0), row.p99_ms or 0.0))
    front, best = [], math.inf
    for row in order:
        if row.p99_ms is not None and row.p99_ms < best:
            front.append(row.id)
            best = row.p99_ms
    return frozenset(front)
