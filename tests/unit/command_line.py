"""`ingestune` called in this process: its exit code and what it said. For tests of the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ingestune_tui.cli.main import run

GRID = """
[workload]
message_bytes = 100
[limits]
bytes_per_s = "5MB"
[producer]
"linger.ms" = [0, 5, 20]
"""


@dataclass(frozen=True)
class Said:
    """What one call came to."""

    code: int
    out: str
    err: str


class CommandLine:
    """Calls with a home of their own."""

    def __init__(self, home: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self.database = home / "results.db"
        self._capture = capture

    def __call__(self, *arguments: str | Path) -> Said:
        self._capture.readouterr()
        code = run([str(each) for each in arguments])
        captured = self._capture.readouterr()
        assert "Traceback" not in captured.err
        return Said(code, captured.out, captured.err)

    def grid(self, content: str | bytes = GRID, name: str = "grid.toml") -> Path:
        """A grid file of this content."""
        path = self.home.parent / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


@pytest.fixture
def ingestune(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("INGESTUNE_HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("INGESTUNE_POSTGRES", "INGESTUNE_CLUSTER", "INGESTUNE_DATABASE", "INGESTUNE_COMMAND_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return CommandLine(home, capsys)
