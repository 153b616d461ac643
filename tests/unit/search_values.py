"""Made-up grids and a machine to measure them on, for the tests of search and scoring."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ingestune_tui.tuning.planner import plan_race
from ingestune_tui.tuning.search_space import OUTSIDE, Factor, Observation, Plan, SearchSpace


def grid(
    *levels: int, baseline: int | None = 0, unordered: Sequence[int] = (), classes: tuple[int, ...] = ()
) -> SearchSpace:
    """A full grid with factors of so many levels; those listed in `unordered` have no order."""
    factors = tuple(Factor(f"factor {i}", count, i not in unordered) for i, count in enumerate(levels))
    return SearchSpace(factors, tuple(itertools.product(*(range(count) for count in levels))), baseline, classes)


def hill(space: SearchSpace, cell: int) -> float:
    """ln(objective): more of everything is better, the first factor most; a baseline outside is like the first cell."""
    levels = space.cells[0 if cell == OUTSIDE else cell]
    shares = [level / max(factor.levels - 1, 1) for factor, level in zip(space.factors, levels, strict=True)]
    return 5.0 + sum(0.3 / (i + 1) * share for i, share in enumerate(shares))


class Planner(Protocol):
    """What both planners look like."""

    def __call__(
        self,
        space: SearchSpace,
        finished: Sequence[Observation],
        seed: int,
        *,
        tolerance: float,
        maximize: bool,
        noise: float,
        limit: float | None,
        time_left_trials: int | None,
    ) -> Plan: ...


@dataclass
class Study:
    """Runs a planner against a surface; the n-th trial always gives the same value for the same cell."""

    space: SearchSpace
    truth: Callable[[int], float]
    noise: float = 0.05
    seed: int = 1
    maximize: bool = True
    limit: float | None = None
    latency_ms: Callable[[int], float | None] = lambda cell: None
    broken: frozenset[int] = frozenset()
    planner: Planner = plan_race
    trials_left: int | None = None

    def __post_init__(self) -> None:
        self.finished = [self.trial(self.space.baseline_cell, -1, i) for i in range(4)]
        self.plans: list[Plan] = []

    def trial(self, cell: int, block: int, number: int) -> Observation:
        """The trial with this number, on this cell."""
        wobble = random.Random(1_000_003 * self.seed + 1009 * number + cell).gauss(0, self.noise)
        value = math.exp(self.truth(cell) + wobble)
        return Observation(cell, value, 18.0 * number, block, cell in self.broken, self.latency_ms(cell))

    def plan(self) -> Plan:
        """The plan after what is finished."""
        return self.planner(
            self.space,
            self.finished,
            self.seed,
            tolerance=0.05,
            maximize=self.maximize,
            noise=0.08,
            limit=self.limit,
            time_left_trials=self.trials_left,
        )

    def run(self, cell: int, block: int) -> None:
        """One trial."""
        self.finished.append(self.trial(cell, block, len(self.finished)))
        if self.trials_left is not None:
            self.trials_left -= 1

    def search(self, plan_after_each_trial: bool = False) -> Plan:
        """Runs to the stop, planning after each block and after each failure, or as after a kill after each trial."""
        while True:
            plan = self.plan()
            self.plans.append(plan)
            if plan.stop is not None:
                return plan
            assert plan.cells
            for cell in plan.cells[:1] if plan_after_each_trial else plan.cells:
                self.run(cell, plan.block)
                if self.finished[-1].infeasible:
                    break

    @property
    def searched(self) -> list[int]:
        """The cells of the search trials, in order."""
        return [trial.cell for trial in self.finished if trial.block >= 0]
