"""What the app's tests share: an app over a folder of its own, with a grid in the editor where one is wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ingestune_tui.storage.store import Store
from ingestune_tui.tui.grid_document import GridDocument
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp

SIZES = [(80, 24), (120, 40)]

GRID = """\
# Does batching pay?
title = "Batching"

[workload]
message_bytes = 1000

[search]
confirm_pairs = 4

[producer]
"linger.ms" = [0, 5, 20]  # from none to a lot
"compression.type" = ["none", "lz4"]
acks = "all"
"""


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    """A small and a comfortable terminal."""
    found: tuple[int, int] = request.param
    return found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A database with one finished study, and without its trials."""
    async with await Store.open(tmp_path / "results.db") as opened:
        fake = FakeStudy(pairs=4, searched=4)
        fake.all()
        await opened.create_study(fake.study())
        yield opened


@pytest.fixture
def grid_file(tmp_path: Path) -> Path:
    """A grid on disk."""
    path = tmp_path / "mine.toml"
    path.write_text(GRID)
    return path


@pytest.fixture
def editor(tmp_path: Path, grid_file: Path) -> Callable[..., ShownApp]:
    """Makes an app with a grid in the editor: the usual one, or the given text."""

    def make(text: str | None = None) -> ShownApp:
        if text is not None:
            grid_file.write_text(text)
        app = ShownApp(tmp_path / "home", "grid")
        app.state.document = GridDocument.open(grid_file)
        return app

    return make


@pytest.fixture
def starter(tmp_path: Path) -> Callable[[], ShownApp]:
    """Makes an app on its first screen, with two ready grids."""
    ready = tmp_path / "ready"
    ready.mkdir()
    (ready / "quick.toml").write_text(GRID)
    (ready / "latency.toml").write_text(GRID.replace("# Does batching pay?", "# How low can the latency get?"))

    def make() -> ShownApp:
        app = ShownApp(tmp_path / "home", "start")
        app.state.ready_grids = ready
        return app

    return make
