"""The journal of changed broker settings, durable before each change. A part of `store.Store`.

It stays in SQLite: what must be put back is the business of the computer that changed it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ingestune_tui.model.journal import JournalEntry
from ingestune_tui.storage.database import Database, Writer
from ingestune_tui.storage.rows import text_of

_decode: Final = msgspec.json.Decoder(JournalEntry).decode


class Journal:
    """The part of the store that remembers what has to be restored."""

    _database: Database

    async def add_journal(self, entry: JournalEntry) -> None:
        """Write an entry down, durably, before the setting is changed."""

        async def unit(writer: Writer) -> None:
            await writer.run(
                "insert into journal (id, study_id, cluster_id, body) values (?, ?, ?, ?)"
                " on conflict (id) do update set body = excluded.body",
                (entry.id, entry.study_id, entry.cluster_id, text_of(entry)),
            )

        await self._database.write(unit)

    async def journal_entries(self, cluster_id: str | None = None) -> list[JournalEntry]:
        """What has to be restored, oldest first; of one cluster, or of all."""
        rows = await self._database.all(
            "select body from journal where ?1 is null or cluster_id = ?1 order by id", (cluster_id,)
        )
        return [_decode(row[0]) for row in rows]

    async def remove_journal(self, entry_id: str) -> None:
        """Forget an entry whose setting is restored."""

        async def unit(writer: Writer) -> None:
            await writer.run("delete from journal where id = ?", (entry_id,))

        await self._database.write(unit)
