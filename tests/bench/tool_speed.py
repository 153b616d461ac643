"""How much the tool itself costs: start-up, a large check, memory over 5 000 trials, and what stands around a trial.

    python -m tests.bench.tool_speed                # the first three, a minute
    python -m tests.bench.tool_speed --overhead     # and a short study on a local Kafka

Prints figures; asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.unit.store_values import make_study, make_trial

INGESTUNE = [sys.executable, "-m", "ingestune_tui"]
STAGES = """
[workload]
message_bytes = 1000
[trial]
warmup = "1s"
saturated = "2s"
paced = "2s"
[search]
confirm_pairs = 0
[producer]
"linger.ms" = [5, 20]
acks = "all"
"""


def seconds(command: list[str], runs: int = 9) -> float:
    """The median wall time of a command."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, check=False)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def large_grid(directory: Path) -> Path:
    """5 000 cells: 10 x 10 x 10 x 5."""
    path = directory / "large.toml"
    path.write_text(
        "[producer]\n"
        f'"linger.ms" = {list(range(10))}\n'
        f'"batch.size" = {[16384 * (n + 1) for n in range(10)]}\n'
        f'"batch.num.messages" = {[1000 * (n + 1) for n in range(10)]}\n'
        '"compression.type" = ["none", "gzip", "snappy", "lz4", "zstd"]\n'
    )
    return path


async def memory_mb(directory: Path) -> float:
    """Resident memory of a process that opened a study of 5 000 trials as the engine does."""
    from ingestune_tui.storage.store import Store
    from ingestune_tui.tuning import engine, planner  # noqa: F401  the study process has both

    study = make_study()
    async with await Store.open(directory / "many.db") as store:
        await store.create_study(study)
        for number in range(1, 5001):
            await store.finish_trial(make_trial(study.id, number=number))
        trials = await store.trials(study.id)
        assert len(trials) == 5000
        return float(psutil.Process().memory_info().rss) / 1e6


def overhead(directory: Path) -> None:
    """Duration of each trial less its stages, and the gap between trials, on a local Kafka."""
    grid = directory / "overhead.toml"
    grid.write_text(STAGES)
    environment = os.environ | {"INGESTUNE_HOME": str(directory / "home")}
    done = subprocess.run(
        [*INGESTUNE, "run", str(grid), "--cluster", "local", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    started: dict[int, Any] = {}
    around, gaps, last = [], [], None
    for line in done.stdout.splitlines():
        event = json.loads(line)
        at = _seconds_of(event["time"])
        if event["event"] == "trial_started":
            started[event["trial"]] = at
            if last is not None:
                gaps.append(at - last)
        elif event["event"] == "trial_finished":
            last = at
            around.append(at - started[event["trial"]] - 5.0)
    extra = statistics.median(around)
    print(f"a trial takes its stages and {extra:.2f} s (max {max(around):.2f}); a warm-up may run longer")
    print(f"between trials {statistics.median(gaps):.2f} s, of which 0.5 s are meant")


def _seconds_of(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--overhead", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        bare = seconds([sys.executable, "-c", "pass"])
        help_s = seconds([*INGESTUNE, "--help"])
        print(f"--help {1000 * (help_s - bare):.0f} ms beyond the interpreter's {1000 * bare:.0f} ms")
        check = seconds([*INGESTUNE, "check", str(large_grid(directory))], runs=3)
        print(f"check of 5 000 cells {check:.2f} s")
        print(f"memory with 5 000 trials {asyncio.run(memory_mb(directory)):.0f} MB")
        if given.overhead:
            overhead(directory)


if __name__ == "__main__":
    main()
