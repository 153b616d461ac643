"""A test in a real terminal may be skipped on somebody's machine that has no tmux, and never where nobody looks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.terminal import terminal


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_without_tmux_a_terminal_is_skipped_but_not_in_ci(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    either = (pytest.skip.Exception, pytest.fail.Exception)  # a skip that is not caught would skip this test too
    with pytest.raises(either, match="no tmux here") as ended, terminal(os.environ, tmp_path):
        raise AssertionError("there is no terminal")
    assert ended.type is outcome
