"""Runs one planned trial whatever happens: pause, disk, a broker that went away, a retry, a skip, a stop. Async.

Between the engine, which decides what is measured, and the runner, which measures. Every trial is durable in the
store the moment it ends, and said on the event stream.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
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
    StudyPaused,
    StudyResumed,
    TrialFinished,
    TrialSampled,
    TrialStaged,
    TrialStarted,
    now,
)
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.ids import new_id
from ingestune_tui.model.sample import Sample, Stage
from ingestune_tui.model.study import Study, StudyState
from ingestune_tui.model.trial import Role, Trial
from ingestune_tui.model.workload import Workload
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.broker_settings import BrokerSettings, SettingsRefused
from ingestune_tui.tuning.cluster import OpenCluster, died
from ingestune_tui.tuning.disk import DiskBudget
from ingestune_tui.tuning.estimate import FREE_DISK_FLOOR, trial_bytes
from ingestune_tui.tuning.grid_file import for_children
from ingestune_tui.tuning.load_child import ChildFailed
from ingestune_tui.tuning.log_bytes import share_of
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from ingestune_tui.tuning.restarts import in_few_restarts, static_settings
from ingestune_tui.tuning.runner import DISK_LOW, DiskLow, TrialRunner
from ingestune_tui.tuning.search import SKIPPED
from ingestune_tui.units import about_bytes

GAP_S = 0.5
"""From the end of a trial to the start of the next, at least: the same for all trials of a study."""
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
_MORE_ROOM = (
    "Free some space, lower [limits] bytes_per_trial, or give the local cluster another place with TMPDIR. "
    "The same command goes on with the study."
)
_LOOK_S = 0.5
"""How often a cluster of our own is looked at while something is waited for."""
_RETRIES_S = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


class Stopped(Exception):
    """The person, or a signal, asked for the end. Raised out of the trial at work, after its clean-up."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One trial that the engine wants."""

    workload: Workload
    role: Role
    configuration: Configuration
    cell: int
    baseline: bool
    rate: float | None
    method_hash: str
    env_hash: str
    block: int = 0
    pair: int | None = None
    discarded: bool = False


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
        self._go = asyncio.Event()
        self._go.set()
        self._stop = asyncio.Event()
        self._ended_at = 0.0
        self._idle_since = time.monotonic()
        self._paused_s = 0.0
        """How long the person has paused the study since then."""
        self.dropped: list[Trial] = []
        """Attempts of the last `run` that failed or were interrupted, and were made again."""
        self._resumed = first_number > 0
        self.fresh = cluster.info.kind == "local"
        """Brokers of our own were started for this study, and no trial has run on them yet."""

    # What the person may ask, at any time ------------------------------------------------------------------

    def pause(self) -> None:
        """Start no further trial."""
        self._go.clear()

    def resume(self) -> None:
        """Go on after a pause."""
        self._go.set()

    @property
    def paused(self) -> bool:
        return not self._go.is_set()

    def skip(self) -> bool:
        """Drop the running trial. False, and nothing dropped, unless it is a search trial of a non-baseline.

        One that the person asked for can always be dropped.
        """
        planned = self._planned
        if self._running is None or self._asked or planned is None:
            return False
        if planned.role != "again" and (planned.role != "search" or planned.baseline):
            return False
        self._asked = "skip"
        self._running.cancel()
        return True

    def stop(self) -> None:
        """Raise Stopped as soon as the running trial is cleaned up, or out of whatever is waited for."""
        self._asked = "stop"
        self._stop.set()
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
        """Whether the brokers are restarted for it, so that a trial which counts nowhere must come first."""
        anew = self.fresh and self._resumed
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
            await self._wait_until_allowed(planned)
            trial = await self._once(planned, last=failures + 1 >= ATTEMPTS, last_gone=gone + 1 >= GONE_ATTEMPTS)
            if trial.state == "failed":
                failures += 1
            elif trial.state != "interrupted" or trial.error_code == SKIPPED:
                return trial
            elif trial.error_code == DISK_LOW:
                low += 1
                if low >= ATTEMPTS:
                    raise StudyInterrupted(f"the disk cannot hold a trial: {trial.error}", _MORE_ROOM)
            else:
                gone += 1
            self.dropped.append(trial)

    async def keep_cached(self, planned: Planned, stored: Trial, *, latency_too: bool) -> Trial:
        """A stored trial of another study stands in for `planned`; it keeps the moment at which it was measured."""
        trial = msgspec.structs.replace(
            stored,
            id=new_id(),
            study_id=self._study.id,
            number=self._next_number(),
            role=planned.role,
            baseline=planned.baseline,
            discarded=False,
            cell=planned.cell,
            block=planned.block,
            pair=None,
            cached_from=stored.id,
            finished_at=now(),
            duration_s=0.0,
            waited_s=0.0,
            latency=stored.latency if latency_too else None,
            rate=stored.rate if latency_too else None,
        )
        await self._store.finish_trial(trial)
        self._emit(TrialFinished.of(trial, self._study.name))
        return trial

    async def _once(self, planned: Planned, *, last: bool, last_gone: bool) -> Trial:
        trial = self._begin(planned)
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
        waited_s = max(0.0, began - self._idle_since - self._paused_s)
        trial = msgspec.structs.replace(trial, waited_s=round(waited_s, 3))
        self.fresh = False
        measurement: Measurement | None = None
        broker_gone = ""
        fatal: StudyError | None = None
        try:
            self._running = asyncio.create_task(self._measure(order), name=f"trial {trial.number}")
            if self._asked == "stop":
                self._running.cancel()
            measurement = await self._running
            trial = _done(trial, measurement)
        except asyncio.CancelledError:
            if self._running is not None and not self._running.cancelled():
                self._running.cancel()
                await asyncio.gather(self._running, return_exceptions=True)
            skipped = self._asked == "skip"
            code, why = (SKIPPED, "skipped by the person") if skipped else ("STOPPED", "the study was stopped")
            trial = msgspec.structs.replace(trial, state="interrupted", error=why, error_code=code)
            if not self._asked:
                self._asked = "stop"
        except (ChildFailed, SettingsRefused, ClusterUnreachable) as problem:
            gone = isinstance(problem, ClusterUnreachable) or problem.broker_gone
            broker_gone = problem.what if gone else ""
            permanent = not gone and getattr(problem, "permanent", False)
            blamed = permanent or (last_gone and await self._answers() if gone else last)
            trial = _failed(trial, problem, "infeasible" if blamed else "interrupted" if gone else "failed")
            trial = msgspec.structs.replace(trial, permanent=permanent)
        except DiskLow as problem:
            trial = _failed(trial, problem, "interrupted")
        except StudyError as problem:
            fatal = problem
            trial = _failed(trial, problem, "interrupted")
        except IngestuneError as problem:
            permanent = getattr(problem, "code", "") in _PERMANENT
            trial = _failed(trial, problem, "infeasible" if permanent or last else "failed")
            trial = msgspec.structs.replace(trial, permanent=permanent)
        finally:
            self._running = None
            self._ended_at = self._idle_since = time.monotonic()
            self._paused_s = 0.0
        trial = msgspec.structs.replace(trial, finished_at=now(), duration_s=round(self._ended_at - began, 3))
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
            await self._wait_for_broker(broker_gone)
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

    def _begin(self, planned: Planned) -> Trial:
        return Trial(
            id=new_id(),
            study_id=self._study.id,
            number=self._next_number(),
            workload=planned.workload,
            role=planned.role,
            baseline=planned.baseline,
            discarded=planned.discarded,
            configuration=planned.configuration,
            cell=planned.cell,
            block=planned.block,
            pair=planned.pair,
            started_at=now(),
            config_hash=planned.configuration.hash,
            env_hash=planned.env_hash,
            method_hash=planned.method_hash,
        )

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

    # Waiting -----------------------------------------------------------------------------------------------

    async def _wait_until_allowed(self, planned: Planned) -> None:
        """Until not paused, a gap after the last trial has passed, and the disks have room."""
        if not self._go.is_set():
            paused_at = time.monotonic()
            await self._list_as("paused")
            self._emit(StudyPaused(study=self._study.name, reason="paused by the person"))
            await self._unless_stopped(self._go.wait())
            await self._list_as("running")
            self._paused_s += time.monotonic() - paused_at
            self._emit(StudyResumed(study=self._study.name))
        gap = self._ended_at + GAP_S - time.monotonic()
        if gap > 0:
            await self._unless_stopped(asyncio.sleep(gap))
        await self._unless_stopped(self._runner.delete_left())
        share = share_of(planned.configuration, planned.workload, self._cluster.info.nodes)
        expected = trial_bytes(planned.workload, self._grid.timings, self._grid.limits, share)
        await self._wait_for_room(expected)
        await self._wait_for_free_disk()
        if self._asked == "stop":
            raise Stopped

    async def _list_as(self, state: StudyState) -> None:
        """What the list of studies says meanwhile; who pauses a study may look for it there."""
        await self._store.update_study(self._study.id, state=state)

    async def _wait_for_room(self, expected: int) -> None:
        """Until the budget of what topics of ours may hold has room for so many bytes per node."""
        waited = False

        async def waiting(held: int, seconds: float) -> None:
            nonlocal waited
            waited = True
            reason = f"waiting for the broker to free {about_bytes(held)} of deleted topics"
            self._emit(StudyPaused(study=self._study.name, reason=reason, retry_in_s=round(seconds, 1)))

        await self._unless_stopped(self._disk.wait_for_room(expected, waiting))
        if waited:
            self._emit(StudyResumed(study=self._study.name))

    async def _wait_for_free_disk(self) -> None:
        """On `local`, until what was deleted has made room where the disk is low.

        Raises StudyInterrupted where it stays low: no configuration is to blame for that.
        """
        if not self._is_disk_low():
            return
        await self._runner.close()
        if not self._runner.undeleted:
            await self._wait_for_room(self._disk.bytes_on_disk)  # all of the budget: nothing of ours is left
        if self._is_disk_low():
            free, floor = about_bytes(self._cluster.free_bytes() or 0), about_bytes(FREE_DISK_FLOOR)
            raise StudyInterrupted(
                f"only {free} are free on the broker's disk, and below {floor} no trial is run",
                _MORE_ROOM,
            )

    def _is_disk_low(self) -> bool:
        free = self._cluster.free_bytes()
        return free is not None and free < FREE_DISK_FLOOR

    async def _answers(self) -> bool:
        """Whether the cluster answers at this moment."""
        try:
            await self._cluster.answer()
        except ClusterUnreachable:
            return False
        return True

    async def _wait_for_broker(self, reason: str) -> None:
        """Ask again and again, more and more slowly, until the cluster answers.

        Raises StudyInterrupted for a cluster of our own that never will.
        """
        attempt = 0
        while True:
            await self._cluster.refuse_ended()
            delay = _RETRIES_S[min(attempt, len(_RETRIES_S) - 1)]
            attempt += 1
            if attempt == 1:
                await self._list_as("paused")
            self._emit(StudyPaused(study=self._study.name, reason=reason, attempt=attempt, retry_in_s=delay))
            await self._unless_stopped(asyncio.sleep(delay))
            try:
                await self._unless_stopped(self._cluster.answer())
                await self._unless_stopped(self._brokers.restore_left())
            except ClusterUnreachable as problem:
                reason = problem.what
            else:
                await self._list_as("running")
                self._emit(StudyResumed(study=self._study.name))
                return

    async def _unless_stopped(self, waiting: Awaitable[object]) -> None:
        """Await it, or raise Stopped as soon as the end is asked for, StudyInterrupted when our own cluster ends."""
        wait = asyncio.ensure_future(waiting)
        stop = asyncio.create_task(self._stop.wait())
        try:
            while not (await asyncio.wait([wait, stop], timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED))[0]:
                await self._cluster.refuse_ended()
            if self._stop.is_set():
                raise Stopped
            wait.result()
        finally:
            for task in (wait, stop):
                task.cancel()
            await asyncio.gather(wait, stop, return_exceptions=True)

    def _warn(self, text: str) -> None:
        self._emit(Notice(level="warning", text=text))

    def _staged(self, number: int, stage: Stage, seconds: float) -> None:
        self._emit(TrialStaged(trial=number, stage=stage, seconds=seconds))

    def _sampled(self, number: int, sample: Sample) -> None:
        self._emit(TrialSampled(trial=number, sample=sample))


def _done(trial: Trial, measured: Measurement) -> Trial:
    return msgspec.structs.replace(
        trial,
        state="done",
        messages_per_s=measured.messages_per_s,
        mb_per_s=measured.mb_per_s,
        window_s=measured.window_s,
        latency=measured.latency,
        due_to_sent_p99_ms=measured.due_to_sent_p99_ms,
        end_to_end=measured.end_to_end,
        consumer_messages_per_s=measured.consumer_messages_per_s,
        rate=measured.rate,
        flags=measured.flags,
        why=measured.why,
        audit=measured.audit,
        client_version=measured.client_version,
    )


def _failed(trial: Trial, problem: IngestuneError, state: Literal["failed", "infeasible", "interrupted"]) -> Trial:
    code = problem.code if isinstance(problem, TrialError) else type(problem).__name__
    return msgspec.structs.replace(trial, state=state, error=problem.what[:2000], error_code=code)


def topic_stem(prefix: str, study_id: str) -> str:
    """What the names of all topics of a study begin with."""
    return f"{prefix}-{study_id.replace('-', '')[-12:]}-"
