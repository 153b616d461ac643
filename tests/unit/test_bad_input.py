"""Issue 3's bad input, through the command line: one clear message, the right exit code, and nothing lost."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingestune_tui.storage.store import Store
from tests.unit.command_line import GRID, CommandLine, Said, ingestune
from tests.unit.store_values import make_study, make_trial

__all__ = ["ingestune"]

LEVELS = str(list(range(1, 101)))
HUGE = "[producer]\n" + "".join(
    f'"{name}" = {LEVELS}\n'
    for name in ("linger.ms", "batch.size", "retries", "request.timeout.ms", "retry.backoff.ms")
)
HUGE += "[topic]\n" + "".join(
    f'"{name}" = {LEVELS}\n' for name in ("flush.messages", "flush.ms", "segment.ms", "segment.jitter.ms", "partitions")
)


def one_message(said: Said, code: int, *words: str) -> None:
    """Nothing on stdout, a few lines on stderr, each of the words once."""
    assert (said.code, said.out) == (code, "")
    assert 0 < len(said.err.splitlines()) <= 4, said.err
    for word in words:
        assert said.err.count(word) == 1, said.err


# Grids ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["check"], ["run", "--cluster", "simulated"]], ids=["check", "run"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[producer\n", "not TOML"),
        ("[workload]\nmessage_bytes = 'many'\n", "workload.message_bytes"),
        ("[workload]\npartitions = [1]\n", "workload.partitions"),
        ('[producer]\n"lingr.ms" = 5\n', "did you mean linger.ms?"),
        ('[producer]\n"plugin.library.paths" = "x.so"\n', "is not a producer property that can be tuned"),
        ("[search]\ntolerance = nan\n", "search.tolerance"),
        ('[producer]\n"linger.ms" = inf\n', 'producer."linger.ms"'),
        (HUGE, "100,000,000,000,000,000,000 cells; at most 5,000"),
        ("a = " + "[" * 3000 + "]" * 3000, "nested too deeply"),
        (b"#" * 2_000_000, "larger than 1 MB"),
        (bytes(range(256)), "not UTF-8 text"),
        (b"\x7fELF\x02\x01\x01\x00", "not TOML"),
        ('[baseline]\nproducer = "missing.properties"\n', "No such file"),
    ],
    ids=[
        *("malformed", "wrong type", "wrong shape", "unknown", "forbidden", "NaN", "infinity", "10^20 cells"),
        *("3000 brackets", "2 MB", "not UTF-8", "binary", "no baseline file"),
    ],
)
def test_a_grid_that_cannot_be_run_is_told_with_its_file(
    ingestune: CommandLine, command: list[str], content: str | bytes, words: str
) -> None:
    path = ingestune.grid(content)
    said = ingestune(command[0], path, *command[1:])
    one_message(said, 2, words, f"{path} has 1 problem:")
    assert not ingestune.database.exists()


@pytest.mark.parametrize("command", [["check"], ["run", "--cluster", "simulated"]], ids=["check", "run"])
def test_a_grid_that_is_not_there_is_told(ingestune: CommandLine, command: list[str]) -> None:
    one_message(ingestune(command[0], "nowhere/grid.toml", *command[1:]), 2, "nowhere/grid.toml", "No such file")
    one_message(ingestune(command[0], ingestune.home, *command[1:]), 2, "Is a directory")


# Clusters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "not text in UTF-8"),
        (b"#" * 1_000_001, "larger than 1 MB"),
        (b"ssl.keystore.location=/x.jks\nssl.keystore.password=hunter2\n", "keystore"),
    ],
    ids=["binary", "too big", "Java keystore"],
)
def test_a_client_properties_that_cannot_be_used_is_told_without_its_secrets(
    ingestune: CommandLine, content: bytes, words: str
) -> None:
    path = ingestune.home / "client.properties"
    path.write_bytes(content)
    said = ingestune("run", ingestune.grid(), "-b", "127.0.0.1:1", "--yes", "--command-config", path)
    assert said.code == 2
    assert words in said.err
    assert "hunter2" not in said.err


def test_a_cluster_that_does_not_answer_is_told_once_and_the_study_can_be_gone_on_with(ingestune: CommandLine) -> None:
    with socket.socket() as taken:  # bound and never listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = ingestune("run", ingestune.grid(), "-b", address, "--yes")
    assert (said.code, said.out) == (1, "")
    assert said.err.count("The cluster does not answer") == 1
    assert said.err.count("refused the connection") == 1
    assert "interrupted" in ingestune("results").out


# Databases --------------------------------------------------------------------------------------------------


def filled(path: Path) -> None:
    """A database with one finished study and its trial."""

    async def fill() -> None:
        async with await Store.open(path) as store:
            study = make_study("earlier", state="finished")
            await store.create_study(study)
            await store.finish_trial(make_trial(study.id), [], {})

    asyncio.run(fill())


def no_database(path: Path) -> None:
    path.write_bytes(b"these are not the pages you are looking for\n" * 200)


def damaged(path: Path) -> None:
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("pragma journal_mode = delete")
    connection.close()
    whole = bytearray(path.read_bytes())
    whole[100:4000] = os.urandom(3900)
    path.write_bytes(whole)


def newer(path: Path) -> None:
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("pragma user_version = 999")
    connection.close()


def another_programs(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table notes (text)")
    connection.close()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (no_database, "is not a results database"),
        (damaged, "is damaged"),
        (newer, "this ingestune reads up to"),
        (another_programs, "is a database of another program"),
        (Path.mkdir, "is a directory"),
    ],
    ids=["no database", "damaged", "newer", "another program's", "directory"],
)
def test_a_database_that_cannot_be_used_is_told_and_left_as_it_is(
    ingestune: CommandLine, make: Callable[[Path], Any], words: str
) -> None:
    path = ingestune.home / "odd.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    for command in (["run", ingestune.grid(), "--cluster", "simulated"], ["results"], ["stop"], ["export"]):
        said = ingestune(*command, "--database", path)
        assert said.code == 1, command
        assert words in said.err
        assert said.err.count(str(path)) >= 1
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_database_in_no_directory_is_told(ingestune: CommandLine) -> None:
    said = ingestune("run", ingestune.grid(), "--cluster", "simulated", "--database", "/nowhere/results.db")
    one_message(said, 1, "there is no directory /nowhere")


def test_a_home_that_cannot_be_made_is_told(ingestune: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGESTUNE_HOME", "/dev/null/home")
    said = ingestune("run", ingestune.grid(), "--cluster", "simulated")
    assert said.code == 2
    assert "/dev/null/home" in said.err


def in_child(script: str, *arguments: object) -> list[str]:
    """Run a script that calls the command line in a process of its own; its lines, or stderr when it failed."""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines() + done.stderr.splitlines()


READ_ONLY = """
import os, sys
from ingestune_tui.cli.main import run
database = sys.argv[1]
run(["restore", "--database", database])  # loads what root alone may be able to read
run(["results", "--database", database])
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
print("codes", run(["restore", "--database", database]), run(["results", "--database", database]))
"""


def test_a_read_only_database_is_read_and_a_write_says_why_not(ingestune: CommandLine, tmp_path: Path) -> None:
    place = tmp_path / "shared"
    place.mkdir()
    path = place / "results.db"
    filled(path)
    path.chmod(0o444)
    place.chmod(0o555)
    ours = [each for each in place.parents if each.stat().st_uid == os.geteuid() and each != Path("/")]
    modes = {each: each.stat().st_mode for each in ours}
    try:
        for each in ours:
            each.chmod(modes[each] | 0o011)
        lines = in_child(READ_ONLY, path)
    finally:
        for each, mode in modes.items():
            each.chmod(mode)
        place.chmod(0o755)
    assert "codes 1 0" in lines
    assert sum("cannot be written to" in line for line in lines) == 1
    assert "earlier" in ingestune("results", "--database", path).out


FULL_DISK = """
import resource, signal, sys
from ingestune_tui.cli.main import run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
grid, database, limit = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
print("code", run(["run", grid, "--cluster", "simulated", "--no-confirm", "--database", database]))
"""


@pytest.mark.parametrize("limit", [0, 20_000])
def test_a_full_disk_is_told_and_what_was_stored_is_kept(ingestune: CommandLine, limit: int) -> None:
    filled(ingestune.database)
    lines = in_child(FULL_DISK, ingestune.grid(), ingestune.database, limit)
    assert "code 1" in lines
    assert sum("The results database cannot be used" in line for line in lines) == 1
    kept = ingestune("results", "--database", ingestune.database)
    assert "earlier" in kept.out
    with sqlite3.connect(ingestune.database) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        assert connection.execute("select count(*) from trial").fetchone() == (1,)
    connection.close()
    after = ingestune("check", ingestune.grid(GRID), "--cluster", "simulated", "--database", ingestune.database)
    assert after.code == 0
