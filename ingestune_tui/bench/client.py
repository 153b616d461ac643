"""One librdkafka producer: hand over prepared messages, take in what became of them, keep the books.

Every message that was sent ends acknowledged or failed, here and nowhere else. Delivery reports come as one event
per request, so the books cost nothing per message. With acks=0 a message counts as acknowledged when it was
written to the socket. Called by the stages; closed with the process.
"""

from __future__ import annotations

import ctypes
import struct
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from ingestune_tui.bench import librdkafka as rd
from ingestune_tui.bench.failure import LoadFailed
from ingestune_tui.bench.handle import Handle
from ingestune_tui.bench.ring import Ring

WARM_PARTITIONS: Final = 64
"""Messages sent before anything is measured: one to each of so many partitions opens every connection."""
CONNECT_S: Final = 15.0
"""How long these may take to be acknowledged."""
FLUSH_STEP_MS: Final = 10
DUE_HEADER: Final = b"due"
DUE_FORMAT: Final = struct.Struct(">q")
"""The header's value: wall clock nanoseconds, 8 bytes, most significant first."""

_LENT: Final[list[Ring]] = []
"""Rings whose messages are sent: kept until the process ends, since librdkafka's threads read the values in place."""


class Client(Handle):
    """A producer on one topic and its books."""

    def __init__(self, config: Mapping[str, str], topic: str) -> None:
        """Open the producer. Raises LoadFailed(CONFIG) with librdkafka's words for a property it rejects."""
        super().__init__(rd.PRODUCER, config, topic)
        self.sent = 0
        self.acknowledged = 0
        self.failed: Counter[str] = Counter()
        self.failed_total = 0
        self.timed_out = 0
        """Failures that may have been written all the same."""
        self.on_delivery: Callable[[int, int], None] | None = None
        """Given each event of delivered messages and their count, to look at single messages; paced stage only."""
        self.on_failure: Callable[[int], None] | None = None
        """Given the opaque number of each message that failed; paced stage only."""
        self.max_outstanding_messages = self._numbers["queue.buffering.max.messages"] or 2**31 - 1
        self.max_outstanding_bytes = self._numbers["queue.buffering.max.kbytes"] * 1024
        self._header = (ctypes.c_char * DUE_FORMAT.size)()
        self._arguments = self._prepare_arguments()

    @property
    def outstanding(self) -> int:
        """Sent, and neither acknowledged nor failed: the backlog."""
        return self.sent - self.acknowledged - self.failed_total

    def connect(self, partitions: int, ring: Ring) -> None:
        """Learn the topic, open every connection and have a few messages acknowledged. Raises LoadFailed."""
        _LENT.append(ring)
        self.await_topic(partitions)
        until_ns = time.monotonic_ns() + int(CONNECT_S * 1e9)
        for partition in range(min(partitions, WARM_PARTITIONS)):
            self._send_to(partition, ring)
        while self.outstanding and time.monotonic_ns() < until_ns:
            self._functions.flush(self._handle, FLUSH_STEP_MS)  # overrides linger for these few
            self.serve(0)
        if self.failed_total:
            self._raise_failure("the first messages failed")
        if self.outstanding:
            self.check_gone(now=True)
            raise LoadFailed("_TIMED_OUT", f"the first messages were not acknowledged within {CONNECT_S:.0f} s")

    def _send_to(self, partition: int, ring: Ring) -> None:
        self.sent += 1
        sent = self._functions.produce_batch(self._topic, partition, rd.MSG_LENT, ring.next_address, 1)
        if sent != 1:
            self._count_failure(ring.messages[ring.position].err, 1)
        ring.advance(1)

    # Sending -------------------------------------------------------------------------------------------------

    def send(self, ring: Ring, wanted: int) -> int:
        """Hand over up to `wanted` messages from the ring's position on; returns how many it took in.

        Fewer when the ring's end or the client's queue limit comes first. What the client rejects for another
        reason counts as sent and failed.
        """
        count = ring.reach(wanted)
        taken: int = self._functions.produce_batch(
            self._topic, rd.PARTITION_UNASSIGNED, rd.MSG_LENT, ring.next_address, count
        )
        if taken == count:
            self.sent += count
            ring.advance(count)
            return count
        full = 0
        for slot in range(ring.position, ring.position + count):
            code = ring.messages[slot].err
            if code == rd.QUEUE_FULL:
                full += 1
            elif code:
                self._count_failure(code, 1)
        self.sent += count - full
        ring.advance(count - full)
        return count - full

    def _prepare_arguments(self) -> ctypes.Array[rd.Argument]:
        """The arguments of one message with a header; value, key, opaque and due time change each time."""
        kinds = (rd.V_TOPIC_HANDLE, rd.V_FLAGS, rd.V_VALUE, rd.V_KEY, rd.V_OPAQUE, rd.V_HEADER)
        arguments = (rd.Argument * len(kinds))()
        for argument, kind in zip(arguments, kinds, strict=True):
            argument.kind = kind
        arguments[0].value.pointer = self._topic
        arguments[1].value.flags = rd.MSG_LENT
        arguments[5].value.header = rd.Header(DUE_HEADER, ctypes.addressof(self._header), DUE_FORMAT.size)
        return arguments

    def send_with_due_time(self, ring: Ring, opaque: int, due_wall_ns: int) -> bool:
        """Hand over one message with the header `due`; False when the client's queue is full."""
        message = ring.messages[ring.position]
        arguments = self._arguments
        arguments[2].value.memory = rd.Memory(message.payload, message.length)
        arguments[3].value.memory = rd.Memory(message.key, message.key_length)
        arguments[4].value.pointer = opaque
        self._header.raw = DUE_FORMAT.pack(due_wall_ns)
        error = self._functions.produceva(self._handle, arguments, len(arguments))
        if error:
            code = self._functions.error_code(error)
            self._functions.error_destroy(error)
            if code == rd.QUEUE_FULL:
                return False
            self._count_failure(code, 1)
        self.sent += 1
        ring.advance(1)
        return True

    def _delivered(self, event: int) -> None:
        count = self._functions.event_message_count(event)
        if self._functions.event_error(event):
            self._failed_event(event, count)
        else:
            self.acknowledged += count
            if self.on_delivery:
                self.on_delivery(event, count)

    def _failed_event(self, event: int, count: int) -> None:
        places = (ctypes.c_uint64 * count)()
        found = self._functions.event_message_array(event, places, count)
        for place in places[:found]:
            if self._functions.message_status(place) != rd.NOT_PERSISTED:
                self.timed_out += 1
            message = rd.Message.from_address(place)
            self._count_failure(message.err, 1)
            if self.on_failure and message.opaque:
                self.on_failure(message.opaque)

    def _count_failure(self, code: int, count: int) -> None:
        self.failed[rd.error_name(code)] += count
        self.failed_total += count

    # Failing early -------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise LoadFailed where going on makes no sense: every message fails, or no broker is left."""
        if self.failed_total > 100 and self.acknowledged == 0:
            self._raise_failure("every message failed")
        self.check_gone()

    def _raise_failure(self, what: str) -> None:
        name, count = self.failed.most_common(1)[0]
        raise LoadFailed(name, f"{what}: {count} x {name} ({self._text_of(name)})")

    def _text_of(self, name: str) -> str:
        return next((rd.error_text(code) for code in range(-200, 150) if rd.error_name(code) == name), name)

    # Closing -------------------------------------------------------------------------------------------------

    def flush(self, within_s: float) -> None:
        """Wait until nothing is outstanding, overriding linger; returns at `within_s` all the same."""
        until_ns = time.monotonic_ns() + int(within_s * 1e9)
        while self.outstanding and time.monotonic_ns() < until_ns:
            self._functions.flush(self._handle, FLUSH_STEP_MS)
            self.serve(0)

    def purge(self) -> None:
        """Drop whatever is queued or in flight."""
        self._functions.purge(self._handle, rd.PURGE_QUEUE_AND_INFLIGHT)
        self.serve(0)
