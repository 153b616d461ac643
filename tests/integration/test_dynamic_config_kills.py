"""A study that changes broker settings is killed while it changes them, measures, and puts them back; the brokers end
as they began, values and sources.

`python -m tests.integration.test_dynamic_config_kills` does it ten times on three nodes.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ingestune_tui.kafka.connection import Connection
from ingestune_tui.kafka.dynamic_config import ConfigAdmin
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.kafka.topics import BrokerSetting
from tests.integration.command import SHORT, Command, read_until, wait_until

CHANGES = 3
GRID = (
    SHORT.replace('"linger.ms" = [5, 50]\n', "").replace("confirm_pairs = 4", "confirm_pairs = 40")
    + """
[broker]
"num.io.threads" = 33
"background.threads" = [25, 9]
"log.index.interval.bytes" = 8192
"""
)
MOMENTS = ("changing", "measuring", "putting back")
Everything = dict[int, dict[str, BrokerSetting]]


async def every_setting(connection: Connection) -> Everything:
    """Value and source of every setting of every node."""
    async with ConfigAdmin(connection) as admin:
        nodes = (await admin.describe_cluster()).nodes
        return {node.id: await admin.describe_broker_configs(node.id) for node in nodes}


def differences(before: Everything, after: Everything) -> list[str]:
    return [
        f"broker {node} {name}: {before[node][name]} -> {after[node].get(name)}"
        for node in before
        for name in before[node]
        if before[node][name] != after[node].get(name)
    ]


class Written:
    """The journal as it is on the disk at this moment."""

    def __init__(self, command: Command) -> None:
        (path,) = command.home.rglob("*.db")
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)

    def entries(self) -> int:
        return int(self._connection.execute("select count(*) from journal").fetchone()[0])

    def close(self) -> None:
        self._connection.close()


def kill(command: Command, grid: Path, bootstrap: str, moment: str, all_entries: int, luck: random.Random) -> int:
    """Start the study, or go on with it, and kill it at such a moment of some trial; the entries that stay."""
    process = command.start("run", str(grid), "-b", bootstrap, "--allow-broker-changes", "--yes", "--json")
    for _ in range(luck.randint(1, 3)):  # not always in the same trial
        read_until(process, lambda event: event["event"] == "trial_started")
    journal = Written(command)
    try:
        wait_until(
            lambda: journal.entries() == all_entries, within_s=60
        )  # the first change is made after the last entry
        if moment == "changing":
            pause(luck.uniform(0, 0.4))
        elif moment == "measuring":
            pause(luck.uniform(0.5, 1.5))
        else:
            wait_until(lambda: journal.entries() < all_entries, within_s=60)
            pause(luck.uniform(0, 0.1))
        process.kill()
        process.communicate()
        return journal.entries()
    finally:
        journal.close()


def pause(seconds: float) -> None:
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > until)


def start_and_stop(command: Command, grid: Path, bootstrap: str) -> None:
    """The next start restores before anything else; its own changes it puts back when it is asked to end."""
    process = command.start("run", str(grid), "-b", bootstrap, "--allow-broker-changes", "--yes", "--json")
    read_until(process, lambda event: event["event"] == "trial_started")
    process.terminate()
    process.communicate(timeout=60)


def survive(command: Command, folder: Path, kafka: LocalKafka, nodes: int, kills: int, seed: int) -> None:
    luck = random.Random(seed)
    grid = folder / "broker.toml"
    grid.write_text(GRID)
    before = asyncio.run(every_setting(kafka.connection))
    dirty = dict.fromkeys(MOMENTS, 0)
    for number in range(kills):
        moment = MOMENTS[number % 3]
        kept = kill(command, grid, kafka.bootstrap, moment, CHANGES * nodes, luck)
        left = differences(before, asyncio.run(every_setting(kafka.connection)))
        dirty[moment] += bool(left)
        if number % 2:
            start_and_stop(command, grid, kafka.bootstrap)
            how = "the next start"
        else:
            done = command("restore", *(("-b", kafka.bootstrap) if number % 4 == 0 else ()))
            assert done.returncode == 0, done.stderr
            how = "restore"
        print(
            f"kill {number + 1}, while {moment}: {len(left)} settings were left changed and {kept} of "
            f"{CHANGES * nodes} entries in the journal; put back by {how}",
            file=sys.stderr,
        )
        assert differences(before, asyncio.run(every_setting(kafka.connection))) == []
    assert dirty["measuring"], "no kill met a changed setting, so nothing was shown"
    again = command("restore", "-b", kafka.bootstrap)
    assert "nothing to put back" in again.stderr


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_settings_survive_a_kill_while_they_are_changed_used_and_put_back(
    local_broker: LocalKafka, tmp_path: Path
) -> None:
    command = Command(tmp_path)
    try:
        survive(command, tmp_path, local_broker, nodes=1, kills=3, seed=7)
    finally:
        command.end_all()


@pytest.mark.kafka
@pytest.mark.slow
def test_no_other_study_begins_while_one_changes_the_brokers(local_broker: LocalKafka, tmp_path: Path) -> None:
    command = Command(tmp_path)
    grid, other = tmp_path / "broker.toml", tmp_path / "other.toml"
    grid.write_text(GRID)
    other.write_text(SHORT)
    before = asyncio.run(every_setting(local_broker.connection))
    try:
        process = command.start(
            "run", str(grid), "-b", local_broker.bootstrap, "--allow-broker-changes", "--yes", "--json"
        )
        read_until(process, lambda event: event["event"] == "trial_started")
        alias = local_broker.bootstrap.replace("127.0.0.1", "localhost")
        refused = command("run", str(other), "-b", alias, "--yes")
        process.terminate()
        process.communicate(timeout=60)
    finally:
        command.end_all()
    assert refused.returncode == 1
    assert f"study broker is changing settings of the brokers at {alias}" in refused.stderr
    assert "ingestune stop broker" in refused.stderr
    assert "throw-away" not in refused.stderr, "nothing was measured"
    assert differences(before, asyncio.run(every_setting(local_broker.connection))) == []


async def _ten_kills_on_three_nodes() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with LocalKafka(nodes=3) as kafka:
            command = Command(Path(folder))
            try:
                await asyncio.to_thread(survive, command, Path(folder), kafka, 3, 10, 11)
            finally:
                command.end_all()


if __name__ == "__main__":
    asyncio.run(_ten_kills_on_three_nodes())
