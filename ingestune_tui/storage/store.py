"""The store: every study, trial, sample and histogram in one SQLite file, the truth. One per process.

Used by the study process (which writes) and the app and command line (which mostly read); several processes may have
the same file open. What it raises is StoreError (the file) or StudyError (a study).
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from ingestune_tui.settings import Settings, private_directory
from ingestune_tui.storage.database import Database
from ingestune_tui.storage.journal import Journal
from ingestune_tui.storage.outbox import Outbox, Queue
from ingestune_tui.storage.studies import Studies
from ingestune_tui.storage.trials import Trials


class Store(Studies, Trials, Journal):
    """An open results database. Made by `Store.open`; must be closed, or the interpreter does not end."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, path: Path, *, read_only: bool = False) -> Store:
        """Open, create or migrate `path`. Raises StoreError; NewerStoreError for a newer ingestune's file."""
        return cls(await Database.open(path, read_only=read_only))

    @classmethod
    async def open_configured(cls, settings: Settings, *, read_only: bool = False) -> Store:
        """The database of these settings; the default place is made when it is missing, a chosen one is not."""
        if not read_only and settings.database == settings.paths.database:
            private_directory(settings.paths.data)
        return await cls.open(settings.database, read_only=read_only)

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    async def queue(self) -> Queue:
        """What the copy in PostgreSQL lacks."""
        return await Outbox(self._database).queue()

    async def close(self) -> None:
        """Finish what is being written and let go of the file."""
        await self._database.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
