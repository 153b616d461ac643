"""A verdict is read whole: both of its figures, and why there is none, in a narrow terminal too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingestune_tui.model.events import StudyFinished
from ingestune_tui.model.study import Ratio
from ingestune_tui.tui.study_view import StudyView
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp

BOTH = Ratio(ratio=0.98, low=0.91, high=1.06)
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "no difference": (
        {"verdict": "no measurable difference"},
        "the baseline: no measurable difference",
        "p99 1.02x [0.90, 1.10]",
    ),
    "slower": (
        {"verdict": "slower", "reason": "the baseline is better than anything the search found"},
        "the baseline: slower; the baseline is better than anything the search found",
        "p99 1.02x [0.90, 1.10]",
    ),
    "latency decides": (
        {"objective": "p99", "throughput": BOTH},
        "the baseline: faster",
        "throughput 0.98x [0.91, 1.06]",
    ),
    "no p99": (
        {"latency": None, "latency_reason": "4 of 4 pairs have no p99: overloaded"},
        "the baseline: faster",
        "p99 not compared: 4 of 4 pairs have no p99: overloaded",
    ),
}


@pytest.mark.parametrize("place", ["live", "leaderboard"])
@pytest.mark.parametrize("case", CASES)
async def test_both_figures_of_a_verdict_are_read(tmp_path: Path, size: tuple[int, int], case: str, place: str) -> None:
    changed, verdict, other = CASES[case]
    fake = FakeStudy(pairs=4, searched=6)
    view = StudyView.of(fake.all()[:-1])
    outcome = msgspec.structs.replace(fake.outcomes[0], **changed)
    app = ShownApp(tmp_path, place, view.apply(StudyFinished(study="quick", state="finished", outcomes=(outcome,))))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = " ".join(app.text().split())
        assert verdict in text
        assert other in text
        assert "p99 1.02x" not in text or changed.get("objective") != "p99"
