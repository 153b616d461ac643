"""The local side of the sync: which rows PostgreSQL does not have yet, and what became of those sent.

Works on a connection of its own, beside the store's, in short transactions. A row waits while rev > synced_rev.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ingestune_tui.errors import StoreError
from ingestune_tui.model.ids import new_id
from ingestune_tui.storage.database import Database, Writer
from ingestune_tui.storage.rows import samples_text

TABLES: Final = ("cluster", "configuration", "study", "trial", "series", "histogram")
"""In the order in which rows refer to each other."""
WITH_TOMBSTONES: Final = (*TABLES, "tombstone")
_OWN: Final = {
    "cluster": "",
    "configuration": "",
    "study": " where origin = ''",
    "trial": " where study_id in (select id from study where origin = '')",
    "series": " where id in (select t.id from trial t join study s on s.id = t.study_id where s.origin = '')",
    "histogram": " where id in (select t.id from trial t join study s on s.id = t.study_id where s.origin = '')",
    "tombstone": " where shared = 1",
}
_MACHINE_ID: Final = Path("/etc/machine-id")
"""There is none on a Mac and in many containers: there the file's number alone tells."""


@dataclass(frozen=True, slots=True)
class Item:
    """A row on its way."""

    id: str
    rev: int
    body: str
    """Empty for a tombstone."""
    configuration_id: str = ""
    """Of a trial."""

    @property
    def checksum(self) -> str:
        """md5 of the body, as PostgreSQL computes it too."""
        return hashlib.md5(self.body.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Queue:
    """How far PostgreSQL is behind."""

    waiting: int
    """Rows to be sent."""
    refused: int
    """Rows that PostgreSQL would not take."""
    since: datetime | None
    """When the oldest of those that wait was written; None where none waits."""


class Outbox:
    """What waits in one results database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def identity(self) -> str:
        """The id of this database, made when it is first asked for, and another one when the file is a copy.

        All that hangs on it is whose studies a pull brings: our own stay our own under the new id, sent as before.
        """
        fingerprint = await asyncio.to_thread(_fingerprint, self._database.path)
        query = (
            "select max(value) filter (where name = 'database_id'), max(value) filter (where name = 'file') from meta"
        )

        async def unit(writer: Writer) -> str:
            known, file = (await writer.all(query))[0]
            identity = str(known) if known and file in (None, fingerprint) else new_id()
            await writer.many(
                "insert into meta values (?, ?) on conflict (name) do update set value = excluded.value",
                [("database_id", identity), ("file", fingerprint)],
            )
            return identity

        known, file = (await self._database.all(query))[0]
        return str(known) if known and file == fingerprint else await self._database.write(unit)

    async def address(self, copy_id: str) -> None:
        """Say which copy is sent to. Everything of ours waits again when it is another one than last time."""

        async def unit(writer: Writer) -> None:
            for table in WITH_TOMBSTONES:
                await writer.run(f"update {table} set synced_rev = 0, problem = ''{_OWN[table]}")
            await writer.run(
                "insert into meta values ('copy_id', ?) on conflict (name) do update set value = excluded.value",
                (copy_id,),
            )

        row = await self._database.one("select value from meta where name = 'copy_id'")
        if row is None or row[0] != copy_id:
            await self._database.write(unit)

    async def waiting(self) -> tuple[int, int]:
        """(rows to be sent, rows that PostgreSQL would not take)."""
        counts = " union all ".join(
            f"select coalesce(sum(problem = ''), 0), coalesce(sum(problem <> ''), 0) from {table}"
            " where rev > synced_rev"
            for table in WITH_TOMBSTONES
        )
        rows = await self._database.all(counts)
        return sum(row[0] for row in rows), sum(row[1] for row in rows)

    async def queue(self) -> Queue:
        """What waits and since when: a revision is the moment of its change in microseconds."""
        oldest = " union all ".join(
            f"select min(rev) as rev from {table} where rev > synced_rev and problem = ''" for table in WITH_TOMBSTONES
        )
        row = await self._database.one(f"select min(rev) from ({oldest})")
        since = datetime.fromtimestamp(int(row[0]) / 1e6, UTC) if row and row[0] is not None else None
        return Queue(*await self.waiting(), since)

    async def problems(self, limit: int = 20) -> list[str]:
        """Why rows were not taken, a line each."""
        found = []
        for table in WITH_TOMBSTONES:
            rows = await self._database.all(
                f"select id, problem from {table} where rev > synced_rev and problem <> '' order by id limit ?",
                (limit,),
            )
            found += [f"{table} {identity}: {problem}" for identity, problem in rows]
        return found[:limit]

    async def batch(self, table: str, rows: int, body_bytes: int) -> list[Item]:
        """The next rows of a table, at most so many and, one at least, at most so large together.

        A row that cannot be read is set aside, so that it holds up no other one.
        """
        columns = {"tombstone": "id, rev, ''", "trial": "id, rev, body, configuration_id"}.get(table, "id, rev, body")
        query = f"select {columns} from {table} where rev > synced_rev and problem = '' order by id limit ?"
        items: list[Item] = []
        size = 0
        while not items and (found := await self._database.all(query, (rows,))):
            for identity, rev, body, *rest in found:
                try:
                    item = Item(identity, rev, samples_text(body) if table == "series" else body, *rest)
                except StoreError as problem:
                    await self.set_aside(table, Item(identity, rev, ""), problem.what)
                    continue
                size += len(item.body)
                if items and size > body_bytes:
                    break
                items.append(item)
        return items

    async def sent(self, table: str, items: Sequence[Item]) -> None:
        """PostgreSQL holds these revisions; a row that changed meanwhile waits on."""

        async def unit(writer: Writer) -> None:
            await writer.many(
                f"update {table} set synced_rev = ?, problem = '' where id = ? and synced_rev < ?",
                [(item.rev, item.id, item.rev) for item in items],
            )

        await self._database.write(unit)

    async def set_aside(self, table: str, item: Item, problem: str) -> None:
        """This row cannot be sent; it is tried again when it changes, or when somebody asks."""

        async def unit(writer: Writer) -> None:
            await writer.run(
                f"update {table} set problem = ? where id = ? and rev = ?", (problem or "refused", item.id, item.rev)
            )

        await self._database.write(unit)

    async def try_again(self) -> None:
        """Give every row that was set aside another chance."""

        async def unit(writer: Writer) -> None:
            for table in WITH_TOMBSTONES:
                await writer.run(f"update {table} set problem = '' where rev > synced_rev and problem <> ''")

        if (await self.waiting())[1]:
            await self._database.write(unit)

    async def mend(self, table: str, revisions: Mapping[str, int]) -> None:
        """These are not in PostgreSQL as they should be: send them again, each with a revision above the one given.

        Rows that were pulled are their owner's to mend.
        """
        own = _OWN[table].replace(" where ", " and ", 1)

        async def unit(writer: Writer) -> None:
            await writer.many(
                f"update {table} set rev = max(rev, ? + 1), synced_rev = 0, problem = '' where id = ?{own}",
                [(revision, identity) for identity, revision in revisions.items()],
            )

        if revisions:
            await self._database.write(unit)

    async def studies_of(self, table: str) -> dict[str, str]:
        """Row to the study that it belongs to; none for clusters and configurations, which belong to nobody."""
        query = {
            "study": "select id, id from study",
            "trial": "select id, study_id from trial",
            "series": "select e.id, t.study_id from series e join trial t on t.id = e.id",
            "histogram": "select e.id, t.study_id from histogram e join trial t on t.id = e.id",
        }.get(table)
        return dict(await self._database.all(query)) if query else {}

    async def clusters(self) -> list[tuple[str, int]]:
        """(id, rev) of every cluster."""
        return [(row[0], row[1]) for row in await self._database.all("select id, rev from cluster order by id")]

    async def adopt_cluster(self, item: Item) -> None:
        """A colleague knows a cluster better: take what PostgreSQL holds."""

        async def unit(writer: Writer) -> None:
            await writer.run(
                "update cluster set body = ?, rev = ?, synced_rev = ? where id = ? and rev < ?",
                (item.body, item.rev, item.rev, item.id, item.rev),
            )

        await self._database.write(unit)


def _fingerprint(path: Path) -> str:
    """Tells a file from its copies: this computer (not by its name, which may change) and the file's place on it.

    A digest, since a machine's id is nobody else's business. Where a file system gives a file another number at each
    mount, the database gets another id each time, which loses and doubles nothing.
    """
    machine = ""
    with suppress(OSError):
        machine = _MACHINE_ID.read_text(encoding="ascii", errors="replace").strip()
    return hashlib.sha256(f"ingestune {machine} {path.stat().st_ino}".encode()).hexdigest()[:32]
