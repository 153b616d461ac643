"""What a series of half-second samples says about steadiness. Pure; decides when a warm-up is over and raises flags.

Slopes are Theil's (1950) and Sen's (1968): the median of the slopes between all pairs of points.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

from ingestune_tui.model.sample import Sample

MOST_WARMUP_S = 15.0
"""A warm-up ends after so long, or after its least time where that is longer, whatever the rate does."""
AGREE = 0.15
"""The last three windows of a warm-up agree within this share of their mean."""


def rates(samples: Sequence[Sample]) -> list[float]:
    """Messages/s of each sample."""
    return [sample.messages / sample.interval_s for sample in samples if sample.interval_s > 0]


def warmed_up(samples: Sequence[Sample], least_s: float, most_s: float) -> bool:
    """True when a warm-up may end: `least_s` have passed and the last three 1 s windows agree and do not rise.

    A shorter warm-up is judged by as many whole windows as fit into it. At `most_s` it ends anyway.
    """
    if not samples:
        return False
    elapsed = samples[-1].t_s
    if elapsed >= most_s:
        return True
    if elapsed + 1e-6 < least_s:
        return False
    wanted = max(1, min(3, int(least_s)))
    windows = _second_windows(samples)[-wanted:]
    if len(windows) < wanted or windows[-1] <= 0:
        return False
    if wanted == 1:
        return True
    mean = statistics.fmean(windows)
    agree = (max(windows) - min(windows)) / mean <= AGREE
    rising = all(later > earlier * 1.05 for earlier, later in itertools.pairwise(windows))
    return agree and not rising


def _second_windows(samples: Sequence[Sample]) -> list[float]:
    """Messages/s over whole seconds, the newest last; made from the end backwards."""
    windows: list[float] = []
    messages, seconds = 0, 0.0
    for sample in reversed(samples):
        messages += sample.messages
        seconds += sample.interval_s
        if seconds >= 0.95:
            windows.append(messages / seconds)
            messages, seconds = 0, 0.0
    return windows[::-1]


def theil_sen_slope(times: Sequence[float], values: Sequence[float]) -> float:
    """The median slope over all pairs of points, in values per unit of time; 0 for fewer than two."""
    slopes = [
        (values[j] - values[i]) / (times[j] - times[i])
        for i in range(len(times))
        for j in range(i + 1, len(times))
        if times[j] > times[i]
    ]
    return statistics.median(slopes) if slopes else 0.0


def latency_slope(samples: Sequence[Sample]) -> float:
    """Seconds by which acknowledging takes longer each second, by each interval's slowest; 0 with fewer than two.

    The slowest, since one partition of many may be the one that falls behind. Intervals without any say nothing.
    """
    timed = [(sample.t_s, sample.latency_ms.max) for sample in samples if sample.latency_ms is not None]
    points = [(t_s, slowest_ms) for t_s, slowest_ms in timed if slowest_ms is not None]
    return theil_sen_slope([t_s for t_s, _ in points], [ms / 1000 for _, ms in points])


def trend(samples: Sequence[Sample]) -> float:
    """How much the rate moved over the window, as a share of its median; 0 with fewer than six samples."""
    counted = [sample for sample in samples if sample.interval_s > 0]
    values = rates(counted)
    if len(values) < 6 or (middle := statistics.median(values)) <= 0:
        return 0.0
    times = [sample.t_s for sample in counted]
    return theil_sen_slope(times, values) * (times[-1] - times[0]) / middle


def fell_at_the_end(samples: Sequence[Sample], share: float = 0.70) -> bool:
    """True when the last quarter ran below `share` of the median: the page cache was full."""
    values = rates(samples)
    if len(values) < 8:
        return False
    last = values[-(len(values) // 4) :]
    return statistics.fmean(last) < share * statistics.median(values)
