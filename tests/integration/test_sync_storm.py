"""A small storm: what `python -m tests.bench.sync_storm` does at full size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.sync_storm import storm


@pytest.mark.slow
@pytest.mark.postgres
async def test_both_sides_are_equal_after_kills_and_restarts(tmp_path: Path) -> None:
    result = await storm(tmp_path, trials=120, kills=4, restarts=2)
    assert result.equal
    assert result.again_equal
    assert result.in_postgres == 120
