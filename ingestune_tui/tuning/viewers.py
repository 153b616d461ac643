"""The Unix socket of a study process: each viewer first gets the study so far, then everything as it happens. Async.

Lines of JSON both ways: events out, commands in. A viewer that reads too slowly is dropped rather than waited for; it
may come back and gets all of it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from ingestune_tui.errors import StudyError
from ingestune_tui.model.events import (
    Command,
    Event,
    Notice,
    Progress,
    StudyFinished,
    StudyPaused,
    StudyResumed,
    SyncState,
    TrialFinished,
    TrialSampled,
    TrialStaged,
    TrialStarted,
    decode_command,
    encode,
)

_SLOW_BYTES = 8_000_000
_LONGEST_COMMAND = 10_000
_BYE_S = 1.0


class Viewers:
    """All who watch."""

    def __init__(self, on_command: Callable[[Command], None]) -> None:
        self._on_command = on_command
        self._writers: set[asyncio.StreamWriter] = set()
        self._history: list[bytes] = []
        """Everything that matters for the whole study."""
        self._running: list[bytes] = []
        """The running trial's start, stages and samples."""
        self._standing: dict[type, bytes] = {}
        """The newest of each kind that only matters as it stands now."""
        self._readers: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        """How many watch now."""
        return len(self._writers)

    def tell(self, event: Event) -> None:
        """Send to all, and keep what a later viewer needs."""
        line = encode(event) + b"\n"
        match event:
            case TrialStarted():
                self._running = [line]
            case TrialStaged() | TrialSampled():
                self._running.append(line)
            case TrialFinished():
                self._running = []
                self._history.append(line)
            case Progress() | StudyPaused() | SyncState():
                self._standing[type(event)] = line
            case StudyResumed():
                self._standing.pop(StudyPaused, None)
            case StudyFinished():
                self._standing.pop(StudyPaused, None)  # it may have ended while it waited
                self._history.append(line)
            case _:
                self._history.append(line)
        for writer in list(self._writers):
            if writer.transport.get_write_buffer_size() > _SLOW_BYTES:
                self._writers.discard(writer)
                writer.transport.abort()
            else:
                writer.write(line)

    @contextlib.asynccontextmanager
    async def serve(self, path: Path) -> AsyncIterator[None]:
        """Listen on `path` (mode 0600) for as long as the context lasts. Raises StudyError when that cannot be."""
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._welcome, path)
        except OSError as problem:
            raise StudyError(
                f"the socket {path} cannot be made: {problem.strerror or problem}",
                "Set XDG_RUNTIME_DIR to a directory with a short path.",
            ) from problem
        finally:
            os.umask(before)
        try:
            yield
        finally:
            server.close()
            await self._say_goodbye()
            path.unlink(missing_ok=True)

    async def _say_goodbye(self) -> None:
        """Close every connection when all was sent, or after a second. Its task then ends by itself: to cancel one
        would make Python 3.11 print a traceback."""
        writers, tasks = list(self._writers), list(self._readers)
        for writer in writers:
            writer.close()
        if tasks and (await asyncio.wait(tasks, timeout=_BYE_S))[1]:
            for writer in writers:
                writer.transport.abort()
            await asyncio.wait(tasks)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._readers.add(task)
        try:
            writer.writelines((*self._history, *self._standing.values(), *self._running))
            self._writers.add(writer)
            await self._listen(reader)
        except (OSError, asyncio.LimitOverrunError, ValueError):
            pass  # the viewer went away, or sent what is no line: either way it is no longer one
        finally:
            self._writers.discard(writer)
            self._readers.discard(task)
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            try:
                command = decode_command(line[:_LONGEST_COMMAND])
            except msgspec.DecodeError:
                self.tell(Notice(level="warning", text="a viewer sent something that is no command"))
                continue
            self._on_command(command)
