"""What the background sync costs a trial: `python -m tests.bench.sync_cost [--pairs 12 --seconds 4]`

Saturated stages on a local Kafka in ABBA BAAB order: A with the sync off, B with it on and, the worst case, thousands
of rows waiting the whole time, for a PostgreSQL on this same computer.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.secrets import Secret
from ingestune_tui.settings import SharedCopy
from ingestune_tui.storage.store import Store
from ingestune_tui.storage.sync import Sync
from ingestune_tui.tuning.confirm import pair_order
from tests.bench.stages import ratio_in_words, saturated, warm
from tests.bench.sync_waiting import write_trials
from tests.integration.postgres_fixture import Server
from tests.unit.store_values import make_study

WAITING = 3000
"""Trials that are added before each stage with the sync on: more than it sends meanwhile."""


async def measure(directory: Path, pairs: int, seconds: float) -> list[tuple[float, float]]:
    """(messages/s with the sync off, with it on) for each pair."""
    study = make_study("waiting")
    rates: dict[str, list[float]] = {"A": [], "B": []}
    with Server() as server:
        shared = SharedCopy(Secret(server.dsn()), False, "bench")
        async with LocalKafka() as kafka, await Store.open(directory / "results.db") as store:
            await store.create_study(study)
            written = 0
            await warm(kafka, seconds)
            for side in pair_order(pairs):
                async with contextlib.AsyncExitStack() as stack:
                    if side == "B":
                        await asyncio.to_thread(write_trials, store.path, study.id, written + 1, WAITING)
                        written += WAITING
                        sync = await stack.enter_async_context(Sync(store, shared, lambda state: None))
                    rates[side].append(await saturated(kafka, seconds, side))
                    if side == "B":
                        busy = "still sending" if sync.state.state == "sending" else sync.state.state
                        print(f"   {sync.state.waiting} rows wait, {busy}", file=sys.stderr)
    return list(zip(rates["A"], rates["B"], strict=True))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=4.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        pairs = asyncio.run(measure(Path(directory), chosen.pairs, chosen.seconds))
    print(f"sync on over sync off: {ratio_in_words(pairs)}")


if __name__ == "__main__":
    main()
