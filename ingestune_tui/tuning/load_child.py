"""One load child seen from the parent: start it, send it commands, await its events. Owned by the runner of a trial.

The child is killed when the `async with` ends, however it ends. Where the child runs is known only here.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from ingestune_tui.bench.protocol import (
    CapReached,
    Command,
    Event,
    Failed,
    Finished,
    Ready,
    Sample,
    Spec,
    StageDone,
    decode_event,
    encode_line,
)
from ingestune_tui.errors import TrialError
from ingestune_tui.processes import OwnedProcess

SILENCE_S = 45.0
"""A child that writes no line for so long hangs: its longest silence, the flush at its end, is 30 s."""
PYTHON_CHILD = (sys.executable, "-m", "ingestune_tui.bench.child")
_E = TypeVar("_E", Ready, StageDone, Finished)


class ChildFailed(TrialError):
    """The child said why it could not go on."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.reason, code=failed.code)
        self.permanent = failed.permanent
        self.broker_gone = failed.broker_gone


class LoadChild:
    """A producing or consuming child process."""

    def __init__(
        self, command: Sequence[str], on_sample: Callable[[Sample], None], on_news: Callable[[], None]
    ) -> None:
        self._process = OwnedProcess(list(command))
        self._on_sample = on_sample
        self._on_news = on_news
        self._over: Failed | None = None
        self._ended = False
        self._heard_s = 0.0
        """When it last wrote a line, on the loop's clock."""
        self.capped = False
        """Its warm-up has used its share of the byte cap and stopped sending."""
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._process.__aenter__()
        self._reader = asyncio.create_task(self._read(), name="child events")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._reader is not None:
                self._reader.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._reader
        finally:
            await self._process.__aexit__(kind, problem, trace)

    async def _read(self) -> None:
        """Samples go to their listener at once, all else waits for whoever asks for it."""
        loop = asyncio.get_running_loop()
        while line := await self._process.stdout.readline():
            self._heard_s = loop.time()
            try:
                event = decode_event(line)
            except msgspec.DecodeError:
                reason = f"the load process wrote a line that is no event: {line[:200]!r}"
                event = Failed(code="INTERNAL", reason=reason, permanent=False)
            if isinstance(event, Sample):
                self._on_sample(event)
                continue
            if isinstance(event, CapReached):
                self.capped = True
                self._on_news()
                continue
            if isinstance(event, Failed):
                self._over = event
            self._events.put_nowait(event)
            self._on_news()
        self._ended = True
        self._events.put_nowait(None)
        self._on_news()

    async def send(self, message: Spec | Command) -> None:
        """One line to the child. A child that is gone is reported by `expect`, not here."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(encode_line(message) + b"\n")
            await self._process.stdin.drain()

    async def expect(self, kind: type[_E], within_s: float, waited_for: str) -> _E:
        """The next event, which must be of `kind`; `waited_for` names it to a person.

        Raises ChildFailed, or TrialError when it does not come in time, or nothing at all comes for SILENCE_S.
        """
        event = await self._next(within_s, waited_for)
        if isinstance(event, Failed):
            raise ChildFailed(event)
        if event is None:
            raise self._gone()
        if not isinstance(event, kind):
            raise TrialError(f"the load process answered {type(event).__name__} instead of {kind.__name__}")
        return event

    async def _next(self, within_s: float, waited_for: str) -> Event | None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while True:
            quiet_until_s = max(began_s, self._heard_s) + SILENCE_S
            until_s = min(began_s + within_s, quiet_until_s)
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(self._events.get(), until_s - loop.time())
            now_s = loop.time()
            if now_s >= began_s + within_s:
                raise TrialError(f"waited {within_s:.0f} s in vain for {waited_for}")
            if now_s >= max(began_s, self._heard_s) + SILENCE_S:
                raise TrialError(f"the load process said nothing for {SILENCE_S:.0f} s. Waited for: {waited_for}")

    def raise_if_over(self) -> None:
        """Raises what `expect` would, if the child has failed or ended already."""
        if self._over is not None:
            raise ChildFailed(self._over)
        if self._ended:
            raise self._gone()

    def _gone(self) -> TrialError:
        tail = self._process.stderr_tail().strip().splitlines()
        last = tail[-1] if tail else "it said nothing"
        return TrialError(f"the load process ended unexpectedly: {last[:500]}", code="CHILD_ENDED")
