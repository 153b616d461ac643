"""A study process seen from a viewer: start one, find one, follow its events, tell it what the person wants. Async.

Used by the app, `attach` and `stop`. A viewer that dies costs the study nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Self

import msgspec

from ingestune_tui.errors import StudyError
from ingestune_tui.model.events import Command, Event, decode_event, encode
from ingestune_tui.model.study import Study
from ingestune_tui.settings import Settings, private_directory
from ingestune_tui.storage.owner import lives

_LINE_BYTES = 16_000_000
_LOOK_S = 0.05
_START_S = 30.0
_LOG_BYTES = 100_000


class StudyClient:
    """A connection to one study process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: Path) -> None:
        self._reader = reader
        self._writer = writer
        self.path = path
        """Its socket."""

    @classmethod
    async def connect(cls, path: Path) -> Self:
        """Raises StudyError when nobody answers there."""
        try:
            reader, writer = await asyncio.open_unix_connection(path, limit=_LINE_BYTES)
        except OSError as problem:
            raise StudyError(f"no study process answers at {path}", "It may just have ended.") from problem
        return cls(reader, writer, path)

    @classmethod
    async def attach(cls, study: Study) -> Self:
        """To the process that runs `study`. Raises StudyError when it runs elsewhere or not at all."""
        owner = study.owner
        if owner is None or study.state not in ("running", "paused"):
            raise StudyError(
                f"study {study.name} is not running: it is {study.state}", "`ingestune run` goes on with it."
            )
        if owner.host != socket.gethostname():
            raise StudyError(f"study {study.name} runs on {owner.host}", "Attach to it there.")
        return await cls.connect(Path(owner.socket))

    @classmethod
    async def start(cls, arguments: Sequence[str], settings: Settings) -> Self:
        """Start `ingestune run ARGUMENTS` on its own, detached from this terminal, and connect to it.

        Raises StudyError with what it said when it ends before it can be reached.
        """
        runtime = private_directory(settings.paths.runtime)
        logs = private_directory(settings.paths.state)
        name = f"{os.getpid()}-{os.urandom(4).hex()}"
        path, log = runtime / f"{name}.sock", logs / f"study-{name}.log"
        command = [sys.executable, "-m", "ingestune_tui", "run", *arguments, "--detached", "--socket", path.name]
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,
            )
        return await cls._reach(process, path, log)

    @classmethod
    async def _reach(cls, process: asyncio.subprocess.Process, path: Path, log: Path) -> Self:
        deadline = asyncio.get_running_loop().time() + _START_S
        while asyncio.get_running_loop().time() < deadline:
            if path.exists():
                with contextlib.suppress(StudyError):
                    return await cls.connect(path)
            if process.returncode is not None:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(process.wait()), _LOOK_S)
        if process.returncode is None:  # nobody could steer it
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        said = log.read_bytes()[-_LOG_BYTES:].decode("utf-8", "replace").strip()
        raise StudyError(said or f"the study process did not start (code {process.returncode})", f"Its log is {log}.")

    async def events(self) -> AsyncIterator[Event]:
        """Everything so far, then everything as it happens; ends when the study process does."""
        while True:
            try:
                line = await self._reader.readline()
            except (OSError, ValueError) as problem:
                raise StudyError(f"the connection to the study broke: {problem}") from problem
            if not line:
                return
            if not line.endswith(b"\n"):
                return
            try:
                yield decode_event(line)
            except msgspec.DecodeError as problem:
                raise StudyError(
                    "the study process speaks another version of ingestune", "Use the version that runs it."
                ) from problem

    async def send(self, command: Command) -> None:
        """Tell the study process. Raises StudyError when it is gone."""
        try:
            self._writer.write(encode(command) + b"\n")
            await self._writer.drain()
        except OSError as problem:
            raise StudyError("the study process is gone") from problem

    async def close(self) -> None:
        """Stop watching; the study goes on."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def owner_lives(study: Study) -> bool:
    """Whether the process that runs `study` is there, as far as this host can tell."""
    owner = study.owner
    return owner is not None and owner.host == socket.gethostname() and lives(owner, 0.0)
