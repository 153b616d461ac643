"""What a producing and a consuming client of librdkafka have in common: opening, log, errors, statistics.

librdkafka's own words go into a short log instead of stderr. Called by `client` and `consume`; closed with the process.
"""

from __future__ import annotations

import ctypes
import time
from collections import deque
from collections.abc import Mapping
from typing import Final

from ingestune_tui.bench import librdkafka as rd
from ingestune_tui.bench.failure import LoadFailed, redact
from ingestune_tui.bench.statistics import Statistics, parse

TOPIC_S: Final = 5.0
"""How long the topic, just made, may take to be known and led."""
ASK_MS: Final = 1000
OFFSETS_MS: Final = 10_000
GONE_S: Final = 10.0
"""No broker for so long: the cluster is gone, not slow."""
LOG_LINES: Final = 20

_OWN_SETTINGS: Final = {"log.queue": "true", "statistics.interval.ms": "500", "log_level": "4"}


class Handle:
    """One open client on one topic."""

    def __init__(self, kind: int, config: Mapping[str, str], topic: str) -> None:
        """Open the client. Raises LoadFailed(CONFIG) with librdkafka's words for a property it rejects."""
        self._config = dict(config)
        self.statistics: Statistics | None = None
        """The newest statistics, until a sample has taken them."""
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self._down_since_ns: int | None = None
        self._error = LoadFailed("_TRANSPORT", "no broker answered")
        self._functions = rd.load()
        self._numbers: dict[str, int] = {}
        self._handle = self._open(kind)
        self._topic_name = topic.encode()
        self._topic = self._functions.topic_new(self._handle, self._topic_name, None)
        if not self._topic:
            raise LoadFailed("CONFIG", f"topic {topic}: {rd.error_text(self._functions.last_error())}")
        self.queue = self._functions.queue_get_main(self._handle)

    def _open(self, kind: int) -> int:
        functions = self._functions
        configuration = functions.conf_new()
        words = ctypes.create_string_buffer(512)
        for name, value in {**self._config, **_OWN_SETTINGS}.items():
            if functions.conf_set(configuration, name.encode(), value.encode(), words, len(words)):
                raise LoadFailed("CONFIG", words.value.decode(errors="replace"))
        for name in ("queue.buffering.max.messages", "queue.buffering.max.kbytes"):
            size = ctypes.c_size_t(len(words))
            functions.conf_get(configuration, name.encode(), words, ctypes.byref(size))
            self._numbers[name] = int(words.value)
        functions.conf_set_events(configuration, rd.EVENT_DELIVERY | rd.EVENT_ERROR | rd.EVENT_LOG | rd.EVENT_STATS)
        handle: int | None = functions.new(kind, configuration, words, len(words))
        if not handle:
            raise LoadFailed("CONFIG", words.value.decode(errors="replace"))
        functions.set_log_queue(handle, None)
        return handle

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
                self._keep_statistics(parse(functions.event_stats(event)))
            elif kind == rd.EVENT_LOG:
                self._keep_log(event)
            elif kind == rd.EVENT_ERROR:
                self._note_error(functions.event_error(event), functions.event_error_string(event))
            destroy(event)
            event = poll(self.queue, 0)
        return True

    def _delivered(self, event: int) -> None:
        raise AssertionError("only a producer has delivery reports")

    def _keep_statistics(self, statistics: Statistics) -> None:
        """The client tells once that all brokers are down, and never that one is back: that is seen here alone."""
        self.statistics = statistics
        if statistics.connected:
            self._down_since_ns = None
        elif statistics.connecting and self._down_since_ns is None:
            self._down_since_ns = time.monotonic_ns()

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

    def await_topic(self, partitions: int) -> None:
        """Ask for the topic's metadata until `partitions` of it have a leader. Raises LoadFailed."""
        until_ns = time.monotonic_ns() + int(TOPIC_S * 1e9)
        answer = ctypes.POINTER(rd.Metadata)()
        while True:
            code = self._functions.metadata(self._handle, 0, self._topic, ctypes.byref(answer), ASK_MS)
            self.serve(0 if code else 20)
            late = time.monotonic_ns() > until_ns
            if code:
                if self._error.permanent or (late and self._down_since_ns is not None):
                    raise self._error
                if late:
                    raise LoadFailed(rd.error_name(code), rd.error_text(code), broker_gone=True)
                continue
            topic = answer.contents.topics[0]
            error = rd.error_name(topic.err)
            led = sum(1 for index in range(topic.partition_count) if topic.partitions[index].leader >= 0)
            self._functions.metadata_destroy(answer)
            if led >= partitions:
                return
            if error in ("TOPIC_AUTHORIZATION_FAILED", "TOPIC_EXCEPTION"):
                raise LoadFailed(error, f"the topic cannot be used: {error}", permanent=True)
            if late:
                missing = error if error != "NO_ERROR" else f"{led} of {partitions} partitions have a leader"
                raise LoadFailed("UNKNOWN_TOPIC_OR_PART", f"the topic is not ready: {missing}", permanent=False)

    def watermarks(self, partition: int) -> tuple[int, int]:
        """First and next offset of one partition, now. Raises LoadFailed."""
        low, high = ctypes.c_int64(), ctypes.c_int64()
        code = self._functions.query_watermark_offsets(
            self._handle, self._topic_name, partition, ctypes.byref(low), ctypes.byref(high), OFFSETS_MS
        )
        if code:
            raise LoadFailed(rd.error_name(code), f"offsets of partition {partition}: {rd.error_text(code)}")
        return low.value, high.value

    def check_gone(self, *, now: bool = False) -> None:
        """Raise LoadFailed when no broker has answered for GONE_S, or at all when `now`."""
        if self._down_since_ns is None:
            return
        if now or time.monotonic_ns() - self._down_since_ns > GONE_S * 1e9:
            raise LoadFailed(self._error.code, self._error.reason, broker_gone=not self._error.permanent)
