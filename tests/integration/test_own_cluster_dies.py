"""`ingestune run` on a cluster of its own that dies: the study ends with its last words, and can be gone on with."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.command import SHORT, Command, children_of, events, read_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def ingestune(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path / "home")
    yield command
    command.end_all()


def kill_cluster(owner: int, named: str) -> None:
    """The processes of the cluster itself, never those that hold it."""
    below = [psutil.Process(pid) for pid in children_of(owner)]
    found = [each for each in below if named in each.cmdline() and "--record" not in each.cmdline()]
    assert found, [each.cmdline() for each in below]
    for each in found:
        each.kill()


def states(ingestune: Command) -> tuple[list[str], list[str]]:
    """Of the studies, and of their trials in order."""
    with sqlite3.connect(ingestune.home / "results.db") as connection:
        studies = [row[0] for row in connection.execute("select state from study")]
        trials = [row[0] for row in connection.execute("select state from trial order by number")]
    connection.close()
    return studies, trials


@pytest.mark.parametrize("cluster", ["simulated", pytest.param("local", marks=pytest.mark.kafka)])
def test_a_study_whose_own_cluster_dies_is_interrupted_and_goes_on_with_a_new_one(
    ingestune: Command, tmp_path: Path, request: pytest.FixtureRequest, cluster: str
) -> None:
    if cluster == "local":
        request.getfixturevalue("kafka_jars")
    grid = tmp_path / "tiny.toml"
    grid.write_text(SHORT)
    arguments = ("run", str(grid), "--cluster", cluster, "--json", "--no-confirm")
    process = ingestune.start(*arguments)
    read_until(process, lambda event: event["event"] == "trial_started" and event["trial"] == 3)
    script = str(Path(__file__).parents[2] / "ingestune_tui" / "kafka" / "mock_cluster.py")
    kill_cluster(process.pid, script if cluster == "simulated" else "kafka.Kafka")
    said, narrated = process.communicate(timeout=120)
    end = events(said)[-1]
    assert (end["event"], end["state"], end["study"]) == ("study_finished", "interrupted", "tiny"), narrated
    assert "ended with code" in end["message"]
    assert "The same command goes on with the study" in end["message"]
    assert process.returncode == 1
    assert states(ingestune) == (["interrupted"], ["done", "done", "interrupted"])

    again = ingestune(*arguments, timeout_s=180)
    assert again.returncode == 0, again.stderr
    studies, trials = states(ingestune)
    assert studies == ["finished"]
    assert set(trials) == {"done", "interrupted"}
