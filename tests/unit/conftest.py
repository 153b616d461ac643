"""What many unit tests begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ingestune_tui.storage.store import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty results database, open."""
    async with await Store.open(tmp_path / "results.db") as opened:
        yield opened
