"""The schema `ingestune` in PostgreSQL: made by the first client that connects, migrated by the first newer one.

Called once for each connection, before anything is written. All of it is one transaction under an advisory lock, so
eight clients at once make one schema.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Final

import asyncpg

from ingestune_tui.errors import SharedCopyRefused
from ingestune_tui.storage.migrations import Migration, migrations

_LOCK: Final = 0x16E57CE
_WRITABLE_FROM: Final = re.compile(r"-- writable_from: (\d+)\n")


@dataclass(frozen=True, slots=True)
class Found:
    """The schema of a server."""

    version: int
    """0 when there is none."""
    writable_from: int
    """A client that writes this version or a later one may write here."""


async def find(connection: asyncpg.Connection) -> Found:
    """The schema's version, without changing anything."""
    # Not to_regclass(): it may answer from a cache that does not notice what another session has just committed.
    if not await connection.fetchval(
        "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'ingestune' and c.relname = 'schema_version')"
    ):
        return Found(0, 0)
    row = await connection.fetchrow(
        "select version, writable_from from ingestune.schema_version order by version desc limit 1"
    )
    return Found(row["version"], row["writable_from"]) if row else Found(0, 0)


async def prepare(connection: asyncpg.Connection, steps: tuple[Migration, ...] | None = None) -> None:
    """Make or migrate the schema. Raises SharedCopyRefused when only a newer client may write to it."""
    chosen = migrations("postgres") if steps is None else steps
    found = Found(0, 0)
    try:
        async with connection.transaction():
            found = await find(connection)
            if found.version < chosen[-1].version:
                await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
                await _migrate(connection, chosen)
    except asyncpg.InsufficientPrivilegeError:
        if found.version == 0:
            raise
        raise SharedCopyRefused(
            f"the shared copy has schema {found.version}, and only its owner may bring it to {chosen[-1].version}",
            "Whoever made the schema `ingestune` syncs once with this version. Until then every row waits here.",
        ) from None
    if found.version > chosen[-1].version and found.writable_from > chosen[-1].version:
        raise SharedCopyRefused(
            f"the shared copy has schema {found.version}; this ingestune writes up to {chosen[-1].version}",
            "Upgrade ingestune. Until then everything is kept in SQLite, and nothing is lost.",
        )


async def _migrate(connection: asyncpg.Connection, steps: tuple[Migration, ...]) -> None:
    """Take the steps that are missing, under the lock: another client may have taken them meanwhile."""
    found = await find(connection)
    if found.version == 0 and not await connection.fetchval(
        "select exists (select from pg_namespace where nspname = 'ingestune')"
    ):
        await connection.execute("create schema ingestune")
    for step in steps:
        if step.version > found.version:
            await connection.execute(step.sql)
            await connection.execute(
                "insert into ingestune.schema_version (version, writable_from, applied_by) values ($1, $2, $3)",
                step.version,
                _writable_from(step),
                socket.gethostname(),
            )


async def introduce(connection: asyncpg.Connection, database_id: str) -> None:
    """Say which database writes here, and the newest schema it can write."""
    await connection.execute(
        "insert into ingestune.client (id, host, program, writes_schema, seen_at) values ($1, $2, $3, $4, now())"
        " on conflict (id) do update set host = excluded.host, program = excluded.program,"
        " writes_schema = excluded.writes_schema, seen_at = excluded.seen_at",
        database_id,
        socket.gethostname(),
        "ingestune",
        migrations("postgres")[-1].version,
    )


async def copy_id(connection: asyncpg.Connection) -> str:
    """The identity of this copy: another one has none of what was sent to the first."""
    return str(await connection.fetchval("select value from ingestune.meta where name = 'copy_id'"))


def _writable_from(step: Migration) -> int:
    found = _WRITABLE_FROM.match(step.sql)
    return int(found[1]) if found else step.version
