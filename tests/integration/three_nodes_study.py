"""A whole study on three nodes of its own: three copies of each topic, dynamic settings on every node, a verdict.

It takes about a minute, so it is run by name only: `python -m pytest tests/integration/three_nodes_study.py`.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from ingestune_tui.kafka.connection import Connection
from ingestune_tui.kafka.local_layout import read_layout
from ingestune_tui.model.events import Pause, Resume, StudyPaused, StudyResumed
from tests.integration.command import BRIEF, Command, children_of, events, read_until, tell, wait_until
from tests.integration.test_dynamic_config_kills import Everything, differences, every_setting

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]

GRID = (
    BRIEF.replace("partitions = 2", "partitions = 2\nreplication = 3")
    .replace('"linger.ms" = [5, 50]\n', "")
    .replace('acks = "all"', 'acks = ["1", "all"]')
    + """
[topic]
"min.insync.replicas" = 2
[broker]
"num.io.threads" = [8, 9]
"""
)
PROMISED = "acks=all, min.insync 2"


@pytest.fixture
def ingestune(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path / "home")
    yield command
    command.end_all()


def nodes_of(study: int) -> Connection:
    """How to reach the cluster that this study process has started."""
    below = (psutil.Process(pid).cmdline() for pid in children_of(study))
    folders = [Path(words[-1]).parent for words in below if "kafka.Kafka" in words and "--record" not in words]
    assert len(folders) == 3
    _, nodes = read_layout(folders[0].parent / "cluster.json", 3)
    return Connection(",".join(f"127.0.0.1:{node.client_port}" for node in nodes))


def copies(cluster: Connection) -> set[int]:
    """How many copies the partitions of the topics of trials have at this moment, in sync, on different nodes."""
    topics = AdminClient({"bootstrap.servers": cluster.bootstrap}).list_topics(timeout=10).topics
    ours = [topic.partitions.values() for name, topic in topics.items() if name.startswith("ingestune-")]
    return {len(set(partition.isrs)) for partitions in ours for partition in partitions}


def threads(settings: Everything) -> set[tuple[str | None, str]]:
    return {(each["num.io.threads"].value, each["num.io.threads"].source) for each in settings.values()}


def test_a_study_on_three_nodes_changes_all_of_them_puts_them_back_and_ends_with_a_verdict(
    ingestune: Command, tmp_path: Path, kafka_jars: None
) -> None:
    grid = tmp_path / "three.toml"
    grid.write_text(GRID)
    study = ingestune.start("run", str(grid), "--cluster", "local", "--nodes", "3", "--json")
    said = read_until(study, lambda event: event["event"] == "trial_started")
    cluster, family = nodes_of(study.pid), children_of(study.pid)
    before = asyncio.run(every_setting(cluster))
    assert sorted(before) == [1, 2, 3]
    said += read_until(study, lambda event: event["event"] == "trial_started" and changes_brokers(event))
    wait_until(lambda: threads(asyncio.run(every_setting(cluster))) == {("9", "DYNAMIC_BROKER_CONFIG")}, within_s=60)
    wait_until(lambda: copies(cluster) == {3}, within_s=60)
    tell(ingestune, Pause(), StudyPaused)
    assert differences(before, asyncio.run(every_setting(cluster))) == []
    tell(ingestune, Resume(), StudyResumed)
    rest, problems = study.communicate(timeout=240)
    assert study.returncode == 0, problems

    said += events(rest)
    (outcome,) = said[-1]["outcomes"]
    assert outcome["verdict"] in ("faster", "slower", "no measurable difference", "unstable")
    assert outcome["winner"].get("producer", {"acks": "all"})["acks"] == "all"
    trials = [event for event in said if event["event"] == "trial_finished"]
    assert [trial["error"] for trial in trials if trial["state"] != "done"] == []
    assert any("2 with acks=1" in event["text"] for event in said if event["event"] == "notice")
    board = [json.loads(line) for line in ingestune("results", "three", "--json").stdout.splitlines()]
    rows = [row for row in board if row["event"] == "configuration"]
    promised = {(row["configuration"]["producer"]["acks"], row["durability"]) for row in rows}
    assert promised == {("1", "acks=1"), ("all", PROMISED)}
    assert f" · {PROMISED} · " in ingestune("export", "three").stdout
    assert journal(ingestune) == []
    assert not any(psutil.pid_exists(pid) for pid in family)


def changes_brokers(event: dict[str, Any]) -> bool:
    return bool(event["configuration"].get("broker", {}).get("num.io.threads") == 9)


def journal(ingestune: Command) -> list[Any]:
    with sqlite3.connect(ingestune.home / "results.db") as connection:
        left = connection.execute("select * from journal").fetchall()
    connection.close()
    return left
