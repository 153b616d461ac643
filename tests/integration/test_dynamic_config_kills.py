"""A study that changes broker settings is killed at random moments; the brokers end as they began, values and sources.

`python -m tests.integration.test_dynamic_config_kills` does it ten times on three nodes.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ingestune_tui.kafka.connection import Connection
from ingestune_tui.kafka.dynamic_config import ConfigAdmin
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.kafka.topics import BrokerSetting
from tests.integration.command import TINY, Command, read_until, wait_until

GRID = (
    TINY.replace('"linger.ms" = [5, 50]\n', "")
    + """
[broker]
"num.io.threads" = 33
"background.threads" = [25, 9]
"log.index.interval.bytes" = 8192
"""
)
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


def kill_at_random(command: Command, grid: Path, bootstrap: str, luck: random.Random) -> None:
    """Start the study, or go on with it, and kill it within two seconds of a trial's start."""
    process = command.start("run", str(grid), "-b", bootstrap, "--allow-broker-changes", "--yes", "--json")
    read_until(process, lambda event: event["event"] == "trial_started")
    moment = time.monotonic() + luck.uniform(0, 2)
    wait_until(lambda: time.monotonic() > moment)
    process.kill()
    process.communicate()


def start_and_stop(command: Command, grid: Path, bootstrap: str) -> None:
    """The next start restores before anything else; its own changes it puts back when it is asked to end."""
    process = command.start("run", str(grid), "-b", bootstrap, "--allow-broker-changes", "--yes", "--json")
    read_until(process, lambda event: event["event"] == "trial_started")
    process.terminate()
    process.communicate(timeout=60)


def survive(command: Command, folder: Path, kafka: LocalKafka, kills: int, seed: int) -> None:
    luck = random.Random(seed)
    grid = folder / "broker.toml"
    grid.write_text(GRID)
    before = asyncio.run(every_setting(kafka.connection))
    dirty = 0
    for kill in range(kills):
        kill_at_random(command, grid, kafka.bootstrap, luck)
        left = differences(before, asyncio.run(every_setting(kafka.connection)))
        dirty += bool(left)
        if kill % 3 == 1:
            start_and_stop(command, grid, kafka.bootstrap)
            how = "the next start"
        else:
            done = command("restore", *(("-b", kafka.bootstrap) if kill % 3 == 0 else ()))
            assert done.returncode == 0, done.stderr
            how = "restore"
        print(f"kill {kill + 1}: {len(left)} settings were left changed; put back by {how}", file=sys.stderr)
        assert differences(before, asyncio.run(every_setting(kafka.connection))) == []
    assert dirty, "no kill met a changed setting, so nothing was shown"
    again = command("restore", "-b", kafka.bootstrap)
    assert "nothing to put back" in again.stderr


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_settings_survive_three_kills_at_random_moments(local_broker: LocalKafka, tmp_path: Path) -> None:
    command = Command(tmp_path)
    try:
        survive(command, tmp_path, local_broker, kills=3, seed=7)
    finally:
        command.end_all()


async def _ten_kills_on_three_nodes() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with LocalKafka(nodes=3) as kafka:
            command = Command(Path(folder))
            try:
                await asyncio.to_thread(survive, command, Path(folder), kafka, 10, 11)
            finally:
                command.end_all()


if __name__ == "__main__":
    asyncio.run(_ten_kills_on_three_nodes())
