"""One SQLite file: opening it, one transaction at a time, and SQLite's errors in plain words.

A write is a unit: BEGIN IMMEDIATE to COMMIT under a lock, shielded from cancellation, so that no cancelled caller
leaves a transaction open. The connection has a thread of its own, which keeps the interpreter alive until `close()`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import aiosqlite

from ingestune_tui.errors import StoreError
from ingestune_tui.storage.migrations import Migration, check_version, migrate, migrations

T = TypeVar("T")
Row = tuple[Any, ...]
Unit = Callable[["Writer"], Awaitable[T]]
BUSY_S: Final = 10.0
"""How long one process waits for another's transaction."""


async def unbroken(task: asyncio.Task[T]) -> T:
    """The result of a task that is never cut short: a cancelled caller is told so when the task has ended."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as problem:
            cancelled = problem
    if cancelled is not None:
        raise cancelled from task.exception()
    return task.result()


class Writer:
    """What a unit of work may do inside its transaction."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement; the number of rows it changed."""
        async with self._connection.execute(sql, values) as cursor:
            return cursor.rowcount

    async def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute one statement for every row."""
        async with self._connection.executemany(sql, rows):
            return

    async def all(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Every row of a query."""
        return [tuple(row) for row in await self._connection.execute_fetchall(sql, values)]

    async def one(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row of a query."""
        rows = await self.all(sql, values)
        return rows[0] if rows else None


class Database:
    """An open SQLite file. Made by `Database.open`; must be closed."""

    def __init__(self, connection: aiosqlite.Connection, path: Path, read_only: bool) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()
        self._closed = False
        self.path = path
        self.read_only = read_only

    @classmethod
    async def open(cls, path: Path, *, read_only: bool = False, steps: tuple[Migration, ...] | None = None) -> Database:
        """Open, create or migrate. Raises StoreError and NewerStoreError."""
        path = Path(path)
        if path.is_dir():
            raise StoreError(f"{path} is a directory", "Name a file in it: --database DIRECTORY/results.db.")
        if not path.parent.is_dir():
            raise StoreError(
                f"{path} cannot be made: there is no directory {path.parent}",
                "Make that directory, or name another file with --database.",
            )
        if read_only and not path.exists():
            raise StoreError(f"there is no results database at {path}", "`ingestune run` makes it.")
        chosen = migrations("sqlite") if steps is None else steps
        opening = asyncio.create_task(asyncio.to_thread(_connect, path, read_only, chosen))
        try:
            ready = await unbroken(opening)
        except asyncio.CancelledError:
            if opening.exception() is None:
                opening.result().close()
            raise
        except sqlite3.Error as problem:
            raise explain(problem, path) from problem
        connection = aiosqlite.Connection(lambda: ready, iter_chunk_size=64)
        return cls(await connection, path, read_only)

    async def close(self) -> None:
        """Let the transaction at work finish, and end the connection's thread."""
        async with self._lock:
            self._closed = True
            await asyncio.shield(self._connection.close())

    async def all(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Every row of a query; never rows of a transaction that is still open."""
        async with self._lock:
            self._check_open()
            try:
                rows: Iterable[Any] = await self._connection.execute_fetchall(sql, values)
                return list(rows)
            except sqlite3.Error as problem:
                raise explain(problem, self.path) from problem

    async def one(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row of a query."""
        rows = await self.all(sql, values)
        return rows[0] if rows else None

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit` in one durable transaction. A cancelled caller is told so only when the unit has ended."""
        if self.read_only:
            raise StoreError(f"{self.path} was opened for reading only")
        return await unbroken(asyncio.create_task(self._transaction(unit)))

    async def _transaction(self, unit: Unit[T]) -> T:
        async with self._lock:
            self._check_open()
            try:
                await self._connection.execute("begin immediate")
                try:
                    result = await unit(Writer(self._connection))
                    await self._connection.execute("commit")
                except BaseException:
                    if self._connection.in_transaction:
                        await self._connection.execute("rollback")
                    raise
            except sqlite3.Error as problem:
                raise explain(problem, self.path) from problem
            return result

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"{self.path} was closed before this was done")


def _connect(path: Path, read_only: bool, steps: tuple[Migration, ...]) -> sqlite3.Connection:
    """Open, configure and migrate in the connection's thread; a refused file is closed again."""
    if read_only:
        return _connect_read_only(path, steps)
    if not path.exists():
        path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        check_version(connection, path, steps[-1].version)
        _use_write_ahead_log(connection)
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
        migrate(connection, path, steps)
        # A file that may only be read opens without complaint: a write that is taken back shows it before a trial does.
        connection.execute("begin immediate")
        connection.execute(f"pragma user_version = {steps[-1].version}")
        connection.execute("rollback")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_read_only(path: Path, steps: tuple[Migration, ...]) -> sqlite3.Connection:
    newest = steps[-1].version
    address = path.absolute().as_uri()
    # A directory that cannot be written to has no room for SQLite's own side files: read it as a file at rest.
    resting = [] if path.with_name(path.name + "-wal").exists() else [f"{address}?mode=ro&immutable=1"]
    for number, uri in enumerate([f"{address}?mode=ro", *resting]):
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            version = check_version(connection, path, newest)
        except sqlite3.OperationalError:
            connection.close()
            if number == len(resting):
                raise
            continue
        except BaseException:
            connection.close()
            raise
        if version < newest:
            connection.close()
            raise StoreError(
                f"{path} has version {version}; this ingestune reads {newest}",
                "Any command that writes, such as `ingestune run`, brings it up to date.",
            )
        return connection
    raise AssertionError("unreachable")


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to WAL once; SQLite does not wait for a lock here, so this does."""
    deadline = time.monotonic() + BUSY_S
    while connection.execute("pragma journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def explain(problem: sqlite3.Error, path: Path) -> StoreError:
    """SQLite's error as a person needs it: what happened to which file, and what to do."""
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    if isinstance(problem, sqlite3.DatabaseError) and "not a database" in str(problem):
        code = sqlite3.SQLITE_NOTADB
    match code:
        case sqlite3.SQLITE_NOTADB:
            return StoreError(
                f"{path} is not a results database", "Name another file with --database or INGESTUNE_DATABASE."
            )
        case sqlite3.SQLITE_CORRUPT:
            return StoreError(
                f"{path} is damaged: {problem}",
                f"Move it away and start anew, or save what is readable: sqlite3 {path} .recover | sqlite3 saved.db",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return StoreError(
                f"{path} cannot be written to: {problem}",
                "Check the rights of the file and of its directory, or name another file with --database.",
            )
        case sqlite3.SQLITE_CANTOPEN:
            return StoreError(
                f"{path} cannot be opened: {problem}",
                "Check the rights of the file and of its directory, or name another file with --database.",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreError(
                f"{path} is kept busy by another process (waited {BUSY_S:.0f} s)",
                "Try again when the other ingestune, backup or database tool is done with it.",
            )
        case sqlite3.SQLITE_FULL:
            return StoreError(
                f"there is no room left to write to {path}",
                f"Free some space on the disk of {path.parent}. Nothing that was stored is lost.",
            )
        case sqlite3.SQLITE_IOERR:
            return StoreError(
                f"{path} cannot be read or written: {problem}",
                f"Check the disk of {path.parent}. Nothing that was stored is lost.",
            )
    return StoreError(f"{path}: {problem}")
