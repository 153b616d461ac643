"""Terminals: which are refused, how fast they are redrawn, how text gets to the clipboard, what a crash may show."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest

from ingestune_tui.errors import ClusterUnreachable, NeedsTerminal
from ingestune_tui.tui import crash, terminal


def test_without_a_terminal_the_app_refuses_and_names_run() -> None:
    with pytest.raises(NeedsTerminal) as refused:
        terminal.require_terminal()
    assert refused.value.exit_code == 2
    assert "ingestune run" in refused.value.hint


def test_over_ssh_it_is_redrawn_more_slowly_unless_told_otherwise() -> None:
    assert terminal.refresh_hz(None, {}) == 2.0
    assert terminal.refresh_hz(None, {"SSH_CONNECTION": "a"}) == 1.0
    assert terminal.refresh_hz(4.0, {"SSH_CONNECTION": "a"}) == 4.0


@pytest.mark.parametrize(
    ("environment", "few"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, False),
        ({"TERM": "xterm"}, True),
        ({"TERM": "linux"}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, True),
    ],
)
def test_terminals_of_few_colours_are_told_apart(environment: dict[str, str], few: bool) -> None:
    assert terminal.few_colours(environment) is few


def test_text_is_copied_by_osc_52() -> None:
    written: list[str] = []
    assert "OSC 52" in terminal.copy("acks=all\n", written.append, {})
    payload = written[0].removeprefix("\x1b]52;c;").removesuffix("\a")
    assert base64.b64decode(payload) == b"acks=all\n"


def tmux_that(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a `tmux` of our own before the real one; `script` is what it does, with the interpreter in its first line."""
    path = folder / "tmux"
    path.write_text(script)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_inside_tmux_it_is_tmux_that_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmux_that(f'#!/bin/sh\necho "$@" > "{tmp_path}/asked"\ncat > "{tmp_path}/given"\n', tmp_path, monkeypatch)
    written: list[str] = []
    assert terminal.copy("acks=all\n", written.append, {"TMUX": "/tmp/tmux-0/default,1,0"}) == "copied, through tmux"
    assert (tmp_path / "asked").read_text() == "load-buffer -w -\n"
    assert (tmp_path / "given").read_text() == "acks=all\n"
    assert written == []


@pytest.mark.parametrize(
    ("script", "wait_s"),
    [
        ("#!/bin/sh\nexit 1\n", 3.0),
        ("#!/no/such/interpreter\n", 3.0),
        ("#!/bin/sh\nexec tail -f /dev/null\n", 0.1),
    ],
    ids=["fails", "cannot be started", "hangs"],
)
def test_where_tmux_is_of_no_help_the_terminal_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, wait_s: float
) -> None:
    tmux_that(script, tmp_path, monkeypatch)
    monkeypatch.setattr(terminal, "_TMUX_WAIT_S", wait_s)
    written: list[str] = []
    assert "OSC 52" in terminal.copy("acks=all\n", written.append, {"TMUX": "/tmp/tmux-0/default,1,0"})
    assert len(written) == 1


def test_more_than_a_terminal_takes_is_not_copied() -> None:
    written: list[str] = []
    assert terminal.copy("x" * 100_000, written.append, {}).startswith("not copied")
    assert written == []


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:hunter2@db/x",
        "sasl.password=hunter2",
        "{'sasl.password': 'hunter2'}",
        'ssl.key.password="hunter2"',
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
        "sasl.jaas.config=hunter2;",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    assert "hunter2" not in crash.redact(text)


def _broken(password: str) -> Exception:
    try:
        raise ValueError(f"password={password}")
    except ValueError as error:
        return error


def test_a_crash_report_names_places_and_never_values(tmp_path: Path) -> None:
    error = _broken("hunter2")
    kept = crash.write_report(error, tmp_path / "state")
    assert kept is not None
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    said = crash.describe(error, kept)
    for text in (said, kept.read_text()):
        assert "hunter2" not in text
    assert "ValueError" in said
    assert "ingestune attach" in said
    assert "_broken" in kept.read_text()


def test_an_error_of_the_tree_is_shown_as_itself() -> None:
    said = crash.describe(ClusterUnreachable("kafka1:9092 does not answer", "Is it up?"), None)
    assert said == "The cluster does not answer: kafka1:9092 does not answer\nIs it up?"
