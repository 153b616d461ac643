"""What the Java child is given: its spec through a pipe, its messages in a file without a name, a heap that fits."""

from __future__ import annotations

import os
import struct

import pytest

from ingestune_tui.bench.failure import LoadFailed
from ingestune_tui.bench.java_launch import describe, heap_mb, messages_file
from ingestune_tui.bench.protocol import ProducerSpec

GIGABYTE = 1_000_000_000


def spec(**changes: object) -> ProducerSpec:
    fields: dict[str, object] = {
        "config": {"acks": "all", "sasl.jaas.config": "sécret"},
        "topic": "t",
        "partitions": 6,
        "message_bytes": 100,
        "payload": "zeros",
        "keys": "none",
        "seed": 1,
        "bytes_cap": 5,
        **changes,
    }
    return ProducerSpec(**fields)  # type: ignore[arg-type]


def read_all(descriptor: int) -> bytes:
    with open(descriptor, "rb") as file:
        return file.read()


def test_the_spec_goes_through_a_pipe_with_every_length_before_its_text() -> None:
    told = read_all(describe(spec()))
    words = [b"acks", b"all", b"sasl.jaas.config", "sécret".encode(), b"t"]
    expected = struct.pack(">i", 2) + b"".join(struct.pack(">i", len(word)) + word for word in words)
    assert told == expected + struct.pack(">iqq", 6, 5, 0) + struct.pack(">?i", False, 20_000)


def test_a_spec_that_no_pipe_holds_is_refused_instead_of_hanging() -> None:
    with pytest.raises(LoadFailed, match="too long"):
        describe(spec(config={"ssl.keystore.certificate.chain": "x" * 100_000}))


def test_the_messages_file_has_no_name_and_holds_values_and_keys() -> None:
    descriptor, mean_bytes = messages_file(spec(keys="uniform:10"))
    assert os.fstat(descriptor).st_nlink == 0
    told = read_all(descriptor)
    assert mean_bytes == 100
    assert told[:8] == struct.pack(">ii", 1, 100)
    assert told[8:108] == bytes(100)
    (keys,) = struct.unpack_from(">i", told, 108)
    assert keys == 65_536
    assert told[-8:].isdigit()


def test_the_heap_holds_the_buffer_and_the_books_on_every_message_in_it() -> None:
    default = heap_mb({}, 1000, 8_000_000, 64 * GIGABYTE)
    assert 300 < default < 400
    assert heap_mb({}, 10, 8_000_000, 64 * GIGABYTE) > default + 250
    assert heap_mb({"buffer.memory": "1000000000"}, 1000, 0, 64 * GIGABYTE) > 2000
    assert heap_mb({"buffer.memory": "1000000000"}, 10, 0, 8 * GIGABYTE) == 4000
