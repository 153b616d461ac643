"""A clock for the trial loop that moves only when a test moves it: what budgets count, without waiting for it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from ingestune_tui.tuning import trial_loop, waits
from ingestune_tui.tuning.measurement import Measurement, TrialOrder


class HandClock:
    """Takes the place of `time` in the trial loop, and of nothing else: the event loop keeps its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 0.0
        for module in (trial_loop, waits):
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now_s))

    def timed(self, script: Callable[[TrialOrder], Measurement], seconds: float) -> Callable[[TrialOrder], Measurement]:
        """The script, of which every run takes so long."""

        def run(order: TrialOrder) -> Measurement:
            self.now_s += seconds
            return script(order)

        return run
