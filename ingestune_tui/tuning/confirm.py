"""The claim: fresh interleaved pairs of baseline and leader, a t interval on their log ratios, one verdict.

The number of pairs is fixed before the first and never looked at on the way; search trials have no part in it. Pure,
without numpy. Called by the engine after a search, and by whatever prints or draws a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ingestune_tui.tuning.student_t import two_sided

FEWEST_PAIRS = 4
"""Below so many affordable pairs nothing is claimed."""
CONFIDENCE = 0.95
WIDEST_HALF_WIDTH = math.log(1.5)
"""An interval that holds 1 and reaches further than a factor of 1.5 to each side has ruled nothing out."""


class VerdictKind(StrEnum):
    """What the pairs showed."""

    FASTER = "faster"
    SAME = "no measurable difference"
    SLOWER = "slower"
    UNSTABLE = "unstable"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a confirmation. Above 1 the figure grew, which is better only where more is better."""

    kind: VerdictKind
    """The claim."""
    ratio: float | None
    """Leader over baseline, the geometric mean over the pairs; None where no pairs were run."""
    low: float | None
    """Lower end of the 95 % interval of the ratio."""
    high: float | None
    """Upper end."""
    pairs: int
    """How many pairs it rests on."""

    def __str__(self) -> str:
        if self.kind is VerdictKind.UNCONFIRMED:
            return "leader, unconfirmed"
        return f"{self.interval}: {self.kind}"

    @property
    def interval(self) -> str:
        """The ratio as shown: `2.1x [1.9, 2.3]`; empty without one."""
        if self.ratio is None or self.low is None or self.high is None:
            return ""
        return format_interval(self.ratio, self.low, self.high)


def format_interval(ratio: float, low: float, high: float) -> str:
    """`2.1x [1.9, 2.3]`, with more decimals where one would hide the interval's own width, or the ratio itself."""
    decimals = 1 if high - low >= 0.25 and low >= 1.15 else 2
    if ratio >= 100:
        decimals = 0
    if ratio < 0.1:
        decimals = 3
    return f"{ratio:.{decimals}f}x [{low:.{decimals}f}, {high:.{decimals}f}]"


def pair_order(pairs: int) -> tuple[str, ...]:
    """The trials of `pairs` pairs, A the baseline and B the leader: ABBA BAAB ABBA BAAB, so that any drift cancels."""
    return tuple("ABBABAAB"[trial % 8] for trial in range(2 * pairs))


def affordable_pairs(wanted: int, time_left_s: float | None, seconds_of: Callable[[int], float]) -> int:
    """How many pairs to run, fixed before the first: as wanted, or what fits; 0 where that is too few to claim by.

    `seconds_of` prices so many pairs.
    """
    most_s = math.inf if time_left_s is None else time_left_s + 1e-6
    return next((pairs for pairs in range(wanted, FEWEST_PAIRS - 1, -1) if seconds_of(pairs) <= most_s), 0)


def unconfirmed(pairs: int = 0) -> Verdict:
    """The verdict without a claim: no confirmation asked for, stopped, or not affordable."""
    return Verdict(VerdictKind.UNCONFIRMED, None, None, None, pairs)


def ratio_interval(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """exp of the mean log ratio of (baseline, leader) pairs and of its 95 % t interval: ratio, low, high.

    Raises ValueError for fewer than two pairs.
    """
    if len(pairs) < 2:
        raise ValueError("an interval needs at least two pairs")
    logs = [math.log(leader) - math.log(baseline) for baseline, leader in pairs]
    mean = math.fsum(logs) / len(logs)
    variance = math.fsum((log - mean) ** 2 for log in logs) / (len(logs) - 1)
    half = two_sided(CONFIDENCE, len(logs) - 1) * math.sqrt(variance / len(logs))
    return math.exp(mean), _exp(mean - half), _exp(mean + half)


def _exp(x: float) -> float:
    """exp without an overflow: an interval may be as wide as it likes."""
    return math.exp(min(max(x, -700.0), 700.0))


def verdict(pairs: Sequence[tuple[float, float]], *, maximize: bool) -> Verdict:
    """The verdict over fresh (baseline, leader) pairs of the objective, or of a latency (`maximize` False).

    An interval that leaves out 1 says faster or slower. One that holds 1 says no measurable difference, unless it is
    so wide (half-width above ln 1.5) that a big difference could hide in it: then the machine is unstable and there
    is no honest answer. The interval is the same in each case, so the rule leaves its coverage alone, and "unstable"
    only ever takes the place of "no measurable difference", so it adds no false claim.
    """
    if len(pairs) < FEWEST_PAIRS:
        return unconfirmed(len(pairs))
    ratio, low, high = ratio_interval(pairs)
    if low > 1.0 or high < 1.0:
        better = (low > 1.0) == maximize
        return Verdict(VerdictKind.FASTER if better else VerdictKind.SLOWER, ratio, low, high, len(pairs))
    wide = 0.5 * math.log(high / low) > WIDEST_HALF_WIDTH
    return Verdict(VerdictKind.UNSTABLE if wide else VerdictKind.SAME, ratio, low, high, len(pairs))
