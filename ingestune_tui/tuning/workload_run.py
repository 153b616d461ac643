"""One workload from preflight to the last pair: which trial comes next, and when it is enough. Async.

The planner says which cells, the trial loop runs them; this file keeps the budget, the paced rate and the reasons.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ingestune_tui.errors import StudyError
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import Event, Notice, SearchStopped
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.space import Space
from ingestune_tui.model.trial import Role, Trial
from ingestune_tui.tuning import preflight as rules
from ingestune_tui.tuning.again import Again
from ingestune_tui.tuning.budget import share
from ingestune_tui.tuning.confirm import affordable_pairs, pair_order
from ingestune_tui.tuning.exhaustive import plan_exhaustive
from ingestune_tui.tuning.futile import fail_alike
from ingestune_tui.tuning.outcome import predictions_of
from ingestune_tui.tuning.planned import Planned
from ingestune_tui.tuning.planner import plan_race
from ingestune_tui.tuning.price import Prices
from ingestune_tui.tuning.progress import Reporter
from ingestune_tui.tuning.record import NO_LEADER, StudyRecord, cost_s
from ingestune_tui.tuning.search import objective_value, observations, search_space, study_seed
from ingestune_tui.tuning.search_space import OUTSIDE, Plan, StopReason, infeasible_cells
from ingestune_tui.tuning.trial_loop import TrialLoop

_BASELINE_ATTEMPTS = 3
"""A block's baseline trial that lacks the figure that decides is run again so often in all."""
_PAIR_ATTEMPTS = 3
"""A pair whose half cannot be measured is run again so often in all."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the cache compares besides the settings."""

    env_hash: str
    method_hash: str
    cache_s: float
    """Age up to which another study's trials may stand in; 0 takes none."""


class WorkloadRun:
    """The search and the confirmation for one workload."""

    def __init__(
        self,
        grid: Grid,
        space: Space,
        record: StudyRecord,
        loop: TrialLoop,
        again: Again,
        identity: Identity,
        prices: Prices,
        emit: Callable[[Event], None],
        workloads_left: int,
    ) -> None:
        """`workloads_left` counts this one: the budget that is left is shared evenly by them."""
        self._grid = grid
        self._space = space
        self._record = record
        self._loop = loop
        self._again = again
        self._identity = identity
        self._prices = prices
        self._emit = emit
        self._workloads_left = workloads_left
        self._reporter = Reporter(grid, space, emit, prices, later=workloads_left - 1, spent_s=record.spent_s)
        self._noise = 0.10
        self._trial_s = 1.0
        self._share_ends_s: float | None = None
        """On the study's clock, where this workload's share of the budget ends; None without a budget."""
        self._search_ends_s: float | None = None
        self.confirm_now = False
        """The person wants the search to end after the running trial."""
        self.reason = ""
        """Why there is no leader, or no claim."""
        self.infeasible = False
        """No cell of the grid can be measured."""

    @property
    def message_bytes(self) -> int:
        """The size of the messages that it tunes for."""
        return self._space.workload.message_bytes

    @property
    def _trials(self) -> list[Trial]:
        return self._record.of(self._space.workload)

    # Preflight -------------------------------------------------------------------------------------------------

    async def preflight(self) -> bool:
        """The throw-aways and the baseline trials; False, with a reason, when the baseline cannot be measured."""
        fresh = self._loop.fresh
        elsewhere = {trial.id for trial in self._trials} if fresh else set()
        while True:
            have = [trial for trial in self._trials if trial.role == "preflight" and trial.state == "done"]
            thrown = [each.messages_per_s or 0.0 for each in have if each.discarded and each.id not in elsewhere]
            counted = sum(not trial.discarded for trial in have)
            discard = not counted and rules.another_throwaway(thrown, fresh=fresh)
            if counted >= rules.BASELINE_TRIALS:
                return self._judge_preflight()
            total = len(have) + discard + rules.BASELINE_TRIALS - counted
            self._reporter.preflight(len(have), total, self._trials)
            trial = await self._run("preflight", self._space.baseline_cell, baseline=True, discarded=discard)
            if trial.state != "done":
                self.reason = f"the baseline cannot be measured: {trial.error}"
                return False
            if not trial.messages_per_s:
                self.reason = _why_nothing(trial)
                return False
            workload = self._space.workload
            if not discard and trial.rate is not None and self._record.rate(workload) is None:
                await self._record.fix_rate(workload, trial.rate)

    def _judge_preflight(self) -> bool:
        trials = [each for each in self._trials if each.role == "preflight" and each.counts]
        look = rules.preflight([trial.messages_per_s for trial in trials if trial.messages_per_s])
        figures = [value for trial in trials if (value := self._value(trial))]
        without = [trial for trial in trials if not self._value(trial)]
        self._noise = rules.noise_of(figures) if len(figures) > 1 else look.noise
        self._trial_s = statistics.median(cost_s(trial) for trial in trials)
        self._reporter.priced(self._noise, self._trial_s)
        if look.unstable:
            self._emit(Notice(level="warning", text=look.message))
        overloaded = sum("overloaded" in trial.flags for trial in trials)
        rate = f"{self._rate() or 0:,.0f} messages/s"
        hint = "lower [objective] rate"
        if self._needs_latency and overloaded > len(trials) / 2:
            self.reason = f"the baseline cannot hold {rate}, so there is no latency to compare with: {hint}"
            return False
        if len(figures) <= len(trials) / 2:
            self.reason = f"the baseline shows {self._missing(without, len(trials))}"
            return False
        if overloaded:
            text = f"the baseline could not hold {rate} in {overloaded} of {len(trials)} trials: {hint}"
            self._emit(Notice(level="warning", text=text))
        return True

    def _value(self, trial: Trial) -> float | None:
        """The figure that decides; None where the trial could not say."""
        return objective_value(trial, self._grid.objective.figure)

    def _missing(self, without: Sequence[Trial], trials: int) -> str:
        """What is wrong when these of so many trials have no figure that decides, and what to change."""
        name = self._grid.objective.figure_name
        hint = "give [trial] paced more time, or raise [objective] rate, so that enough messages are timed"
        if any("consumer-behind" in trial.flags for trial in without):
            hint = "the consumers did not keep up: lower [objective] rate, or raise [workload] consumers"
        return f"no {name} in {len(without)} of {trials} trials: {hint}"

    @property
    def _needs_latency(self) -> bool:
        return not self._grid.objective.maximize or self._grid.objective.p99_limit_ms is not None

    def _rate(self) -> float | None:
        fixed = self._grid.objective.rate_per_s
        return fixed if fixed is not None else self._record.rate(self._space.workload)

    # Search ----------------------------------------------------------------------------------------------------

    async def search(self) -> int | None:
        """The leader's cell, or None with a reason. What ended the search is decided once and kept."""
        workload = self._space.workload
        if (known := self._record.decided(workload, "leader")) is not None:
            self.reason = self._record.decided(workload, "stop") or ""
            self.infeasible = self._record.decided(workload, "infeasible") == "True"
            return int(known) if int(known) != NO_LEADER else None
        await self._share_budget()
        while True:
            plan = await self._plan()
            expected = await asyncio.to_thread(predictions_of, self._grid, self._space, self._trials)
            self._reporter.planned(plan, self._trials, expected)
            if plan.stop is not None:
                break
            for position, cell in enumerate(plan.cells):
                await self._again.run()
                trial = await self._search_trial(cell, plan.block)
                self._reporter.measured(plan, position + 1, self._trials)
                left = self._search_trials_left()
                if self.confirm_now or (left is not None and left <= 0) or self._is_masked(trial):
                    break
        reason = "stopped by the person" if self.confirm_now else plan.message
        self.infeasible = plan.stop is StopReason.NONE_FEASIBLE
        chosen = NO_LEADER if plan.leader is None else plan.leader
        await self._record.decide(
            workload, leader=chosen, stop=reason, infeasible=self.infeasible, keeps_limit=plan.keeps_limit
        )
        leader = None if plan.leader is None else self._space.cells[plan.leader].configuration
        searched = sum(trial.role == "search" and not trial.discarded for trial in self._trials)
        self._emit(
            SearchStopped(
                study=self._record.study.name, workload=workload, reason=reason, leader=leader, trials=searched
            )
        )
        if plan.leader is None:
            self.reason = plan.message
        return plan.leader

    async def _plan(self) -> Plan:
        """The next block, or the stop: the planner's, or that nothing of the grid works."""
        objective = self._grid.objective
        if futile := fail_alike(self._trials, objective):
            return Plan(0, (), StopReason.NONE_FEASIBLE, None, 0.0, futile)
        plan: Plan = await asyncio.to_thread(
            plan_exhaustive if self._grid.search.strategy == "exhaustive" else plan_race,
            search_space(self._space),
            observations(self._trials, objective, self._space),
            study_seed(self._record.study.id, self._space.workload.message_bytes, self._record.study.seed),
            tolerance=self._grid.search.tolerance,
            maximize=objective.maximize,
            noise=self._noise,
            limit=objective.p99_limit_ms,
            time_left_trials=0 if self.confirm_now else self._search_trials_left(),
        )
        return replace(plan, cells=tuple(self._loop.in_few_restarts(plan.cells, self._configuration)))

    def _is_masked(self, trial: Trial) -> bool:
        """Whether its cell can no longer win, so that the block, which may want it again, is planned anew."""
        objective = self._grid.objective
        seen = observations([trial], objective, self._space)
        return not trial.baseline and bool(infeasible_cells(seen, objective.p99_limit_ms))

    async def _search_trial(self, cell: int, block: int) -> Trial:
        planned = self._planned("search", cell, baseline=cell in (OUTSIDE, self._space.baseline_cell), block=block)
        if stored := await self._cached(planned):
            trial = await self._loop.keep_cached(planned, stored, latency_too=stored.rate == planned.rate)
            self._record.trials.append(trial)
            return trial
        trial = await self._record.measure(self._loop, planned)
        if trial.baseline and trial.state != "done":
            raise StudyError(
                f"the baseline, which every configuration is compared with, can no longer be measured: {trial.error}"
            )
        if trial.baseline and not self._value(trial):
            tried = [each for each in self._trials if each.role == "search" and each.baseline and each.block == block]
            without = [each for each in tried if each.counts and not self._value(each)]
            if len(without) >= _BASELINE_ATTEMPTS:
                missing = self._missing(without, len(without))
                raise StudyError(f"the baseline, which every configuration is compared with, showed {missing}")
        return trial

    async def _cached(self, planned: Planned) -> Trial | None:
        """A stored trial with the same settings, environment and method; where latency decides, at the same rate.

        None for the baseline: its trials show how the machine is doing now.
        """
        if self._identity.cache_s <= 0 or planned.baseline:
            return None
        found = await self._record.store.find_cached(
            planned.configuration.hash,
            planned.env_hash,
            planned.method_hash,
            younger_than_s=self._identity.cache_s,
            not_in_study=self._record.study.id,
        )
        for trial in found:
            same_rate = trial.state == "infeasible" or trial.rate == planned.rate
            if same_rate or not self._needs_latency:
                return trial
        return None

    async def _share_budget(self) -> None:
        """Decide once, for good, where this workload's share of the budget ends, and its search before that."""
        search, workload = self._grid.search, self._space.workload
        if search.budget_s is None:
            return
        if self._record.decided(workload, "share_ends") is None:
            share_ends, search_ends = share(
                search.budget_s,
                spent_s=self._record.spent_s(),
                workloads_left=self._workloads_left,
                prices=self._prices,
                trial_s=self._trial_s,
                pairs=search.confirm_pairs,
            )
            await self._record.decide(workload, share_ends=share_ends, search_ends=search_ends)
        self._share_ends_s = float(self._record.decided(workload, "share_ends") or 0.0)
        self._search_ends_s = float(self._record.decided(workload, "search_ends") or 0.0)

    def _time_left_s(self) -> float | None:
        """Of this workload's share of the budget; None without a budget."""
        return None if self._share_ends_s is None else max(0.0, self._share_ends_s - self._record.spent_s())

    def _search_trials_left(self) -> int | None:
        """How many more search trials the budget affords, with their part of the restarts and without the pairs."""
        if self._search_ends_s is None:
            return None
        each_s = self._prices.search_trial_s(self._trial_s, self._noise)
        return max(0, int((self._search_ends_s - self._record.spent_s()) / each_s + 1e-9))

    # Confirm -----------------------------------------------------------------------------------------------------

    async def confirm(self, leader: int) -> str:
        """Run the pairs of baseline and leader. Empty when all were run, else why there is no claim."""
        pairs = await self._pairs(leader)
        if pairs == 0:
            wanted = self._grid.search.confirm_pairs
            return "the budget left no time for a confirmation" if wanted else "confirmation was switched off"
        await self._record.decide(self._space.workload, challenger=leader)
        order = pair_order(pairs)
        for pair in range(pairs):
            if pair in await self._complete(pairs, leader):
                continue
            await self._again.run()
            if failure := await self._pair(leader, pair, order[2 * pair : 2 * pair + 2]):
                return failure
        await self._complete(pairs, leader)
        return ""

    async def _complete(self, pairs: int, leader: int) -> frozenset[int]:
        """The numbers of the pairs that are complete; says how far the confirmation is."""
        await self._record.read_series(self._space.workload)
        return self._reporter.confirming(pairs, leader, self._trials, self._record.series)

    async def _pairs(self, leader: int) -> int:
        """The number of pairs with this cell, fixed before the first one."""
        workload = self._space.workload
        if (known := self._record.decided(workload, "pairs")) is not None:
            return int(known)
        await self._share_budget()
        wanted = self._grid.search.confirm_pairs
        pairs = affordable_pairs(wanted, self._time_left_s(), lambda pairs: self._pairs_s(pairs, leader))
        await self._record.decide(workload, pairs=pairs)
        if 0 < pairs < wanted:
            self._emit(Notice(level="warning", text=f"the budget leaves time for {pairs} of {wanted} pairs"))
        return pairs

    def _pairs_s(self, pairs: int, leader: int) -> float:
        """The price of so many pairs with this cell."""
        return self._prices.confirmation(pairs, challenger=self._configuration(leader)).seconds(self._trial_s)

    async def _pair(self, leader: int, pair: int, sides: tuple[str, ...]) -> str:
        """Both halves back to back; a pause or a failed half voids the pair, which is then run again whole."""
        first = 1 + max((trial.block for trial in self._trials if trial.pair == pair), default=-1)
        attempt, failures, error = first, 0, ""
        while failures < _PAIR_ATTEMPTS:
            for half, side in enumerate(sides):
                if half and self._loop.paused:
                    break
                cell = self._space.baseline_cell if side == "A" else leader
                trial = await self._run("confirm", cell, baseline=side == "A", block=attempt, pair=pair)
                if trial.state != "done":
                    failures, error = failures + 1, trial.error
                    break
            else:
                return ""
            attempt += 1
        return f"a pair could not be measured: {error}"

    # Trials ------------------------------------------------------------------------------------------------------

    async def _run(
        self, role: Role, cell: int, *, baseline: bool, block: int = 0, pair: int | None = None, discarded: bool = False
    ) -> Trial:
        planned = self._planned(role, cell, baseline=baseline, block=block, pair=pair, discarded=discarded)
        return await self._record.measure(self._loop, planned)

    def _configuration(self, cell: int) -> Configuration:
        return self._space.baseline if cell == OUTSIDE else self._space.cells[cell].configuration

    def _planned(
        self, role: Role, cell: int, *, baseline: bool, block: int, pair: int | None = None, discarded: bool = False
    ) -> Planned:
        space = self._space
        return Planned(
            workload=space.workload,
            role=role,
            configuration=self._configuration(cell),
            cell=cell,
            baseline=baseline,
            rate=self._rate(),
            method_hash=self._identity.method_hash,
            env_hash=self._identity.env_hash,
            block=block,
            pair=pair,
            discarded=discarded,
        )


def _why_nothing(baseline: Trial) -> str:
    """Why a trial of the baseline counted no message in its window, and what to change where that is known."""
    if "byte-capped" in baseline.flags:
        return "bytes_per_trial was used up before the baseline's window began: raise it in [limits]"
    return "the baseline acknowledged no message at all"
