"""What the messages hold: values and keys prepared before the first one is sent, the same for the same seed.

Values lie one after another in one block of memory; a message is a place and a length in it. At most 64 MB, most
often far less. Pure; no Kafka. Raises `LoadFailed` with the code PAYLOAD for samples or keys that cannot be used.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

from ingestune_tui.bench.failure import LoadFailed
from ingestune_tui.bench.json_records import json_records

POOL_BYTES: Final = 8_000_000
"""Prepared bytes aimed at: well above any batch, so that no batch holds the same record twice by much."""
MAX_POOL_BYTES: Final = 64_000_000
MAX_RECORDS: Final = 20_000
MIN_RECORDS: Final = 16
MAX_ZIPF_KEYS: Final = 1_000_000
KEYED_MESSAGES: Final = 65_536
"""Keys drawn beforehand; more than the values, so that many distinct keys appear."""


@dataclass(frozen=True, slots=True)
class Values:
    """Prepared message values."""

    block: bytes
    """Every value, one after another."""
    places: list[int]
    """Where each value begins in the block."""
    lengths: list[int]
    """How long each value is."""

    @property
    def mean_bytes(self) -> float:
        return sum(self.lengths) / len(self.lengths)


def prepare_values(payload: str, message_bytes: int, seed: int) -> Values:
    """Values of `message_bytes` each (a file's own lengths for `file:PATH`). Raises LoadFailed."""
    if payload.startswith("file:"):
        return _from_file(payload.removeprefix("file:"))
    if message_bytes < 1:
        raise LoadFailed("PAYLOAD", f"a message cannot have {message_bytes} bytes")
    if payload == "zeros":
        return Values(bytes(message_bytes), [0], [message_bytes])
    count = min(max(POOL_BYTES // message_bytes, MIN_RECORDS), MAX_RECORDS, max(1, MAX_POOL_BYTES // message_bytes))
    if payload == "random":
        block = random.Random(seed).randbytes(count * message_bytes)
    elif payload == "json":
        block = b"".join(json_records(message_bytes, count, seed))
    else:
        raise LoadFailed("PAYLOAD", f"unknown payload '{payload}'; use json, random, zeros or file:PATH")
    return Values(block, list(range(0, count * message_bytes, message_bytes)), [message_bytes] * count)


def _from_file(path: str) -> Values:
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_POOL_BYTES + 1)
    except OSError as error:
        raise LoadFailed("PAYLOAD", f"cannot read the samples in {path}: {error.strerror}") from error
    lines = text[:MAX_POOL_BYTES].split(b"\n")
    if len(text) > MAX_POOL_BYTES and len(lines) > 1:
        lines.pop()  # cut in the middle
    samples = [sample for line in lines if (sample := line.removesuffix(b"\r"))]
    if not samples:
        raise LoadFailed("PAYLOAD", f"{path} holds no samples; it should hold one message per line")
    lengths = [len(sample) for sample in samples]
    return Values(b"".join(samples), list(accumulate(lengths, initial=0))[:-1], lengths)


def prepare_keys(keys: str, seed: int) -> list[bytes] | None:
    """KEYED_MESSAGES keys in sending order, or None for messages without. Raises LoadFailed."""
    if keys == "none":
        return None
    kind, _, text = keys.partition(":")
    if kind not in ("uniform", "zipf") or not text.isascii() or not text.isdigit() or int(text) < 1:
        raise LoadFailed("PAYLOAD", f"unknown keys '{keys}'; use none, uniform:N or zipf:N")
    count = int(text)
    source = random.Random(seed ^ 0x5EED)
    if kind == "uniform":
        drawn = [source.randrange(count) for _ in range(KEYED_MESSAGES)]
    elif count > MAX_ZIPF_KEYS:
        raise LoadFailed("PAYLOAD", f"zipf:{count} is too many keys; at most zipf:{MAX_ZIPF_KEYS}")
    else:
        weights = list(accumulate(1 / rank for rank in range(1, count + 1)))
        drawn = source.choices(range(count), cum_weights=weights, k=KEYED_MESSAGES)
    return [b"%08d" % key for key in drawn]
