"""Our load generator beside Kafka's own and librdkafka's own, on one broker, with equal settings.

    python -m tests.bench.yardstick [--sizes 10,100,1000,10000] [--repetitions 3] [--seconds 4] [--json FILE]

Contenders take turns, every run on a topic of its own that is deleted before the next. The figure is messages
acknowledged a second after a warm-up; a ratio is taken within each round, its spread is over the rounds.
Our Java child takes part beside ProducerPerformance: equal settings must give equal throughput.
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
from dataclasses import dataclass, replace
from pathlib import Path

from ingestune_tui.bench.java_child import prepare
from ingestune_tui.bench.java_launch import FLAGS
from ingestune_tui.bench.payload import prepare_values
from ingestune_tui.kafka.jars import KafkaRuntime, kafka_runtime
from ingestune_tui.kafka.local_broker import LocalKafka
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
}
"""The same, as far as the Java client has it: its queue is bounded by bytes alone."""

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


def contenders() -> dict[str, Callable[[Round], float]]:
    """Who takes part here, by name."""
    found: dict[str, Callable[[Round], float]] = {OURS: run_ours}
    if rdkafka_performance():
        found[RDKAFKA] = run_rdkafka_performance
    found[JAVA] = run_producer_performance
    found[OURS_JAVA] = run_our_java
    return found


COMPARISONS = ((OURS, RDKAFKA), (OURS, JAVA), (OURS_JAVA, JAVA))


async def measure(sizes: list[int], repetitions: int, seconds: float) -> dict[int, dict[str, list[float]]]:
    """Rates by size and contender, one per repetition, on a broker of our own."""
    rates: dict[int, dict[str, list[float]]] = {}
    who = contenders()
    runtime, java_child = await kafka_runtime(), (await prepare()).command
    async with LocalKafka() as kafka:
        for size in sizes:
            rates[size] = {name: [] for name in who}
            for repetition in range(repetitions):
                names = list(who)
                turn = repetition % len(names)
                for name in names[turn:] + names[:turn]:
                    of = Round(kafka.bootstrap, "", size, seconds, runtime, java_child)
                    rate, topic = await asyncio.to_thread(_one, who[name], of)
                    await kafka.wait_topic_gone(topic)
                    rates[size][name].append(rate)
                    print(f"{size:>6} B  round {repetition + 1}  {name:<20} {rate:>12,.0f} messages/s", flush=True)
    return rates


def _one(contender: Callable[[Round], float], of: Round) -> tuple[float, str]:
    with fresh_topic(of.bootstrap, PARTITIONS) as topic:
        time.sleep(0.5)  # the gap that every contender has before it
        return contender(replace(of, topic=topic)), topic


def table(rates: dict[int, dict[str, list[float]]]) -> str:
    """Medians and ratios as a table in Markdown."""
    names = list(next(iter(rates.values())))
    pairs = [pair for pair in COMPARISONS if set(pair) <= set(names)]
    head = ["bytes", *(f"{name} (msg/s)" for name in names), *(f"{one} / {other}" for one, other in pairs)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for size, by_name in rates.items():
        cells = [f"{size:,}", *(f"{statistics.median(by_name[name]):,.0f}" for name in names)]
        for one, other in pairs:
            ratios = [mine / theirs for mine, theirs in zip(by_name[one], by_name[other], strict=True)]
            cells.append(f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10,100,1000,10000")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if rdkafka_performance() is None:
        print(f"{RDKAFKA} is not here: put it on PATH or name it in RDKAFKA_PERFORMANCE", file=sys.stderr)
    rates = asyncio.run(measure([int(size) for size in given.sizes.split(",")], given.repetitions, given.seconds))
    print("\n" + table(rates))
    if given.json:
        given.json.write_text(json.dumps(rates, indent=2))


if __name__ == "__main__":
    main()
