"""What each part of a workload's study takes, in trials and restarts of the brokers, and so in seconds. Pure.

One list of prices for all who name one: the estimate before a study, its budget, and what it says is left of it. Trials
that are thrown away are counted, and as many as there may be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.space import Space
from ingestune_tui.tuning.preflight import BASELINE_TRIALS, MOST_THROWAWAYS, THROWAWAY_TRIALS, most_trials
from ingestune_tui.tuning.restarts import kind_of, pair_restarts, search_restarts
from ingestune_tui.tuning.search import search_space
from ingestune_tui.tuning.search_space import SearchSpace

EXPECTED_NOISE = 0.10
SMALL_GRID = 24
RESTART_S = 3.0
"""One node until it answers again."""
RESTART_OF_THREE_S = 15.0
"""Three nodes until all replicas are in sync."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a study."""

    trials: int
    """Those that count nowhere included."""
    restarting_s: float = 0.0
    """In all, until the brokers answer again."""

    def __add__(self, other: Part) -> Part:
        return Part(self.trials + other.trials, self.restarting_s + other.restarting_s)

    def seconds(self, trial_s: float) -> float:
        """How long it takes where one trial takes `trial_s`."""
        return self.trials * trial_s + self.restarting_s


class Prices:
    """What the parts of one workload's study take."""

    def __init__(self, space: Space, strategy: str, nodes: int = 1) -> None:
        """`nodes` are restarted together, where static settings differ between configurations."""
        self._strategy = strategy
        self._view = search_space(space)
        self._restart_s = RESTART_S if nodes == 1 else RESTART_OF_THREE_S
        self._baseline = kind_of(space.baseline)
        self._kinds = {kind_of(cell.configuration) for cell in space.cells} | {self._baseline}

    @property
    def dearest_trial(self) -> Part:
        """One trial that counts, with the restart that it may need."""
        return self._with_restarts(1, int(len(self._kinds) > 1))

    def preflight(self, *, fresh: bool = False) -> Part:
        """Until the search: of a study's first workload on brokers started for it (`fresh`), or of another."""
        throwaways = MOST_THROWAWAYS if fresh else THROWAWAY_TRIALS
        restarted = self._baseline != () if fresh else len(self._kinds) > 1
        return Part(throwaways + BASELINE_TRIALS, restarted * self._restart_s)  # before what is thrown away anyway

    def searched(self, noise: float = EXPECTED_NOISE) -> int:
        """Trials of the search that count. `noise` is that of one trial, a share."""
        return search_trials(self._view, self._strategy, noise)

    def search(self, trials: int, done: int = 0) -> Part:
        """Of a search of so many trials that count, what comes after `done` of them."""
        left = trials - done
        restarts = search_restarts(len(self._kinds), len(self._view.cells), trials, in_blocks=self._strategy == "race")
        return self._with_restarts(left, math.ceil(restarts * left / trials) if trials else 0)

    def search_trial_s(self, trial_s: float, noise: float) -> float:
        """The price of one of the search's trials that count, with its part of the restarts."""
        searched = self.searched(noise)
        return self.search(searched).seconds(trial_s) / searched if searched else trial_s

    def confirmation(self, pairs: int, done: int = 0, challenger: Configuration | None = None) -> Part:
        """Of so many pairs, what comes after `done` of their trials; `challenger` where it is known."""
        differ = len(self._kinds) > 1 if challenger is None else kind_of(challenger) != self._baseline
        return self._with_restarts(2 * pairs - done, pair_restarts(pairs, done) if differ else 0)

    def _with_restarts(self, trials: int, restarts: int) -> Part:
        """Each restart costs a trial that is thrown away, too."""
        return Part(trials + restarts, restarts * self._restart_s)


def search_trials(space: SearchSpace, strategy: str, noise: float = EXPECTED_NOISE) -> int:
    """Trials of a search as its planner runs them: a race to its cap, or whole rounds with the baseline in each block.

    `noise` is that of one trial, a share: the usual one before a preflight has measured it.
    """
    cells, targets = len(space.cells), len(space.targets)
    if strategy == "race" and targets > SMALL_GRID:
        return most_trials(targets, noise)
    chosen = range(cells) if strategy == "exhaustive" or cells <= SMALL_GRID else space.targets
    blocks = math.ceil(len(chosen) / SMALL_GRID)
    rounds = 2 if strategy == "race" or cells <= SMALL_GRID else 1
    return rounds * (len(chosen) + blocks - (space.baseline in chosen))
