"""The two plots: throughput and p99 over message size, tuned ◆ against baseline ◇, with their intervals. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ingestune_tui.report.summary import Arm, Estimate, SizeResult, Summary
from ingestune_tui.report.wording import size_text
from ingestune_tui.tui.widgets.axis import nice_above, nice_below
from ingestune_tui.tui.widgets.plot import Plot, Series


def size_plot(summary: Summary, figure: str, tuned: tuple[str, str] = ("◆", "tuned")) -> Plot:
    """`figure` is `throughput` (MB/s) or `p99` (ms), both logarithmic. `tuned` is that side's mark and role."""
    series: list[Series] = []
    values: list[float] = []
    for mark, role in (("◇", "baseline"), tuned):
        points = [
            (float(result.workload.message_bytes), found)
            for result in summary.sizes
            if (found := _estimate(_arm(result, role), figure)) is not None
        ]
        for x, found in points:
            if found.low is not None and found.high is not None:
                series.append(Series(((x, found.low), (x, found.high)), role))
                values += [found.low, found.high]
            values.append(found.mean)
        line = tuple((x, found.mean) for x, found in points)
        if len(line) > 1:
            series.append(Series(line, role, dotted=role == "baseline"))
        series.append(Series(line, role, mark=mark))
    sizes = [float(result.workload.message_bytes) for result in summary.sizes]
    if not values:
        return Plot(empty="nothing measured yet", gutter=6)
    return Plot(
        series=tuple(series),
        x=(min(sizes) / 2, max(sizes) * 2),
        y=_limits(values),
        log_x=True,
        log_y=True,
        unit="MB/s" if figure == "throughput" else "ms",
        x_ticks=tuple((size, size_text(int(size))) for size in sizes),
        gutter=6,
    )


def _arm(result: SizeResult, role: str) -> Arm | None:
    return result.baseline if role == "baseline" else result.tuned


def _estimate(arm: Arm | None, figure: str) -> Estimate | None:
    if arm is None:
        return None
    return arm.mb_per_s if figure == "throughput" else arm.p99_ms


def _limits(values: Sequence[float]) -> tuple[float, float]:
    low, high = nice_below(min(values) * 0.95), nice_above(max(values) * 1.05)
    return (low, high) if high / low >= 3 else (low, nice_above(low * 3))
