"""Messages laid out in memory as librdkafka takes them, so that sending thousands is one call.

The ring is gone round and round: slot after slot, each a place in the value block and, with keys, in the key block.
Memory: 72 bytes a slot besides the blocks.
"""

from __future__ import annotations

import ctypes
from array import array
from itertools import accumulate

from ingestune_tui.bench.librdkafka import MESSAGE_SIZE, PARTITION_UNASSIGNED, Message
from ingestune_tui.bench.payload import Values


class Ring:
    """Prepared messages, as an array of `rd_kafka_message_t`."""

    def __init__(self, values: Values, keys: list[bytes] | None, least: int = 4096) -> None:
        """Slots for `values`, cycled to at least `least`; with keys, one slot per key."""
        self.mean_bytes = values.mean_bytes
        self._value_block = values.block
        self._key_block = b"".join(keys or ())
        slots = len(keys) if keys else len(values.places) * -(-least // len(values.places))
        value_base = _address(self._value_block)
        key_base = _address(self._key_block)
        key_lengths = [len(key) for key in keys or ()]
        key_places = list(accumulate(key_lengths, initial=key_base))
        places, lengths, count = values.places, values.lengths, len(values.places)
        words: list[int] = []
        unassigned = PARTITION_UNASSIGNED & 0xFFFF_FFFF
        for slot in range(slots):
            value = slot % count
            key, key_length = (key_places[slot], key_lengths[slot]) if keys else (0, 0)
            words += (0, 0, unassigned, value_base + places[value], lengths[value], key, key_length, 0, 0)
        self._words = array("Q", words)
        self.base = self._words.buffer_info()[0]
        self.messages = (Message * slots).from_buffer(self._words)
        self.slots = slots
        self.position = 0
        """The slot that is sent next."""

    def reach(self, wanted: int) -> int:
        """How many of `wanted` messages lie in one piece from the position on."""
        return min(wanted, self.slots - self.position)

    @property
    def next_address(self) -> int:
        return self.base + self.position * MESSAGE_SIZE

    def advance(self, count: int) -> None:
        self.position = (self.position + count) % self.slots


def _address(block: bytes) -> int:
    return ctypes.cast(ctypes.c_char_p(block), ctypes.c_void_p).value or 0
