"""Numbered SQL files, and bringing a SQLite file up to the newest of them.

Runs in the connection's own thread, called by `database.Database.open`. A file made by a newer ingestune is refused;
an existing one is copied beside itself before it is changed.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingestune_tui.errors import NewerStoreError, StoreError

APPLICATION_ID: Final = 0x16E57CE
"""Marks a SQLite file as ours, so that another program's database is never written to."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a schema."""

    version: int
    sql: str


def migrations(dialect: str) -> tuple[Migration, ...]:
    """The steps of `sqlite` or `postgres`, by version; `0002.sql` is version 2."""
    files = sorted((Path(__file__).parent / "schema" / dialect).glob("*.sql"))
    return tuple(Migration(int(file.stem), file.read_text(encoding="utf-8")) for file in files)


def statements(sql: str) -> list[str]:
    """A SQLite script as single statements, so that all of them fit one transaction."""
    found, rest = [], ""
    for line in sql.splitlines(keepends=True):
        rest += line
        if sqlite3.complete_statement(rest):
            found.append(rest)
            rest = ""
    return found


def migrate(connection: sqlite3.Connection, path: Path, steps: tuple[Migration, ...]) -> None:
    """Bring the file to the newest version. Safe with several processes at once: the first does it, the rest look."""
    newest = steps[-1].version
    version = check_version(connection, path, newest)
    if version == newest:
        return
    if version > 0:
        _back_up(connection, path, version)
    connection.execute("begin immediate")
    try:
        version = check_version(connection, path, newest)
        for step in steps:
            if step.version > version:
                for statement in statements(step.sql):
                    connection.execute(statement)
        connection.execute(f"pragma application_id = {APPLICATION_ID}")
        connection.execute(f"pragma user_version = {newest}")
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def check_version(connection: sqlite3.Connection, path: Path, newest: int) -> int:
    """The file's version; 0 is an empty file. Raises NewerStoreError, and StoreError for another program's file."""
    alone = not connection.in_transaction
    if alone:
        connection.execute("begin")  # one look, not three: another process may be making the tables this moment
    try:
        version = int(connection.execute("pragma user_version").fetchone()[0])
        owner = int(connection.execute("pragma application_id").fetchone()[0])
        tables = int(connection.execute("select count(*) from sqlite_schema").fetchone()[0])
    finally:
        if alone and connection.in_transaction:
            connection.execute("rollback")
    if owner != APPLICATION_ID and (tables or version):
        raise StoreError(
            f"{path} is a database of another program", "Name another file with --database or INGESTUNE_DATABASE."
        )
    if version > newest:
        raise NewerStoreError(
            f"{path} has version {version}; this ingestune reads up to {newest}",
            "Upgrade ingestune, or name another file with --database.",
        )
    return version


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    target = path.with_name(f"{path.name}.version-{version}.backup")
    if target.exists():
        return
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    try:
        connection.execute("vacuum into ?", (str(unfinished),))
        copy = sqlite3.connect(unfinished)
        try:
            copied = int(copy.execute("pragma user_version").fetchone()[0])
        finally:
            copy.close()
        if copied == version:  # else another process migrated meanwhile, and has made the backup
            unfinished.chmod(0o600)
            unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
