"""Where an axis begins and ends and what its ticks say. Pure arithmetic, no drawing.

Limits have hysteresis: they grow at once and shrink only when the data has been well inside for a while, so that a
live chart does not jump up and down and every redraw does not touch every row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from ingestune_tui.units import format_rate

_STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_SHRINK_BELOW = 0.55
_SHRINK_AFTER = 6


def nice_above(value: float) -> float:
    """The smallest comfortable number not below `value`: 431 gives 500, 0.7 gives 0.8."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in _STEPS if step * power >= value * 0.999999), 10.0 * power)


def nice_below(value: float) -> float:
    """The largest comfortable number not above `value`; for the lower end of a logarithmic axis."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in (5.0, 3.0, 2.0, 1.0) if step * power <= value * 1.000001), power)


@dataclass(slots=True)
class Limits:
    """The y limits of one chart, remembered between redraws."""

    log: bool = False
    """A logarithmic axis; its lower end follows the data, a linear one starts at 0."""
    low: float = 0.0
    high: float = 1.0
    _fitted: bool = False
    _calm: int = field(default=0)

    def fit(self, values: Iterable[float]) -> tuple[float, float]:
        """Take in what is about to be drawn; the limits to draw it in."""
        real = [value for value in values if math.isfinite(value) and (value > 0 or not self.log)]
        if not real:
            return self.low or (0.1 if self.log else 0.0), self.high
        low, high = self._wanted(min(real), max(real))
        if not self._fitted or low < self.low or high > self.high:
            self.low = low if not self._fitted else min(low, self.low)
            self.high = high if not self._fitted else max(high, self.high)
            self._fitted, self._calm = True, 0
        elif self._roomy(low, high):
            self._calm += 1
            if self._calm >= _SHRINK_AFTER:
                self.low, self.high, self._calm = low, high, 0
        else:
            self._calm = 0
        return self.low, self.high

    def forget(self) -> None:
        """Another trial: the next fit starts afresh."""
        self._fitted, self._calm = False, 0

    def _wanted(self, least: float, most: float) -> tuple[float, float]:
        if self.log:
            low, high = nice_below(least * 0.95), nice_above(most * 1.1)
            return (low, high) if high / low >= 4 else (low, nice_above(low * 4))
        return 0.0, nice_above(max(most, 0.0) * 1.08)

    def _roomy(self, low: float, high: float) -> bool:
        if self.log:
            return math.log(high / low) < _SHRINK_BELOW * math.log(self.high / self.low)
        return high < _SHRINK_BELOW * self.high


def ticks(low: float, high: float, rows: int, *, log: bool) -> tuple[tuple[float, str], ...]:
    """(value, text) from low to high: at most one for every two of `rows`."""
    if rows < 2 or high <= low:
        return ((high, tick_text(high)),)
    if log:
        return _log_ticks(low, high, rows)
    count = 1 if rows < 4 else 2 if rows < 9 else 4
    return tuple((high * i / count, tick_text(high * i / count)) for i in range(count + 1))


def even_ticks(least: float, most: float, about: int) -> tuple[float, ...]:
    """Evenly spaced comfortable numbers that hold `least` and `most` between the first and the last."""
    step = nice_above(max((most - least) / max(about - 1, 1), abs(most) * 1e-6, 1e-9))
    first = math.floor(least / step)
    return tuple(round(i * step, 12) for i in range(first, math.ceil(most / step) + 1))


def _log_ticks(low: float, high: float, rows: int) -> tuple[tuple[float, str], ...]:
    room = max(2, (rows + 1) // 2)
    chosen: list[float] = []
    for multiples in ((1.0,), (1.0, 5.0), (1.0, 2.0, 5.0)):
        values = [
            step * 10.0**power
            for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            for step in multiples
            if low * 0.999 <= step * 10.0**power <= high * 1.001
        ]
        if len(values) > room:
            break
        chosen = values
    return tuple((value, tick_text(value)) for value in (chosen if len(chosen) >= 2 else [low, high]))


def thin(points: list[tuple[float, float]], columns: int, low: float, high: float) -> list[tuple[float, float]]:
    """At most the least and the greatest point of every column, in the order of x; a screen could show no more."""
    if len(points) <= 2 * columns or high <= low:
        return points
    buckets: dict[int, list[tuple[float, float]]] = {}
    for point in points:
        column = min(columns - 1, max(0, int((point[0] - low) / (high - low) * columns)))
        buckets.setdefault(column, []).append(point)
    kept: list[tuple[float, float]] = []
    for column in sorted(buckets):
        bucket = buckets[column]
        extremes = {min(bucket, key=lambda p: p[1]), max(bucket, key=lambda p: p[1])}
        kept.extend(sorted(extremes))
    return kept


def tick_text(value: float) -> str:
    """A tick's number without trailing zeros: `0.5`, `250`, `20k`."""
    return f"{value:g}" if abs(value) < 10_000 else format_rate(value).replace(" ", "")
