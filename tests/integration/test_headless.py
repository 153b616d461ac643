"""`ingestune run` on a real Apache Kafka: from a grid file to an exported file, stopped, killed and gone on with."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ingestune_tui.errors import TrialError
from ingestune_tui.kafka.connection import Connection
from ingestune_tui.kafka.topics import Admin
from ingestune_tui.tuning.trial_loop import topic_stem
from tests.integration.command import (
    SHORT,
    TINY,
    Command,
    children_of,
    events,
    read_until,
    topics_left,
    wait_until,
)

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def ingestune(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path / "home")
    yield command
    command.end_all()


@pytest.fixture
def grid(tmp_path: Path) -> str:
    """For tests of the course of a study, not of its figures."""
    path = tmp_path / "tiny.toml"
    path.write_text(SHORT)
    return str(path)


@pytest.fixture
def paced_grid(tmp_path: Path) -> str:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return str(path)


def leave_topic(ingestune: Command, address: str, prefix: str, trial: int) -> None:
    """The topic of a killed trial is there, also where the kill came just before it was made."""
    with sqlite3.connect(ingestune.home / "results.db") as connection:
        (study,) = connection.execute("select id from study").fetchone()
    connection.close()

    async def make() -> None:
        async with Admin(Connection(address), f"{prefix}-") as admin:
            with contextlib.suppress(TrialError):  # it was there already
                await admin.create_topic(f"{topic_stem(prefix, study)}{trial}", 1, 1, {})

    asyncio.run(make())
    assert topics_left(ingestune, address)


def rows(ingestune: Command) -> list[tuple[int, str, str]]:
    database = ingestune.home / "results.db"
    with sqlite3.connect(database) as connection:
        found = connection.execute("select number, role, state from trial order by number").fetchall()
    connection.close()
    return found


def test_a_grid_becomes_a_verdict_a_leaderboard_and_a_file_even_when_killed_on_the_way(
    ingestune: Command, paced_grid: str, local_kafka: str
) -> None:
    arguments = ("run", paced_grid, "-b", local_kafka, "--yes", "--json")
    said = kill_at_trial(ingestune, arguments, 11)
    assert said[0]["event"] in ("notice", "study_started")
    assert said[-2]["event"] == "trial_finished", "the search was over, the first pair was under way"
    done = ingestune(*arguments)
    assert done.returncode == 0, done.stderr
    said += events(done.stdout)
    assert said[-1]["event"] == "study_finished"
    assert all(event["v"] == 1 and event["time"].endswith("Z") for event in said)
    kept = rows(ingestune)
    assert [state for number, _, state in kept if number == 11] == ["interrupted"]
    roles = [role for _, role, state in kept if state == "done"]
    assert roles[:10] == ["preflight"] * 5 + ["search"] * 4 + ["confirm"]
    assert roles[10:] == ["confirm"] * 8, "the pair that was cut in two is run again whole"
    trials = {event["trial"]: event for event in said if event["event"] == "trial_finished"}
    finished = [trial for trial in trials.values() if trial["state"] == "done"]
    assert len(finished) == len(roles)
    assert all(trial["messages_per_s"] > 0 and trial["latency_ms"]["p50"] > 0 for trial in finished)
    assert all(trial["configuration"]["producer"]["acks"] == "all" for trial in finished)
    (outcome,) = said[-1]["outcomes"]
    assert outcome["verdict"] in ("faster", "slower", "no measurable difference", "unstable")
    assert outcome["low"] <= outcome["ratio"] <= outcome["high"]
    assert topics_left(ingestune, local_kafka) == []

    with sqlite3.connect(ingestune.home / "results.db") as connection:
        bodies = [json.loads(row[0]) for row in connection.execute("select body from trial where state = 'done'")]
    connection.close()
    assert len(bodies) == len(roles)
    for audit in (body["audit"] for body in bodies):
        assert audit["topic_growth"] == audit["acknowledged"] == audit["sent"] > 0
        assert not audit.get("failed")

    board = ingestune("results", "tiny", "--json")
    assert board.returncode == 0
    assert all(json.loads(line) for line in board.stdout.splitlines())
    target = ingestune.home / "producer.properties"
    exported = ingestune("export", "tiny", "--dialect", "librdkafka", "-o", str(target))
    assert exported.returncode == 0, exported.stderr
    assert "acks=all" in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o600
    again = ingestune("export", "tiny", "-o", str(target))
    assert again.returncode != 0
    assert "--force" in again.stderr


def kill_at_trial(ingestune: Command, arguments: tuple[str, ...], trial: int) -> list[dict[str, Any]]:
    """Start a study and kill it in the middle of a trial; what it said until then. What it had finished is kept."""
    process = ingestune.start(*arguments)
    said = read_until(process, lambda event: event["event"] == "trial_started" and event["trial"] == trial)
    family = children_of(process.pid)
    process.kill()
    process.communicate()
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in family))
    assert [number for number, _, state in rows(ingestune) if state == "done"] == list(range(1, trial))
    return said


def test_a_study_killed_early_goes_on_without_losing_or_repeating_a_trial(
    ingestune: Command, grid: str, local_kafka: str
) -> None:
    arguments = ("run", grid, "-b", local_kafka, "--yes", "--json", "--no-confirm")
    kill_at_trial(ingestune, (*arguments, "--topic-prefix", "team"), 3)
    leave_topic(ingestune, local_kafka, "team", 3)
    done = ingestune(*arguments)
    assert done.returncode == 0, done.stderr
    kept = rows(ingestune)
    assert [number for number, _, state in kept if state == "done"][:2] == [1, 2]
    assert [state for number, _, state in kept if number == 3] == ["interrupted"]
    roles = [role for _, role, state in kept if state == "done"]
    assert roles == ["preflight"] * 5 + ["search"] * 4
    assert topics_left(ingestune, local_kafka) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_study_cleanly(
    ingestune: Command, grid: str, local_kafka: str, number: signal.Signals, code: int
) -> None:
    process = ingestune.start("run", grid, "-b", local_kafka, "--yes", "--json")
    read_until(process, lambda event: event["event"] == "trial_started")
    family = children_of(process.pid)
    process.send_signal(number)
    said, problems = process.communicate(timeout=20)
    assert process.returncode == code, problems
    assert "Traceback" not in problems
    assert events(said)[-1]["event"] == "study_finished"
    assert not any(psutil.pid_exists(pid) for pid in family)
    assert topics_left(ingestune, local_kafka) == []
    assert {state for _, _, state in rows(ingestune)} == {"interrupted"}


def test_a_second_process_is_told_who_runs_the_study_and_stop_ends_it(
    ingestune: Command, grid: str, local_kafka: str
) -> None:
    arguments = ("run", grid, "-b", local_kafka, "--yes", "--no-confirm")
    process = ingestune.start(*arguments, "--json")
    read_until(process, lambda event: event["event"] == "trial_started")
    second = ingestune(*arguments)
    assert second.returncode == 1
    assert str(process.pid) in second.stderr
    assert "ingestune attach tiny" in second.stderr
    stopped = ingestune("stop", "tiny")
    assert stopped.returncode == 0, stopped.stderr
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert topics_left(ingestune, local_kafka) == []


def test_a_lost_terminal_leaves_the_study_running(ingestune: Command, grid: str, local_kafka: str) -> None:
    process = ingestune.start("run", grid, "-b", local_kafka, "--yes", "--json")
    read_until(process, lambda event: event["event"] == "trial_started")
    process.send_signal(signal.SIGHUP)
    read_until(process, lambda event: event["event"] == "trial_finished" and event["trial"] == 3)
    process.send_signal(signal.SIGTERM)
    _, problems = process.communicate(timeout=20)
    assert process.returncode == 143, problems


def test_an_unattended_study_stops_when_its_time_is_over(ingestune: Command, grid: str, local_kafka: str) -> None:
    process = ingestune.start("run", grid, "-b", local_kafka, "--yes", "--json", "--max-unattended", "2s")
    read_until(process, lambda event: event["event"] == "trial_started")
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=30)
    assert process.returncode == 129
    assert topics_left(ingestune, local_kafka) == []


@pytest.mark.parametrize(("flags", "begun"), [(["--json"], "trial_started"), ([], "study tiny begins")])
def test_a_reader_that_closes_its_pipe_stops_nothing(
    ingestune: Command, grid: str, local_kafka: str, flags: list[str], begun: str
) -> None:
    process = ingestune.start("run", grid, "-b", local_kafka, "--yes", *flags)
    read, other = (process.stdout, process.stderr) if flags else (process.stderr, process.stdout)
    assert read is not None
    assert other is not None
    assert any(begun in line for line in read)
    read.close()
    wait_until(lambda: sum(state == "done" for _, _, state in rows(ingestune)) >= 2, within_s=30)
    process.send_signal(signal.SIGTERM)
    said = other.read()
    assert process.wait(timeout=20) == 143, said
    assert "Traceback" not in said


def test_an_external_cluster_is_asked_about_first(ingestune: Command, grid: str, local_kafka: str) -> None:
    refused = ingestune("run", grid, "-b", local_kafka)
    assert refused.returncode == 2
    assert local_kafka in refused.stderr
    assert "--yes" in refused.stderr


def test_a_cell_the_broker_rejects_is_infeasible_with_its_reason(
    ingestune: Command, tmp_path: Path, local_kafka: str
) -> None:
    grid = tmp_path / "copies.toml"
    text = SHORT.replace('"linger.ms" = [5, 50]', "")
    grid.write_text(text + "[topic]\nreplication = [1, 3]\n")
    done = ingestune("run", str(grid), "-b", local_kafka, "--yes", "--json", "--no-confirm")
    assert done.returncode == 0, done.stderr
    trials = [event for event in events(done.stdout) if event["event"] == "trial_finished"]
    refused: list[dict[str, Any]] = [trial for trial in trials if trial["state"] == "infeasible"]
    assert len(refused) == 1
    assert "replication factor" in refused[0]["error"].lower()
    assert any(trial["state"] == "done" and trial["role"] == "search" for trial in trials)


def test_the_local_cluster_is_gone_after_a_kill_of_the_study(ingestune: Command, grid: str) -> None:
    process = ingestune.start("run", grid, "--cluster", "local", "--json")
    read_until(process, lambda event: event["event"] == "trial_started")
    family = children_of(process.pid)
    assert len(family) >= 2
    process.kill()
    process.communicate()
    wait_until(lambda: not any(_runs(pid) for pid in family), within_s=25)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_no_secret_reaches_output_or_database(ingestune: Command, grid: str, tmp_path: Path) -> None:
    config = tmp_path / "client.properties"
    config.write_text(
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
        'sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="u" '
        'password="hunter2-secret";\n'
    )
    done = ingestune("run", grid, "-b", "127.0.0.1:1", "--command-config", str(config), "--yes", "--json")
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    stored = b"".join(path.read_bytes() for path in ingestune.home.rglob("*") if path.is_file())
    assert b"hunter2" not in stored
    assert os.fspath(config).encode() in stored


def test_help_lists_every_command(ingestune: Command) -> None:
    said = ingestune("--help")
    assert said.returncode == 0
    for name in ("run", "attach", "stop", "check", "params", "results", "export", "report", "sync", "doctor", "broker"):
        assert name in said.stdout
