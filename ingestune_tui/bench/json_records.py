"""Seeded event records that look and compress as real ones do: repeated field names, skewed values, some noise.

Every record is valid JSON of exactly the asked length (below 8 bytes a bare number). Called by `payload` alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Final

_EVENTS: Final = (
    "page_view",
    "page_view",
    "page_view",
    "add_to_cart",
    "search",
    "search",
    "checkout",
    "login",
    "error",
)
_COUNTRIES: Final = ("DE", "US", "US", "FR", "IN", "BR", "JP", "GB", "PL", "NL")
_DEVICES: Final = ("mobile", "mobile", "desktop", "tablet", "tv")
_REGIONS: Final = ("eu-central-1", "us-east-1", "ap-south-1", "sa-east-1")
_TEXT: Final = (
    "order payment shipped delayed customer request timeout retry cache replica stream partition invoice "
    "gateway session expired accepted declined queue worker batch window sensor pressure reading nominal "
    "update account "
)
_WORDS: Final = tuple(_TEXT.split())

_START_MS: Final = 1_760_000_000_000
_SMALLEST_RECORD: Final = 44
_FRAGMENTS: Final = 400
"""Ends of line items made beforehand; long records draw from them, as real ones repeat their words."""


def json_records(message_bytes: int, count: int, seed: int) -> Iterator[bytes]:
    """`count` records of exactly `message_bytes` bytes each, the same for the same seed."""
    source = random.Random(seed)
    if message_bytes < 8:
        for _ in range(count):
            yield b"%0*d" % (message_bytes, source.randrange(10**message_bytes))
        return
    clock_ms = _START_MS
    if message_bytes < _SMALLEST_RECORD:
        head = b'{"ts":%d,"v":%d}' if message_bytes > 25 else b'{"v":%d}'
        digits = message_bytes - (25 if message_bytes > 25 else 6)
        least, noise = 10 ** (digits - 1), 10 ** min(digits - 1, 6)
        for _ in range(count):
            clock_ms += source.randrange(40)
            value = least + source.randrange(noise)
            yield head % ((clock_ms, value) if message_bytes > 25 else value)
        return
    tails = [_tail(source) for _ in range(_FRAGMENTS)]
    for number in range(count):
        clock_ms += source.randrange(40)
        yield _record(source, message_bytes, clock_ms, number, tails)


def _tail(source: random.Random) -> bytes:
    note = " ".join(source.choices(_WORDS, k=source.randrange(1, 5)))
    return b'","quantity":%d,"note":"%s"}' % (source.randrange(1, 5), note.encode())


def _item(pick: Callable[[], float], tails: list[bytes]) -> bytes:
    """One line item: numbers of its own before a tail from the common stock."""
    number = int(pick() * 2**48)
    return (
        b'{"sku":"P%06d","price":%d.%02d,"ref":"%06x'
        % (
            number % 900_001,
            number % 397,
            number % 100,
            number >> 24,
        )
        + (tails[number % _FRAGMENTS])
    )


def _record(source: random.Random, message_bytes: int, clock_ms: int, number: int, tails: list[bytes]) -> bytes:
    """Fields while they fit, line items while they fit, then a text field that fills up exactly."""
    pick = source.random
    head = b'{"ts":%d,"user":%d' % (clock_ms, int(pick() ** 2 * 1_000_000))
    fields = (
        b',"event":"%s"' % _EVENTS[int(pick() * len(_EVENTS))].encode(),
        b',"country":"%s"' % _COUNTRIES[int(pick() * len(_COUNTRIES))].encode(),
        b',"device":"%s"' % _DEVICES[int(pick() * len(_DEVICES))].encode(),
        b',"latency_ms":%d' % int(2 + 400 * pick() ** 4),
        b',"session":"%012x"' % int(pick() * 2**48),
        b',"region":"%s"' % _REGIONS[int(pick() * len(_REGIONS))].encode(),
        b',"path":"/shop/%s/%d"' % (_WORDS[int(pick() * len(_WORDS))].encode(), int(pick() * 5000)),
        b',"ip":"10.%d.%d.%d"' % (int(pick() * 4), int(pick() * 256), int(pick() * 256)),
        b',"sequence":%d' % number,
    )
    room = message_bytes - len(head) - len(b',"text":""}')
    parts = [head]
    for field in fields:
        if len(field) <= room:
            parts.append(field)
            room -= len(field)
    if room > 200:
        opening = b',"items":['
        closing = b"]"
        room -= len(opening) + len(closing)
        chosen: list[bytes] = []
        while len(item := _item(pick, tails)) + 1 <= room:
            chosen.append(item)
            room -= len(item) + 1
        if chosen:
            room += 1
            parts += [opening, b",".join(chosen), closing]
        else:
            room += len(opening) + len(closing)
    start = int(pick() * len(_FILLER) // 2)
    parts += [b',"text":"', _FILLER[start : start + room], b'"}']
    return b"".join(parts)


_FILLER: Final = " ".join(random.Random(7).choices(_WORDS, k=300)).encode()
