"""The leaderboard of one workload: a row per configuration, ranked, with intervals and ties. Pure; it claims nothing.

Ranks, intervals and ties are those of `tuning.scoring`; a row's other figures are geometric means over its trials. Only
an outcome names a winner; a leader is never shown as one.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.catalogue.constraints import DurabilityClass
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.objective import MAXIMIZED, Figure
from ingestune_tui.model.space import durability_of
from ingestune_tui.model.study import Outcome, Predicted
from ingestune_tui.model.trial import Flag, Trial
from ingestune_tui.model.workload import Workload
from ingestune_tui.report.wording import Key, varied
from ingestune_tui.tuning.preflight import noise_of
from ingestune_tui.tuning.scoring import Prediction, Row, ranking
from ingestune_tui.tuning.search import objective_value
from ingestune_tui.tuning.search_space import Observation, SearchSpace

Name = TypeVar("Name", bound=str)
Standing = Literal["winner", "leader", "baseline", "infeasible", "predicted", ""]
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


class BoardRow(msgspec.Struct, frozen=True, gc=False):
    """One configuration. There are thousands: a Struct is made quickly."""

    id: str
    """Names the row for as long as the study lives: the number of its first trial."""
    configuration: Configuration
    standing: Standing
    rank: int | None
    """Within its durability class; None for one that is infeasible, breaks the limit or is only predicted."""
    tied: bool
    """It cannot be told from the row above at this noise."""
    keeps_limit: bool
    """Its p99 stays within the objective's limit; true without one."""
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
    """Whether durability classes differ."""
    classes_say_more: bool
    """Whether they deserve a column: they differ, and not just as the column of acks does."""
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
    def predicted(self) -> int:
        """How many configurations were not measured and only predicted."""
        return sum(row.standing == "predicted" for row in self.rows)

    @property
    def infeasible(self) -> int:
        """How many configurations could not be measured."""
        return sum(row.standing == "infeasible" for row in self.rows)


@dataclass(slots=True)
class _Cell:
    configuration: Configuration
    baseline: bool
    trials: list[Trial]


def leaderboard(
    trials: Iterable[Trial],
    objective: str,
    *,
    outcome: Outcome | None = None,
    leader: Configuration | None = None,
    baseline: Configuration | None = None,
    predicted: Sequence[Predicted] = (),
) -> Board:
    """Rank the trials of one workload. `leader` is the search's; with an outcome that confirmed, its winner counts.

    What was only `predicted` stands below all that was measured, without a rank.
    """
    figure = figure_of(objective)
    cells = _cells(trials)
    known = {cell.configuration for cell in cells}
    guesses = [each for each in predicted if cells and each.configuration not in known]
    expected = [
        Prediction(place, guess.value, guess.low, guess.high) for place, guess in enumerate(guesses, start=len(cells))
    ]
    workload = cells[0].trials[0].workload if cells else Workload()
    cells += [_Cell(guess.configuration, False, []) for guess in guesses]
    durability = promises((cell.configuration, workload) for cell in cells)
    space = SearchSpace((), ((),) * len(cells), classes=tuple(int(each) for each in durability))
    limit = limit_of(objective)
    finished = [
        seen for i, cell in enumerate(cells) for trial in cell.trials if (seen := _seen(trial, i, figure, limit))
    ]
    ranked = ranking(
        space,
        finished,
        maximize=figure in MAXIMIZED,
        noise=_noise(cells, figure),
        limit=limit,
        predictions=expected,
    )
    best = outcome.winner if outcome is not None and outcome.winner != outcome.baseline else None
    winner = best if outcome is not None and outcome.verdict in _CLAIMED else None
    leader = best or leader
    rows = []
    for place in ranked:
        cell = cells[place.cell]
        if place.predicted:
            rows.append(_predicted_row(cell.configuration, place, str(durability[place.cell]), figure, workload))
            continue
        standing: Standing = ""
        if cell.configuration == winner:
            standing = "winner"
        elif cell.baseline or cell.configuration == baseline:
            standing = "baseline"
        elif place.infeasible:
            standing = "infeasible"
        elif winner is None and cell.configuration == leader and (outcome is None or outcome.verdict == "unconfirmed"):
            standing = "leader"
        rows.append(_row(cell, standing, place, str(durability[place.cell])))
    client = workload.client if cells else ""
    classes = len({row.durability for row in rows}) > 1
    more = classes and any(
        row.durability_name != f"acks={row.configuration.get(Scope.PRODUCER, 'acks')}" for row in rows
    )
    return Board(tuple(rows), varied(cell.configuration for cell in cells), figure, outcome, classes, more, client)


def limit_of(objective: str) -> float | None:
    """The limit in ms that goes along, from the label `throughput, p99 < 20 ms`; None without one."""
    found = re.search(r"p99 < ([0-9.e+-]+) ms", objective)
    return float(found[1]) if found else None


def promises(configurations: Iterable[tuple[Configuration, Workload]]) -> list[DurabilityClass]:
    """The durability class of each; asked for once per combination of the settings that have a part in it."""
    known: dict[object, DurabilityClass] = {}
    found = []
    for configuration, workload in configurations:
        key = (workload, tuple(item for item in configuration if _promising(item.scope, item.name)))
        if key not in known:
            known[key] = durability_of(configuration, workload)
        found.append(known[key])
    return found


@functools.cache
def _promising(scope: Scope, name: str) -> bool:
    prop = catalogue.find(scope, name)
    return prop is None or bool(prop.durability)


def _cells(trials: Iterable[Trial]) -> list[_Cell]:
    cells: dict[Configuration, _Cell] = {}
    for trial in trials:
        if trial.state in ("running", "interrupted") or trial.discarded:
            continue
        if (cell := cells.get(trial.configuration)) is None:
            cell = cells[trial.configuration] = _Cell(trial.configuration, trial.baseline, [])
        cell.baseline = cell.baseline or trial.baseline
        cell.trials.append(trial)
    return [cell for cell in cells.values() if any(trial.state != "failed" for trial in cell.trials)]


def _seen(trial: Trial, cell: int, figure: Figure, limit: float | None) -> Observation | None:
    """A trial as the ranking reads it; one that failed for a passing reason says nothing about its configuration.

    Nor does a repetition that the person asked for and that failed: what was measured before still stands.
    """
    if trial.state == "failed":
        return None
    value = objective_value(trial, figure) if trial.state == "done" else None
    if value is None and trial.role == "again":
        return None
    if value is None or value <= 0:
        return Observation(cell, 1.0, 0.0, trial.block, infeasible=True)
    limited = trial.latency.p99 if limit is not None and trial.latency is not None else None
    return Observation(cell, value, 0.0, trial.block, limit_value=limited)


def _noise(cells: list[_Cell], figure: Figure) -> float:
    """The preflight's guess of the noise of one trial, as the planner made it."""
    first = [trial for cell in cells for trial in cell.trials if trial.role == "preflight" and trial.counts]
    return noise_of([value for trial in first if (value := objective_value(trial, figure))])


def _row(cell: _Cell, standing: Standing, place: Row, durability_name: str) -> BoardRow:
    counted = [trial for trial in cell.trials if trial.counts]
    latencies = [trial.latency for trial in counted if trial.latency is not None]
    return BoardRow(
        id=str(cell.trials[0].number),
        configuration=cell.configuration,
        standing=standing,
        rank=place.rank,
        tied=place.tied,
        keeps_limit=place.keeps_limit,
        durability=place.durability,
        durability_name=durability_name,
        score=place.value,
        half_width=place.half_width,
        mb_per_s=_geometric([trial.mb_per_s for trial in counted]),
        messages_per_s=_geometric([trial.messages_per_s for trial in counted]),
        p50_ms=_geometric([latency.p50 for latency in latencies]),
        p99_ms=_geometric([latency.p99 for latency in latencies]),
        approximate=_united([latency.approximate for latency in latencies]),
        flags=_united([trial.flags for trial in cell.trials]),
        trials=tuple(cell.trials),
        error=next((trial.error for trial in reversed(cell.trials) if trial.error), ""),
    )


def _predicted_row(
    configuration: Configuration, place: Row, durability_name: str, figure: Figure, workload: Workload
) -> BoardRow:
    """The figure that ranks, and nothing else: nothing else was predicted."""
    value = place.value if place.value is not None else 0.0
    throughput = figure == "throughput"
    return BoardRow(
        id=f"predicted-{configuration.hash[:16]}",
        configuration=configuration,
        standing="predicted",
        rank=None,
        tied=False,
        keeps_limit=True,
        durability=place.durability,
        durability_name=durability_name,
        score=value,
        half_width=place.half_width,
        mb_per_s=value * workload.message_bytes / 1e6 if throughput else None,
        messages_per_s=value if throughput else None,
        p50_ms=value if figure == "p50" else None,
        p99_ms=value if figure == "p99" else None,
        approximate=(),
        flags=(),
        trials=(),
        error="",
    )


def _united(parts: list[tuple[Name, ...]]) -> tuple[Name, ...]:
    """Each name once, in the order of their first appearance."""
    return parts[0] if len(parts) == 1 else tuple(dict.fromkeys(name for part in parts for name in part))


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
