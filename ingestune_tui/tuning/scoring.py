"""The ranking of cells from their trials: score, interval, and ties at this noise. Pure.

A score is the geometric mean of a cell's trials. Most cells run once or twice, so intervals use the noise of all cells
together. Nothing here claims anything, and nothing needs numpy: viewers rank thousands of trials with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from ingestune_tui.tuning.search_space import OUTSIDE, Observation, SearchSpace, infeasible_cells
from ingestune_tui.tuning.student_t import two_sided

_CONFIDENCE = 0.95
_GUESS_DEGREES = 2
"""How many degrees of freedom the preflight's noise weighs beside the repeated trials themselves."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model expects of one cell."""

    cell: int
    """The cell."""
    value: float
    """The objective in natural units."""
    low: float
    """Lower end of the 95 % interval of the cell's own level, without the noise of one trial."""
    high: float
    """Upper end."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """One cell in the ranking, or the baseline outside of the grid. There are thousands: a Struct is made quickly."""

    cell: int
    """The cell, or OUTSIDE."""
    rank: int | None
    """From 1, inside its durability class; None for predicted, infeasible and limit-breaking rows and for OUTSIDE."""
    tied: bool
    """Whether it cannot be told from the row above at this noise."""
    value: float | None
    """The objective in natural units; None for an infeasible cell."""
    low: float | None
    """Lower end of its 95 % interval."""
    high: float | None
    """Upper end."""
    trials: int
    """How many trials it rests on; 0 for a predicted row."""
    predicted: bool
    """Whether the model says so and no trial does."""
    infeasible: bool
    """Whether it cannot be measured."""
    keeps_limit: bool
    """Whether its limited figure, the geometric mean over its trials, stays within the limit; true without one."""
    durability: int
    """Its durability class."""

    @property
    def half_width(self) -> float | None:
        """Half of the interval's width, in the objective's unit."""
        return None if self.low is None or self.high is None else 0.5 * (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Noise:
    """The spread of one trial around its cell."""

    sd: float
    """Standard deviation of ln(objective): 0.09 is 9 %."""
    degrees: int
    """Degrees of freedom it rests on."""

    def half_width(self, trials: int) -> float:
        """Half-width of the 95 % interval of the mean of `trials` trials, in ln."""
        return two_sided(_CONFIDENCE, self.degrees) * self.sd / math.sqrt(trials)

    def tells_apart(self, gap: float, trials: int, others: int) -> bool:
        """Whether a gap in ln between means of so many trials is more than noise."""
        return abs(gap) >= two_sided(_CONFIDENCE, self.degrees) * self.sd * math.sqrt(1.0 / trials + 1.0 / others)


def pooled_noise(finished: Iterable[Observation], guess: float) -> Noise:
    """The noise from all repeated trials; the preflight's `guess` counts like two of them."""
    return _pooled(_logs_by_cell(finished), guess)


def _pooled(by_cell: Mapping[int, Sequence[float]], guess: float) -> Noise:
    squares, degrees = _GUESS_DEGREES * guess * guess, _GUESS_DEGREES
    for logs in by_cell.values():
        if len(logs) > 1:
            mean = math.fsum(logs) / len(logs)
            squares += math.fsum((log - mean) ** 2 for log in logs)
            degrees += len(logs) - 1
    return Noise(math.sqrt(squares / degrees), degrees)


def ranking(
    space: SearchSpace,
    finished: Sequence[Observation],
    *,
    maximize: bool,
    noise: float,
    limit: float | None = None,
    predictions: Iterable[Prediction] = (),
) -> tuple[Row, ...]:
    """All rows: measured cells by class (strongest first) and score, then predicted, limit-breaking, infeasible ones.

    `noise` is the preflight's share; `predictions` are shown only of cells without a trial.
    """
    sign = 1.0 if maximize else -1.0
    masked = infeasible_cells(finished, limit)
    by_cell = _logs_by_cell(finished)
    logs = {cell: values for cell, values in by_cell.items() if cell not in masked}
    means = {cell: math.fsum(values) / len(values) for cell, values in logs.items()}
    spread = _pooled(by_cell, noise)
    kept = _keeps_limit(finished, limit)
    rows = [
        _measured(space, cell, mean, len(logs[cell]), spread, kept.get(cell, limit is None))
        for cell, mean in means.items()
    ]
    rows.sort(key=lambda row: (not row.keeps_limit, -row.durability, -sign * means[row.cell], row.cell))
    rows = _ranked(rows, means, spread)

    guessed = [
        _predicted(space, guess) for guess in predictions if guess.cell not in means and guess.cell not in masked
    ]
    guessed.sort(key=lambda row: (-row.durability, -sign * (row.value or 0.0), row.cell))
    broken = [
        Row(cell, None, False, None, None, None, 0, False, True, True, _durability(space, cell))
        for cell in sorted(masked)
    ]
    whole = [row for row in rows if row.keeps_limit]
    return (*whole, *guessed, *(row for row in rows if not row.keeps_limit), *broken)


def _logs_by_cell(finished: Iterable[Observation]) -> dict[int, list[float]]:
    logs: dict[int, list[float]] = {}
    for trial in finished:
        if not trial.infeasible:
            logs.setdefault(trial.cell, []).append(math.log(trial.value))
    return logs


def _keeps_limit(finished: Iterable[Observation], limit: float | None) -> dict[int, bool]:
    figures: dict[int, list[float]] = {}
    for trial in finished:
        if limit is not None and trial.limit_value is not None and trial.limit_value > 0:
            figures.setdefault(trial.cell, []).append(math.log(trial.limit_value))
    bound = math.log(limit) if limit is not None else 0.0
    return {cell: math.fsum(values) / len(values) <= bound for cell, values in figures.items()}


def _durability(space: SearchSpace, cell: int) -> int:
    return space.classes[cell] if space.classes and cell != OUTSIDE else space.target_class


def _measured(space: SearchSpace, cell: int, mean: float, trials: int, spread: Noise, keeps_limit: bool) -> Row:
    half = min(spread.half_width(trials), 300.0)
    low, high = math.exp(mean - half), math.exp(mean + half)
    durability = _durability(space, cell)
    return Row(cell, None, False, math.exp(mean), low, high, trials, False, False, keeps_limit, durability)


def _predicted(space: SearchSpace, guess: Prediction) -> Row:
    durability = _durability(space, guess.cell)
    return Row(guess.cell, None, False, guess.value, guess.low, guess.high, 0, True, False, True, durability)


def _ranked(rows: Sequence[Row], means: dict[int, float], spread: Noise) -> list[Row]:
    """Rows in their order with rank and tie; the baseline outside of the grid keeps its place and gets no rank."""
    result: list[Row] = []
    above: Row | None = None
    rank = 0
    for row in rows:
        if not row.keeps_limit:
            result.append(row)
            continue
        if above is not None and above.durability != row.durability:
            above, rank = None, 0
        gap = means[row.cell] - means[above.cell] if above is not None else 0.0
        tied = above is not None and not spread.tells_apart(gap, row.trials, above.trials)
        if row.cell == OUTSIDE:
            result.append(msgspec.structs.replace(row, tied=tied))
        else:
            rank += 1
            result.append(msgspec.structs.replace(row, rank=rank, tied=tied))
        above = row
    return result
