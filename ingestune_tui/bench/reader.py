"""One librdkafka consumer on given partitions, without a group: no coordinator, no rebalance, no offsets left behind.

Messages are taken in batches of pointers. Called by `consume`; closed with the process.
"""

from __future__ import annotations

import ctypes
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

from ingestune_tui.bench import librdkafka as rd
from ingestune_tui.bench.client import DUE_FORMAT, DUE_HEADER
from ingestune_tui.bench.failure import LoadFailed
from ingestune_tui.bench.handle import Handle

BATCH: Final = 2000
"""Messages taken in one call."""
LOOK_CLOSELY: Final = 16
"""A batch this small is searched for errors; in a larger one only the first of either call can be one."""

FROM_THE_FIRST_LEFT: Final = {"auto.offset.reset": "earliest"}
"""Where to read on when retention has deleted what comes next; by itself the client leaves out all that is there."""


class Reader(Handle):
    """A consumer and its books; `acknowledged` is what was consumed."""

    def __init__(self, config: Mapping[str, str], topic: str, partitions: list[int]) -> None:
        super().__init__(rd.CONSUMER, {**FROM_THE_FIRST_LEFT, **config}, topic)
        self._asker = Handle(rd.CONSUMER, config, topic)
        """Asks for offsets on connections of its own: a question would wait behind a held-back fetch."""
        self._partitions = partitions
        self._started: list[int] = []
        self._inbound = self._functions.queue_new(self._handle)
        self._places = (ctypes.c_uint64 * BATCH)()
        self._origin = 0
        """What the offsets read so far, or gone, add up to, less `acknowledged`."""
        self._began: list[int] = []
        """The offset that each partition was begun at."""
        self.sent = 0
        self.acknowledged = 0
        self.failed: Counter[str] = Counter()
        self.failed_total = 0
        self.end = 0
        """What `acknowledged` will be when everything known to be there is consumed."""

    @property
    def outstanding(self) -> int:
        """Known to be in the topic and not consumed yet."""
        return max(0, self.end - self.acknowledged)

    def offsets(self) -> list[tuple[int, int]]:
        """First and next offset of each partition, now. Raises LoadFailed."""
        self._asker.serve(0)
        return [self._asker.watermarks(partition) for partition in self._partitions]

    def start(self, offsets: list[int], messages: int) -> None:
        """Begin fetching each partition at its offset, with `messages` known to be ahead. Raises LoadFailed."""
        self.stop()
        for partition, offset in zip(self._partitions, offsets, strict=True):
            if self._functions.consume_start_queue(self._topic, partition, offset, self._inbound):
                code = self._functions.last_error()
                raise LoadFailed(rd.error_name(code), f"partition {partition}: {rd.error_text(code)}")
            self._started.append(partition)
        self._began = offsets
        self._origin = sum(offsets) - self.acknowledged
        self.end = self.acknowledged + messages

    @property
    def started(self) -> bool:
        """Whether anything is being fetched."""
        return bool(self._started)

    def expect_all(self) -> None:
        """From now on everything that is in the topic at this moment is outstanding until consumed."""
        self.end = sum(high for _, high in self.offsets()) - self._origin

    def leave_out_deleted(self) -> None:
        """What retention has deleted unread is outstanding no more. Raises LoadFailed."""
        places = zip(self._began, self._positions(), self.offsets(), strict=True)
        gone = sum(max(began, position, low) for began, position, (low, _) in places) - self._origin - self.acknowledged
        self._origin += gone
        self.end -= gone

    def _positions(self) -> list[int]:
        """The offset after the last message taken of each partition, below 0 where none was. Raises LoadFailed."""
        partitions = self._functions.topic_partition_list_new(len(self._partitions))
        try:
            places = [
                self._functions.topic_partition_list_add(partitions, self._topic_name, partition)
                for partition in self._partitions
            ]
            if code := self._functions.position(self._handle, partitions):
                raise LoadFailed(rd.error_name(code), f"position: {rd.error_text(code)}")
            return [int(place.contents.offset) for place in places]
        finally:
            self._functions.topic_partition_list_destroy(partitions)

    def stop(self) -> None:
        """Stop fetching and drop what has been fetched already."""
        for partition in self._started:
            self._functions.consume_stop(self._topic, partition)
        if self._started:
            while self._take():
                pass
        self._started = []

    def _fetch(self, timeout_ms: int) -> int:
        """Put into `_places` what is there, waiting up to `timeout_ms` for the first of it; returns how many.

        `consume_batch_queue` waits for as many as it is asked for, so it is only asked for what has come already.
        """
        place = self._functions.consume_queue(self._inbound, timeout_ms)
        if not place:
            return 0
        self._places[0] = place
        rest = ctypes.byref(self._places, ctypes.sizeof(ctypes.c_uint64))
        more: int = self._functions.consume_batch_queue(self._inbound, 0, rest, BATCH - 1)
        return 1 + max(more, 0)

    def _take(self) -> int:
        """Drop what is there; returns how many."""
        count = self._fetch(0)
        destroy = self._functions.message_destroy
        for place in self._places[:count]:
            destroy(place)
        return count

    def read(self, timeout_ms: int) -> int:
        """Consume what is there, waiting up to `timeout_ms` for the first of it; returns how many."""
        count = self._fetch(timeout_ms)
        places = self._places[:count]
        wrong = self._count_errors(places[:2] if count > LOOK_CLOSELY else places)
        destroy = self._functions.message_destroy
        for place in places:
            destroy(place)
        self.acknowledged += count - wrong
        return count

    def read_timed(self, timeout_ms: int, took_us: list[int]) -> int:
        """The same, adding the age of each message that carries its due time."""
        count = self._fetch(timeout_ms)
        if not count:
            return 0
        now_ns = time.time_ns()
        functions = self._functions
        headers, value, length = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_size_t()
        wrong = 0
        for place in self._places[:count]:
            if rd.Message.from_address(place).err:
                wrong += self._count_errors([place])
            elif not functions.message_headers(place, ctypes.byref(headers)) and not functions.header_get_last(
                headers, DUE_HEADER, ctypes.byref(value), ctypes.byref(length)
            ):
                (due_ns,) = DUE_FORMAT.unpack(ctypes.string_at(value, length.value))
                took_us.append(max(0, now_ns - due_ns) // 1000)
            functions.message_destroy(place)
        self.acknowledged += count - wrong
        return count

    def _count_errors(self, places: list[int]) -> int:
        wrong = 0
        for place in places:
            if code := rd.Message.from_address(place).err:
                wrong += 1
                self.failed[rd.error_name(code)] += 1
                self.failed_total += 1
        return wrong

    def check(self) -> None:
        """Raise LoadFailed where going on makes no sense."""
        if self.failed_total > 10 and self.acknowledged == 0:
            name, count = self.failed.most_common(1)[0]
            raise LoadFailed(name, f"nothing could be read: {count} x {name}")
        self.check_gone()
