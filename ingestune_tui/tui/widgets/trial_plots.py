"""The two charts of a trial as plots: throughput above, latency (log y) below, on one time axis. Pure.

Warm-up is shaded, the paced stage's rate is dimmed, since the step down to it is no fault. The leader's trial lies
behind as a ghost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ingestune_tui.report.wording import figure_text
from ingestune_tui.tui.trial_view import TrialView
from ingestune_tui.tui.widgets.axis import Limits
from ingestune_tui.tui.widgets.plot import Band, Plot, Series

MARGIN = 15
_NAMES = {"warmup": "warm-up", "saturated": "saturated", "paced": "paced"}


@dataclass(slots=True)
class TrialPlots:
    """Makes the plots of one trial after another, remembering the y limits."""

    rate: Limits = field(default_factory=Limits)
    latency: Limits = field(default_factory=lambda: Limits(log=True))
    _trial: int | None = None

    def make(self, trial: TrialView | None, ghost: TrialView | None = None, name: str = "leader") -> tuple[Plot, Plot]:
        """(throughput, latency). The ghost is the best trial so far, called `name`; it is left out of its own plot."""
        if trial is None:
            return Plot(unit="MB/s", margin=MARGIN), Plot(unit="ms", margin=MARGIN, log_y=True, y=(1, 100))
        if trial.number != self._trial:
            self._trial = trial.number
            self.rate.forget()
            self.latency.forget()
        if ghost is trial:
            ghost = None
        length = trial.length_s
        bands = tuple(
            Band(band.start_s, band.end_s, "warmup" if band.stage == "warmup" else "", _NAMES[band.stage])
            for band in trial.bands()
            if band.stage in _NAMES
        )
        return self._throughput(trial, ghost, name, length, bands), self._latency(trial, ghost, length, bands)

    def _throughput(
        self, trial: TrialView, ghost: TrialView | None, name: str, length: float, bands: tuple[Band, ...]
    ) -> Plot:
        now, paced = trial.throughput("warmup", "saturated"), trial.throughput("paced")
        series: list[Series] = []
        if ghost is not None and ghost.finished is not None:
            level = ghost.finished.mb_per_s or 0.0
            behind = ghost.throughput("warmup", "saturated") or [(0.0, level), (length, level)]
            series.append(Series(behind, "ghost", f"△ {name} {figure_text(level)}"[:MARGIN], dotted=True))
        rate = trial.rate
        series.append(Series(now, "now", f"{figure_text(rate[1] if rate else None)} MB/s"))
        series.append(Series(paced, "dim", "paced"))
        return Plot(
            series=tuple(series),
            x=(0.0, length),
            y=self.rate.fit(y for each in series for _, y in each.points),
            unit="MB/s",
            bands=bands,
            x_ticks=tuple(((band.start + band.end) / 2, band.name) for band in bands),
            empty="setting up: topic, connections"
            if trial.finished is None
            else trial.finished.error or "no samples kept",
            margin=MARGIN,
        )

    def _latency(self, trial: TrialView, ghost: TrialView | None, length: float, bands: tuple[Band, ...]) -> Plot:
        p50, p99 = trial.latency("p50"), trial.latency("p99")
        series: list[Series] = []
        if ghost is not None and (behind := ghost.latency("p99")):
            series.append(Series(behind, "ghost", "△ p99", dotted=True))
        series.append(Series(p99, "p99", f"┄ p99 {_figure(trial, 'p99')}" if p99 else "", dotted=True))
        series.append(Series(p50, "p50", f"─ p50 {_figure(trial, 'p50')}" if p50 else ""))
        edges = sorted({0.0, *(band.start for band in bands), length})
        waiting = trial.p99_in_s
        return Plot(
            series=tuple(series),
            x=(0.0, length),
            y=self.latency.fit(y for each in series for _, y in each.points),
            log_y=True,
            unit="ms",
            bands=bands,
            x_ticks=tuple((edge, f"{edge:.0f} s") for edge in edges),
            empty=f"latency comes with the paced stage, in {waiting:.0f} s" if waiting is not None else "",
            margin=MARGIN,
        )


def _figure(trial: TrialView, name: str) -> str:
    """The whole trial's percentile once there is one; until then the newest half second's, which says `now`."""
    if trial.finished is not None and trial.finished.latency is not None:
        return f"{figure_text(getattr(trial.finished.latency, name))} ms"
    return f"{figure_text(trial.latency(name)[-1][1])} now"


def overlaid(trials: Mapping[str, TrialView]) -> tuple[Plot, Plot]:
    """(throughput, p99) of several trials on one time axis, each in a colour and with its letter."""
    length = max((trial.length_s for trial in trials.values()), default=1.0)
    roles = [f"s{i + 1}" for i in range(len(trials))]
    rates = [
        Series(trial.throughput("warmup", "saturated"), role, letter)
        for (letter, trial), role in zip(trials.items(), roles, strict=True)
    ]
    delays = [
        Series(trial.latency("p99"), role, letter) for (letter, trial), role in zip(trials.items(), roles, strict=True)
    ]
    waiting = "reading …" if not trials else ""
    counted = max((series.points[-1][0] for series in rates if series.points), default=length)
    return (
        Plot(
            series=tuple(rates),
            x=(0.0, counted),
            y=Limits().fit(y for series in rates for _, y in series.points),
            unit="MB/s",
            x_ticks=((0.0, "0 s"), (counted, f"{counted:.0f} s")),
            empty=waiting,
            margin=3,
        ),
        Plot(
            series=tuple(delays),
            x=_around(delays, length),
            y=Limits(log=True).fit(y for series in delays for _, y in series.points),
            log_y=True,
            unit="p99 ms",
            x_ticks=tuple((x, f"{x:.0f} s") for x in _around(delays, length)),
            empty=waiting or "no latency was measured",
            margin=3,
        ),
    )


def _around(series: Sequence[Series], length: float) -> tuple[float, float]:
    """The stretch of time that has points: latency exists in the paced stage only."""
    times = [x for each in series for x, _ in each.points]
    return (max(0.0, min(times) - 0.5), max(times)) if len(times) > 1 else (0.0, length)
