"""Saturated stages of the load child on a broker of our own, one after another: what benchmarks of ratios are made of.

The first stages of a new broker are to be thrown away: its rate about doubles while its code is compiled, which no
order of pairs evens out.
"""

from __future__ import annotations

import asyncio
import sys

from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.tuning.confirm import format_interval, verdict
from tests.bench.load_child import LoadChild, fresh_topic, producer_spec

PARTITIONS = 6
WARM_STAGES = (8, 16)
"""At least and at most so many are thrown away."""
STEADY = 0.10
"""A broker is warm when its last three rates lie within this of each other."""


async def saturated(kafka: LocalKafka, seconds: float, name: str) -> float:
    """Messages/s of 1 kB over so many seconds after a warm-up of two; told on stderr under `name`."""
    rate, topic = await asyncio.to_thread(_stage, kafka.bootstrap, seconds)
    await kafka.wait_topic_gone(topic)
    print(f"{name} {rate:>12,.0f} messages/s", file=sys.stderr, flush=True)
    return rate


async def warm(kafka: LocalKafka, seconds: float) -> None:
    """Stages to be thrown away, until the broker's rate rises no more."""
    rates: list[float] = []
    least, most = WARM_STAGES
    while len(rates) < least or (len(rates) < most and max(rates[-3:]) > (1 + STEADY) * min(rates[-3:])):
        rates.append(await saturated(kafka, seconds, "-"))


def ratio_in_words(pairs: list[tuple[float, float]]) -> str:
    """The ratio of the second of each pair to the first, with its interval and verdict."""
    found = verdict(pairs, maximize=True)
    assert found.ratio is not None
    assert found.low is not None
    assert found.high is not None
    return f"{format_interval(found.ratio, found.low, found.high)}: {found.kind.value}"


def _stage(bootstrap: str, seconds: float) -> tuple[float, str]:
    with fresh_topic(bootstrap, PARTITIONS) as topic:
        spec = producer_spec(bootstrap, topic, 1000, partitions=PARTITIONS, config={"linger.ms": "5"})
        with LoadChild(spec) as child:
            child.ready()
            done = child.saturate(seconds, warm_s=2.0)
        return done.messages / done.window_s, topic
