"""The one owner-and-killer of child processes: the trial child, the JVM supervisor and the simulated broker.

Every child gets pipes for stdin, stdout and stderr and a session of its own, so that Ctrl-C in the terminal reaches
only ingestune and a whole group can be signalled. A child of ours ends when its stdin closes, so none outlives its
parent even on SIGKILL; leaving the `async with` closes stdin, sends SIGTERM, then SIGKILL, and always reaps it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

_STDOUT_LINE_BYTES = 4 * 1024 * 1024
_STDERR_LINE_CHARACTERS = 500
_READ_BYTES = 64 * 1024


class OwnedProcess:
    """A child process that cannot outlive the `async with` block that owns it.

    Its stderr is drained all the time and only the last lines are kept. `grace_s` is how long it may take to end
    by itself after stdin was closed and SIGTERM sent. Raises OSError from `__aenter__` if the program cannot be run.
    """

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        grace_s: float = 5.0,
        stderr_lines: int = 100,
    ) -> None:
        self._argv = tuple(argv)
        self._env = env
        self._cwd = cwd
        self._grace_s = grace_s
        self._process: asyncio.subprocess.Process | None = None
        self._tail: deque[str] = deque(maxlen=stderr_lines)
        self._drain: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[int] | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=self._env,
            cwd=self._cwd,
            limit=_STDOUT_LINE_BYTES,
        )
        self._drain = asyncio.create_task(self._drain_stderr(), name=f"stderr of {self.pid}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        return self._started.pid

    @property
    def stdin(self) -> asyncio.StreamWriter:
        stdin = self._started.stdin
        assert stdin is not None
        return stdin

    @property
    def stdout(self) -> asyncio.StreamReader:
        stdout = self._started.stdout
        assert stdout is not None
        return stdout

    @property
    def returncode(self) -> int | None:
        """None while it runs; minus the signal's number if a signal ended it."""
        return self._started.returncode

    def stderr_tail(self) -> str:
        """The last lines it wrote to stderr, each cut at 500 characters; complete once `wait` has returned."""
        return "\n".join(self._tail)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child and everything it started; nothing happens if all of it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    async def wait(self) -> int:
        """Wait until it has ended and its stderr is read; returns its code. Its stdout is the caller's to read."""
        code = await self._started.wait()
        if self._drain is not None:
            # A grandchild may still hold the pipe open: what it writes is not worth waiting for.
            await asyncio.wait({self._drain}, timeout=0.5)
        return code

    async def stop(self, grace_s: float | None = None) -> int:
        """End it: close stdin, SIGTERM to its group, SIGKILL after the grace. A second call does nothing.

        A cancellation that arrives meanwhile shortens the grace to nothing; it is raised once the child is reaped.
        """
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(self._grace_s if grace_s is None else grace_s))
        try:
            return await asyncio.shield(self._ending)
        except asyncio.CancelledError:
            if not self._ending.done():
                self.signal(signal.SIGKILL)
            await self._ending
            raise

    async def _end(self, grace_s: float) -> int:
        process = self._started
        if process.returncode is None:
            self.stdin.close()
            self.signal(signal.SIGTERM)
            discard = asyncio.create_task(self._discard_stdout())
            try:
                await asyncio.wait_for(process.wait(), grace_s)
            except TimeoutError:
                self.signal(signal.SIGKILL)
                await process.wait()
            finally:
                discard.cancel()
        self.signal(signal.SIGKILL)  # whatever it left behind in its group
        self.stdin.close()
        with contextlib.suppress(OSError):
            await self.stdin.wait_closed()
        if self._drain is not None and not self._drain.done():
            await asyncio.wait({self._drain}, timeout=0.5)
            self._drain.cancel()
        return await process.wait()

    async def _discard_stdout(self) -> None:
        """Keep the pipe moving while it ends: a child blocked on a full stdout would need the SIGKILL."""
        with contextlib.suppress(RuntimeError):  # another task is reading it, and so keeps it moving
            while await self.stdout.read(_READ_BYTES):
                pass

    async def _drain_stderr(self) -> None:
        stderr = self._started.stderr
        assert stderr is not None
        pending = b""
        while chunk := await stderr.read(_READ_BYTES):
            *lines, pending = (pending + chunk).split(b"\n")
            self._tail.extend(_shortened(line) for line in lines)
            pending = pending[-_READ_BYTES:]
        if pending:
            self._tail.append(_shortened(pending))

    @property
    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("the process is not started: use `async with`")
        return self._process


def _shortened(line: bytes) -> str:
    return line[: 4 * _STDERR_LINE_CHARACTERS].decode("utf-8", "replace").rstrip("\r")[:_STDERR_LINE_CHARACTERS]
