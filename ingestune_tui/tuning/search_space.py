"""What the planners are told and what they answer: cells, finished trials, the next block. Pure values without numpy.

The engine turns a grid into a `SearchSpace` and stored trials into `Observation`s; planners, scoring and effects read
nothing else. A cell is named by its index in `SearchSpace.cells`; a baseline that is no cell of the grid by `OUTSIDE`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

OUTSIDE = -1
"""The `cell` of a baseline trial whose configuration is not part of the grid."""

PREFLIGHT_BLOCK = -1
"""The `block` of the baseline trials before the search: they inform noise and drift, and count towards no cap."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One parameter of the grid that has more than one candidate value."""

    name: str
    """The parameter as people read it, such as `linger.ms`."""
    levels: int
    """How many candidate values it has."""
    ordered: bool
    """Whether neighbouring levels are alike (numbers) or merely different (codecs)."""


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """The cells of one search: valid ones only, cells that mean the same already merged."""

    factors: tuple[Factor, ...]
    """The parameters, in grid order."""
    cells: tuple[tuple[int, ...], ...]
    """Per cell, the level index of each factor."""
    baseline: int | None = None
    """The cell that is the baseline; None when it lies outside of the grid."""
    classes: tuple[int, ...] = ()
    """Per cell, its durability class; empty when all cells share one."""
    target_class: int = 0
    """The class the leader is sought in; by default that of the baseline."""

    def __post_init__(self) -> None:
        if any(len(cell) != len(self.factors) for cell in self.cells):
            raise ValueError("every cell needs one level per factor")
        if any(
            not 0 <= level < factor.levels
            for cell in self.cells
            for level, factor in zip(cell, self.factors, strict=True)
        ):
            raise ValueError("a cell names a level that its factor does not have")
        if self.baseline is not None and not 0 <= self.baseline < len(self.cells):
            raise ValueError("the baseline is not one of the cells; outside of the grid it is None")
        if self.classes and len(self.classes) != len(self.cells):
            raise ValueError("classes are given for all cells or for none")

    @property
    def baseline_cell(self) -> int:
        """What a baseline trial calls its cell: the baseline's index, or OUTSIDE."""
        return OUTSIDE if self.baseline is None else self.baseline

    @property
    def targets(self) -> tuple[int, ...]:
        """The cells that may win: those of the target class."""
        if not self.classes:
            return tuple(range(len(self.cells)))
        return tuple(cell for cell, durability in enumerate(self.classes) if durability == self.target_class)


@dataclass(frozen=True, slots=True)
class Observation:
    """One finished trial of the search or the preflight. Never one of the confirmation."""

    cell: int
    """Index into the cells, or OUTSIDE."""
    value: float
    """The objective in natural units, above 0; ignored when infeasible."""
    t_s: float
    """When it ran, in seconds since any moment that all trials of the search share."""
    block: int
    """The planner's block it was planned in, from 0; PREFLIGHT_BLOCK before the search."""
    infeasible: bool = False
    """Whether the cell cannot be measured: it errored, or could not hold the rate."""
    limit_value: float | None = None
    """The limited figure, such as p99 in ms, where the objective has a limit; None where it was not measured."""

    def __post_init__(self) -> None:
        if not self.infeasible and not 0 < self.value < float("inf"):
            raise ValueError(
                f"an objective is above 0 and finite, or the trial is infeasible; this one is {self.value}"
            )


class StopReason(StrEnum):
    """Why a search ended."""

    SURE = "sure"
    TIE = "tie"
    CAP = "cap"
    BUDGET = "budget"
    MEASURED = "measured"
    NONE_FEASIBLE = "none feasible"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run next, or why to stop."""

    block: int
    """The block these trials belong to."""
    cells: tuple[int, ...]
    """The trials still to run in it, in this order; OUTSIDE is the baseline outside of the grid. Empty at a stop.

    A cell may stand here more than once: after an infeasible trial, plan again and it is left out.
    """
    stop: StopReason | None
    """Why the search ends here; None while it goes on."""
    leader: int | None
    """The cell that leads so far; None before there is one."""
    p_leader: float
    """The probability that the leader is within the tolerance of the best; 0 before there is a leader."""
    message: str
    """One sentence for people."""
    keeps_limit: float = 1.0
    """The probability that the leader keeps the limit; 1 without a limit, or before there is a leader."""


def not_done(planned: Sequence[int], done: Sequence[int]) -> tuple[int, ...]:
    """What is planned and not done, in planned order; a cell may stand there more than once."""
    left = list(done)
    rest = []
    for cell in planned:
        if cell in left:
            left.remove(cell)
        else:
            rest.append(cell)
    return tuple(rest)


def infeasible_cells(finished: Sequence[Observation], limit: float | None) -> frozenset[int]:
    """Cells that can no longer win: any trial errored, or the limited figure could not be measured.

    Of the baseline's preflight trials one that shows the limited figure is enough.
    """
    inside = [trial for trial in finished if trial.cell != OUTSIDE]
    without = {trial.cell for trial in inside if trial.infeasible}
    if limit is not None:
        shown = {trial.cell for trial in inside if trial.limit_value is not None}
        without |= {
            trial.cell
            for trial in inside
            if trial.limit_value is None and (trial.block != PREFLIGHT_BLOCK or trial.cell not in shown)
        }
    return frozenset(without)
