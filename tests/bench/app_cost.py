"""What the app costs: CPU and bytes while a trial runs, the first paint, and how soon keys answer with 5 000 trials.

    python -m tests.bench.app_cost [--seconds 20] [--size 120x40]

runs the real app in a pseudo-terminal: on Live, fed with a made-up study at the pace of a real one (a sample each half
second), and on a finished study of 5 000 configurations in its database. Prints a table with the limits it has to keep.
Needs no broker, but a machine with nothing else to do: times to the screen are wall clock. Exit code 1 when a limit is
broken.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from ingestune_tui.settings import paths
from ingestune_tui.storage.store import Store
from tests.bench.sync_waiting import write_trials
from tests.unit.store_values import make_study

LIMITS = {
    "CPU while a trial runs, % of a core": 5.0,
    "bytes to the terminal, KiB/s": 15.0,
    "first paint, ms": 400.0,
    "a stored study of 5 000 trials opens, ms": 300.0,
    "its leaderboard opens, ms": 300.0,
    "a key answers there (p95), ms": 50.0,
}


APP = [sys.executable, "-m", "ingestune_tui"]
LIVE = [sys.executable, "-m", "tests.bench.app_cost", "--child"]
TRIALS = 5000
OPENED = b"flags"


# The child: the app itself, with a made-up study -----------------------------------------------------------------


def run_child() -> None:
    """Run the app with a made-up study on Live, until it is killed."""
    from ingestune_tui import settings as kept
    from ingestune_tui.model.events import TrialSampled
    from ingestune_tui.tui.app import IngestuneApp, initial_state
    from ingestune_tui.tui.study_view import StudyView
    from tests.tui.fake_study import FakeStudy

    IngestuneApp.MODES = {**IngestuneApp.MODES, "start": IngestuneApp.MODES["live"]}  # no cluster to choose here
    app = IngestuneApp(initial_state(kept.load(), kept.Remembered()))

    async def stream() -> None:
        view = StudyView()
        app.state.study = app.state.live = view
        app.action_switch_place("live")
        for event in FakeStudy().events():
            view.apply(event)
            if isinstance(event, TrialSampled):
                app.mark_changed()
                await asyncio.sleep(0.5)

    def begin() -> None:
        app.run_worker(stream())

    app.call_later(begin)
    app.run()


async def fill(home: str) -> None:
    """A finished study of 5 000 configurations, a trial each, in the database that the app opens."""
    where = paths({"INGESTUNE_HOME": home}).database
    study = make_study("many", state="finished")
    async with await Store.open(where) as store:
        await store.create_study(study)
    write_trials(where, study.id, 1, TRIALS, configurations=TRIALS)


# The parent: a terminal that counts ------------------------------------------------------------------------------


@dataclass
class Terminal:
    """A pseudo-terminal with the app in it."""

    process: subprocess.Popen[bytes]
    descriptor: int
    total: int = 0

    def read(self, seconds: float) -> bytes:
        """What arrives within `seconds`; returns with the first bytes."""
        ready, _, _ = select.select([self.descriptor], [], [], seconds)
        try:
            data = os.read(self.descriptor, 1 << 16) if ready else b""
        except OSError as problem:
            raise RuntimeError(f"the app ended early, with exit code {self.process.wait(5)}") from problem
        self.total += len(data)
        return data

    def until(self, wanted: bytes, seconds: float) -> float:
        """Seconds until `wanted` was drawn."""
        begin, seen = time.monotonic(), b""
        while wanted not in seen:
            if time.monotonic() - begin > seconds:
                raise TimeoutError(f"{wanted!r} was not drawn within {seconds} s")
            seen += self.read(0.1)
        return time.monotonic() - begin

    def settle(self, quiet_s: float = 0.4) -> None:
        """Until nothing arrives for a while."""
        while self.read(quiet_s):
            pass


def terminals(arguments: list[str], size: tuple[int, int], home: str) -> Iterator[Terminal]:
    """One app in a terminal of its own, ended when the caller is done with it."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "INGESTUNE_HOME": home}
    process = subprocess.Popen(
        arguments, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def first_paint(size: tuple[int, int], home: str) -> float:
    """Seconds from the start of the process to its name on the screen."""
    for terminal in terminals(APP, size, home):
        return terminal.until(b"ingestune", 10)
    raise AssertionError("no terminal")


def measure(seconds: float, size: tuple[int, int]) -> dict[str, float]:
    """Every figure, by its name in LIMITS."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        paints = sorted(first_paint(size, home) for _ in range(5))
        found["first paint, ms"] = paints[2] * 1000
        for terminal in terminals(LIVE, size, home):
            terminal.until(b"saturated", 20)
            app = psutil.Process(terminal.process.pid)
            begin, before, cpu = time.monotonic(), terminal.total, sum(app.cpu_times()[:2])
            while time.monotonic() - begin < seconds:
                terminal.read(0.1)
            took = time.monotonic() - begin
            found["bytes to the terminal, KiB/s"] = (terminal.total - before) / 1024 / took
            found["CPU while a trial runs, % of a core"] = (sum(app.cpu_times()[:2]) - cpu) / took * 100
        asyncio.run(fill(home))
        for terminal in terminals(APP, size, home):
            terminal.until(b"ingestune", 20)
            terminal.settle()
            os.write(terminal.descriptor, b"5")
            terminal.until(b"many", 20)
            terminal.settle()
            os.write(terminal.descriptor, b"\r")
            found["a stored study of 5 000 trials opens, ms"] = terminal.until(OPENED, 20) * 1000
            terminal.settle()
            os.write(terminal.descriptor, b"2")
            terminal.settle()
            os.write(terminal.descriptor, b"3")
            found["its leaderboard opens, ms"] = terminal.until(b"flags", 10) * 1000
            terminal.settle()
            delays = []
            for turn in range(60):
                begin = time.monotonic()
                os.write(terminal.descriptor, b"s" if turn % 4 == 3 else b"\x1b[B")
                terminal.read(2)
                delays.append((time.monotonic() - begin) * 1000)
                terminal.settle(0.05)
            found["a key answers there (p95), ms"] = sorted(delays)[int(len(delays) * 0.95)]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_child()
        return 0
    width, height = (int(part) for part in options.size.split("x"))
    found = measure(options.seconds, (width, height))
    print("| what | measured | limit |\n|---|---|---|")
    for name, limit in LIMITS.items():
        print(f"| {name} | {found[name]:.1f} | {limit:g} |")
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    if busy > 0.8:
        print(f"this machine was busy (load {busy:.1f} per core): the times say little", file=sys.stderr)
    return 1 if any(found[name] > limit for name, limit in LIMITS.items()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
