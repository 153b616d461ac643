"""Terminals that end, sleep and multiply while a study runs: the study does not notice.

Real terminals, a simulated cluster, and processes of their own throughout, as when a person sits there.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.integration.command import Command, end_all_of, processes_of, wait_until
from tests.integration.terminal import Terminal, terminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

GRID = """\
title = "Long"
[workload]
message_bytes = 100
partitions = 2
[trial]
warmup = "0.5s"
saturated = "1s"
paced = "0.5s"
[limits]
bytes_per_trial = "60MB"
bytes_per_s = "20MB"
[objective]
rate = 2000
[producer]
"linger.ms" = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
acks = "all"
"""
CHART = re.compile("[\N{BRAILLE PATTERN DOTS-1}-\N{BRAILLE PATTERN DOTS-12345678}]{3}")
"""What a line of a chart is drawn with."""
LISTED = re.compile(r"^ *[✓✗] +\d+ +\S", re.MULTILINE)
"""An earlier trial in Live's list."""


@pytest.fixture
def ingestune(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path / "home")
    command.environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    yield command
    end_all_of(command)


def finished_trials(ingestune: Command) -> int:
    """How many trials the newest study has in the database, as another process sees it."""
    told = ingestune("results", "--json").stdout.splitlines()
    return int(json.loads(told[0])["trials"]) if told else 0


def goes_on(ingestune: Command) -> None:
    """Wait until two more trials are finished than now."""
    before = finished_trials(ingestune)
    wait_until(lambda: finished_trials(ingestune) >= before + 2, within_s=40)


def begin(ingestune: Command, screen: Terminal, folder: Path) -> psutil.Process:
    """The app in this terminal with its study under way; returns the app's process."""
    (folder / "long.toml").write_text(GRID)
    screen.type("ingestune long.toml --cluster simulated; echo exit $?")
    screen.press("Enter")
    screen.until("12 cells", within_s=30)
    screen.press("r")
    screen.until("(racing|measuring) [1-9]", within_s=60)
    (app,) = [each for each in processes_of(ingestune) if "long.toml" in each.cmdline()]
    return app


def quit_and(screen: Terminal, answer: str, goodbye: str) -> None:
    """Quit, give the dialog this answer, and see the app's last words."""
    screen.press("q")
    screen.until("▸ Cancel")
    for _ in range(2):
        if f"▸ {answer}" not in screen.screen():
            screen.press("Right")
            screen.until("▸ (Leave it running|Stop it)")
    screen.until(f"▸ {answer}")
    screen.press("Enter")
    screen.until(goodbye, within_s=20)


def test_screens_that_die_sleep_or_multiply_cost_the_study_nothing(ingestune: Command, tmp_path: Path) -> None:
    with ExitStack() as held:
        app = begin(ingestune, held.enter_context(terminal(ingestune.environment, tmp_path)), tmp_path)
        app.send_signal(signal.SIGKILL)
        app.wait(10)
        goes_on(ingestune)

        first = held.enter_context(terminal(ingestune.environment, tmp_path))
        second = held.enter_context(terminal(ingestune.environment, tmp_path, (120, 40)))
        for screen in (first, second):
            screen.type("ingestune attach")
            screen.press("Enter")
            screen.when(lambda text: LISTED.search(text) is not None, "earlier trials", within_s=30)
            screen.when(lambda text: CHART.search(text) is not None, "a chart", within_s=30)

        second.press("Space")
        first.until("paused", within_s=20)
        quit_and(second, "Leave it running", "still running")
        first.press("Space")
        first.until("(racing|measuring) [1-9]", within_s=20)

        first.press("C-z")
        first.until("Stopped")
        goes_on(ingestune)
        first.type("fg")
        first.press("Enter")
        first.when(lambda text: LISTED.search(text) is not None and "1 Grid" in text, "Live again", within_s=20)
        first.when(lambda text: CHART.search(text) is not None, "a chart", within_s=20)

        quit_and(first, "Stop it", "ingestune run")
        wait_until(lambda: processes_of(ingestune) == [])
        assert list(ingestune.home.rglob("*.sock")) == []


def test_a_lost_line_leaves_the_study_to_itself_and_not_for_ever(ingestune: Command, tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_text(GRID)
    with terminal(ingestune.environment, tmp_path) as screen:
        screen.type("ingestune run long.toml --cluster simulated --max-unattended 8s")
        screen.press("Enter")
        wait_until(lambda: finished_trials(ingestune) >= 1, within_s=60)
    goes_on(ingestune)
    wait_until(lambda: processes_of(ingestune) == [], within_s=60)
    (study,) = map(json.loads, ingestune("results", "--json").stdout.splitlines())
    assert (study["state"], bool(study["finished"])) == ("interrupted", True), "ended by itself, and not just gone"
