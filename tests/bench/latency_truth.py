"""Does the latency tell the truth? Things that are known are done to a broker, and read back.

    python -m tests.bench.latency_truth [--java]

1. A broker stopped (SIGSTOP) for 500 ms in a 5 s paced stage: it must show in p99 and in the maximum.
2. A simulated round trip of 50 ms: it must be read as 50 ms plus linger.
3. The generator's own lateness, due to sent: p99 below 1 ms at 20 000 messages/s.
4. The schedule is kept from 100 to 100 000 messages/s.
Each line says what was expected, what was read, and whether it holds; exit 1 if anything does not.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from ingestune_tui.bench.java_child import prepare
from ingestune_tui.bench.latency import decode
from ingestune_tui.bench.protocol import StageDone
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.kafka.simulated import SimulatedKafka
from tests.bench.load_child import LoadChild, fresh_topic, producer_spec, until_quiet

STALL_S = 0.5
LINGER_MS = 100
JUDGED_FROM = 20_000
JAVA_CONFIG = {"batch.size": "1000000", "linger.ms": "5"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    expected: str
    read: str
    holds: bool

    def __str__(self) -> str:
        return f"{'ok  ' if self.holds else 'FAIL'} {self.what}: expected {self.expected}, read {self.read}"


def percentile_ms(text: str, quantile: float) -> float:
    """A percentile (0..100) of an encoded histogram."""
    return float(decode(text).get_value_at_percentile(quantile)) / 1000


def stalled(
    bootstrap: str, pids: Sequence[int], command: Sequence[str] | None = None, *, rate: float = 2000
) -> StageDone:
    """A 5 s paced stage during which the broker's processes stand still for STALL_S, from 2 s on."""

    def stall() -> None:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        timer = threading.Timer(STALL_S, wake)
        timer.start()
        timers.append(timer)

    def wake() -> None:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    timers: list[threading.Timer] = []
    with fresh_topic(bootstrap) as topic, LoadChild(producer_spec(bootstrap, topic), command) as child:
        child.ready()
        child.saturate(1.0, warm_s=1.0)
        while not child.samples("drain"):
            child.next_event()
        begin = threading.Timer(2.0, stall)
        timers.append(begin)
        begin.start()
        try:
            return child.pace(rate, 5.0)
        finally:
            for timer in timers:
                timer.join()
            wake()


def stall_findings(done: StageDone) -> list[Finding]:
    """A stall of 500 ms in 5 s delays 10 % of the schedule: p99 lies deep in it."""
    p50, p99, most = (percentile_ms(done.latency, quantile) for quantile in (50, 99, 100))
    return [
        Finding("a broker stopped for 500 ms, in p99", "400 to 600 ms", f"{p99:.0f} ms", 400 <= p99 <= 600),
        Finding("the same, in the maximum", "480 to 700 ms", f"{most:.0f} ms", 480 <= most <= 700),
        Finding("the same, not in p50", "below 50 ms", f"{p50:.1f} ms", p50 < 50),
    ]


def round_trip(bootstrap: str, linger_ms: int, rate: float = 1000) -> StageDone:
    """A paced stage on a broker that answers after 50 ms."""
    spec = producer_spec(bootstrap, "ingestune-truth", config={"linger.ms": str(linger_ms)})
    with LoadChild(spec) as child:
        child.ready()
        return child.pace(rate, 3.0)


def round_trip_findings(done: StageDone, linger_ms: int) -> list[Finding]:
    """The first of a batch waits the whole linger, the last not at all: half of it in the middle."""
    p50, p95 = percentile_ms(done.latency, 50), percentile_ms(done.latency, 95)
    low, high = 50 + linger_ms / 2 - 2, 50 + linger_ms / 2 + 8
    return [
        Finding(
            f"50 ms round trip, linger {linger_ms} ms, p50",
            f"{low:.0f} to {high:.0f} ms",
            f"{p50:.1f} ms",
            low <= p50 <= high,
        ),
        Finding(
            f"50 ms round trip, linger {linger_ms} ms, p95",
            f"at most {50 + linger_ms + 10} ms",
            f"{p95:.1f} ms",
            p95 <= 50 + linger_ms + 10,
        ),
    ]


def lingering(bootstrap: str, command: Sequence[str] | None = None) -> list[StageDone]:
    """Paced stages of a producer that lingers LINGER_MS, up to the first that nothing else on the machine held up."""
    config = {"linger.ms": str(LINGER_MS)}
    with (
        fresh_topic(bootstrap) as topic,
        LoadChild(producer_spec(bootstrap, topic, config=config), command) as child,
    ):
        child.ready()
        return until_quiet(lambda: child.pace(200, 1.5), not_much_more_than_linger)


def not_much_more_than_linger(done: StageDone) -> bool:
    """The first of a batch waits the whole linger, the last not at all: about half of it in the middle."""
    return percentile_ms(done.latency, 100) < 3 * LINGER_MS and percentile_ms(done.latency, 50) < 1.2 * LINGER_MS


def lateness(bootstrap: str, command: Sequence[str] | None = None) -> list[Finding]:
    """How late the generator itself is, and whether the schedule is kept."""
    found: list[Finding] = []
    for rate in (100, 1_000, 20_000, 100_000):
        with (
            fresh_topic(bootstrap) as topic,
            LoadChild(producer_spec(bootstrap, topic, config=JAVA_CONFIG if command else None), command) as child,
        ):
            child.ready()
            child.saturate(1.0, warm_s=2.0)
            done = child.pace(rate, 3.0)
        share = done.sent / done.scheduled
        kept = share > 0.99
        found.append(
            Finding(
                f"{rate:,} messages/s are kept", "at least 99 %", f"{share:.1%}", kept and done.scheduled == 3 * rate
            )
        )
        p99 = percentile_ms(done.due_to_sent, 99)
        if rate < JUDGED_FROM:  # a thread that slept waits for a free core; a busy one has it
            found.append(Finding(f"lateness at {rate:,} messages/s, p99", "not judged", f"{p99:.2f} ms", True))
        else:
            found.append(Finding(f"lateness at {rate:,} messages/s, p99", "below 1 ms", f"{p99:.2f} ms", p99 < 1))
    return found


async def look(java: bool) -> list[Finding]:
    """Everything, on brokers of our own."""
    findings: list[Finding] = []

    def tell(found: list[Finding]) -> None:
        findings.extend(found)
        for finding in found:
            print(finding, flush=True)

    command = (await prepare()).command if java else None
    async with LocalKafka() as kafka:
        tell(await asyncio.to_thread(lateness, kafka.bootstrap, command))
        tell(stall_findings(await asyncio.to_thread(stalled, kafka.bootstrap, kafka.pids, command)))
    if not java:
        async with SimulatedKafka(round_trip_ms=50) as simulated:
            for linger_ms in (0, 20):
                done = await asyncio.to_thread(round_trip, simulated.bootstrap, linger_ms)
                tell(round_trip_findings(done, linger_ms))
    return findings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--java", action="store_true", help="look at the Java child")
    findings = asyncio.run(look(parser.parse_args().java))
    sys.exit(0 if all(finding.holds for finding in findings) else 1)


if __name__ == "__main__":
    main()
