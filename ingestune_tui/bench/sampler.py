"""A sample each half second, made of differences of the client's books, its statistics and the CPU clocks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, Protocol

from ingestune_tui.bench.pipes import Outbox
from ingestune_tui.bench.protocol import SAMPLE_INTERVAL_S
from ingestune_tui.bench.statistics import Statistics
from ingestune_tui.model.sample import Percentiles, Sample, Stage

INTERVAL_NS: Final = int(SAMPLE_INTERVAL_S * 1e9)
SHORTEST_NS: Final = 1_000_000
RECORD_BYTES: Final = 9
"""What Kafka's format adds to a value, about: lengths, offset and time. Small requests add more, so 1.0 is a floor."""


class Books(Protocol):
    """What a sample is made from: a producer's books, or a consumer's, where acknowledged means consumed."""

    sent: int
    acknowledged: int
    failed_total: int
    statistics: Statistics | None

    @property
    def outstanding(self) -> int:
        """The backlog, in messages."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The books and clocks at one moment; two of them make a difference."""

    time_ns: int
    sent: int
    acknowledged: int
    failed: int
    process_cpu_ns: int
    thread_cpu_ns: int


def mark(client: Books) -> Mark:
    """Now, in the sending thread."""
    return Mark(
        time_ns=time.monotonic_ns(),
        sent=client.sent,
        acknowledged=client.acknowledged,
        failed=client.failed_total,
        process_cpu_ns=time.process_time_ns(),
        thread_cpu_ns=time.thread_time_ns(),
    )


class Sampler:
    """Owns the half-second rhythm of one child."""

    def __init__(self, client: Books, outbox: Outbox, mean_bytes: float) -> None:
        self._client = client
        self._outbox = outbox
        self._mean_bytes = mean_bytes
        self._began_ns = 0
        self._last: Mark | None = None
        self._wire_bytes = 0
        self._messages = 0
        self._retries = 0
        self.due_ns = 0
        """When the next sample is due, by the monotonic clock."""

    def begin(self) -> None:
        """Time zero of the trial, the first time; later calls change nothing."""
        if self._last is None:
            self._last = mark(self._client)
            self._began_ns = self._last.time_ns
            self.due_ns = self._began_ns + INTERVAL_NS

    def restart(self, at_ns: int) -> None:
        """Samples fall due each half second from here: a stage's length is then whole samples."""
        self.due_ns = at_ns + INTERVAL_NS

    def emit(self, stage: Stage, latency: Percentiles | None = None, at: Mark | None = None) -> None:
        """Send the sample of the time since the last one, up to now or up to a stage's edge `at`."""
        last = self._last
        now = at or mark(self._client)
        if last is None:
            return
        if now.time_ns - last.time_ns < SHORTEST_NS:
            # Too short to be a sample of its own; but the next stage's samples start from its edge all the same.
            if at:
                self._last = now
                self.restart(now.time_ns)
            return
        span_ns = max(now.time_ns - last.time_ns, 1)
        messages = now.acknowledged - last.acknowledged
        statistics = self._client.statistics
        compression: float | None = None
        retries = 0
        if statistics:
            wire_bytes = statistics.wire_bytes_total - self._wire_bytes
            sent_bytes = (statistics.messages_total - self._messages) * (self._mean_bytes + RECORD_BYTES)
            compression = max(1.0, sent_bytes / wire_bytes) if wire_bytes > 0 and sent_bytes > 0 else None
            retries = statistics.retries_total - self._retries
            self._wire_bytes = statistics.wire_bytes_total
            self._messages = statistics.messages_total
            self._retries = statistics.retries_total
            self._client.statistics = None
        batch_messages = statistics.batch_messages if statistics else None
        self._outbox.send(
            Sample(
                stage=stage,
                t_s=(now.time_ns - self._began_ns) / 1e9,
                interval_s=span_ns / 1e9,
                messages=messages,
                bytes=round(messages * self._mean_bytes),
                latency_ms=latency,
                backlog=self._client.outstanding,
                errors=now.failed - last.failed,
                cpu=(now.process_cpu_ns - last.process_cpu_ns) / span_ns,
                thread_cpu=(now.thread_cpu_ns - last.thread_cpu_ns) / span_ns,
                round_trip_ms=statistics.round_trip_ms if statistics else None,
                queue_ms=statistics.queue_ms if statistics else None,
                batch_bytes=batch_messages * self._mean_bytes if batch_messages else None,
                batch_messages=batch_messages,
                compression=compression,
                throttle_ms=statistics.throttle_ms if statistics else None,
                retries=retries,
            )
        )
        self._last = now
        self.due_ns = now.time_ns + INTERVAL_NS if at else self.due_ns + INTERVAL_NS
        if self.due_ns <= now.time_ns:
            self.due_ns = now.time_ns + INTERVAL_NS
