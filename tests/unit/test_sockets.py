"""Sockets of killed studies are removed when the next study starts or one is looked for; others never."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ingestune_tui.settings import paths
from ingestune_tui.tuning.sockets import remove_stale_sockets
from tests.unit.command_line import CommandLine, ingestune
from tests.unit.test_study_end import Process, process

__all__ = ["ingestune", "process"]

BIND = "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"


@pytest.fixture(autouse=True)
def place(ingestune: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The runtime directory, by a relative path: a socket's address is short."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", ".")
    monkeypatch.chdir(ingestune.home)
    runtime = paths().runtime
    runtime.mkdir()
    return runtime


def left(path: Path, *, age_s: float = 3600) -> Path:
    """The socket of a process that has ended without removing it."""
    subprocess.run([sys.executable, "-c", BIND, str(path)], check=True, timeout=60)
    return aged(path, age_s)


def aged(path: Path, age_s: float = 3600) -> Path:
    then = path.stat().st_mtime - age_s
    os.utime(path, (then, then))
    return path


def test_a_socket_nobody_holds_is_removed_and_every_other_file_kept(place: Path) -> None:
    stale, young = left(place / "1.sock"), left(place / "2.sock", age_s=0)
    plain, other = place / "3.sock", left(place / "4.socket")
    plain.write_text("no socket")
    aged(plain)
    with socket.socket(socket.AF_UNIX) as bound, socket.socket(socket.AF_UNIX) as listening:
        bound.bind(str(place / "5.sock"))
        listening.bind(str(place / "6.sock"))
        listening.listen()
        held = [aged(place / "5.sock"), aged(place / "6.sock")]
        remove_stale_sockets(place)
        assert sorted(place.iterdir()) == sorted([young, plain, other, *held])
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody has connected to find out
            listening.accept()
    assert not stale.exists()


def test_a_runtime_directory_that_is_not_there_is_no_trouble(place: Path) -> None:
    remove_stale_sockets(place / "nowhere")


def test_the_next_study_removes_them(process: Process, place: Path) -> None:
    stale = left(place / "1.sock")
    assert process.run()[0] == 0
    assert not stale.exists()


@pytest.mark.parametrize("words", [["stop"], ["attach"], ["app"]])
def test_who_looks_for_a_study_removes_them(
    ingestune: CommandLine, place: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = left(place / "1.sock")
    ingestune(*words)
    assert not stale.exists()
