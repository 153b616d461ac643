"""One whole journey in a real terminal, on a real Kafka: choose, edit, run, watch, confirm, compare, export, quit.

The winner's file is read back, and held against what `ingestune results --json` tells. Keys and screens only: the
app, its study and the local broker are processes of their own, as when a person sits there.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest

from ingestune_tui.catalogue.properties_text import read_properties
from ingestune_tui.kafka.jars import kafka_runtime
from ingestune_tui.tuning.confirm import format_interval
from tests.integration.command import Command, end_all_of, processes_of, wait_until
from tests.integration.conftest import kafka_or_skip
from tests.integration.terminal import Terminal, terminal

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(240)]

GRID = """\
# Batches of nine messages against whole ones: any machine sees the difference.
title = "A journey"

[workload]
message_bytes = 100
partitions = 2

[trial]
warmup = "0.5s"
saturated = "1s"
paced = "0.5s"

[search]
confirm_pairs = 4

[producer]
"batch.size" = ["16KiB", "32KiB"]  # to be edited
"queue.buffering.max.messages" = 20000
acks = "all"

[baseline.producer]
"batch.size" = 1000
"""
EDITED = "16KiB 256KiB"


@pytest.fixture
def ingestune(tmp_path: Path) -> Iterator[Command]:
    """A home of its own; the temporary folder too, so that whatever is left behind can be told from others'."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    command = Command(tmp_path / "home")
    command.environment["TMPDIR"] = str(folder)
    command.environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with kafka_or_skip():
        asyncio.run(kafka_runtime())
    yield command
    end_all_of(command)


def choose_local_and_open(screen: Terminal, grid: str) -> None:
    """On the first screen: the first cluster of the left list, then a file of our own."""
    shown = screen.until(r"open a file…")
    assert re.search(r"local +Apache Kafka, here", shown)
    screen.press("Tab", "Home", "Tab", "End", "Enter")
    screen.until("Open a grid")
    screen.type(grid)
    screen.press("Enter")
    screen.until(r"local │ journey\.toml │ .*2 cells")


def edit_and_save(screen: Terminal, row: str, values: str) -> None:
    """In the grid: in with the values of the row in focus, and out to the disk."""
    screen.until(rf"▸ {re.escape(row)}")
    screen.press("Enter")
    screen.until("enter keep")
    screen.press("C-u")
    screen.when(lambda text: "32KiB" not in text, "an empty input")
    screen.type(values)
    screen.until(values)
    screen.press("Enter")
    screen.until(r"journey\.toml\*")
    screen.press("C-s")
    screen.until("saved:")
    screen.until(r"journey\.toml │")


def watch(screen: Terminal) -> None:
    """From the first trial to the verdict: figures move, the search is cut short, the pairs are met."""
    screen.until(r"\d [kM ]*msg/s")
    screen.until(r"(racing|measuring) [1-9]", within_s=60)
    screen.until("S stop & confirm")
    screen.press("S")
    screen.until("Stop the search")
    screen.press("Right", "Enter")
    screen.until(r"confirming [1-4]/4 pairs", within_s=40)
    screen.until("✓ finished", within_s=60)


def export(screen: Terminal, target: Path) -> None:
    """From Compare: look at the preview, name the file, write it."""
    screen.press("e")
    preview = screen.until("Export the winner of journey")
    assert "(•) librdkafka" in preview
    assert re.search(r"^ *acks=all", preview, re.MULTILINE)
    screen.press("Tab", "Tab", "C-u")
    screen.until("type a path")
    screen.type(str(target))
    screen.until(re.escape(target.name))
    screen.press("Enter")
    screen.until("written:")


def outcome_of(ingestune: Command) -> dict[str, Any]:
    """What the command line tells of the finished study."""
    told = ingestune("results", "journey", "--json")
    assert told.returncode == 0, told.stderr
    finished = json.loads(told.stdout.splitlines()[-1])
    assert (finished["event"], finished["state"]) == ("study_finished", "finished")
    (outcome,) = finished["outcomes"]
    assert isinstance(outcome, dict)
    return outcome


def test_a_journey_from_the_first_screen_to_the_file_read_back(ingestune: Command, tmp_path: Path) -> None:
    folder, target = tmp_path / "work", tmp_path / "winner.properties"
    folder.mkdir()
    (folder / "journey.toml").write_text(GRID)
    try:
        with terminal(ingestune.environment, folder) as screen:
            screen.type('ingestune; echo "exit $?"')
            screen.press("Enter")
            choose_local_and_open(screen, "journey.toml")
            edit_and_save(screen, "batch.size", EDITED)
            assert (folder / "journey.toml").read_text() == GRID.replace('"32KiB"', '"256KiB"')

            screen.press("r")
            screen.until("preflight", within_s=40)
            assert "java" in {process.name() for process in processes_of(ingestune)}
            watch(screen)
            screen.press("3")
            screen.until(r"◆ +[12]  +(16|256)KiB")
            screen.press("4")
            screen.until("◆ tuned against ◇")
            export(screen, target)
            screen.press("q")
            goodbye = screen.until(r"\nexit 0\n")
    finally:
        ingestune("stop", timeout_s=70)
    outcome = outcome_of(ingestune)
    assert outcome["verdict"] == "faster"
    assert format_interval(outcome["ratio"], outcome["low"], outcome["high"]) in goodbye
    assert "ingestune export journey --dialect java -o producer.properties" in goodbye

    properties = read_properties(target.read_text())
    assert properties == {name: str(value) for name, value in outcome["winner"]["producer"].items()}
    assert properties["batch.size"] in ("16384", "262144")
    confluent_kafka.Producer(properties).flush(0)

    wait_until(lambda: processes_of(ingestune) == [], within_s=25)
