"""`sync --verify`: is the shared copy equal? Counts and checksums of both sides, row by row.

What is missing or differs in PostgreSQL is marked to be sent again, so that the next sync mends it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingestune_tui.settings import SharedCopy
from ingestune_tui.storage.database import Database
from ingestune_tui.storage.outbox import TABLES, Outbox
from ingestune_tui.storage.rows import samples_text
from ingestune_tui.storage.session import Session

CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class TableReport:
    """One table, compared."""

    table: str
    here: int
    """Rows in SQLite."""
    there: int
    """Those of them in PostgreSQL, and rows that this database once sent and has no more."""
    checksum_here: str
    """md5 over ids and row checksums, in the order of ids."""
    checksum_there: str
    missing: int = 0
    """Here and not there."""
    differing: int = 0
    """There with another text, and not newer."""
    newer_there: int = 0
    """There in a later revision: `sync --pull` brings it."""
    only_there: int = 0
    """Sent from here once, and here no more."""

    @property
    def equal(self) -> bool:
        """True when both sides hold the same rows, letter by letter."""
        return self.here == self.there and self.checksum_here == self.checksum_there


async def verify(path: Path, shared: SharedCopy) -> tuple[TableReport, ...]:
    """Compare every row of the database at `path`. Raises SharedCopyError."""
    database = await Database.open(path)
    try:
        outbox = Outbox(database)
        session = await Session.open(outbox, shared, program="ingestune verify")
        try:
            origin = await outbox.identity()
            return tuple([await _compare(table, database, outbox, session, origin) for table in TABLES])
        finally:
            await session.close()
    finally:
        await database.close()


async def _compare(table: str, database: Database, outbox: Outbox, session: Session, origin: str) -> TableReport:
    here = await _rows_here(table, database)
    sent = await _ask(session, f"select id, rev, md5(body) from ingestune.{table} where origin = $1", origin)
    there = {identity: row for identity, row in sent.items() if identity in here}
    there |= await _rows_there(table, session, [identity for identity in here if identity not in there])
    # A configuration or a cluster outlives the studies that used it, and belongs to nobody.
    shared = table in ("cluster", "configuration")
    only_there = {} if shared else {identity: row for identity, row in sent.items() if identity not in here}
    missing = [identity for identity in here if identity not in there]
    different = [identity for identity, (_, checksum) in there.items() if checksum != here[identity][1]]
    newer = [identity for identity in different if not shared and there[identity][0] > here[identity][0]]
    wrong = set(different).difference(newer)
    await outbox.mend(table, {**dict.fromkeys(missing, 0), **{identity: there[identity][0] for identity in wrong}})
    return TableReport(
        table=table,
        here=len(here),
        there=len(there) + len(only_there),
        checksum_here=_digest(here),
        checksum_there=_digest({**there, **only_there}),
        missing=len(missing),
        differing=len(wrong),
        newer_there=len(newer),
        only_there=len(only_there),
    )


Rows = dict[str, tuple[int, str]]
"""Id to revision and md5 of the body."""


async def _rows_here(table: str, database: Database) -> Rows:
    found: Rows = {}
    last = ""
    while chunk := await database.all(
        f"select id, rev, body from {table} where id > ? order by id limit ?", (last, CHUNK)
    ):
        for identity, rev, body in chunk:
            text = samples_text(body) if table == "series" else body
            found[identity] = (rev, hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())
        last = chunk[-1][0]
    return found


async def _rows_there(table: str, session: Session, ids: list[str]) -> Rows:
    found: Rows = {}
    for first in range(0, len(ids), CHUNK):
        query = f"select id, rev, md5(body) from ingestune.{table} where id = any($1) order by id"
        found |= await _ask(session, query, ids[first : first + CHUNK])
    return found


async def _ask(session: Session, query: str, *values: object) -> Rows:
    return {row[0]: (row[1], row[2]) for row in await session.fetch(query, *values)}


def _digest(rows: Rows) -> str:
    summed = hashlib.md5(usedforsecurity=False)
    for identity in sorted(rows):
        summed.update(f"{identity} {rows[identity][1]}\n".encode())
    return summed.hexdigest()
