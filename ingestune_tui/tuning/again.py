"""Configurations that the person wants measured once more: one trial each, between the planned ones. Async.

Such a trial has the role `again`. It is stored, shown and ranked like any other, and neither the planner nor the
confirmation ever reads it: a study that is killed and resumed decides as if nobody had asked. What was asked for and
not begun is forgotten with the process. The engine owns it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ingestune_tui.model.events import Event, Notice
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.trial import Trial
from ingestune_tui.tuning.planned import Planned
from ingestune_tui.tuning.record import StudyRecord
from ingestune_tui.tuning.trial_loop import TrialLoop


class Again:
    """What was asked for and not yet measured, oldest first."""

    def __init__(self, grid: Grid, record: StudyRecord, loop: TrialLoop, emit: Callable[[Event], None]) -> None:
        self._grid = grid
        self._record = record
        self._loop = loop
        self._emit = emit
        self._asked: deque[Trial] = deque()

    def ask(self, number: int) -> None:
        """Measure the configuration of trial `number` once more; says what will happen, or why nothing will."""
        trial = next((each for each in self._record.trials if each.number == number), None)
        if trial is None:
            self._emit(Notice(level="warning", text=f"this study has no finished trial {number}"))
        elif any(_same(trial, each) for each in self._asked):
            self._emit(Notice(level="info", text=f"trial {number} is waiting to be run again already"))
        else:
            self._asked.append(trial)
            self._emit(Notice(level="info", text=f"trial {number} will be run again, after what is at work now"))

    async def run(self) -> None:
        """Measure all that was asked for. Raises Stopped, like every trial."""
        while self._asked:
            await self._record.measure(self._loop, self._planned(self._asked.popleft()))

    def _planned(self, like: Trial) -> Planned:
        """The same cell at the rate of the study, under the same hashes as its first time."""
        fixed = self._grid.objective.rate_per_s
        return Planned(
            workload=like.workload,
            role="again",
            configuration=like.configuration,
            cell=like.cell,
            baseline=like.baseline,
            rate=fixed if fixed is not None else self._record.rate(like.workload),
            method_hash=like.method_hash,
            env_hash=like.env_hash,
        )


def _same(trial: Trial, other: Trial) -> bool:
    return (trial.workload, trial.configuration) == (other.workload, other.configuration)
