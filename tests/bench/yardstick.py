"""Our load generator beside Kafka's own and librdkafka's own, on one broker, with equal settings.

    python -m tests.bench.yardstick [--sizes 10,100,1000,10000] [--pairs 6] [--seconds 4] [--json FILE]

Two contenders at a time meet in pairs of neighbouring runs, in ABBA order; before that each runs once for nothing.
Every run has a topic of its own, which is gone before the next. The figure is messages acknowledged a second after
a warm-up; of a comparison, the geometric mean of its pairs' ratios with its 95 % t interval.
Our Java child meets ProducerPerformance too: equal settings must give equal throughput.
librdkafka's `rdkafka_performance` takes part if it is on PATH or named by RDKAFKA_PERFORMANCE.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ingestune_tui.bench.java_child import prepare
from ingestune_tui.bench.java_launch import FLAGS
from ingestune_tui.bench.payload import prepare_values
from ingestune_tui.kafka.jars import KafkaRuntime, kafka_runtime
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.tuning.confirm import ratio_interval
from tests.bench.load_child import LoadChild, fresh_topic, producer_spec

PARTITIONS = 6
WARM_S = 3.0

RDKAFKA_SETTINGS = {
    "acks": "all",
    "linger.ms": "5",
    "batch.size": "1000000",
    "batch.num.messages": "1000000",
    "compression.type": "none",
    "max.in.flight.requests.per.connection": "5",
    "queue.buffering.max.messages": "100000",
    "queue.buffering.max.kbytes": "65536",
}
JAVA_SETTINGS = {
    "acks": "all",
    "linger.ms": "5",
    "batch.size": "1000000",
    "compression.type": "none",
    "max.in.flight.requests.per.connection": "5",
    "enable.idempotence": "false",
    "buffer.memory": "67108864",
    "send.buffer.bytes": "-1",
    "receive.buffer.bytes": "-1",
}
"""The same, as far as the Java client has it: its queue is bounded by bytes alone. -1 leaves a socket's buffers to the
system, as librdkafka does."""

JAVA_HEAP = ("-Xms1200m", "-Xmx1200m")
"""Enough for the reports of a full buffer of 10-byte messages, about what the Java child gives itself there."""

OURS, OURS_JAVA = "ingestune", "ingestune java"
RDKAFKA, JAVA = "rdkafka_performance", "ProducerPerformance"


@dataclass(frozen=True, slots=True)
class Round:
    """What every contender must know."""

    bootstrap: str
    topic: str
    message_bytes: int
    seconds: float
    runtime: KafkaRuntime
    java_child: Sequence[str]
    """The command of a Java load child."""


def run_ours(of: Round) -> float:
    """The saturated stage of a load child."""
    return _saturated(of, RDKAFKA_SETTINGS, None)


def run_our_java(of: Round) -> float:
    """The same with the Java client."""
    return _saturated(of, JAVA_SETTINGS, of.java_child)


def _saturated(of: Round, settings: dict[str, str], command: Sequence[str] | None) -> float:
    spec = producer_spec(
        of.bootstrap,
        of.topic,
        of.message_bytes,
        partitions=PARTITIONS,
        bytes_cap=40_000_000_000,
        config=settings,
    )
    with LoadChild(spec, command) as child:
        child.ready()
        done = child.saturate(of.seconds, warm_s=WARM_S)
    return done.messages / done.window_s


def run_rdkafka_performance(of: Round) -> float:
    """librdkafka's own benchmark; its payload stays its own, since nothing is compressed."""
    settings = [word for name, value in RDKAFKA_SETTINGS.items() for word in ("-X", f"{name}={value}")]
    command = [rdkafka_performance() or RDKAFKA, "-P", "-t", of.topic, "-b", of.bootstrap]
    command += ["-s", str(of.message_bytes), "-i", "250", "-u", *settings]
    rows: list[tuple[float, float]] = []
    for line in _lines_for(command, WARM_S + of.seconds + 0.6):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) > 5 and cells[0].isdigit() and cells[4].isdigit():
            rows.append((float(cells[0]) / 1000, float(cells[4])))
    return _rate_of_totals(rows, of.seconds)


def run_producer_performance(of: Round) -> float:
    """Kafka's own benchmark, sending our records."""
    values = prepare_values("json", of.message_bytes, 1)
    with tempfile.NamedTemporaryFile(suffix=".txt") as file:
        for place, length in zip(values.places, values.lengths, strict=True):
            file.write(values.block[place : place + length] + b"\n")
        file.flush()
        command = [str(of.runtime.java), *FLAGS, *JAVA_HEAP, "-cp", of.runtime.classpath]
        command += ["org.apache.kafka.tools.ProducerPerformance", "--topic", of.topic, "--throughput", "-1"]
        command += ["--num-records", str(2**40), "--payload-file", file.name, "--reporting-interval", "250"]
        command += ["--bootstrap-server", of.bootstrap, "--command-property"]
        command += [f"{name}={value}" for name, value in JAVA_SETTINGS.items()]
        began, total, rows = 0.0, 0.0, []
        for line in _lines_for(command, WARM_S + of.seconds + 2.0):
            words = line.split()
            if words[1:3] != ["records", "sent,"]:
                continue
            sent = float(words[0])
            began += sent / float(words[3]) if float(words[3]) else 0.0
            total += sent
            rows.append((began, total))
    return _rate_of_totals(rows, of.seconds)


def _lines_for(command: list[str], seconds: float) -> Iterable[str]:
    """What a program prints until it has had so many seconds; an interrupt makes it write out what it still holds."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    timers = [
        threading.Timer(seconds, process.send_signal, [signal.SIGINT]),
        threading.Timer(seconds + 5, process.kill),
    ]
    for timer in timers:
        timer.start()
    try:
        assert process.stdout
        yield from process.stdout
    finally:
        for timer in timers:
            timer.cancel()
        process.kill()
        process.wait()


def _rate_of_totals(rows: list[tuple[float, float]], seconds: float) -> float:
    """Messages/s over the window after the warm-up, of (seconds, total so far)."""
    window = [row for row in rows if WARM_S - 0.2 <= row[0] <= WARM_S + seconds + 0.2]
    if len(window) < 2:
        raise SystemExit(f"too little was printed to measure: {rows[-3:]}")
    return (window[-1][1] - window[0][1]) / (window[-1][0] - window[0][0])


def rdkafka_performance() -> str | None:
    """Where librdkafka's benchmark is, if it is anywhere."""
    return os.environ.get("RDKAFKA_PERFORMANCE") or shutil.which(RDKAFKA)


CONTENDERS: dict[str, Callable[[Round], float]] = {
    OURS: run_ours,
    RDKAFKA: run_rdkafka_performance,
    JAVA: run_producer_performance,
    OURS_JAVA: run_our_java,
}
COMPARISONS = ((OURS, RDKAFKA), (OURS, JAVA), (OURS_JAVA, JAVA))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two contenders at one size, in pairs."""

    message_bytes: int
    one: str
    other: str
    rates: list[tuple[float, float]]
    """Messages/s of both, a pair each."""

    def row(self) -> str:
        """A line of the table in Markdown."""
        mine, theirs = (statistics.median(side) for side in zip(*self.rates, strict=True))
        ratio, low, high = ratio_interval([(theirs, mine) for mine, theirs in self.rates])
        return (
            f"| {self.message_bytes:,} | {self.one} / {self.other} | {mine:,.0f} | {theirs:,.0f} "
            f"| {ratio:.2f} [{low:.2f}, {high:.2f}] |"
        )


async def measure(sizes: list[int], pairs: int, seconds: float) -> list[Comparison]:
    """Every comparison at every size, on a broker of our own."""
    found: list[Comparison] = []
    here = [pair for pair in COMPARISONS if RDKAFKA not in pair or rdkafka_performance()]
    runtime, java_child = await kafka_runtime(), (await prepare()).command
    async with LocalKafka() as kafka:

        async def run(name: str, size: int) -> float:
            of = Round(kafka.bootstrap, "", size, seconds, runtime, java_child)
            rate, topic = await asyncio.to_thread(_one, CONTENDERS[name], of)
            await kafka.wait_topic_gone(topic)
            print(f"{size:>6} B  {name:<20} {rate:>12,.0f} messages/s", flush=True)
            return rate

        for size in sizes:
            for one, other in here:
                await run(one, size)
                await run(other, size)
                rates: list[tuple[float, float]] = []
                for turn in range(pairs):
                    first, second = (one, other) if turn % 2 == 0 else (other, one)
                    by_name = {first: await run(first, size), second: await run(second, size)}
                    rates.append((by_name[one], by_name[other]))
                found.append(Comparison(size, one, other, rates))
                print(found[-1].row(), flush=True)
    return found


def _one(contender: Callable[[Round], float], of: Round) -> tuple[float, str]:
    with fresh_topic(of.bootstrap, PARTITIONS) as topic:
        time.sleep(0.5)  # the gap that every contender has before it
        return contender(replace(of, topic=topic)), topic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10,100,1000,10000")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if rdkafka_performance() is None:
        print(f"{RDKAFKA} is not here: put it on PATH or name it in RDKAFKA_PERFORMANCE", file=sys.stderr)
    found = asyncio.run(measure([int(size) for size in given.sizes.split(",")], given.pairs, given.seconds))
    print("\n| bytes | compared | msg/s | msg/s | ratio |\n|---|---|---|---|---|")
    print("\n".join(comparison.row() for comparison in found))
    if given.json:
        given.json.write_text(json.dumps([asdict(comparison) for comparison in found], indent=2))


if __name__ == "__main__":
    main()
