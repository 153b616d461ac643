"""The open loop: messages fall due on a fixed schedule whatever happens to the earlier ones, and each counts from due.

What has fallen due is handed over in one call; at most MAX_TIMED_PER_S of them are timed, chosen by their place in
the schedule, never by when they complete. A stall is so charged to every message it delayed. What was due by the end
is sent, if late; a message not acknowledged soon after counts with the age it has reached by then. Called by `child`.
"""

from __future__ import annotations

import ctypes
import math
import os
import select
import time
from array import array
from collections import Counter
from typing import Final

from ingestune_tui.bench import librdkafka as rd
from ingestune_tui.bench.client import Client
from ingestune_tui.bench.latency import encode, histogram_of, percentiles_of
from ingestune_tui.bench.pipes import Inbox
from ingestune_tui.bench.protocol import MAX_TIMED_PER_S, ProducerSpec, StageDone
from ingestune_tui.bench.ring import Ring
from ingestune_tui.bench.sampler import Sampler, mark

CHUNK_MESSAGES: Final = 500
"""At most so many are handed over in one call, so that a late generator keeps its record fine."""
WAKE_NS: Final = 50_000
"""The shortest sleep: what falls due within it goes out together."""
GRACE_S: Final = 5.0
"""How long after the window what fell due in it may still be sent and acknowledged: a stall at its end is seen."""
REPORTS: Final = 4096


class Pacer:
    """One paced stage: the schedule, the timed messages in flight, and what they took."""

    def __init__(
        self, client: Client, ring: Ring, rate: float, seconds: float, limit_messages: int, *, due_header: bool
    ) -> None:
        self._due_header = due_header
        self._wall_offset_ns = 0
        self._client = client
        self._ring = ring
        self._ns_per_message = 1e9 / rate
        self._every = max(1, math.ceil(rate / MAX_TIMED_PER_S))
        self.total = max(1, math.ceil(rate * seconds - 1e-9))
        """Messages in the whole schedule; number i falls due at i / rate."""
        self.limit = min(self.total, max(0, limit_messages))
        """The byte cap: no more than so many are sent."""
        self.scheduled = 0
        self.sent = 0
        self.began_ns = 0
        self.latencies_us = array("Q")
        self.lateness_us = array("Q")
        self.interval_us: list[int] = []
        self.in_flight: dict[int, int] = {}
        """Timed messages not acknowledged yet: opaque number to due time."""
        self._places = (ctypes.c_uint64 * REPORTS)()

    def begin(self) -> None:
        self.began_ns = time.monotonic_ns()
        self._wall_offset_ns = time.time_ns() - self.began_ns

    def due_ns(self, number: int) -> int:
        """When message `number` falls due."""
        return self.began_ns + int(number * self._ns_per_message)

    def fallen_due(self, now_ns: int) -> int:
        """How many messages have fallen due by now."""
        return min(self.total, int((now_ns - self.began_ns) / self._ns_per_message) + 1)

    def end(self, at_ns: int) -> None:
        """The window closes: what falls due from then on is not sent; what fell due before it still is."""
        self.total = self.scheduled = max(self.sent, min(self.fallen_due(at_ns - 1), self.limit))

    @property
    def unsent(self) -> int:
        """Messages that have fallen due and wait to be sent, as far as is known and allowed."""
        return min(self.scheduled, self.limit) - self.sent

    def send_due(self) -> bool:
        """Hand over what has fallen due, one chunk at most; False when nothing could be sent."""
        self.scheduled = max(self.scheduled, self.fallen_due(time.monotonic_ns()))
        wanted = self.unsent
        if wanted <= 0:
            return False
        ring, first = self._ring, self.sent
        if self._due_header and first % self._every == 0:
            return self._send_one(first)
        count = ring.reach(min(wanted, CHUNK_MESSAGES))
        if self._due_header:
            count = min(count, self._every - first % self._every)
        every = self._every
        timed = range(-(-first // every) * every, first + count, every)
        base = ring.position - first
        messages = ring.messages
        for number in timed:
            messages[base + number].opaque = number + 1
        taken = self._client.send(ring, count)
        now_ns = time.monotonic_ns()
        for number in timed:
            messages[base + number].opaque = None
            if number < first + taken:
                due_ns = self.due_ns(number)
                self.in_flight[number + 1] = due_ns
                self.lateness_us.append(max(0, now_ns - due_ns) // 1000)
        self.sent += taken
        return taken > 0

    def _send_one(self, number: int) -> bool:
        """Hand over one timed message that carries its due time for a consumer."""
        due_ns = self.due_ns(number)
        if not self._client.send_with_due_time(self._ring, number + 1, due_ns + self._wall_offset_ns):
            return False
        self.in_flight[number + 1] = due_ns
        self.lateness_us.append(max(0, time.monotonic_ns() - due_ns) // 1000)
        self.sent += 1
        return True

    def delivered(self, event: int, count: int) -> None:
        """Take the time of every timed message in one report."""
        now_ns = time.monotonic_ns()
        read = ctypes.c_uint64.from_address
        offset = rd.OPAQUE_OFFSET
        places, in_flight = self._places, self.in_flight
        left = count
        while left > 0:
            found = rd.load().event_message_array(event, places, REPORTS)
            if not found:
                return
            left -= found
            for place in places[:found]:
                number = read(place + offset).value
                if number:
                    due_ns = in_flight.pop(number, None)
                    if due_ns is not None:
                        took_us = (now_ns - due_ns) // 1000
                        self.latencies_us.append(took_us)
                        self.interval_us.append(took_us)

    def failed(self, number: int) -> None:
        """A failed message took at least until its failure was known; leaving it out would flatter."""
        due_ns = self.in_flight.pop(number, None)
        if due_ns is not None:
            self.latencies_us.append((time.monotonic_ns() - due_ns) // 1000)

    def give_up(self) -> None:
        """Count what is still in flight, or due and never sent, with the age it has reached: less would flatter."""
        now_ns = time.monotonic_ns()
        first = -(-self.sent // self._every) * self._every
        for number in range(first, min(self.scheduled, self.limit), self._every):
            self.latencies_us.append((now_ns - self.due_ns(number)) // 1000)
        for due_ns in self.in_flight.values():
            self.latencies_us.append((now_ns - due_ns) // 1000)
        self.in_flight.clear()


class Bell:
    """A pipe that the client rings when it has something to say, so that a sleep can be shorter than 1 ms."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._letter = ctypes.create_string_buffer(b"!")

    def __enter__(self) -> Bell:
        rd.load().queue_io_event_enable(self._client.queue, self._write, self._letter, 1)
        return self

    def __exit__(self, *_: object) -> None:
        rd.load().queue_io_event_enable(self._client.queue, -1, None, 0)
        os.close(self._read)
        os.close(self._write)

    def wait(self, nanoseconds: int) -> None:
        """Sleep until the client rings, at most so long."""
        if select.select([self._read], [], [], nanoseconds / 1e9)[0]:
            os.read(self._read, 4096)


def pace(
    client: Client, ring: Ring, sampler: Sampler, inbox: Inbox, spec: ProducerSpec, rate: float, seconds: float
) -> StageDone:
    """Run one paced stage. Latency covers every message due inside the window, acknowledged by then or not."""
    sampler.begin()
    limit_messages = int(spec.bytes_cap / max(ring.mean_bytes, 1.0)) - client.sent
    pacer = Pacer(client, ring, rate, seconds, limit_messages, due_header=spec.due_time_header)
    failed_before = Counter(client.failed)
    client.serve(0)
    client.on_delivery, client.on_failure = pacer.delivered, pacer.failed
    with Bell(client) as bell:
        start = mark(client)
        sampler.emit("drain", at=start)
        pacer.begin()
        sampler.restart(pacer.began_ns)
        end_ns = pacer.began_ns + int(seconds * 1e9)
        while (now_ns := time.monotonic_ns()) < end_ns and not inbox.stopped:
            busy = pacer.send_due()
            client.serve(0)
            if now_ns >= sampler.due_ns:
                client.check()
                sampler.emit("paced", latency=percentiles_of(pacer.interval_us))
                pacer.interval_us = []
            if pacer.sent >= pacer.limit:
                if pacer.limit < pacer.total:
                    break
                bell.wait(min(1_000_000, end_ns - now_ns))
            elif not busy or pacer.due_ns(pacer.sent) > time.monotonic_ns():
                next_ns = min(pacer.due_ns(pacer.sent), end_ns, sampler.due_ns)
                bell.wait(max(WAKE_NS, next_ns - time.monotonic_ns()))
        client.serve(0)
        end = mark(client)
        sampler.emit("paced", latency=percentiles_of(pacer.interval_us), at=end)
        capped = pacer.limit < pacer.total
        pacer.end(min(end.time_ns, end_ns))
        failed = dict(client.failed - failed_before)
        _end_of_window(client, pacer, bell, inbox, sampler)
    client.on_delivery = client.on_failure = None
    span_ns = max(end.time_ns - start.time_ns, 1)
    acknowledged = end.acknowledged - start.acknowledged
    return StageDone(
        stage="paced",
        window_s=span_ns / 1e9,
        messages=acknowledged,
        bytes=round(acknowledged * ring.mean_bytes),
        failed=failed,
        latency=encode(histogram_of(pacer.latencies_us)),
        due_to_sent=encode(histogram_of(pacer.lateness_us)),
        sent=pacer.sent,
        scheduled=pacer.scheduled,
        backlog_end=max(0, pacer.scheduled - acknowledged - (end.failed - start.failed)),
        ended_early="bytes_cap" if capped else "",
        cpu=(end.process_cpu_ns - start.process_cpu_ns) / span_ns,
        thread_cpu=(end.thread_cpu_ns - start.thread_cpu_ns) / span_ns,
    )


def _end_of_window(client: Client, pacer: Pacer, bell: Bell, inbox: Inbox, sampler: Sampler) -> None:
    """Send what fell due in the window's last moments, or while the client was full, and let the timed messages be
    acknowledged; both within GRACE_S.
    """
    until_ns = time.monotonic_ns() + int(GRACE_S * 1e9)
    while (pacer.unsent or pacer.in_flight) and time.monotonic_ns() < until_ns and not inbox.stopped:
        if not pacer.send_due():
            bell.wait(1_000_000)
        client.serve(0)
        if time.monotonic_ns() >= sampler.due_ns:
            sampler.emit("drain")
    pacer.give_up()
