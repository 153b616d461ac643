"""The baseline trials before a search: how noisy the machine is, and whether it is fit to be measured on.

Pure, without numpy. The noise is only a first guess; the race fits its own. Called by the engine and by `check`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

THROWAWAY_TRIALS = 1
MOST_THROWAWAYS = 4
BASELINE_TRIALS = 4
RISING = 1.05
"""A throw-away so much faster than the one before says that the brokers were still warming up."""
UNSTABLE_SPREAD = 0.30
"""(max - min) / mean of the baseline trials, from which the machine is called unstable."""
DESIGN_TRIALS = 24
"""Of a race's first block."""
BLOCK_TRIALS = 6
"""Of each block after it."""
_LEAST_CAP = 72
"""A race never ends for want of trials before so many, or before two for each cell, which a tiny grid gets anyway."""
_EXPECTED_NOISE = 0.08
_EXPECTED_DEGREES = 2.0
"""The guess before any trial, and how many degrees of freedom it weighs: four trials alone are a poor estimate."""
_LEAST_NOISE = 0.01


@dataclass(frozen=True, slots=True)
class Preflight:
    """What the baseline trials say."""

    noise: float
    """Relative standard deviation of one trial, a share."""
    spread: float
    """(max - min) / mean."""
    unstable: bool
    """Whether the machine is too unstable for its figures to be trusted."""
    message: str
    """One sentence for people."""


def another_throwaway(rates: Sequence[float], *, fresh: bool) -> bool:
    """Whether the next baseline trial counts nowhere, after throw-aways of these messages/s, oldest first.

    One is always thrown away. Brokers that were only just started go on getting faster for a minute of load or so,
    while their code is compiled: on them it goes on until a trial is hardly faster than the one before.
    """
    if len(rates) < THROWAWAY_TRIALS:
        return True
    if not fresh or len(rates) >= MOST_THROWAWAYS:
        return False
    return len(rates) == 1 or rates[-1] > RISING * rates[-2]


def preflight(values: Sequence[float]) -> Preflight:
    """The noise of baseline trials (objective values above 0). Raises ValueError for fewer than two."""
    if len(values) < 2:
        raise ValueError("the preflight needs at least two baseline trials")
    mean = math.fsum(values) / len(values)
    spread = (max(values) - min(values)) / mean
    noise = noise_of(values)
    if spread >= UNSTABLE_SPREAD:
        words = (
            f"unstable machine: the same configuration differed by {spread:.0%} between trials; stop other load first"
        )
        return Preflight(noise, spread, True, words)
    return Preflight(noise, spread, False, f"noise {noise:.0%}")


def noise_of(values: Sequence[float]) -> float:
    """The relative standard deviation of repeated trials, drawn towards 8 % while they are few."""
    logs = [math.log(value) for value in values]
    mean = math.fsum(logs) / len(logs) if logs else 0.0
    squares = math.fsum((log - mean) ** 2 for log in logs) + _EXPECTED_DEGREES * _EXPECTED_NOISE**2
    return max(math.sqrt(squares / (max(len(logs) - 1, 0) + _EXPECTED_DEGREES)), _LEAST_NOISE)


def cap_trials(cells: int, noise: float) -> int:
    """The most search trials that a race over `cells` runs at a relative noise of one trial; failed ones not counted.

    A third of the cells on a quiet machine, a half of them at 8 to 12 %, all of them from 20 % on, linear in between.
    Flat in the middle because a race knows its noise to within a fifth only: a cap that followed the estimate ended
    early just those races that took their noise for smaller than it is. What the main effects of a small grid need does
    not shrink with its cells.
    """
    share = 1 / 3 + _ramp(noise, 0.05, 0.08) / 6 + _ramp(noise, 0.12, 0.20) / 2
    return math.ceil(max(cells * share - 1e-9, min(_LEAST_CAP, 2 * cells)))


def most_trials(cells: int, noise: float) -> int:
    """What a race over `cells` runs when it goes to its cap: whole blocks, the last of which reaches it."""
    blocks = math.ceil((cap_trials(cells, noise) - DESIGN_TRIALS) / BLOCK_TRIALS)
    return DESIGN_TRIALS + BLOCK_TRIALS * max(blocks, 0)


def _ramp(value: float, start: float, end: float) -> float:
    """0 up to `start`, 1 from `end` on, linear in between."""
    return min(max((value - start) / (end - start), 0.0), 1.0)
