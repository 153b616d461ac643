"""Bringing every row to PostgreSQL: once (`sync_once`), or in the background of a study (`Sync`).

In the background it never stands in a trial's way: small batches on connections of its own, a rest after each of them,
and, while the server is away, full-jitter back-off. What it cannot send waits in SQLite, for ever if need be.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ingestune_tui.errors import IngestuneError, SharedCopyRefused
from ingestune_tui.model.events import SyncState
from ingestune_tui.settings import SharedCopy
from ingestune_tui.storage.database import Database
from ingestune_tui.storage.outbox import Outbox
from ingestune_tui.storage.session import Session
from ingestune_tui.storage.store import Store

ROWS: Final = 500
BODY_BYTES: Final = 4_000_000
QUIET_ROWS: Final = 100
QUIET_BODY_BYTES: Final = 500_000
REST: Final = 9.0
"""A rest lasts so many times as long as the batch before it: at most a tenth of the time is spent sending."""
LOOK_S: Final = 2.0
"""How often the background looks for rows that another process wrote."""
SAY_EVERY_S: Final = 2.0
"""How often a long sending says how many rows are left."""
HANG_UP_S: Final = 30.0
"""An idle connection is given back after this."""
FIRST_RETRY_S: Final = 1.0
LONGEST_RETRY_S: Final = 60.0
LONGEST_REFUSED_RETRY_S: Final = 300.0
DRAIN_S: Final = 1.5

StateListener = Callable[[SyncState], None]


@dataclass(frozen=True, slots=True)
class Sent:
    """What one sync did."""

    rows: int
    """Taken by PostgreSQL."""
    refused: tuple[str, ...]
    """Rows that either side would not take, each with its reason; the first of them."""
    set_aside: int
    """How many such rows there are."""


async def sync_once(path: Path, shared: SharedCopy, *, progress: Callable[[int], None] | None = None) -> Sent:
    """Send everything that waits in the database at `path`. Raises SharedCopyError; what was sent stays sent.

    `progress` is called with the number of rows still waiting.
    """
    database = await Database.open(path)
    try:
        outbox = Outbox(database)
        session = await Session.open(outbox, shared, program="ingestune sync")
        try:
            await outbox.try_again()
            while await session.send(ROWS, BODY_BYTES):
                if progress is not None:
                    progress((await outbox.waiting())[0])
            refused = (*session.refused, *await outbox.problems())
            set_aside = len(session.refused) + (await outbox.waiting())[1]
        finally:
            await session.close()
        return Sent(session.accepted, refused, set_aside)
    finally:
        await database.close()


class Sync:
    """The background sync of one process. `start`, then `stop`; or `async with`."""

    def __init__(self, store: Store, shared_copy: SharedCopy, on_state: StateListener) -> None:
        self._path = store.path
        self._shared = shared_copy
        self._on_state = on_state
        self._state = SyncState(state="off")
        self._nudged = asyncio.Event()
        self._stop = asyncio.Event()
        self._had_luck = False
        self._said_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self._refused: tuple[str, ...] = ()
        self._chance = random.Random()

    @property
    def state(self) -> SyncState:
        """How it stands."""
        return self._state

    def start(self) -> None:
        """Begin in the background."""
        if self._task is None:
            self._stop.clear()
            self._task = asyncio.create_task(self._run(), name="sync")

    def nudge(self) -> None:
        """Something was stored: look now. Cuts a rest short, and no back-off."""
        self._nudged.set()

    async def stop(self) -> None:
        """Send what goes out within DRAIN_S seconds and end; a server that stays silent is cut off."""
        if self._task is None:
            return
        task, self._task = self._task, None
        self._stop.set()
        self._nudged.set()
        await asyncio.wait((task,), timeout=DRAIN_S)
        if not task.done():
            if self._session is not None:
                self._session.connection.terminate()
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(task)

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _say(self, state: SyncState) -> None:
        told = (self._state.state, self._state.waiting, self._state.retry_in_s, self._state.reason)
        if told == (state.state, state.waiting, state.retry_in_s, state.reason):
            return
        moment = time.monotonic()
        progress = state.state == self._state.state == "sending"
        self._state = state
        if not progress or moment - self._said_at >= SAY_EVERY_S:
            self._said_at = moment
            self._on_state(state)

    async def _run(self) -> None:
        """Try, and after each failure wait a random time below a growing limit (full jitter)."""
        failures = 0
        while not self._stop.is_set():
            try:
                database = await Database.open(self._path)
                try:
                    outbox = Outbox(database)
                    if failures == 0:
                        await outbox.try_again()
                    try:
                        await self._send(outbox)
                        return
                    except IngestuneError as problem:
                        failures = 1 if self._had_luck else failures + 1
                        waiting = (await outbox.waiting())[0]
                        trouble = problem
                finally:
                    await database.close()
            except IngestuneError as problem:  # the SQLite file itself
                failures += 1
                waiting, trouble = self._state.waiting, problem
            await self._back_off(trouble, waiting, failures)

    async def _back_off(self, trouble: IngestuneError, waiting: int, failures: int) -> None:
        refused = isinstance(trouble, SharedCopyRefused)
        limit = min(
            LONGEST_REFUSED_RETRY_S if refused else LONGEST_RETRY_S,
            (LONGEST_RETRY_S if refused else FIRST_RETRY_S) * 2.0 ** min(failures - 1, 10),
        )
        delay_s = self._chance.uniform(0.0, limit)
        self._say(
            SyncState(
                state="needs attention" if refused else "waiting",
                waiting=waiting,
                retry_in_s=round(delay_s, 1),
                reason=trouble.what,
            )
        )
        await _wait(self._stop, delay_s)

    async def _send(self, outbox: Outbox) -> None:
        """Send and look again until told to stop. Raises SharedCopyError when the server fails."""
        self._had_luck = False
        idle_since = time.monotonic()
        try:
            while True:
                self._nudged.clear()
                waiting, refused = await outbox.waiting()
                if waiting and (self._session is None or self._session.lost):
                    await self._hang_up()
                    self._say(SyncState(state="sending", waiting=waiting))
                    self._session = await Session.open(outbox, self._shared)
                    self._refused = tuple(self._session.refused)
                    waiting, refused = await outbox.waiting()
                if waiting and self._session is not None:
                    self._say(SyncState(state="sending", waiting=waiting))
                    started = time.monotonic()
                    await self._session.send(QUIET_ROWS, QUIET_BODY_BYTES)
                    self._had_luck = True
                    idle_since = time.monotonic()
                    await _wait(self._stop, (idle_since - started) * REST)
                    continue
                await self._say_rest(outbox, refused)
                if self._stop.is_set():
                    return
                if self._session is not None and time.monotonic() - idle_since > HANG_UP_S:
                    await self._hang_up()
                await _wait(self._nudged, LOOK_S)
        finally:
            await self._hang_up()

    async def _say_rest(self, outbox: Outbox, refused: int) -> None:
        if refused or self._refused:
            reason = (*await outbox.problems(1), *self._refused)[0]
            self._say(SyncState(state="needs attention", waiting=refused, reason=f"not accepted: {reason}"))
        else:
            self._say(SyncState(state="up to date"))

    async def _hang_up(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event, or for so many seconds."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
