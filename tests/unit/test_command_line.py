"""The first word, the exit codes and the streams of `ingestune`; `check`; and what `run` and `stop` refuse."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from ingestune_tui.cli import main
from ingestune_tui.errors import GridError, Problem, StoreError, StudyError, UsageError
from ingestune_tui.storage.owner import this_process
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.grid_file import load_grid
from tests.unit.command_line import GRID, CommandLine, ingestune
from tests.unit.store_values import CLUSTER, linger, make_study, make_trial

__all__ = ["ingestune"]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Every command and its arguments, instead of the command itself."""
    calls: list[tuple[str, ...]] = []

    def stub(_: main.LazyGroup, __: click.Context, name: str) -> click.Command:
        @click.command(name, context_settings={"ignore_unknown_options": True})
        @click.argument("rest", nargs=-1)
        def command(rest: tuple[str, ...]) -> None:
            calls.append((name, *rest))

        return command

    monkeypatch.setattr(main.LazyGroup, "get_command", stub)
    return calls


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ([], ("app",)),
        (["quick.toml"], ("app", "quick.toml")),
        (["grids/quick"], ("app", "grids/quick")),
        (["./run"], ("app", "./run")),
        (["--cluster", "local"], ("app", "--cluster", "local")),
        (["-b", "kafka:9092", "quick.toml"], ("app", "-b", "kafka:9092", "quick.toml")),
        (["quick.toml", "--cluster", "local"], ("app", "quick.toml", "--cluster", "local")),
        (["run", "quick.toml"], ("run", "quick.toml")),
        (["results", "--json"], ("results", "--json")),
    ],
)
def test_the_first_word_is_a_command_or_a_grid(
    ingestune: CommandLine, called: list[tuple[str, ...]], words: list[str], call: tuple[str, ...]
) -> None:
    assert ingestune(*words).code == 0
    assert called == [call]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("runn", "Did you mean `ingestune run`?"),
        ("xyzzy", "`ingestune --help` lists"),
        ("Results", "ingestune results"),
    ],
)
def test_any_other_word_gets_the_nearest_command(ingestune: CommandLine, word: str, hint: str) -> None:
    said = ingestune(word)
    assert (said.code, said.out) == (2, "")
    assert f"there is no command '{word}', and it is no grid file" in said.err
    assert hint in said.err


def test_help_and_version_are_data(ingestune: CommandLine) -> None:
    shown = ingestune("--help")
    assert shown.code == 0
    assert all(f"  {name}" in shown.out for name in ("run", "check", "export", "doctor", "stop"))
    assert "\n  app" not in shown.out
    assert ingestune("-h").out == shown.out
    assert ingestune("--version").out.startswith("ingestune 1.")
    assert "--strategy" in ingestune("run", "--help").out


@pytest.mark.parametrize(
    ("raised", "code", "words"),
    [
        (UsageError("it is so", "Do that."), 2, "That cannot be asked for: it is so\nDo that.\n"),
        (StoreError("it is so"), 1, "The results database cannot be used: it is so\n"),
        (GridError((Problem("a.b", "wrong"),), "x.toml"), 2, "x.toml has 1 problem:\n  a.b: wrong\n"),
        (click.UsageError("no such option"), 2, "no such option\n`ingestune --help` shows how it is used.\n"),
        (click.exceptions.Exit(3), 3, ""),
        (click.Abort(), 130, ""),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
        (OSError(errno.ENOSPC, "No space left on device", "/full/x"), 1, "/full/x: No space left on device\n"),
        (StudyError("a\x1b[31mname\x07"), 1, "a\\x1b[31mname\\x07\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_error_is_said_once_and_has_its_exit_code(
    ingestune: CommandLine, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int, words: str
) -> None:
    def fail(_: Any) -> None:
        raise raised

    monkeypatch.setattr(main, "_invoke", fail)
    said = ingestune("results")
    assert (said.code, said.out) == (code, "")
    assert said.err.endswith(words) if words else said.err == ""
    assert said.err.count("it is so") <= 1


@pytest.mark.parametrize("option", ["--nonsense", "--nodes=2", "--seed=-1", "--confirm-pairs=3", "--budget=soon"])
def test_an_option_that_is_wrong_is_named(ingestune: CommandLine, option: str) -> None:
    said = ingestune("run", ingestune.grid(), "--cluster", "simulated", option)
    assert said.code == 2
    assert option.partition("=")[0] in said.err
    assert "--help" in said.err


# The streams, in a process of its own ------------------------------------------------------------------------


def child(arguments: list[str], home: Path, **streams: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "INGESTUNE_HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    command = [sys.executable, "-m", "ingestune_tui", *arguments]
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, text=True, **streams)


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    process = child(["params"], tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "closed", "code"),
    [
        ("params --json", ">&-", 0),
        ("params", ">&-", 0),
        ("results --json", ">&-", 0),
        ("results nope", "2>&-", 1),
        ("run grid.toml -b kafka:9092", "<&-", 2),
        ("params --json", ">&- 2>&- <&-", 0),
    ],
)
def test_a_stream_that_is_closed_at_the_start_is_written_nowhere(
    tmp_path: Path, arguments: str, closed: str, code: int
) -> None:
    (tmp_path / "grid.toml").write_text(GRID)
    environment = {**os.environ, "INGESTUNE_HOME": str(tmp_path / "home"), "XDG_RUNTIME_DIR": str(tmp_path)}
    script = f'"{sys.executable}" -m ingestune_tui {arguments} {closed}'
    done = subprocess.run(
        script, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr
    assert "mistake" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("crash-*"))


def test_an_output_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        process = child(["params"], tmp_path, stdout=full, stderr=subprocess.PIPE)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said == "ingestune could not go on: No space left on device\n"


def test_the_app_without_a_terminal_points_to_run(tmp_path: Path) -> None:
    process = child(["quick.toml"], tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "needs a terminal" in said
    assert "ingestune run" in said


# check ------------------------------------------------------------------------------------------------------


def test_check_says_what_would_be_run_and_runs_nothing(ingestune: CommandLine) -> None:
    said = ingestune("check", ingestune.grid())
    assert said.code == 0
    names = [line.split()[0] for line in said.out.splitlines()]
    assert names == ["cells", "cached", "trials", "time", "writes", "peak"]
    assert "3 = 3 cells" in said.out
    assert "unknown without a cluster" in said.out
    assert not ingestune.database.exists()


def test_check_counts_what_is_merged_and_invalid_and_why(ingestune: CommandLine) -> None:
    text = """
    [workload]
    message_bytes = [100, 1000]
    [producer]
    "compression.type" = ["none", "zstd"]
    "compression.level" = [1, 3]
    "enable.idempotence" = [true, false]
    acks = ["1", "all"]
    """
    said = ingestune("check", ingestune.grid(text))
    assert said.code == 0
    assert "100 B  2x2x2x2 = 16 cells: 9 run, 3 merged, 4 invalid" in said.out
    assert "4 invalid: enable.idempotence needs acks=all, not 1" in said.out
    assert "3 merged: " in said.out


@pytest.mark.parametrize("command", [["check"], ["run", "--cluster", "simulated"]], ids=["check", "run"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[producer]\n"enable.idempotence" = true\nacks = ["1", "0"]\n', "acks=all"),
        ('[producer]\nacks = ["0", "1"]\n', "a weaker promise never wins"),
        ('[workload]\nmessage_bytes = 5000\n[producer]\n"message.max.bytes" = 2000\n', "does not fit"),
        ('[baseline.producer]\nacks = "1"\n"enable.idempotence" = true\n' + GRID, "the baseline cannot be run: enable"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_started(
    ingestune: CommandLine, command: list[str], text: str, words: str
) -> None:
    said = ingestune(command[0], ingestune.grid(text), *command[1:])
    assert said.code == 2
    assert words in said.err
    assert said.err.startswith(str(ingestune.home.parent))
    assert not ingestune.database.exists()


def test_check_says_which_size_is_left_out_where_another_can_be_run(ingestune: CommandLine) -> None:
    text = '[workload]\nmessage_bytes = [100, 5000]\n[producer]\n"message.max.bytes" = [2000, 3000]\n'
    said = ingestune("check", ingestune.grid(text))
    assert said.code == 0
    assert "note    5000 B is left out: no cell can be run: a message of 5000 bytes does not fit" in said.out


def test_check_tells_what_was_left_out_of_a_baseline(ingestune: CommandLine) -> None:
    (ingestune.home.parent / "mine.properties").write_text("bootstrap.servers=kafka:1\ninterceptor.classes=x\n")
    said = ingestune("check", ingestune.grid('[baseline]\nproducer = "mine.properties"\n' + GRID))
    assert said.code == 0
    assert "note    mine.properties: " in said.out
    assert "interceptor.classes" in said.out


# run and stop -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no cluster was named"),
        (["--cluster", "lokal"], "is no cluster"),
        (["--cluster", "local", "-b", "kafka:1"], "name different clusters"),
        (["--cluster", "simulated", "--no-confirm", "--confirm-pairs", "4"], "contradict"),
        (["--cluster", "simulated", "--budget", "5s"], "--budget: this is a duration from 10 s to 720 h"),
        (["--cluster", "simulated", "--budget", "31d"], "--budget: this is a duration from 10 s to 720 h"),
        (["--cluster", "simulated", "--budget", "1e300h"], "--budget: this is a duration from 10 s to 720 h"),
        (["--cluster", "simulated", "--budget", "0s"], "'--budget': it takes more than no time"),
        (["--cluster", "simulated", "--budget", "-5m"], "'--budget': it takes more than no time"),
        (["--cluster", "simulated", "--budget", "1e400h"], "'--budget': longer than any duration"),
        (["--cluster", "simulated", "--budget", "10"], "'--budget': add a unit"),
        (["--cluster", "local", "--round-trip", "50"], "--round-trip belongs to a simulated cluster: local takes"),
        (["-b", "kafka:9092", "--yes", "--round-trip", "50"], "kafka:9092 takes the time it takes"),
        (["-b", "kafka:9092", "--yes", "--nodes", "3"], "kafka:9092 has its own"),
        (["--cluster", "simulated", "--max-unattended", "0s"], "more than no time"),
        (["--cluster", "simulated", "--topic-prefix", "a b"], "prefix"),
        (["-b", "kafka:9092"], "Add --yes"),
        (["-b", "127.0.0.1:1", "--yes", "--command-config", "/nowhere/client.properties"], "No such file"),
    ],
)
def test_run_refuses_what_makes_no_sense_before_anything_is_started(
    ingestune: CommandLine, arguments: list[str], words: str
) -> None:
    said = ingestune("run", ingestune.grid(), *arguments)
    assert said.code == 2
    assert words in said.err
    assert said.out == ""


def test_an_external_cluster_is_asked_about_with_what_it_will_cost(ingestune: CommandLine) -> None:
    said = ingestune("run", ingestune.grid(), "-b", "kafka.example:9092")
    assert "35 trials will load kafka.example:9092 for about" in said.err
    assert not ingestune.database.exists()


def test_run_without_a_grid_names_one(ingestune: CommandLine) -> None:
    said = ingestune("run", "--cluster", "simulated")
    assert said.code == 2
    assert "grids/quick.toml" in said.err


def test_going_on_with_a_study_that_is_not_there_says_so(ingestune: CommandLine) -> None:
    command = ("run", "--study", "friday", "--cluster", "simulated")
    said = ingestune(*command)
    assert said.code == 2
    assert f"there is no study friday to go on with: there is no results database at {ingestune.database}" in said.err
    assert not ingestune.database.exists()

    async def fill() -> None:
        async with await Store.open(ingestune.database) as store:
            await store.create_study(make_study("monday"))

    asyncio.run(fill())
    said = ingestune(*command)
    assert said.code == 1
    assert "there is no study friday" in said.err


def test_a_study_that_runs_is_named_with_the_way_to_watch_it(ingestune: CommandLine) -> None:
    """Two ingestunes on one database: the second is told of the first, and touches nothing."""
    path = ingestune.grid()
    found = load_grid(path)
    study = make_study(
        "grid",
        grid_text=found.text,
        grid_hash=found.hash,
        cluster=type(CLUSTER)(id="simulated", label="simulated", kind="simulated", version="", nodes=1),
        host=this_process("").host,
    )

    async def fill() -> None:
        async with await Store.open(ingestune.database) as store:
            await store.create_study(study)
            await store.claim_study(study.id, this_process("/another.sock"))

    asyncio.run(fill())
    for extra in ([], ["--study", "grid"], ["--fresh"]):
        said = ingestune("run", path, "--cluster", "simulated", *extra)
        assert said.code == 1
        assert f"process {os.getpid()}" in said.err
        assert "ingestune attach grid" in said.err
        assert said.err.count("attach") == 1
    assert "grid" in ingestune("results").out


def test_stop_without_a_running_study_says_so(ingestune: CommandLine) -> None:
    said = ingestune("stop")
    assert (said.code, said.err) == (1, "The study cannot go on: no study is running on this host\n")

    async def fill() -> None:
        async with await Store.open(ingestune.database) as store:
            study = make_study("left")
            await store.create_study(study)
            owner = type(this_process(""))(host=this_process("").host, pid=os.getpid(), process_started_at=1.0)
            await store.claim_study(study.id, owner)

    asyncio.run(fill())
    assert "left was left behind by a process that is gone" in ingestune("stop").err
    named = ingestune("stop", "left")
    assert named.code == 1
    assert "no study process answers" in named.err


@pytest.mark.parametrize("ends", [True, False])
def test_stop_believes_the_end_of_the_line_only_when_the_study_has_ended(
    ingestune: CommandLine, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    """A study that is stopped while it still starts has nothing to report; a viewer may also be cut off."""
    monkeypatch.chdir(ingestune.home)
    study = make_study("young")
    heard: list[bytes] = []

    async def stop() -> int:
        from ingestune_tui.cli.stop import _stop

        owner = this_process("young.sock")
        async with await Store.open(ingestune.database) as store:

            async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                heard.append(await reader.readline())
                if ends:
                    await store.release_study(study.id, owner, "interrupted")
                writer.close()

            await store.create_study(study)
            await store.claim_study(study.id, owner)
            async with await asyncio.start_unix_server(answer, "young.sock"):
                return await _stop(None, None)

    if ends:
        assert asyncio.run(stop()) == 0
    else:
        with pytest.raises(StudyError, match="young broke off, and it runs on"):
            asyncio.run(stop())
    assert heard == [b'{"do":"stop"}\n']


def test_what_only_reads_makes_no_database(ingestune: CommandLine) -> None:
    said = ingestune("export")
    assert (said.code, said.err.count("there is no study yet")) == (1, 1)
    assert ingestune("results").code == 0
    assert ingestune("stop").code == 1
    missing = ingestune.home / "mistyped.db"
    for command in ("export", "stop", "results", "report -o x.html", "attach", "restore", "sync"):
        said = ingestune(*command.split(), "--database", missing)
        assert (said.code, said.out) == (2, ""), command
        assert f"there is no results database at {missing}" in said.err
    assert list(ingestune.home.iterdir()) == []


def test_export_of_nothing_says_why(ingestune: CommandLine) -> None:

    async def fill() -> None:
        async with await Store.open(ingestune.database) as store:
            await store.create_study(make_study("bare", state="interrupted"))
            study = make_study("trials", state="interrupted")
            await store.create_study(study)
            await store.finish_trial(make_trial(study.id, configuration=linger(5)), [], {})

    asyncio.run(fill())
    said = ingestune("export", "bare")
    assert said.code == 2
    assert "it has: none yet" in said.err


def test_a_mistake_of_our_own_is_said_without_a_traceback_or_a_value(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> int:
        password = "hunter2"
        return {}[password]  # type: ignore[index]

    monkeypatch.setenv("INGESTUNE_HOME", str(tmp_path))
    monkeypatch.setattr(main, "_invoke", broken)
    assert main.run(["results"]) == 1
    said = capsys.readouterr().err
    assert "KeyError at" in said
    assert "Traceback" not in said
    assert "hunter2" not in said
    assert list((tmp_path / "state").glob("crash-*.txt"))
