"""A study on somebody else's broker that goes away in the middle of a trial and comes back with its data."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.command import BRIEF, Command, end_all_of, events, read_until, topics_left

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def ingestune(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path / "home")
    yield command
    end_all_of(command)


def start_broker(ingestune: Command, data: Path) -> tuple[subprocess.Popen[str], str]:
    """A broker that keeps its data, and its port with them."""
    broker = ingestune.start("broker", "--data-dir", str(data))
    assert broker.stdout is not None
    return broker, broker.stdout.readline().strip()


def test_a_study_waits_for_a_broker_that_goes_away_and_measures_every_cell_when_it_is_back(
    ingestune: Command, tmp_path: Path, kafka_jars: None
) -> None:
    broker, address = start_broker(ingestune, tmp_path / "data")
    grid = tmp_path / "back.toml"
    grid.write_text(BRIEF)
    study = ingestune.start("run", str(grid), "-b", address, "--yes", "--no-confirm", "--json")
    said = read_until(study, lambda event: event["event"] == "trial_started" and event["trial"] == 7)
    broker.terminate()
    broker.communicate(timeout=60)
    said += read_until(study, lambda event: event["event"] == "study_paused" and event["attempt"] >= 2)
    paused = [event for event in said if event["event"] == "study_paused"]
    assert [event["attempt"] for event in paused] == [1, 2]
    assert all(address in event["reason"] and event["retry_in_s"] > 0 for event in paused)

    broker, again = start_broker(ingestune, tmp_path / "data")
    assert again == address
    rest, problems = study.communicate(timeout=120)
    assert study.returncode == 0, problems
    said += events(rest)
    trials = [event for event in said if event["event"] == "trial_finished"]
    assert {trial["state"] for trial in trials} == {"done", "interrupted"}
    done = [trial for trial in trials if trial["state"] == "done"]
    assert [trial["role"] for trial in done] == ["preflight"] * 5 + ["search"] * 4
    assert sorted(each["configuration"]["producer"].get("linger.ms", 5) for each in done[5:]) == [5, 5, 50, 50]
    assert [event["event"] for event in said].count("study_resumed") == 1
    assert topics_left(ingestune, address) == []
