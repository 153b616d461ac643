"""The throughput of a pair of which a byte cap ended one half early: both over the window that they have in common.

A rate falls once the page cache is full, so a short window flatters. Pure; the confirmation's ratios rest on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ingestune_tui.model.objective import Figure
from ingestune_tui.model.sample import Sample
from ingestune_tui.model.trial import Trial
from ingestune_tui.tuning.search import objective_value

Pair = tuple[Trial, Trial]
"""(baseline, leader)."""
Series = Mapping[str, Sequence[Sample]]
"""Trial id to its half-second samples."""

_UNEQUAL = 0.02
"""Windows that differ by no more than this share of the longer one are compared as they are."""
_COVERED = 0.98
"""The samples must cover at least this share of the common window."""


def unequal(pair: Pair) -> bool:
    """Whether a byte cap ended the saturated stage of one half earlier than that of the other."""
    windows = [trial.window_s for trial in pair]
    if not any("byte-capped" in trial.flags for trial in pair) or not all(windows):
        return False
    lengths = [window for window in windows if window]
    return min(lengths) < (1 - _UNEQUAL) * max(lengths)


def throughputs(pair: Pair, series: Series) -> tuple[float | None, float | None]:
    """Messages/s of both halves, over their common window where a byte cap ended one of them early.

    The half that ended first keeps its own figure; the other's is counted anew from its samples. Both are None where
    those samples do not cover the common window: unequal windows are never compared.
    """
    if not unequal(pair):
        return pair[0].messages_per_s, pair[1].messages_per_s
    common_s = min(trial.window_s or 0.0 for trial in pair)
    figures = [
        trial.messages_per_s if (trial.window_s or 0.0) <= common_s else rate_over(series.get(trial.id, ()), common_s)
        for trial in pair
    ]
    return (figures[0], figures[1]) if all(figure is not None for figure in figures) else (None, None)


def pair_values(pair: Pair, figure: Figure, series: Series) -> tuple[float | None, float | None]:
    """The figure of both halves; throughput over the window that they have in common."""
    if figure == "throughput":
        return throughputs(pair, series)
    return objective_value(pair[0], figure), objective_value(pair[1], figure)


def rate_over(samples: Sequence[Sample], seconds: float) -> float | None:
    """Messages/s acknowledged in the first `seconds` of the saturated stage; None where no samples reach so far.

    Of the sample that straddles the end, its share counts.
    """
    messages, left_s = 0.0, seconds
    for sample in samples:
        if sample.stage != "saturated" or sample.interval_s <= 0:
            continue
        share = min(1.0, left_s / sample.interval_s)
        messages += share * sample.messages
        left_s -= share * sample.interval_s
        if left_s <= 1e-9:
            break
    covered_s = seconds - max(left_s, 0.0)
    return messages / covered_s if covered_s >= _COVERED * seconds > 0 else None
