"""Where a workload's study stands, said as `Progress` events. Decides nothing; the workload run calls it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from ingestune_tui.catalogue import catalogue
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import Event, Phase, Progress
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.space import Space
from ingestune_tui.model.study import Predicted, Ratio
from ingestune_tui.model.trial import Trial
from ingestune_tui.tuning.common_window import Series, pair_values
from ingestune_tui.tuning.confirm import ratio_interval
from ingestune_tui.tuning.pairs import complete_pairs
from ingestune_tui.tuning.price import EXPECTED_NOISE, Part, Prices
from ingestune_tui.tuning.search import objective_value
from ingestune_tui.tuning.search_space import OUTSIDE, Plan


class Reporter:
    """Says the progress of one workload."""

    def __init__(
        self,
        grid: Grid,
        space: Space,
        emit: Callable[[Event], None],
        prices: Prices,
        *,
        later: int = 0,
        spent_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`later` workloads come after this one; `spent_s` tells what counts against the budget so far."""
        self._grid = grid
        self._space = space
        self._emit = emit
        self._prices = prices
        self._later = later
        self._spent_s = spent_s
        self._noise: float | None = None
        self._trial_s: float | None = None
        self._leader: int | None = None
        self._p_leader: float | None = None
        self._said = ""
        self._predicted: tuple[Predicted, ...] = ()

    def priced(self, noise: float, trial_s: float) -> None:
        """What the preflight found: the noise of one trial and its price in seconds."""
        self._noise = noise
        self._trial_s = trial_s

    def preflight(self, done: int, expected: int, trials: Sequence[Trial]) -> None:
        """Before a preflight trial."""
        if self._trial_s is None and (timed := [trial.duration_s for trial in trials if trial.duration_s > 0]):
            self._trial_s = statistics.fmean(timed) + 0.5
        remaining = Part(expected - done) + self._search_left() + self._pairs_left()
        self._say("preflight", done, expected, remaining, trials)

    def planned(self, plan: Plan, trials: Sequence[Trial], predicted: tuple[Predicted, ...]) -> None:
        """After the planner spoke: leader, certainty, the queue, and what the model expects of the rest."""
        self._predicted = predicted
        if plan.leader is not None and plan.leader != self._leader:
            self._said = self._leader_sentence(plan.leader, trials)
        self._leader = plan.leader if plan.leader is not None else self._leader
        self._p_leader = plan.p_leader if plan.leader is not None else self._p_leader
        self._search(plan, 0, trials)

    def measured(self, plan: Plan, position: int, trials: Sequence[Trial]) -> None:
        """After a search trial: `position` of the plan's trials are done."""
        self._search(plan, position, trials)

    def confirming(self, pairs: int, challenger: int, trials: Sequence[Trial], series: Series) -> frozenset[int]:
        """Between pairs with the cell `challenger`; the numbers of those that are complete. `series` as for `judge`."""
        complete = complete_pairs(trials)
        figure = self._grid.objective.figure
        both = [pair_values(pair, figure, series) for pair in complete.values()]
        values = [(old, new) for old, new in both if old and new]
        so_far = None
        if len(values) >= 2:
            ratio, low, high = ratio_interval(values)
            so_far = Ratio(ratio=ratio, low=low, high=high)
        done = 2 * len(complete)
        left = self._prices.confirmation(pairs, done, self._configuration(challenger))
        self._say("confirming", done, 2 * pairs, left, trials, pairs=(len(complete), pairs), so_far=so_far)
        return frozenset(complete)

    def _search(self, plan: Plan, position: int, trials: Sequence[Trial]) -> None:
        done = sum(trial.role == "search" and not trial.discarded for trial in trials)
        queue = plan.cells[position:]
        expected = max(self._search_expected(), done + len(queue)) if plan.stop is None else done
        remaining = self._prices.search(expected, done) + self._pairs_left()
        racing = self._grid.search.strategy == "race" and len(self._space.cells) > 24
        phase: Phase = "racing" if racing else "measuring"
        self._say(phase, done, expected, remaining, trials, queue=tuple(self._configuration(cell) for cell in queue))

    def _say(
        self,
        phase: Phase,
        done: int,
        expected: int,
        remaining: Part,
        trials: Sequence[Trial],
        *,
        queue: tuple[Configuration, ...] = (),
        pairs: tuple[int, int] = (0, 0),
        so_far: Ratio | None = None,
    ) -> None:
        self._emit(
            Progress(
                phase=phase,
                message_bytes=self._space.workload.message_bytes,
                done=done,
                expected=expected,
                p_leader=self._p_leader,
                leader=None if self._leader is None else self._configuration(self._leader),
                leader_ratio=self._leader_ratio(trials),
                noise=self._noise,
                eta_s=self._eta_s(remaining),
                said=self._said,
                next=queue,
                pairs_done=pairs[0],
                pairs_planned=pairs[1],
                ratio_so_far=so_far,
                baseline=self._space.baseline,
                predicted=self._predicted,
            )
        )

    def _eta_s(self, remaining: Part) -> float | None:
        """Seconds to the end of the study: what remains of this workload, and the later ones as if they were like it.

        Never more than the budget leaves. None before the first trial has shown what one takes.
        """
        if self._trial_s is None:
            return None
        search = self._grid.search
        each = self._prices.preflight() + self._search_left() + self._pairs_left()
        left_s = remaining.seconds(self._trial_s) + self._later * each.seconds(self._trial_s)
        return left_s if search.budget_s is None else min(left_s, max(0.0, search.budget_s - self._spent_s()))

    def _search_expected(self) -> int:
        return self._prices.searched(self._noise if self._noise is not None else EXPECTED_NOISE)

    def _search_left(self) -> Part:
        """The whole of a search."""
        return self._prices.search(self._search_expected())

    def _pairs_left(self) -> Part:
        """All pairs of a confirmation, before it is known with whom."""
        return self._prices.confirmation(self._grid.search.confirm_pairs)

    def _configuration(self, cell: int) -> Configuration:
        return self._space.baseline if cell == OUTSIDE else self._space.cells[cell].configuration

    def _values(self, trials: Sequence[Trial], *, cell: int | None) -> list[float]:
        """Objective values of a cell's search trials; of the baseline's, when `cell` is None."""
        return [
            value
            for trial in trials
            if trial.counts
            and trial.role in ("preflight", "search")
            and (trial.baseline if cell is None else trial.cell == cell)
            and (value := objective_value(trial, self._grid.objective.figure))
        ]

    def _leader_ratio(self, trials: Sequence[Trial]) -> float | None:
        if self._leader is None:
            return None
        leader, baseline = self._values(trials, cell=self._leader), self._values(trials, cell=None)
        return statistics.fmean(leader) / statistics.fmean(baseline) if leader and baseline else None

    def _leader_sentence(self, leader: int, trials: Sequence[Trial]) -> str:
        number = max((trial.number for trial in trials), default=0)
        old = self._space.baseline if self._leader is None else self._configuration(self._leader)
        new = self._configuration(leader)
        words = "the baseline" if new == self._space.baseline else changed_words(new, old)
        now = self._values(trials, cell=leader)
        before = self._values(trials, cell=self._leader)
        gain = ""
        if now and before:
            gain = f", {100 * (statistics.fmean(now) / statistics.fmean(before) - 1):+.0f} %"
        return f"leader changed at {number}{gain}: {words}"


def changed_words(new: Configuration, old: Configuration) -> str:
    """What a configuration changes, as people write it, the shortest first: `lz4, 128KiB, linger.ms 20`."""
    changed = [(catalogue.find(scope, name), name, value) for scope, name, value, _ in new.differences(old)]
    sizes = sum(prop is not None and prop.unit in ("bytes", "kbytes") for prop, _, _ in changed)
    words = []
    for prop, name, value in changed:
        if value is None or prop is None:
            words.append(f"{name} {'default' if value is None else value}")
            continue
        text = catalogue.format_value(prop, value)
        alone = prop.unit in ("bytes", "kbytes") and sizes == 1 and not text.isdigit()
        words.append(text if alone or name == "compression.type" else f"{name} {text}")
    return ", ".join(sorted(words, key=len))
