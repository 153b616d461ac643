"""Runs one planned trial to its final row whatever happens: a failure, lost brokers, a skip, a stop. Async.

Between the engine, which decides what is measured, and the runner, which measures. Every trial is durable in the
store the moment it ends, and said on the event stream. What has to be waited for before it is in `waits`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from ingestune_tui.errors import (
    ClusterError,
    ClusterUnreachable,
    IngestuneError,
    LocalBrokerError,
    StudyError,
    StudyInterrupted,
    TrialError,
)
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import (
    Event,
    Notice,
    TrialFinished,
    TrialSampled,
    TrialStaged,
    TrialStarted,
    now,
)
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.sample import Sample, Stage
from ingestune_tui.model.study import Study
from ingestune_tui.model.trial import Trial
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.broker_settings import BrokerSettings, SettingsRefused
from ingestune_tui.tuning.cluster import OpenCluster, died
from ingestune_tui.tuning.disk import DiskBudget
from ingestune_tui.tuning.grid_file import for_children
from ingestune_tui.tuning.load_child import ChildFailed
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from ingestune_tui.tuning.planned import Planned, begun, done, failed, stand_in
from ingestune_tui.tuning.restarts import in_few_restarts, static_settings
from ingestune_tui.tuning.runner import DISK_LOW, DiskLow, TrialRunner
from ingestune_tui.tuning.search import SKIPPED
from ingestune_tui.tuning.waits import MORE_ROOM, Stopped, Waits

ATTEMPTS = 2
"""A trial that failed without a permanent reason is run again so often in all."""
GONE_ATTEMPTS = 3
"""A trial that lost its brokers so often, while the cluster answered each time after, is itself what they go from."""
_PERMANENT = frozenset(
    (
        "INVALID_REPLICATION_FACTOR",
        "INVALID_PARTITIONS",
        "INVALID_CONFIG",
        "POLICY_VIOLATION",
        "INVALID_REPLICA_ASSIGNMENT",
    )
)
"""What a broker answers to a topic that it will never make."""


class TrialLoop:
    """Runs planned trials one after the other."""

    def __init__(
        self,
        study: Study,
        grid: Grid,
        cluster: OpenCluster,
        store: Store,
        disk: DiskBudget,
        topic_prefix: str,
        first_number: int,
        emit: Callable[[Event], None],
    ) -> None:
        self._study = study
        self._grid = grid
        self._cluster = cluster
        self._store = store
        self._disk = disk
        self._prefix = topic_prefix
        self._number = first_number
        self._emit = emit
        self._runner = TrialRunner(cluster, disk, self._staged, self._sampled)
        self._brokers = BrokerSettings(cluster, store, study.id, self._warn)
        self._running: asyncio.Task[Measurement] | None = None
        self._planned: Planned | None = None
        self._asked: Literal["", "skip", "stop"] = ""
        self._waits = Waits(study, grid, cluster, store, disk, self._runner, self._brokers, emit)
        self.dropped: list[Trial] = []
        """Attempts of the last `run` that failed or were interrupted, and were made again."""
        self._resumed = first_number > 0
        self.fresh = cluster.info.kind == "local"
        """Brokers of our own were started for this study, and no trial has run on them yet."""

    # What the person may ask, at any time ------------------------------------------------------------------

    def pause(self) -> None:
        """Start no further trial."""
        self._waits.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        self._waits.resume()

    @property
    def paused(self) -> bool:
        return self._waits.paused

    def skip(self, number: int) -> bool:
        """Drop the trial `number`. False, and nothing dropped, unless it runs and is a search trial of a non-baseline.

        One that the person asked for can always be dropped.
        """
        planned = self._planned
        if self._running is None or self._asked or planned is None or number != self._number:
            return False
        if planned.role != "again" and (planned.role != "search" or planned.baseline):
            return False
        self._asked = "skip"
        self._running.cancel()
        return True

    def stop(self) -> None:
        """Raise Stopped as soon as the running trial is cleaned up, or out of whatever is waited for."""
        self._asked = "stop"
        self._waits.stop()
        if self._running is not None:
            self._running.cancel()

    async def close(self) -> list[str]:
        """Put broker settings back and wait for the last deletions: what could not be done, in sentences."""
        left = [] if self._cluster.has_ended else [await self._brokers.close()]
        await self._runner.close()
        if self._runner.undeleted:
            left.append(f"these topics could not be deleted: {', '.join(sorted(self._runner.undeleted))}")
        return [each for each in left if each]

    # Restarts ----------------------------------------------------------------------------------------------

    def needs_throwaway(self, planned: Planned) -> bool:
        """Whether the brokers were restarted, or are for it, so that a trial which counts nowhere must come first."""
        anew = (self.fresh and self._resumed) or self._brokers.restarted
        return not planned.discarded and (anew or self._brokers.needs_restart(planned.configuration))

    def in_few_restarts(self, cells: Sequence[int], configuration_of: Callable[[int], Configuration]) -> list[int]:
        """These trials in an order that restarts the brokers as seldom as can be."""
        return in_few_restarts(cells, lambda cell: static_settings(configuration_of(cell)), self._brokers.running)

    # One trial -------------------------------------------------------------------------------------------

    async def run(self, planned: Planned) -> Trial:
        """The trial's final row: done, infeasible, or interrupted because it was skipped. Raises Stopped.

        What came to nothing before it is in `dropped`.
        """
        failures = gone = low = 0
        self.dropped = []
        while True:
            await self._waits.until_allowed(planned.configuration, planned.workload)
            trial = await self._once(planned, last=failures + 1 >= ATTEMPTS, last_gone=gone + 1 >= GONE_ATTEMPTS)
            if trial.state == "failed":
                failures += 1
            elif trial.state != "interrupted" or trial.error_code == SKIPPED:
                return trial
            elif trial.error_code == DISK_LOW:
                low += 1
                if low >= ATTEMPTS:
                    raise StudyInterrupted(f"the disk cannot hold a trial: {trial.error}", MORE_ROOM)
            else:
                gone += 1
            self.dropped.append(trial)

    async def keep_cached(self, planned: Planned, stored: Trial, *, latency_too: bool) -> Trial:
        """A stored trial of another study stands in for `planned`; it keeps the moment at which it was measured."""
        trial = stand_in(planned, stored, self._study.id, self._next_number(), latency_too=latency_too)
        await self._store.finish_trial(trial)
        self._emit(TrialFinished.of(trial, self._study.name))
        return trial

    async def _once(self, planned: Planned, *, last: bool, last_gone: bool) -> Trial:
        trial = begun(planned, self._study.id, self._next_number())
        self._planned = planned
        order = self._order(planned, trial)
        await self._store.begin_trial(trial)
        timings = self._grid.timings
        self._emit(
            TrialStarted(
                trial=trial.number,
                trial_id=trial.id,
                study=self._study.name,
                workload=planned.workload,
                role=planned.role,
                baseline=planned.baseline,
                discarded=planned.discarded,
                configuration=planned.configuration,
                pair=planned.pair,
                stages_s=(timings.warmup_s, timings.saturated_s, timings.paced_s),
            )
        )
        began = time.monotonic()
        trial = msgspec.structs.replace(trial, waited_s=round(self._waits.waited_s(began), 3))
        self.fresh = False
        measurement: Measurement | None = None
        broker_gone = ""
        fatal: StudyError | None = None
        try:
            self._running = asyncio.create_task(self._measure(order), name=f"trial {trial.number}")
            if self._asked == "stop":
                self._running.cancel()
            measurement = await self._running
            trial = done(trial, measurement)
            if planned.discarded:
                self._brokers.restarted = False
        except asyncio.CancelledError:
            if self._running is not None and not self._running.cancelled():
                self._running.cancel()
                await asyncio.gather(self._running, return_exceptions=True)
            skipped = self._asked == "skip"
            code, why = (SKIPPED, "skipped by the person") if skipped else ("STOPPED", "the study was stopped")
            trial = msgspec.structs.replace(
                trial,
                state="interrupted",
                error=why,
                error_code=code,
                discarded=planned.discarded and not skipped,  # the configuration is skipped, also before its turn
            )
            if not self._asked:
                self._asked = "stop"
        except (ChildFailed, SettingsRefused, ClusterUnreachable) as problem:
            gone = isinstance(problem, ClusterUnreachable) or problem.broker_gone
            broker_gone = problem.what if gone else ""
            permanent = not gone and getattr(problem, "permanent", False)
            blamed = permanent or (last_gone and await self._answers() if gone else last)
            trial = failed(
                trial,
                problem,
                "infeasible" if blamed else "interrupted" if gone else "failed",
                permanent=permanent,
            )
        except DiskLow as problem:
            trial = failed(trial, problem, "interrupted")
        except StudyError as problem:
            fatal = problem
            trial = failed(trial, problem, "interrupted")
        except IngestuneError as problem:
            permanent = getattr(problem, "code", "") in _PERMANENT
            trial = failed(trial, problem, "infeasible" if permanent or last else "failed", permanent=permanent)
        finally:
            self._running = None
            ended = time.monotonic()
            self._waits.trial_ended(ended)
        trial = msgspec.structs.replace(trial, finished_at=now(), duration_s=round(ended - began, 3))
        samples = measurement.samples if measurement else ()
        await self._store.finish_trial(trial, samples, measurement.histograms if measurement else {})
        self._emit(TrialFinished.of(trial, self._study.name))
        if self._asked == "skip":
            self._asked = ""
        if fatal is not None:
            raise fatal
        if self._asked == "stop":
            raise Stopped
        if broker_gone:
            await self._waits.for_broker(broker_gone)
        return trial

    async def _measure(self, order: TrialOrder) -> Measurement:
        """With the configuration's broker settings in force, which are put back at its end.

        Raises StudyInterrupted for whatever fails because a cluster of our own has ended.
        """
        try:
            if self._brokers.needs_restart(order.configuration):
                await self._runner.close()  # a broker that is down deletes nothing
            async with self._brokers.applied(order.configuration):
                return await self._runner.run(order)
        except LocalBrokerError as problem:
            raise died(problem) from problem
        except (ClusterError, TrialError):
            await self._cluster.refuse_ended()
            raise

    def _order(self, planned: Planned, trial: Trial) -> TrialOrder:
        share = self._grid.objective.rate_share
        return TrialOrder(
            number=trial.number,
            topic=f"{topic_stem(self._prefix, self._study.id)}{trial.number}",
            workload=for_children(planned.workload, Path(self._study.options.get("grid_path", "")).parent),
            configuration=planned.configuration,
            timings=self._grid.timings,
            limits=self._grid.limits,
            rate=planned.rate,
            rate_share=share if share is not None else 0.30,
            seed=self._study.seed,
        )

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    async def _answers(self) -> bool:
        """Whether the cluster answers at this moment."""
        try:
            await self._cluster.answer()
        except ClusterUnreachable:
            return False
        return True

    def _warn(self, text: str) -> None:
        self._emit(Notice(level="warning", text=text))

    def _staged(self, number: int, stage: Stage, seconds: float) -> None:
        self._emit(TrialStaged(trial=number, stage=stage, seconds=seconds))

    def _sampled(self, number: int, sample: Sample) -> None:
        self._emit(TrialSampled(trial=number, sample=sample))


def topic_stem(prefix: str, study_id: str) -> str:
    """What the names of all topics of a study begin with."""
    return f"{prefix}-{study_id.replace('-', '')[-12:]}-"
