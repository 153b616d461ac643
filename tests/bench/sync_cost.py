"""What the background sync costs a trial: `python -m tests.bench.sync_cost [--pairs 12 --seconds 4]`

Saturated stages on a local Kafka in ABBA BAAB order: A with the sync off, B with it on and, the worst case, thousands
of rows waiting the whole time, for a PostgreSQL on this same computer. The first stages of a new broker are thrown
away: its rate about doubles while its code is compiled, which no order of pairs evens out.
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
from ingestune_tui.tuning.confirm import format_interval, pair_order, verdict
from tests.bench.load_child import LoadChild, fresh_topic, producer_spec
from tests.bench.sync_waiting import write_trials
from tests.integration.postgres_fixture import Server
from tests.unit.store_values import make_study

PARTITIONS = 6
WAITING = 3000
"""Trials that are added before each stage with the sync on: more than it sends meanwhile."""
WARM_TRIALS = (8, 16)
"""At least and at most so many are thrown away."""
STEADY = 0.10
"""A broker is warm when its last three rates lie within this of each other."""


async def measure(directory: Path, pairs: int, seconds: float) -> list[tuple[float, float]]:
    """(messages/s with the sync off, with it on) for each pair."""
    study = make_study("waiting")
    rates: dict[str, list[float]] = {"A": [], "B": []}
    with Server() as server:
        shared = SharedCopy(Secret(server.dsn()), False, "bench")
        async with LocalKafka() as kafka, await Store.open(directory / "results.db") as store:
            await store.create_study(study)
            written = 0
            await _warm(kafka, seconds)
            for side in pair_order(pairs):
                async with contextlib.AsyncExitStack() as stack:
                    if side == "B":
                        await asyncio.to_thread(write_trials, store.path, study.id, written + 1, WAITING)
                        written += WAITING
                        sync = await stack.enter_async_context(Sync(store, shared, lambda state: None))
                    rate, topic = await asyncio.to_thread(_saturate, kafka.bootstrap, seconds)
                    if side == "B":
                        busy = "still sending" if sync.state.state == "sending" else sync.state.state
                        print(f"   {sync.state.waiting} rows wait, {busy}", file=sys.stderr)
                await kafka.wait_topic_gone(topic)
                rates[side].append(rate)
                print(f"{side} {rate:>12,.0f} messages/s", file=sys.stderr, flush=True)
    return list(zip(rates["A"], rates["B"], strict=True))


async def _warm(kafka: LocalKafka, seconds: float) -> None:
    """Stages to be thrown away, until the broker's rate rises no more."""
    rates: list[float] = []
    least, most = WARM_TRIALS
    while len(rates) < least or (len(rates) < most and max(rates[-3:]) > (1 + STEADY) * min(rates[-3:])):
        rate, topic = await asyncio.to_thread(_saturate, kafka.bootstrap, seconds)
        await kafka.wait_topic_gone(topic)
        rates.append(rate)
        print(f"- {rate:>12,.0f} messages/s, thrown away", file=sys.stderr, flush=True)


def _saturate(bootstrap: str, seconds: float) -> tuple[float, str]:
    with fresh_topic(bootstrap, PARTITIONS) as topic:
        spec = producer_spec(bootstrap, topic, 1000, partitions=PARTITIONS, config={"linger.ms": "5"})
        with LoadChild(spec) as child:
            child.ready()
            done = child.saturate(seconds, warm_s=2.0)
        return done.messages / done.window_s, topic


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=4.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        pairs = asyncio.run(measure(Path(directory), chosen.pairs, chosen.seconds))
    found = verdict(pairs, maximize=True)
    assert found.ratio is not None
    assert found.low is not None
    assert found.high is not None
    print(f"sync on over sync off: {format_interval(found.ratio, found.low, found.high)}: {found.kind.value}")


if __name__ == "__main__":
    main()
