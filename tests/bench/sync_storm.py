"""Is the shared copy equal, whatever dies? `python -m tests.bench.sync_storm [--trials 10000 --kills 100 ...]`

Two databases grow while the process that sends them is killed (SIGKILL) at random and PostgreSQL is stopped and
started. In the end both sides must be equal, letter by letter, and nothing doubled. Then all of it is sent once more,
to an empty database, against the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ingestune_tui.secrets import Secret
from ingestune_tui.settings import SharedCopy
from ingestune_tui.storage.store import Store
from ingestune_tui.storage.sync import sync_once
from ingestune_tui.storage.verify import verify
from tests.integration.postgres_fixture import Server
from tests.unit.store_values import HISTOGRAMS, linger, make_samples, make_study, make_trial

ROOT = Path(__file__).parents[2]
SENDER = """
import asyncio, sys
from pathlib import Path
from ingestune_tui.secrets import Secret
from ingestune_tui.settings import SharedCopy
from ingestune_tui.storage.store import Store
from ingestune_tui.storage import sync

async def main():
    path, shared = Path(sys.argv[1]), SharedCopy(Secret(sys.argv[2]), False, "storm")
    sync.REST, sync.LONGEST_RETRY_S = 0.5, 0.2
    print("ready", flush=True)
    async with await Store.open(path) as store, sync.Sync(store, shared, lambda state: None):
        await asyncio.Event().wait()

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Storm:
    """What happened."""

    trials: int
    kills: int
    restarts: int
    sent_before_the_end: int
    """Trials that were in PostgreSQL when the last sender was killed."""
    in_postgres: int
    equal: bool
    took_s: float
    again_s: float
    """To send everything once more, to an empty database."""
    again_equal: bool


async def storm(directory: Path, *, trials: int, kills: int, restarts: int, seed: int = 1) -> Storm:
    """Run it in `directory`."""
    started = time.monotonic()
    chance = random.Random(seed)
    paths = [directory / "one.db", directory / "two.db"]
    studies = [make_study("storm", host="one"), make_study("storm", host="two")]
    for path, study in zip(paths, studies, strict=True):
        async with await Store.open(path) as store:
            await store.create_study(study)
    with Server({"fsync": "on"}) as server:
        shared = SharedCopy(Secret(server.dsn()), False, "storm")
        restart_at = {round((number + 1) * kills / (restarts + 1)) for number in range(restarts)}
        restarted = written = 0
        for kill in range(kills):
            senders = [_start(path, server.dsn()) for path in paths]
            due = trials * (kill + 1) // kills
            await _write(paths, [study.id for study in studies], written, due)
            written = due
            if kill in restart_at:
                await asyncio.to_thread(server.stop, immediately=restarted % 2 == 1)
                await asyncio.to_thread(server.start)
                restarted += 1
            await asyncio.sleep(chance.uniform(0.0, 0.5))
            for sender in senders:
                sender.kill()
                sender.communicate()
            _say(f"kill {kill + 1} of {kills}: {written} trials written, {restarted} restarts")
        before = _count(server, "postgres")
        for path in paths:
            await sync_once(path, shared)
        equal = [report.equal for path in paths for report in await verify(path, shared)]
        took_s = time.monotonic() - started
        server.sql("create database again")
        again = SharedCopy(Secret(server.dsn("again")), False, "storm")
        clock = time.monotonic()
        for path in paths:
            await sync_once(path, again)
        again_s = time.monotonic() - clock
        again_equal = [report.equal for path in paths for report in await verify(path, again)]
        return Storm(
            trials, kills, restarted, before, _count(server, "postgres"), all(equal), took_s, again_s, all(again_equal)
        )


def _start(path: Path, dsn: str) -> subprocess.Popen[str]:
    """A process that sends as a study does, once it has said that it runs."""
    sender = subprocess.Popen(
        [sys.executable, "-c", SENDER, str(path), dsn],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert sender.stdout is not None
    if sender.stdout.readline() != "ready\n":
        raise RuntimeError("the sender did not start")
    return sender


async def _write(paths: list[Path], studies: list[str], first: int, last: int) -> None:
    """Trials first + 1 to last, alternately to the two databases, as two studies would."""
    stores = [await Store.open(path) for path in paths]
    try:
        for number in range(first, last):
            await stores[number % 2].finish_trial(
                make_trial(studies[number % 2], number + 1, configuration=linger(number % 50)),
                make_samples(),
                HISTOGRAMS,
            )
    finally:
        for store in stores:
            await store.close()


def _count(server: Server, database: str) -> int:
    return int(server.sql("select count(distinct (study_id, number)) from ingestune.trial", database) or 0)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        result = asyncio.run(
            storm(
                Path(directory),
                trials=chosen.trials,
                kills=chosen.kills,
                restarts=chosen.restarts,
                seed=chosen.seed,
            )
        )
    print(f"{result.trials} trials in two databases, {2 * result.kills} senders killed, {result.restarts} restarts")
    print(f"in PostgreSQL before the last sync: {result.sent_before_the_end}; in the end: {result.in_postgres}")
    print(f"both sides equal: {result.equal}; took {result.took_s:.0f} s")
    print(f"all of it again to an empty database: {result.again_s:.1f} s; equal: {result.again_equal}")
    sys.exit(0 if result.equal and result.again_equal and result.in_postgres == result.trials else 1)


if __name__ == "__main__":
    main()
