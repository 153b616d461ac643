"""The closed loop: as many messages as the client accepts, without a callback or a pause, and what was acknowledged.

Warm-up and the counted window are one and the same sending; the window only begins to count. Nothing is flushed
here. Called by `child` in the sending thread.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Final

from ingestune_tui.bench.client import Client
from ingestune_tui.bench.pipes import Inbox, Outbox
from ingestune_tui.bench.protocol import CapReached, StageDone
from ingestune_tui.bench.ring import Ring
from ingestune_tui.bench.sampler import Sampler, mark

CHUNK_MESSAGES: Final = 1000
CHUNK_BYTES: Final = 200_000
"""One call hands over at most so much: long enough to cost nothing, short enough to take reports in between."""

WARM_SHARE: Final = 0.3
SATURATED_SHARE: Final = 0.9
"""How far into the byte cap the warm-up and the saturated stage may go, so that something is left for the next."""


class Flood:
    """Keeps the client full, within the byte cap and the rate cap."""

    def __init__(self, client: Client, ring: Ring, bytes_cap: int, bytes_per_s: int | None) -> None:
        self._client = client
        self._ring = ring
        mean_bytes = max(ring.mean_bytes, 1.0)
        room = min(client.max_outstanding_messages, int(client.max_outstanding_bytes / mean_bytes))
        self._room = max(room, 1)
        self._chunk = max(1, min(CHUNK_MESSAGES, int(CHUNK_BYTES / mean_bytes), self._room // 4))
        self._cap_messages = int(bytes_cap / mean_bytes)
        self._messages_per_ns = bytes_per_s / mean_bytes / 1e9 if bytes_per_s else None
        self._allowed_from_ns = 0
        self._allowed_from_sent = 0
        self.limit_messages = 0
        """No more than so many are sent in all; set by `allow`."""

    def allow(self, share: float) -> None:
        """Permit sending up to a share of the byte cap, and start the rate cap's clock from now."""
        self.limit_messages = int(self._cap_messages * share)
        self._allowed_from_ns = time.monotonic_ns()
        self._allowed_from_sent = self._client.sent

    @property
    def at_cap(self) -> bool:
        return self._client.sent >= self.limit_messages

    def step(self) -> None:
        """Send one chunk if there is room for it, else wait up to a millisecond for reports."""
        client = self._client
        sent = client.sent
        wanted = min(self._chunk, self.limit_messages - sent)
        if self._messages_per_ns is not None:
            elapsed_ns = time.monotonic_ns() - self._allowed_from_ns
            wanted = min(wanted, int(self._messages_per_ns * elapsed_ns) + self._allowed_from_sent - sent)
        if wanted > 0 and client.outstanding + wanted <= self._room:
            client.send(self._ring, wanted)
            client.serve(0)
        else:
            client.serve(1)


def warm_up(flood: Flood, client: Client, sampler: Sampler, inbox: Inbox, outbox: Outbox, limit_s: float) -> None:
    """Send until the next command, at most `limit_s`. Raises LoadFailed where nothing gets through."""
    sampler.begin()
    flood.allow(WARM_SHARE)
    until_ns = time.monotonic_ns() + int(limit_s * 1e9)
    told = False
    while not inbox.commands:
        now_ns = time.monotonic_ns()
        if flood.at_cap and not told:
            outbox.send(CapReached(messages=client.sent))
            told = True
        if now_ns >= until_ns or told:
            client.serve(5)
        else:
            flood.step()
        if now_ns >= sampler.due_ns:
            client.check()
            sampler.emit("warmup")


def saturate(
    flood: Flood, client: Client, sampler: Sampler, inbox: Inbox, seconds: float, mean_bytes: float
) -> StageDone:
    """Count what is acknowledged in the next `seconds`. Sending stops with the window; the backlog stays."""
    sampler.begin()
    flood.allow(SATURATED_SHARE)
    failed_before = Counter(client.failed)
    client.serve(0)
    start = mark(client)
    sampler.emit("warmup", at=start)
    end_ns = start.time_ns + int(seconds * 1e9)
    while (now_ns := time.monotonic_ns()) < end_ns and not flood.at_cap and not inbox.stopped:
        flood.step()
        if now_ns >= sampler.due_ns:
            client.check()
            sampler.emit("saturated")
    client.serve(0)
    end = mark(client)
    sampler.emit("saturated", at=end)
    span_ns = max(end.time_ns - start.time_ns, 1)
    acknowledged = end.acknowledged - start.acknowledged
    return StageDone(
        stage="saturated",
        window_s=span_ns / 1e9,
        messages=acknowledged,
        bytes=round(acknowledged * mean_bytes),
        failed=dict(client.failed - failed_before),
        sent=end.sent - start.sent,
        backlog_end=client.outstanding,
        ended_early="bytes_cap" if flood.at_cap else "",
        cpu=(end.process_cpu_ns - start.process_cpu_ns) / span_ns,
        thread_cpu=(end.thread_cpu_ns - start.thread_cpu_ns) / span_ns,
    )


def drain(client: Client, sampler: Sampler, inbox: Inbox) -> None:
    """Wait for the backlog to empty by itself (no flush: linger holds), until a stop or the end of the backlog."""
    while client.outstanding and not inbox.stopped:
        client.serve(20)
        if time.monotonic_ns() >= sampler.due_ns:
            client.check()
            sampler.emit("drain")
