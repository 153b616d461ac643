"""How long a planning step takes: `python -m tests.bench.planner_speed`. Prints figures; asserts nothing."""

from __future__ import annotations

import time

import numpy as np

from ingestune_tui.tuning.planner import plan_race
from ingestune_tui.tuning.search_space import Observation, SearchSpace
from tests.unit.search_values import grid


def trials(space: SearchSpace, count: int) -> list[Observation]:
    """A design of 24 and whole blocks of six on random cells, with a gentle slope and 10 % noise."""
    rng = np.random.default_rng(7)
    cells = [int(cell) for cell in rng.integers(len(space.cells), size=count)]
    values = [float(np.exp(0.1 * space.cells[cell][0] + 0.1 * rng.standard_normal())) for cell in cells]
    blocks = [0 if i < 24 else 1 + (i - 24) // 6 for i in range(count)]
    return [Observation(cells[i], values[i], 18.0 * i, blocks[i]) for i in range(count)]


def fastest_step_s(space: SearchSpace, count: int, limit: float | None = None) -> float:
    """The processor time of one planning step after `count` trials, the least of three."""
    finished = trials(space, count)
    spent = []
    for _ in range(3):
        started = time.process_time()
        plan_race(space, finished, 1, tolerance=0.05, maximize=True, noise=0.1, limit=limit, time_left_trials=None)
        spent.append(time.process_time() - started)
    return min(spent)


def main() -> None:
    """Print the processor time of a step on a grid of 216 cells and on one of 5 000. Aims: 50 ms and 1 s."""
    for space, counts in (
        (grid(6, 4, 3, 3, unordered=(2,)), (24, 60, 102)),
        (grid(10, 10, 5, 5, 2, unordered=(2, 4)), (24, 120, 600)),
    ):
        for count in counts:
            spent = fastest_step_s(space, count)
            print(f"{len(space.cells)} cells after {count} trials: {1000 * spent:.0f} ms of processor time")


if __name__ == "__main__":
    main()
