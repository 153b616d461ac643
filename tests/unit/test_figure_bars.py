"""What Compare draws for a single message size."""

from __future__ import annotations

from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.workload import Workload
from ingestune_tui.report.summary import Arm, Estimate, SizeResult
from ingestune_tui.tui.widgets.figure_bars import figure_bars


def arm(mean: float, low: float | None, high: float | None, p99: float | None) -> Arm:
    latency = None if p99 is None else Estimate(p99, None, None, 4)
    return Arm(Configuration(), Estimate(mean, low, high, 4), None, latency)


def lines(width: int, tuned: Arm | None) -> list[str]:
    result = SizeResult(Workload(message_bytes=1000), tuned, arm(200, 180, 220, 8.0), True, None, ())
    return ["".join(text for text, _ in row) for row in figure_bars(result, width, tuned=("◆ tuned", "tuned"))]


def test_bars_are_as_long_as_their_figures_and_say_them() -> None:
    drawn = lines(80, arm(400, 380, 420, 4.0))
    assert all(len(line) <= 80 for line in drawn)
    baseline, tuned = (next(line for line in drawn if mark in line) for mark in "◇◆")
    assert "200 MB/s [180, 220]" in baseline
    assert "400 MB/s [380, 420]" in tuned
    assert 1.8 < (tuned.index("┿") - tuned.index("█")) / (baseline.index("┿") - baseline.index("█")) < 2.2


def test_what_was_not_measured_is_said() -> None:
    drawn = lines(80, arm(400, None, None, None))
    assert sum("not measured" in line for line in drawn) == 1
    assert lines(40, None)
