"""The house is in order: lint, format, types and layers, as part of the one test command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKS = {
    "lint": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["mypy", "--strict", "ingestune_tui", "tests"],
    "layers": ["lint-imports"],
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("check", CHECKS)
def test_the_house_is_in_order(check: str) -> None:
    program, *arguments = CHECKS[check]
    beside = Path(sys.executable).with_name(program)
    command = [str(beside) if beside.exists() else program, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_tracked_file_names_a_path_of_this_machine() -> None:
    home = str(Path.home()) + "/"
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    ours = ("ingestune_tui", "grids", "tests", "docs")
    unpacked = [str(path.relative_to(ROOT)) for folder in ours for path in (ROOT / folder).rglob("*")]
    names = unpacked if listed.returncode else listed.stdout.split()  # without git, whatever was unpacked
    assert "tests/unit/test_house.py" in names
    suspicious = [
        name
        for name in names
        if (ROOT / name).is_file() and home in (ROOT / name).read_text(encoding="utf-8", errors="ignore")
    ]
    assert suspicious == []
