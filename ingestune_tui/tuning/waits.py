"""What is waited for between two trials: a pause, the gap, the disks, a broker that went away. Async.

Owned by the trial loop. Each wait is said as a pause, and ends at once when the study is asked to end, or when a
cluster of our own dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from ingestune_tui.errors import ClusterUnreachable, StudyInterrupted
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import Event, StudyPaused, StudyResumed
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.study import Study, StudyState
from ingestune_tui.model.workload import Workload
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.broker_settings import BrokerSettings
from ingestune_tui.tuning.cluster import OpenCluster
from ingestune_tui.tuning.disk import DiskBudget
from ingestune_tui.tuning.estimate import FREE_DISK_FLOOR, trial_bytes
from ingestune_tui.tuning.log_bytes import share_of
from ingestune_tui.tuning.runner import TrialRunner
from ingestune_tui.units import about_bytes

GAP_S = 0.5
"""From the end of a trial to the start of the next, at least: the same for all trials of a study."""
MORE_ROOM = (
    "Free some space, lower [limits] bytes_per_trial, or give the local cluster another place with TMPDIR. "
    "The same command goes on with the study."
)
_LOOK_S = 0.5
"""How often a cluster of our own is looked at while something is waited for."""
_DELETE_AGAIN_S = 30.0
"""How often deletions that failed are tried again while their room is waited for."""
_RETRIES_S = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


class Stopped(Exception):
    """The person, or a signal, asked for the end. Raised out of the trial at work, after its clean-up."""


class Waits:
    """The waits of one study."""

    def __init__(
        self,
        study: Study,
        grid: Grid,
        cluster: OpenCluster,
        store: Store,
        disk: DiskBudget,
        runner: TrialRunner,
        brokers: BrokerSettings,
        emit: Callable[[Event], None],
    ) -> None:
        self._study = study
        self._grid = grid
        self._cluster = cluster
        self._store = store
        self._disk = disk
        self._runner = runner
        self._brokers = brokers
        self._emit = emit
        self._go = asyncio.Event()
        self._go.set()
        self._stop = asyncio.Event()
        self._ended_at = 0.0
        self._idle_since = time.monotonic()
        self._paused_s = 0.0
        """How long the person has paused the study since then."""

    def pause(self) -> None:
        """Let no further trial start."""
        self._go.clear()

    def resume(self) -> None:
        """Go on after a pause."""
        self._go.set()

    @property
    def paused(self) -> bool:
        return not self._go.is_set()

    def stop(self) -> None:
        """Raise Stopped out of whatever is waited for, now and later."""
        self._stop.set()

    def trial_ended(self, at_s: float) -> None:
        """The gap to the next trial, and all other waiting for it, begins here, in monotonic seconds."""
        self._ended_at = self._idle_since = at_s
        self._paused_s = 0.0

    def waited_s(self, until_s: float) -> float:
        """How long the trial that starts at `until_s` has been waited for, the person's pauses left out."""
        return max(0.0, until_s - self._idle_since - self._paused_s)

    async def until_allowed(self, configuration: Configuration, workload: Workload) -> None:
        """Until not paused, a gap after the last trial has passed, and the disks have room for this one."""
        share = share_of(configuration, workload, self._cluster.info.nodes)
        expected = trial_bytes(workload, self._grid.timings, self._grid.limits, share)
        while True:
            await self._for_the_person()
            gap = self._ended_at + GAP_S - time.monotonic()
            if gap > 0:
                await self._unless_over(asyncio.sleep(gap))
            await self._unless_over(self._runner.delete_left())
            await self._for_room(expected)
            await self._for_free_disk()
            if self._stop.is_set():
                raise Stopped
            if not self.paused:  # else the pause came while something else was waited for
                return

    async def _for_the_person(self) -> None:
        """Until no pause is asked for."""
        if not self.paused:
            return
        paused_at = time.monotonic()
        await self._list_as("paused")
        self._emit(StudyPaused(study=self._study.name, reason="paused by the person"))
        await self._unless_over(self._go.wait())
        await self._list_as("running")
        self._paused_s += time.monotonic() - paused_at
        self._emit(StudyResumed(study=self._study.name))

    async def _list_as(self, state: StudyState) -> None:
        """What the list of studies says meanwhile; who pauses a study may look for it there."""
        await self._store.update_study(self._study.id, state=state)

    async def _for_room(self, expected: int) -> None:
        """Until the budget of what topics of ours may hold has room for so many bytes per node."""
        waited = False

        async def waiting(held: int, seconds: float) -> None:
            nonlocal waited
            waited = True
            reason = f"waiting for the broker to free {about_bytes(held)} of deleted topics"
            self._emit(StudyPaused(study=self._study.name, reason=reason, retry_in_s=round(seconds, 1)))

        async def room() -> None:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_DELETE_AGAIN_S):
                        return await self._disk.wait_for_room(expected, waiting)
                await self._runner.delete_left()  # a deletion that failed meanwhile would be waited for without end

        await self._unless_over(room())
        if waited:
            self._emit(StudyResumed(study=self._study.name))

    async def _for_free_disk(self) -> None:
        """On `local`, until what was deleted has made room where the disk is low.

        Raises StudyInterrupted where it stays low: no configuration is to blame for that.
        """
        if not self._is_disk_low():
            return
        await self._runner.close()
        if not self._runner.undeleted:
            await self._for_room(self._disk.bytes_on_disk)  # all of the budget: nothing of ours is left
        if self._is_disk_low():
            free, floor = about_bytes(self._cluster.free_bytes() or 0), about_bytes(FREE_DISK_FLOOR)
            raise StudyInterrupted(
                f"only {free} are free on the broker's disk, and below {floor} no trial is run",
                MORE_ROOM,
            )

    def _is_disk_low(self) -> bool:
        free = self._cluster.free_bytes()
        return free is not None and free < FREE_DISK_FLOOR

    async def for_broker(self, reason: str) -> None:
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
            await self._unless_over(asyncio.sleep(delay))
            try:
                await self._unless_over(self._cluster.answer())
                await self._unless_over(self._brokers.restore_left())
            except ClusterUnreachable as problem:
                reason = problem.what
            else:
                await self._list_as("running")
                self._emit(StudyResumed(study=self._study.name))
                return

    async def _unless_over(self, waiting: Awaitable[object]) -> None:
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
