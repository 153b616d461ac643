"""`sync --verify`: is the shared copy equal? Counts and checksums of both sides, row by row.

What is missing or differs in PostgreSQL is marked to be sent again, so that the next sync mends it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Self

from ingestune_tui.errors import StoreError
from ingestune_tui.settings import SharedCopy
from ingestune_tui.storage.database import Database
from ingestune_tui.storage.outbox import TABLES, Outbox
from ingestune_tui.storage.rows import MAX_REVISION, samples_text
from ingestune_tui.storage.session import Session
from ingestune_tui.storage.studies import pulled_studies

CHUNK: Final = 1000

_EXTRAS: Final = (
    "select e.id, e.rev, md5(e.body) from ingestune.{} e join ingestune.trial t on t.id = e.id"
    " where t.study_id = any($1)"
)
_THEIRS: Final = {
    "study": "select id, rev, md5(body) from ingestune.study where id = any($1)",
    "trial": "select id, rev, md5(body) from ingestune.trial where study_id = any($1)",
    "series": _EXTRAS.format("series"),
    "histogram": _EXTRAS.format("histogram"),
}


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
    """There in a later revision: a copy of this database sent it, or this one before it was restored from a backup."""
    only_there: int = 0
    """Sent from this database once, and not in it now."""
    deleted_there: int = 0
    """Here, of a study that a copy of this database deleted. Not sent again."""
    damaged: int = 0
    """Here, and not to be read."""
    pulled: int = 0
    """A colleague's rows, fetched from there. They, and what became of them, are counted nowhere else."""
    pulled_deleted: int = 0
    """Pulled, and deleted by their owner since."""
    pulled_changed: int = 0
    """Of pulled studies, and not the same there now: changed, or there alone."""

    @property
    def equal(self) -> bool:
        """True when PostgreSQL holds, letter by letter, what is ours to send."""
        return self.here == self.there and self.checksum_here == self.checksum_there and not self.differing


async def verify(path: Path, shared: SharedCopy) -> tuple[TableReport, ...]:
    """Compare every row of the database at `path`. Raises SharedCopyError."""
    database = await Database.open(path)
    try:
        outbox = Outbox(database)
        session = await Session.open(outbox, shared, program="ingestune verify")
        try:
            comparison = await _Comparison.of(database, outbox, session)
            return tuple([await comparison.table(table) for table in TABLES])
        finally:
            await session.close()
    finally:
        await database.close()


@dataclass(frozen=True, slots=True)
class _Comparison:
    database: Database
    outbox: Outbox
    session: Session
    origin: str
    """This database."""
    pulled: set[str]
    """Studies here that are a colleague's."""
    gone: set[str]
    """Studies here, anybody's, that were deleted there."""

    @classmethod
    async def of(cls, database: Database, outbox: Outbox, session: Session) -> Self:
        ids = list(await outbox.studies_of("study"))
        gone = await session.fetch("select id from ingestune.tombstone where id = any($1)", ids)
        return cls(
            database, outbox, session, await outbox.identity(), await pulled_studies(database),
            {row["id"] for row in gone},
        )  # fmt: skip

    async def table(self, table: str) -> TableReport:
        here = await _rows_here(table, self.database)
        study = await self.outbox.studies_of(table)
        theirs = {identity: here.pop(identity) for identity in list(here) if study.get(identity) in self.pulled}
        sent = await _ask(
            self.session, f"select id, rev, md5(body) from ingestune.{table} where origin = $1", self.origin
        )
        there = {identity: row for identity, row in sent.items() if identity in here}
        there |= await _rows_there(table, self.session, [identity for identity in here if identity not in there])
        # A configuration or a cluster outlives the studies that used it, and belongs to nobody.
        shared = table in ("cluster", "configuration")
        only_there = {} if shared else {each: row for each, row in sent.items() if each not in here | theirs}
        absent = [identity for identity in here if identity not in there]
        missing = [identity for identity in absent if study.get(identity) not in self.gone]
        damaged = [identity for identity, row in here.items() if row.damaged]
        by_hand = [identity for identity, row in there.items() if row.rev > MAX_REVISION]
        different = [identity for identity, row in there.items() if row.checksum != here[identity].checksum]
        newer = [each for each in different if not shared and MAX_REVISION >= there[each].rev > here[each].rev]
        wrong = {*different, *by_hand}.difference(newer, damaged)
        again = {**dict.fromkeys(missing, 0), **{identity: there[identity].rev for identity in wrong}}
        await self.outbox.mend(table, {identity: rev if rev <= MAX_REVISION else 0 for identity, rev in again.items()})
        deleted = [identity for identity in theirs if study[identity] in self.gone]
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
            deleted_there=len(absent) - len(missing),
            damaged=len(damaged),
            pulled=len(theirs),
            pulled_deleted=len(deleted),
            pulled_changed=0 if shared else await self._changed(table, theirs, deleted),
        )

    async def _changed(self, table: str, theirs: Rows, deleted: Sequence[str]) -> int:
        """How many rows of colleagues' studies are others there, or are there alone."""
        there = await _ask(self.session, _THEIRS[table], list(self.pulled))
        changed = {each for each in theirs.keys() | there.keys() if theirs.get(each) != there.get(each)}
        return len(changed.difference(deleted))


class _Row(NamedTuple):
    rev: int
    checksum: str
    """md5 of the body."""
    damaged: bool = False


Rows = dict[str, _Row]
"""By id."""


async def _rows_here(table: str, database: Database) -> Rows:
    found: Rows = {}
    last = ""
    while chunk := await database.all(
        f"select id, rev, body from {table} where id > ? order by id limit ?", (last, CHUNK)
    ):
        for identity, rev, body in chunk:
            try:
                text = samples_text(body) if table == "series" else body
            except StoreError:
                found[identity] = _Row(rev, "", damaged=True)  # counted, and named by the sync, which sets it aside
                continue
            found[identity] = _Row(rev, hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())
        last = chunk[-1][0]
    return found


async def _rows_there(table: str, session: Session, ids: list[str]) -> Rows:
    found: Rows = {}
    for first in range(0, len(ids), CHUNK):
        query = f"select id, rev, md5(body) from ingestune.{table} where id = any($1) order by id"
        found |= await _ask(session, query, ids[first : first + CHUNK])
    return found


async def _ask(session: Session, query: str, *values: object) -> Rows:
    return {row[0]: _Row(row[1], row[2]) for row in await session.fetch(query, *values)}


def _digest(rows: Rows) -> str:
    summed = hashlib.md5(usedforsecurity=False)
    for identity in sorted(rows):
        summed.update(f"{identity} {rows[identity].checksum}\n".encode())
    return summed.hexdigest()
