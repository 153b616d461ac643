"""A latency distribution as a plot: how many messages took how long, on a logarithmic axis of milliseconds. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ingestune_tui.bench.latency import decode
from ingestune_tui.tui.widgets.axis import nice_above, tick_text
from ingestune_tui.tui.widgets.plot import Band, Plot, Series
from ingestune_tui.units import three_digits

AXES = "% of messages, by latency in ms"
"""What the two axes are."""
BUCKETS = 60


def buckets_of(encoded: str) -> list[tuple[float, float]]:
    """(milliseconds, share of all messages) of a stored histogram, in buckets of equal width on the log axis."""
    histogram = decode(encoded)
    total = histogram.get_total_count()
    if not total:
        return []
    counted = [
        (max(item.value_iterated_to, 1) / 1000, item.count_added_in_this_iter_step)
        for item in histogram.get_recorded_iterator()
    ]
    low = math.log10(counted[0][0] * 0.9)
    high = math.log10(max(counted[-1][0] * 1.1, counted[0][0] * 2))
    width = (high - low) / BUCKETS
    shares = [0.0] * (BUCKETS + 1)
    for value, count in counted:
        shares[min(BUCKETS, int((math.log10(value) - low) / width))] += count / total
    return [(10 ** (low + (i + 0.5) * width), share) for i, share in enumerate(shares[:BUCKETS])]


def histogram_plot(points: list[tuple[float, float]], percentiles: Mapping[str, float], empty: str = "") -> Plot:
    """The distribution; `percentiles` (name to ms) are marked on the axis."""
    if not points:
        return Plot(empty=empty or "no latency was measured", gutter=6, y=(0, 100), unit="%")
    x = (points[0][0], points[-1][0])
    most = max(share for _, share in points) * 100
    inside = {name: value for name, value in percentiles.items() if x[0] < value < x[1]}
    marks = [(value, f"{name} {three_digits(value)}") for name, value in inside.items()]
    ends = [(x[0], f"{tick_text(float(f'{x[0]:.2g}'))} ms"), (x[1], f"{tick_text(float(f'{x[1]:.2g}'))} ms")]
    return Plot(
        series=(Series([(at, share * 100) for at, share in points], "p99", fill=True),),
        x=x,
        y=(0.0, nice_above(most * 1.05)),
        log_x=True,
        unit="%",
        bands=tuple(Band(value, x[1], "") for value in inside.values()),
        x_ticks=(*reversed(marks), *ends),
        gutter=6,
    )
