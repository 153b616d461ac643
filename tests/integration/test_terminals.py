"""Terminals that end, sleep, shrink and multiply while a study runs: the study does not notice.

Real terminals, a simulated cluster, and processes of their own throughout, as when a person sits there.
"""

from __future__ import annotations

import asyncio
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

from ingestune_tui.storage.store import Store
from tests.integration.command import Command, end_all_of, processes_of, wait_until
from tests.integration.terminal import Terminal, terminal
from tests.tui.fake_study import FakeStudy

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


def app_in(screen: Terminal) -> psutil.Process:
    """The app that this terminal's shell has started."""
    (app,) = psutil.Process(int(screen.tmux("display-message", "-p", "#{pane_pid}"))).children()
    return app


def begin(screen: Terminal, folder: Path) -> None:
    """The app in this terminal with its study under way."""
    (folder / "long.toml").write_text(GRID)
    screen.type("ingestune long.toml --cluster simulated; echo exit $?")
    screen.press("Enter")
    screen.until("12 cells", within_s=30)
    screen.press("r")
    screen.until("(racing|measuring) [1-9]", within_s=60)


def attach(screen: Terminal) -> None:
    """The app on the study that runs, with all of it on Live."""
    screen.type("ingestune attach")
    screen.press("Enter")
    screen.when(lambda text: LISTED.search(text) is not None, "earlier trials", within_s=30)
    screen.when(lambda text: CHART.search(text) is not None, "a chart", within_s=30)


def only_the_study_is_left(ingestune: Command) -> bool:
    """Whether every process is the study's own, or one of those it has started."""
    found = processes_of(ingestune)
    studies = [each for each in found if "--detached" in each.cmdline()]
    return len(studies) == 1 and set(found) <= {studies[0], *studies[0].children(recursive=True)}


def resize(screen: Terminal, width: int, height: int, shown: str) -> None:
    """Another size of the terminal, until all of its width is used and this is shown."""
    screen.tmux("resize-window", "-x", str(width), "-y", str(height))
    screen.when(
        lambda text: shown in text and max(map(len, text.splitlines())) in range(width * 3 // 4, width + 1),
        f"{width}x{height} with {shown!r}",
        within_s=20,
    )


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
    screen.until(goodbye, within_s=10)


def test_screens_that_die_sleep_shrink_or_multiply_cost_the_study_nothing(ingestune: Command, tmp_path: Path) -> None:
    with ExitStack() as held:
        lost, killed, first, second = (held.enter_context(terminal(ingestune.environment, tmp_path)) for _ in range(4))
        begin(lost, tmp_path)
        app = app_in(lost)
        lost.tmux("kill-server")
        app.wait(20)
        wait_until(lambda: only_the_study_is_left(ingestune))
        goes_on(ingestune)

        attach(killed)
        app = app_in(killed)
        app.send_signal(signal.SIGKILL)
        killed.until("Killed")

        attach(first)
        attach(second)
        second.press("Space")
        first.until("paused", within_s=20)
        first.press("Space")
        second.until("(racing|measuring) [1-9]", within_s=20)
        quit_and(second, "Leave it running", "still running")

        first.press("C-z")
        first.until("Stopped")
        goes_on(ingestune)
        first.type("fg")
        first.press("Enter")
        resize(first, 120, 40, "1 Grid")
        resize(first, 40, 10, "60x16")
        resize(first, 80, 24, "1 Grid")
        first.when(lambda text: LISTED.search(text) is not None, "Live again", within_s=20)
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


async def store_a_finished_study(database: Path) -> None:
    """One with a winner, made up."""
    fake = FakeStudy(pairs=4, searched=4)
    fake.all()
    async with await Store.open(database) as store:
        await store.create_study(fake.study())
        for trial in fake.trials:
            await store.finish_trial(trial, (), {})


@pytest.mark.parametrize(
    ("start", "said"),
    [("ingestune attach", "copied, through tmux"), ("env -u TMUX ingestune attach", "OSC 52")],
    ids=["inside tmux", "in another terminal"],
)
def test_y_copies_the_file_to_the_persons_clipboard(ingestune: Command, tmp_path: Path, start: str, said: str) -> None:
    """Here tmux is the terminal that takes OSC 52, too."""
    ingestune.home.mkdir()
    asyncio.run(store_a_finished_study(ingestune.home / "results.db"))
    with terminal(ingestune.environment, tmp_path) as screen:
        screen.tmux("set-option", "-s", "set-clipboard", "on")
        screen.type(start)
        screen.press("Enter")
        screen.until("✓ finished", within_s=30)
        screen.press("4")
        screen.until("◆ tuned against ◇")
        screen.press("e")
        screen.until("Export the winner of quick")
        screen.press("y")
        screen.until(said)
        copied = screen.tmux("show-buffer")
        screen.press("Enter")
        screen.until("written:")
    assert copied == (tmp_path / "quick-producer.properties").read_text()
