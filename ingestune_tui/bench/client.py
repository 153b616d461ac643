"""One librdkafka producer: hand over prepared messages, take in what became of them, keep the books.

Every message that was sent ends acknowledged or failed, here and nowhere else. Delivery reports come as one event
per request, so the books cost nothing per message. With acks=0 a message counts as acknowledged when it was
written to the socket. Called by the stages; closed with the process.
"""

from __future__ import annotations

import ctypes
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Final

from ingestune_tui.bench import librdkafka as rd
from ingestune_tui.bench.failure import LoadFailed, redact
from ingestune_tui.bench.ring import Ring
from ingestune_tui.bench.statistics import Statistics, parse

CONNECT_S: Final = 15.0
"""How long metadata and the first messages may take."""
WARM_PARTITIONS: Final = 64
"""Messages sent before anything is measured: one to each of so many partitions opens every connection."""
GONE_S: Final = 10.0
"""No broker for so long, and nothing acknowledged meanwhile: the cluster is gone, not slow."""
LOG_LINES: Final = 20
FLUSH_STEP_MS: Final = 10

_OWN_SETTINGS: Final = {"log.queue": "true", "statistics.interval.ms": "500", "log_level": "4"}


class Client:
    """A producer on one topic and its books."""

    def __init__(self, config: Mapping[str, str], topic: str) -> None:
        """Open the client. Raises LoadFailed(CONFIG) with librdkafka's words for a property it rejects."""
        self._config = dict(config)
        self.sent = 0
        self.acknowledged = 0
        self.failed: Counter[str] = Counter()
        self.failed_total = 0
        self.timed_out = 0
        """Failures that may have been written all the same."""
        self.statistics: Statistics | None = None
        """The newest statistics; None until the first half second is over."""
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.on_delivery: Callable[[int, int], None] | None = None
        """Given each event of delivered messages and their count, to look at single messages; paced stage only."""
        self._down_since_ns: int | None = None
        self._error = LoadFailed("_TRANSPORT", "no broker answered")
        self._functions = rd.load()
        self._handle, self.max_outstanding_messages, self.max_outstanding_bytes = self._open()
        self._topic_name = topic.encode()
        self._topic = self._functions.topic_new(self._handle, self._topic_name, None)
        if not self._topic:
            raise LoadFailed("CONFIG", f"topic {topic}: {rd.error_text(self._functions.last_error())}")
        self.queue = self._functions.queue_get_main(self._handle)

    @property
    def outstanding(self) -> int:
        """Sent, and neither acknowledged nor failed: the backlog."""
        return self.sent - self.acknowledged - self.failed_total

    # Opening -------------------------------------------------------------------------------------------------

    def _open(self) -> tuple[int, int, int]:
        functions = self._functions
        configuration = functions.conf_new()
        words = ctypes.create_string_buffer(512)
        for name, value in {**self._config, **_OWN_SETTINGS}.items():
            if functions.conf_set(configuration, name.encode(), value.encode(), words, len(words)):
                raise LoadFailed("CONFIG", words.value.decode(errors="replace"))
        max_messages = self._number(configuration, b"queue.buffering.max.messages", words)
        max_kbytes = self._number(configuration, b"queue.buffering.max.kbytes", words)
        functions.conf_set_events(configuration, rd.EVENT_DELIVERY | rd.EVENT_ERROR | rd.EVENT_LOG | rd.EVENT_STATS)
        handle = functions.new(rd.PRODUCER, configuration, words, len(words))
        if not handle:
            raise LoadFailed("CONFIG", words.value.decode(errors="replace"))
        functions.set_log_queue(handle, None)
        return handle, max_messages or 2**31 - 1, max_kbytes * 1024

    def _number(self, configuration: int, name: bytes, words: ctypes.Array[ctypes.c_char]) -> int:
        size = ctypes.c_size_t(len(words))
        self._functions.conf_get(configuration, name, words, ctypes.byref(size))
        return int(words.value)

    def connect(self, partitions: int, ring: Ring) -> None:
        """Learn the topic, open every connection and have a few messages acknowledged. Raises LoadFailed."""
        until_ns = time.monotonic_ns() + int(CONNECT_S * 1e9)
        self._await_topic(partitions, until_ns)
        for partition in range(min(partitions, WARM_PARTITIONS)):
            self._send_to(partition, ring)
        while self.outstanding and time.monotonic_ns() < until_ns:
            self._functions.flush(self._handle, FLUSH_STEP_MS)  # overrides linger for these few
            self.serve(0)
        if self.failed_total:
            self._raise_failure("the first messages failed")
        if self.outstanding:
            self._check_gone(force=True)
            raise LoadFailed("_TIMED_OUT", f"the first messages were not acknowledged within {CONNECT_S:.0f} s")

    def _await_topic(self, partitions: int, until_ns: int) -> None:
        """Ask for the topic's metadata until every partition has a leader."""
        functions = self._functions
        answer = ctypes.POINTER(rd.Metadata)()
        missing = "no answer"
        while (left_ms := (until_ns - time.monotonic_ns()) // 1_000_000) > 0:
            code = functions.metadata(self._handle, 0, self._topic, ctypes.byref(answer), left_ms)
            if code:
                self.serve(0)
                if self._error.permanent or self._down_since_ns is not None:
                    raise self._error
                name = rd.error_name(code)
                raise LoadFailed(name, rd.error_text(code), broker_gone=True)
            topic = answer.contents.topics[0]
            error = topic.err
            ready = [
                index
                for index in range(topic.partition_count)
                if topic.partitions[index].leader >= 0 and not topic.partitions[index].err
            ]
            functions.metadata_destroy(answer)
            if len(ready) >= partitions:
                return
            missing = rd.error_name(error) if error else f"{len(ready)} of {partitions} partitions have a leader"
            if rd.error_name(error) in ("TOPIC_AUTHORIZATION_FAILED", "TOPIC_EXCEPTION"):
                raise LoadFailed(rd.error_name(error), rd.error_text(error), permanent=True)
            self.serve(50)
        raise LoadFailed("UNKNOWN_TOPIC_OR_PART", f"the topic is not ready: {missing}", permanent=False)

    def _send_to(self, partition: int, ring: Ring) -> None:
        self.sent += 1
        sent = self._functions.produce_batch(self._topic, partition, rd.MSG_COPY, ring.next_address, 1)
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
            self._topic, rd.PARTITION_UNASSIGNED, rd.MSG_COPY, ring.next_address, count
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

    def serve(self, timeout_ms: int) -> bool:
        """Take in everything the client has to say, waiting up to `timeout_ms` for the first of it."""
        functions = self._functions
        poll, kind_of, destroy = functions.queue_poll, functions.event_type, functions.event_destroy
        event = poll(self.queue, timeout_ms)
        if not event:
            return False
        while event:
            kind = kind_of(event)
            if kind == rd.EVENT_DELIVERY:
                self._delivered(event)
            elif kind == rd.EVENT_STATS:
                self.statistics = parse(functions.event_stats(event))
            elif kind == rd.EVENT_LOG:
                self._keep_log(event)
            elif kind == rd.EVENT_ERROR:
                self._note_error(functions.event_error(event), functions.event_error_string(event))
            destroy(event)
            event = poll(self.queue, 0)
        return True

    def _delivered(self, event: int) -> None:
        count = self._functions.event_message_count(event)
        if self._functions.event_error(event):
            self._failed_event(event, count)
        else:
            self.acknowledged += count
            self._down_since_ns = None
            if self.on_delivery:
                self.on_delivery(event, count)

    def _failed_event(self, event: int, count: int) -> None:
        places = (ctypes.c_uint64 * count)()
        found = self._functions.event_message_array(event, places, count)
        for place in places[:found]:
            if self._functions.message_status(place) != rd.NOT_PERSISTED:
                self.timed_out += 1
            self._count_failure(rd.Message.from_address(place).err, 1)

    def _count_failure(self, code: int, count: int) -> None:
        self.failed[rd.error_name(code)] += count
        self.failed_total += count

    def _keep_log(self, event: int) -> None:
        facility, text, level = ctypes.c_char_p(), ctypes.c_char_p(), ctypes.c_int()
        self._functions.event_log(event, ctypes.byref(facility), ctypes.byref(text), ctypes.byref(level))
        words = (text.value or b"").decode(errors="replace")
        self.log.append(redact(f"{(facility.value or b'').decode()}: {words}", self._config))

    def _note_error(self, code: int, words: bytes) -> None:
        name = rd.error_name(code)
        failure = LoadFailed(name, words.decode(errors="replace"))
        if failure.permanent or not self._error.permanent:
            self._error = failure
        if name == "_ALL_BROKERS_DOWN" and self._down_since_ns is None:
            self._down_since_ns = time.monotonic_ns()

    # Failing early -------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise LoadFailed where going on makes no sense: every message fails, or no broker is left."""
        if self.failed_total > 100 and self.acknowledged == 0:
            self._raise_failure("every message failed")
        self._check_gone()

    def _check_gone(self, *, force: bool = False) -> None:
        if self._down_since_ns is None:
            return
        if force or time.monotonic_ns() - self._down_since_ns > GONE_S * 1e9:
            raise LoadFailed(self._error.code, self._error.reason, broker_gone=not self._error.permanent)

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
