"""How much the tool itself costs: start-up, a large check, memory over 5 000 trials, and what stands around a trial.

    python -m tests.bench.tool_speed                # the first three, a minute
    python -m tests.bench.tool_speed --overhead     # and a short study on a local Kafka

Exit code 1 when a limit is broken. The gap between two trials has half a second that is meant.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

LIMITS = {
    "--help beyond the interpreter, ms": 150.0,
    "check of 5 000 cells, s": 1.0,
    "a study process with 5 000 trials, MB": 150.0,
    "the same while its planner draws, MB": math.inf,
    "around a trial, s": 1.0,
    "between two trials, s": 1.5,
}
SHORT = """
[trial]
warmup = "0.5s"
saturated = "1s"
paced = "1s"
"""
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


def memory_mb(directory: Path) -> dict[str, float]:
    """What a study process holds that goes on with one of 5 000 stored trials, and the most it ever held; on Linux."""
    grid = directory / "many.toml"
    grid.write_text(large_grid(directory).read_text() + SHORT)
    command = [*INGESTUNE, "run", str(grid), "--cluster", "simulated", "--json"]
    environment = os.environ | {"INGESTUNE_HOME": str(directory / "home"), "XDG_RUNTIME_DIR": str(directory)}
    _run_until(command, environment, lambda event: event["event"] == "trial_finished" and not event["discarded"])
    asyncio.run(fill(directory / "home" / "results.db", grid))
    status = _run_until(
        command, environment, lambda event: event["event"] == "trial_finished" and event["trial"] > 5010
    )
    names = {"VmRSS:": "a study process with 5 000 trials, MB", "VmHWM:": "the same while its planner draws, MB"}
    return {what: float(status.partition(name)[2].split()[0]) / 1e3 for name, what in names.items()}


def _run_until(command: list[str], environment: dict[str, str], over: Callable[[dict[str, Any]], bool]) -> str:
    """Run it to an event, kill it there, and give what the system knew of the process at that moment."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if over(json.loads(line)):
                status = Path(f"/proc/{process.pid}/status").read_text()
                process.kill()
                return status
    raise RuntimeError("the study ended before it came so far")


async def fill(path: Path, grid: Path) -> None:
    """Measure every cell of the only study, on paper."""
    from ingestune_tui.model.ids import new_id
    from ingestune_tui.model.space import expand
    from ingestune_tui.storage.store import Store
    from ingestune_tui.tuning.grid_file import resolve
    from tests.bench.sync_waiting import insert_trials

    parsed = resolve(grid.read_text(), grid).grid
    async with await Store.open(path) as store:
        (study,) = await store.studies()
        have = await store.trials(study.id)
    measured = next(trial for trial in reversed(have) if trial.counts)
    chance = random.Random(1)
    insert_trials(
        path,
        (
            msgspec.structs.replace(
                measured,
                id=new_id(),
                number=len(have) + 1 + index,
                role="search",
                baseline=False,
                block=1,
                configuration=cell.configuration,
                config_hash="",
                cell=index,
                messages_per_s=chance.uniform(1e5, 9e5),
            )
            for index, cell in enumerate(expand(parsed, measured.workload).cells)
        ),
    )


def overhead(directory: Path) -> dict[str, float]:
    """The medians of a trial's time less its stages, whose warm-up may run longer, and of the gap, on a local Kafka."""
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
    return {"around a trial, s": statistics.median(around), "between two trials, s": statistics.median(gaps)}


def _seconds_of(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def main() -> int:
    """Print all figures; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--overhead", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        bare = seconds([sys.executable, "-c", "pass"])
        found = {
            "--help beyond the interpreter, ms": 1000 * (seconds([*INGESTUNE, "--help"]) - bare),
            "check of 5 000 cells, s": seconds([*INGESTUNE, "check", str(large_grid(directory))], runs=3),
            **memory_mb(directory),
        }
        if given.overhead:
            found |= overhead(directory)
    broken = False
    for what, value in found.items():
        over = value >= LIMITS[what]
        broken |= over
        print(f"{what:<40} {value:8.2f}  limit {LIMITS[what]:g}{'  broken' if over else ''}")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
