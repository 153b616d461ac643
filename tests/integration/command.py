"""Runs `ingestune` as a person or a script would: a process of its own, a home of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ingestune_tui.kafka.connection import Connection
from ingestune_tui.kafka.topics import Admin
from ingestune_tui.model.events import Event, Pause, Resume
from ingestune_tui.tuning.study_client import StudyClient
from ingestune_tui.tuning.trial_loop import topic_stem

TINY = """
title = "Tiny"
[workload]
message_bytes = 100
partitions = 2
[trial]
warmup = "0.5s"
saturated = "1s"
paced = "1s"
[limits]
bytes_per_trial = "60MB"
bytes_per_s = "20MB"
[objective]
rate = 2000
[search]
confirm_pairs = 4
[producer]
"linger.ms" = [5, 50]
acks = "all"
"""
"""With a paced rate that every trial holds on a busy machine too: a share of the baseline's may be too much."""

SHORT = TINY.replace('paced = "1s"', "paced = 0").replace("[objective]\nrate = 2000\n", "")
"""Without a paced stage: for the course of a study, not for its figures."""

BRIEF = SHORT.replace('"60MB"', '"2MB"').replace('"20MB"', '"8MB"')
"""Trials that `bytes_per_trial` ends after a quarter of a second: for whole studies, on brokers slow to start."""


@dataclass
class Command:
    """`ingestune` with its own INGESTUNE_HOME."""

    home: Path

    def __post_init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []
        self.environment = {
            **os.environ,
            "INGESTUNE_HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home),
            "NO_COLOR": "1",
        }
        for name in ("INGESTUNE_POSTGRES", "INGESTUNE_CLUSTER", "INGESTUNE_DATABASE"):
            self.environment.pop(name, None)

    def __call__(self, *arguments: str, timeout_s: float = 100.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ingestune_tui", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "ingestune_tui", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def end_all(self) -> None:
        """Whatever a failed test left running."""
        for process in self.started:
            with process:
                process.kill()


def events(text: str) -> list[dict[str, Any]]:
    """The JSON lines of `--json`."""
    return [json.loads(line) for line in text.splitlines()]


def read_until(process: subprocess.Popen[str], wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Events of a running `run --json` up to the first that is wanted."""
    assert process.stdout is not None
    seen: list[dict[str, Any]] = []
    for line in process.stdout:
        seen.append(json.loads(line))
        if wanted(seen[-1]):
            return seen
    _, said = process.communicate()
    raise AssertionError(f"it ended first; events {[each['event'] for each in seen]}; it said {said}")


def wait_until(condition: Callable[[], bool], within_s: float = 15.0) -> None:
    """Look again and again; an AssertionError when it never comes true."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def processes_of(ingestune: Command) -> list[psutil.Process]:
    """Every running process that carries this test's home, the shells of its terminals left out."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = process.environ().get("INGESTUNE_HOME") == str(ingestune.home)
            if ours and process.name() not in ("sh", "tmux: server") and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def end_all_of(ingestune: Command) -> None:
    """After a failure: whatever carries this test's home."""
    ingestune.end_all()
    for process in processes_of(ingestune):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def topics_left(ingestune: Command, address: str) -> list[str]:
    """Topics of this test's own studies: the broker is shared with other tests."""
    with sqlite3.connect(ingestune.home / "results.db") as connection:
        studies = [row[0] for row in connection.execute("select id from study")]
    connection.close()

    async def ask() -> list[str]:
        stems = [topic_stem(prefix, study) for study in studies for prefix in ("ingestune", "team")]
        async with Admin(Connection(address)) as admin:
            return [topic for stem in stems for topic in await admin.list_topics(stem)]

    assert studies
    return asyncio.run(ask())


def tell(ingestune: Command, command: Pause | Resume, until: type[Event]) -> None:
    """What a person says to the one study that runs there, and waits for the effect of."""

    async def say() -> None:
        (path,) = ingestune.home.rglob("*.sock")
        async with await StudyClient.connect(path) as client:
            await client.send(command)
            async for event in client.events():
                if isinstance(event, until):
                    return
            raise AssertionError("the study ended first")

    asyncio.run(say())


def children_of(pid: int) -> list[int]:
    """All processes below `pid`."""
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]
