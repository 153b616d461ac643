"""A study from its first trial to its verdicts: one `WorkloadRun` after the other. Async; owned by the study process.

Everything it decides follows from the stored trials and the study's row, so the same study goes on after a kill as if
nothing had happened. It knows no screen: what happens is said through `emit`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.errors import StudyError, StudyInterrupted
from ingestune_tui.model.events import (
    Event,
    Notice,
    StudyFinished,
    StudyStarted,
    TrialFinished,
    WorkloadFinished,
    now,
)
from ingestune_tui.model.space import Space, expand, why_unrunnable
from ingestune_tui.model.study import Outcome, Study, StudyState
from ingestune_tui.model.trial import Trial
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.again import Again
from ingestune_tui.tuning.cluster import OpenCluster
from ingestune_tui.tuning.disk import DiskBudget, tight_disk
from ingestune_tui.tuning.earlier_bytes import recall
from ingestune_tui.tuning.for_all_sizes import one_for_all
from ingestune_tui.tuning.grid_file import GridFile, payload_fingerprint
from ingestune_tui.tuning.identity import env_hash, method_hash
from ingestune_tui.tuning.left_out import cannot_win, not_run
from ingestune_tui.tuning.outcome import judge, leader_and_runner_up
from ingestune_tui.tuning.price import Prices
from ingestune_tui.tuning.record import StudyRecord
from ingestune_tui.tuning.search import observations
from ingestune_tui.tuning.trial_loop import TrialLoop, topic_stem
from ingestune_tui.tuning.waits import Stopped
from ingestune_tui.tuning.workload_run import Identity, WorkloadRun
from ingestune_tui.units import format_bytes, three_digits


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the engine needs to know besides study, grid and cluster."""

    host: str
    """Name of the machine that makes the load; part of the environment's hash."""
    topic_prefix: str
    cache_s: float
    """Age up to which other studies' trials may stand in for search trials; 0 takes none."""
    in_force: Mapping[Scope, Mapping[str, Value]] = field(default_factory=dict)
    """What the cluster has of topic and broker settings that the grid varies, where it is not Kafka's default."""


class Engine:
    """Runs one study on one open cluster."""

    def __init__(
        self,
        study: Study,
        grid_file: GridFile,
        cluster: OpenCluster,
        store: Store,
        options: EngineOptions,
        emit: Callable[[Event], None],
        trials: Sequence[Trial] = (),
        swept: Collection[str] = (),
    ) -> None:
        """`trials` are those that the study has already, when it is resumed; `swept` topics of it, just deleted."""
        self._grid_file = grid_file
        self._cluster = cluster
        self._options = options
        self._emit = emit
        kept = [trial for trial in trials if trial.state != "running"]
        self._record = StudyRecord(study, kept, store)
        limits = grid_file.grid.limits
        disk = DiskBudget(limits.bytes_on_disk, cluster.delete_delay_s, cluster.topic_gone)
        stem = topic_stem(options.topic_prefix, study.id)
        recall(disk, kept, swept, stem, grid_file.grid, cluster.info.nodes, time.time())
        last = max((trial.number for trial in trials), default=0)
        self._loop = TrialLoop(study, grid_file.grid, cluster, store, disk, options.topic_prefix, last, emit)
        self._again = Again(grid_file.grid, self._record, self._loop, emit)
        self._run: WorkloadRun | None = None

    # What the person may ask, at any time ------------------------------------------------------------------

    def pause(self) -> None:
        """Pause after the running trial."""
        self._loop.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        self._loop.resume()

    def skip(self, number: int) -> None:
        """Drop the trial `number` if it runs. Only a search trial of what is not the baseline can be skipped."""
        if not self._loop.skip(number):
            why = "it is over, or no configuration of the search"
            self._emit(Notice(level="warning", text=f"trial {number} was not skipped: {why}"))

    def stop_and_confirm(self, message_bytes: int) -> None:
        """End the search over this size of messages after the running trial and confirm its leader."""
        if self._run is None or self._run.message_bytes != message_bytes:
            text = f"nothing was stopped: the search over {format_bytes(message_bytes)} messages is not at work"
            self._emit(Notice(level="warning", text=text))
            return
        self._run.confirm_now = True
        self._loop.resume()

    def run_again(self, number: int) -> None:
        """Measure the configuration of trial `number` once more, when the trial or pair at work is over."""
        self._again.ask(number)

    def stop(self) -> None:
        """End the study now; the running trial is dropped and cleaned up."""
        self._loop.stop()

    # The study ---------------------------------------------------------------------------------------------

    async def run(self) -> Study:
        """The study with its outcomes: finished, stopped, interrupted or failed. Its topics are deleted."""
        grid = self._grid_file.grid
        spaces = [expand(grid, workload, self._options.in_force) for workload in grid.workloads]
        self._say_started(spaces)
        if tight := tight_disk(grid, spaces, self._cluster.info.nodes, self._cluster.free_bytes()):
            self._emit(Notice(level="warning", text=tight))
        state: StudyState = "finished"
        outcomes: list[Outcome] = []
        message = ""
        try:
            for number, space in enumerate(spaces):
                outcomes.append(await self._workload(space, workloads_left=len(spaces) - number))
                await self._record.update(outcomes=tuple(outcomes))
                self._emit(WorkloadFinished(study=self._record.study.name, outcome=outcomes[-1]))
            await self._again.run()
            if all(outcome.verdict == "infeasible" for outcome in outcomes):
                state, message = "failed", outcomes[0].reason
        except Stopped:
            if len(outcomes) < len(spaces):  # else only something that the person asked for besides was at work
                state, message = "stopped", "stopped before its end; the same command goes on with it"
            outcomes += [self._outcome(space, "the study was stopped") for space in spaces[len(outcomes) :]]
        except StudyError as problem:
            state = "interrupted" if isinstance(problem, StudyInterrupted) else "failed"
            message = str(problem)
            outcomes += [self._outcome(space, problem.what) for space in spaces[len(outcomes) :]]
        finally:
            left = await self._loop.close()
        if left:
            message = ". ".join(each for each in (message, *left) if each)
            self._emit(Notice(level="warning", text=message))
        searches = [(space, self._record.of(space.workload)) for space in spaces]
        overall = await asyncio.to_thread(one_for_all, grid, searches)
        await self._record.update(outcomes=tuple(outcomes), overall=overall, finished_at=now(), message=message)
        study = self._record.study
        self._emit(
            StudyFinished(study=study.name, state=state, outcomes=study.outcomes, overall=overall, message=message)
        )
        await self._record.update(state=state)
        return self._record.study

    def _say_started(self, spaces: Sequence[Space]) -> None:
        study, grid = self._record.study, self._grid_file.grid
        self._emit(
            StudyStarted(
                study=study.name,
                study_id=study.id,
                grid=study.grid_name,
                cluster=self._cluster.info,
                host=study.host,
                simulated=self._cluster.info.simulated,
                strategy=grid.search.strategy,
                objective=grid.objective.label,
                workloads=grid.workloads,
                cells=len(spaces[0].cells),
                resumed=bool(self._record.trials),
            )
        )
        left_out = [note for space in spaces for note in (not_run(space), cannot_win(space, grid.search.strategy))]
        for note in dict.fromkeys((*self._grid_file.notes, *filter(None, left_out))):
            self._emit(Notice(level="info", text=note))
        for trial in self._record.trials:
            self._emit(TrialFinished.of(trial, study.name))

    async def _workload(self, space: Space, workloads_left: int) -> Outcome:
        if refusal := why_unrunnable(space):
            return self._outcome(space, refusal, infeasible=True)
        run = WorkloadRun(
            self._grid_file.grid,
            space,
            self._record,
            self._loop,
            self._again,
            await self._identity(space),
            Prices(space, self._grid_file.grid.search.strategy, self._cluster.info.nodes),
            self._emit,
            workloads_left,
        )
        self._run = run
        try:
            if not await run.preflight():
                return self._outcome(space, run.reason, infeasible=True)
            leader = await run.search()
            if leader is None:
                return self._outcome(space, self._no_leader(space, run), infeasible=run.infeasible)
            if missed := self._limit_missed(space):
                return msgspec.structs.replace(self._outcome(space, missed, infeasible=True), winner=None)
            challenger = self._challenger(space, leader)
            if challenger is None:
                return self._outcome(space, self._no_challenger(space), leader)
            reason = await run.confirm(challenger)
            return self._outcome(space, reason, challenger)
        finally:
            self._run = None

    def _challenger(self, space: Space, leader: int) -> int | None:
        """Who meets the baseline in the pairs: the leader, or, when that is the baseline itself, the runner-up."""
        if leader != space.baseline_cell or not self._grid_file.grid.search.confirm_pairs:
            return leader
        return leader_and_runner_up(self._grid_file.grid, space, self._record.of(space.workload))[1]

    def _no_leader(self, space: Space, run: WorkloadRun) -> str:
        """Why the search found nobody, with what the first cell that could not be measured met."""
        failed = (trial.error for trial in self._record.of(space.workload) if trial.state == "infeasible")
        error = next((each for each in failed if each), "") if run.infeasible else ""
        return f"{run.reason}: {error}" if error and error not in run.reason else run.reason

    def _limit_missed(self, space: Space) -> str:
        """Why nothing may win: no trial kept the limit that goes along. Empty without one, or when any did."""
        objective = self._grid_file.grid.objective
        limit = objective.p99_limit_ms
        if limit is None:
            return ""
        seen = [each for each in observations(self._record.of(space.workload), objective, space) if not each.infeasible]
        lowest = min((each.limit_value for each in seen if each.limit_value is not None), default=None)
        if lowest is not None and lowest < limit:
            return ""
        if lowest is None:
            return f"no configuration showed a p99, so none is known to keep it below {limit:g} ms"
        return (
            f"no configuration kept p99 below {limit:g} ms, the lowest was {three_digits(lowest)} ms: "
            "raise [objective] p99_ms, or lower its rate"
        )

    def _no_challenger(self, space: Space) -> str:
        """Why nobody can meet the baseline in the pairs."""
        if space.cells == (space.cells[space.baseline_cell],):
            return "the only configuration is the baseline itself: give a parameter a second value"
        words = "no configuration but the baseline was measured that could win"
        stop = self._record.decided(space.workload, "stop")
        return f"{words}: {stop}" if stop else words

    def _outcome(
        self, space: Space, reason: str, challenger: int | None = None, *, infeasible: bool = False
    ) -> Outcome:
        workload = space.workload
        pairs = self._record.decided(workload, "pairs")
        leader = self._cell(space, "leader")
        if challenger is None:
            met = self._cell(space, "challenger")
            challenger = leader if met is None else met
        return judge(
            self._grid_file.grid,
            space,
            self._record.of(workload),
            leader=leader,
            challenger=challenger,
            pairs_planned=int(pairs) if pairs is not None else 0,
            reason=reason,
            stop_reason=self._record.decided(workload, "stop") or "",
            infeasible=infeasible,
            keeps_limit=float(self._record.decided(workload, "keeps_limit") or 1.0),
            series=self._record.series,
        )

    def _cell(self, space: Space, name: str) -> int | None:
        """The cell that was decided under `name`; None where nothing was, or nobody was found."""
        stored = self._record.decided(space.workload, name)
        return int(stored) if stored is not None and int(stored) >= 0 else None

    async def _identity(self, space: Space) -> Identity:
        grid = self._grid_file.grid
        payload = await asyncio.to_thread(payload_fingerprint, space.workload, self._grid_file.path.parent)
        version = self._cluster.client_version(space.workload.client)
        settings = await self._cluster.broker_settings()
        return Identity(
            env_hash=env_hash(self._cluster.info, settings, self._options.host, version),
            method_hash=method_hash(space.workload, grid.timings, grid.limits, payload),
            cache_s=self._options.cache_s,
        )
