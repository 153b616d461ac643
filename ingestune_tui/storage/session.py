"""One connection's worth of sending: the schema made sure of, then batches of rows, each written once at most.

A row is only ever replaced by a later revision of itself, so a batch that is sent twice, or by two processes at once,
changes nothing. Every answer is waited for at most COMMAND_S seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Self

import asyncpg

from ingestune_tui.settings import SharedCopy
from ingestune_tui.storage.foreign_rows import MAX_BODY_BYTES, Refusal, checked_cluster, shown
from ingestune_tui.storage.outbox import WITH_TOMBSTONES, Item, Outbox
from ingestune_tui.storage.postgres import close, connect, explain, in_transaction, row_is_at_fault, target, within
from ingestune_tui.storage.rows import MAX_REVISION
from ingestune_tui.storage.shared_schema import copy_id, introduce, prepare

FAILURES: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
_LATER_WINS: Final = (
    " on conflict (id) do update set rev = excluded.rev, origin = excluded.origin, body = excluded.body{more}"
    # A revision that none of us gives was set by hand, and would otherwise stay for ever.
    f" where t.rev < excluded.rev or t.rev > {MAX_REVISION}"
)
_PUT: Final = {
    # Its id is the checksum of its settings: the same on every computer, whoever sent it first.
    "configuration": "insert into ingestune.configuration as t (id, rev, origin, body) values ($1, $2, $3, $4)"
    " on conflict (id) do update set rev = excluded.rev, origin = excluded.origin, body = excluded.body"
    " where t.body <> excluded.body",
    "trial": "insert into ingestune.trial as t (id, rev, origin, body, configuration_id) values ($1, $2, $3, $4, $5)"
    + _LATER_WINS.format(more=", configuration_id = excluded.configuration_id"),
    "tombstone": "insert into ingestune.tombstone (id, rev, origin) values ($1, $2, $3) on conflict (id) do nothing",
    **{
        table: f"insert into ingestune.{table} as t (id, rev, origin, body) values ($1, $2, $3, $4)"
        + _LATER_WINS.format(more="")
        for table in ("cluster", "study", "series", "histogram")
    },
}

_REASONS: Final = {
    "trial_study_id_number_key": "the shared copy has another trial of this number in this study: this database was"
    " restored from a backup, or copied, and both went on. Both are kept where they are;"
    " `ingestune run GRID --fresh` goes on in a study that both sides can have",
    "trial_study_id_fkey": "its study is not in the shared copy: it was deleted there, or set aside too",
    "series_id_fkey": "its trial is not in the shared copy",
    "histogram_id_fkey": "its trial is not in the shared copy",
}
"""What the constraints of our own schema mean, by name."""


class Session:
    """An open line from one results database to its shared copy. Made by `Session.open`; must be closed."""

    def __init__(self, connection: asyncpg.Connection, outbox: Outbox, shared: SharedCopy, origin: str) -> None:
        self.connection = connection
        self._outbox = outbox
        self._target = target(shared)
        self._origin = origin
        self.accepted = 0
        """Rows that PostgreSQL has taken."""
        self.refused: list[str] = []
        """Clusters in PostgreSQL that somebody changed by hand, each with the reason why they are not believed."""

    @classmethod
    async def open(cls, outbox: Outbox, shared: SharedCopy, *, program: str = "ingestune") -> Self:
        """Connect, make or migrate the schema, and find out what this copy has. Raises SharedCopyError."""
        origin = await outbox.identity()
        connection = await connect(shared, program=program)
        session = cls(connection, outbox, shared, origin)
        try:
            await within(connection, session._begin())
        except BaseException as problem:
            await session.close()
            if isinstance(problem, FAILURES):
                raise explain(problem, session._target) from None
            raise
        return session

    async def _begin(self) -> None:
        await prepare(self.connection)
        await in_transaction(self.connection, self._greet)

    async def _greet(self) -> None:
        await introduce(self.connection, self._origin)
        await self._outbox.address(await copy_id(self.connection))
        await self._learn_clusters()

    async def close(self) -> None:
        """Hang up, within a second."""
        await close(self.connection)

    @property
    def lost(self) -> bool:
        """True when the server hung up meanwhile."""
        return bool(self.connection.is_closed())

    async def send(self, rows: int, body_bytes: int) -> int:
        """Send one batch; how many rows it had, 0 when nothing waits. Raises SharedCopyError."""
        for table in WITH_TOMBSTONES:
            if items := await self._outbox.batch(table, rows, body_bytes):
                await self._send_batch(table, items)
                return len(items)
        return 0

    async def _send_batch(self, table: str, items: Sequence[Item]) -> None:
        try:
            await within(self.connection, in_transaction(self.connection, lambda: self._put(table, items)))
        except FAILURES as problem:
            if not row_is_at_fault(problem):
                raise explain(problem, self._target) from None
            if len(items) == 1:
                await self._outbox.set_aside(table, items[0], self._why(problem))
                return
            half = len(items) // 2
            await self._send_batch(table, items[:half])
            await self._send_batch(table, items[half:])
            return
        await self._outbox.sent(table, items)
        self.accepted += len(items)

    def _why(self, problem: BaseException) -> str:
        """Why PostgreSQL did not take a row."""
        if known := _REASONS.get(getattr(problem, "constraint_name", None) or ""):
            return known
        reason = str(explain(problem, self._target).what)
        return reason.partition(": ")[2] or reason

    async def _put(self, table: str, items: Sequence[Item]) -> None:
        """Write the rows in the order of their ids, so that two senders never deadlock."""
        values: list[tuple[str | int, ...]]
        if table == "tombstone":
            values = [(item.id, item.rev, self._origin) for item in items]
        elif table == "trial":
            values = [(item.id, item.rev, self._origin, item.body, item.configuration_id) for item in items]
        else:
            values = [(item.id, item.rev, self._origin, item.body) for item in items]
        await self.connection.executemany(_PUT[table], values)
        if table in ("study", "tombstone"):
            await self.connection.execute(
                "delete from ingestune.study where id = any($1) and id in (select id from ingestune.tombstone)",
                [item.id for item in items],
            )
        if table == "cluster":
            await self._learn_clusters()

    async def _learn_clusters(self) -> None:
        """A cluster is the one row that several databases may change; the latest revision is taken by all."""
        known = dict(await self._outbox.clusters())
        self.refused.clear()
        for row in await self.connection.fetch(
            f"select id, rev, case when octet_length(body) <= {MAX_BODY_BYTES} then body end as body"
            " from ingestune.cluster where id = any($1)",
            list(known),
        ):
            if row["rev"] <= known[row["id"]]:
                continue
            try:
                checked_cluster(row["id"], row["rev"], row["body"])
            except Refusal as refusal:
                self.refused.append(f"cluster {shown(row['id'])} in PostgreSQL: {refusal}")
            else:
                await self._outbox.adopt_cluster(Item(row["id"], row["rev"], row["body"]))

    async def fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        """The rows of a query. Raises SharedCopyError."""
        asking = in_transaction(self.connection, lambda: self.connection.fetch(query, *values))
        try:
            return list(await within(self.connection, asking))
        except FAILURES as problem:
            raise explain(problem, self._target) from None
