"""Becomes a Java load child: takes the spec from stdin, prepares the messages, and turns into the JVM.

`python -m ingestune_tui.bench.java_launch JAVA CLASSPATH`. So the messages are the very same as the Python child's,
and stdin, stdout and the process id stay. The spec may hold passwords: it goes through a pipe, never into a file.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import tempfile
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from ingestune_tui.bench.failure import LoadFailed
from ingestune_tui.bench.payload import prepare_keys, prepare_values
from ingestune_tui.bench.pipes import Outbox
from ingestune_tui.bench.protocol import MAX_TIMED_PER_S, ProducerSpec, decode_spec
from ingestune_tui.kafka.java_environment import java_environment

BASE_HEAP_MB: Final = 256
"""For the client itself, its metrics and the garbage between two collections."""
RECORD_BYTES: Final = 8
"""What a message takes in the client's buffer besides its value, about."""
REPORT_BYTES: Final = 160
"""Heap held for each message that waits for its acknowledgement, about."""
DEFAULT_BUFFER_BYTES: Final = 32 * 1024 * 1024
_MAX_PIPE_BYTES: Final = 60_000

FLAGS: Final = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-Xshare:auto",
    "-Xlog:all=off",
    "-Dorg.apache.logging.log4j.level=WARN",
    "-Djava.awt.headless=true",
)
"""Kafka's own tools run with the first of these; the rest shorten the start and keep stdout clean."""


def archive_of(jar: Path) -> Path:
    """Where the JVM keeps its loaded classes for the next start; it does without where there is none."""
    return jar.with_suffix(".jsa")


def main() -> None:
    """Never returns: exec, or a Failed event and exit 1."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited by the JVM: the parent decides
    java, classpath = sys.argv[1:3]
    config: dict[str, str] = {}
    outbox = Outbox()
    try:
        spec = decode_spec(_first_line())
        if not isinstance(spec, ProducerSpec):
            raise LoadFailed("INTERNAL", "the Java child only produces", permanent=True)
        config = spec.config
        described = describe(spec)
        messages, mean_bytes = messages_file(spec)
        heap = heap_mb(config, mean_bytes, os.fstat(messages).st_size, _memory_bytes())
        os.set_blocking(1, True)  # shared with the JVM, whose stdout waits
        os.execve(
            java,
            [
                java,
                *FLAGS,
                f"-XX:SharedArchiveFile={archive_of(Path(classpath.split(os.pathsep)[0]))}",
                *(f"-Xms{heap}m", f"-Xmx{heap}m"),  # of one size, so that it never grows in a window
                *("-cp", classpath, "IngestuneLoad", f"/dev/fd/{described}", f"/dev/fd/{messages}"),
            ],
            java_environment(),
        )
    except LoadFailed as failure:
        outbox.send(failure.event(config))
    except (OSError, msgspec.MsgspecError) as error:
        outbox.send(LoadFailed("INTERNAL", f"the Java client did not start: {error}").event(config))
    outbox.flush()
    os._exit(1)


def _first_line() -> bytes:
    """One line of stdin, and not a byte more: the rest is for the JVM."""
    line = bytearray()
    while letter := os.read(0, 1):
        if letter == b"\n":
            return bytes(line)
        line += letter
    os._exit(1)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack(">i", len(encoded)) + encoded


def describe(spec: ProducerSpec) -> int:
    """A pipe to read the spec from, as IngestuneLoad.Spec reads it; its descriptor is inherited."""
    parts = [struct.pack(">i", len(spec.config))]
    parts += [_text(word) for pair in spec.config.items() for word in pair]
    parts += [
        _text(spec.topic),
        struct.pack(">iqq", spec.partitions, spec.bytes_cap, spec.bytes_per_s or 0),
        struct.pack(">?i", spec.due_time_header, MAX_TIMED_PER_S),
    ]
    written = b"".join(parts)
    if len(written) > _MAX_PIPE_BYTES:
        raise LoadFailed("CONFIG", f"the client's properties are too long ({len(written)} bytes)", permanent=True)
    read, write = os.pipe()
    os.write(write, written)
    os.close(write)
    os.set_inheritable(read, True)
    return read


def messages_file(spec: ProducerSpec) -> tuple[int, float]:
    """An unlinked file with the values and the keys, and the values' mean length. Its descriptor is inherited."""
    values = prepare_values(spec.payload, spec.message_bytes, spec.seed)
    keys = prepare_keys(spec.keys, spec.seed) or []
    descriptor, name = tempfile.mkstemp(prefix="ingestune-")
    os.unlink(name)
    with open(os.dup(descriptor), "wb") as file:
        file.write(_lengths(values.lengths) + values.block)
        file.write(_lengths([len(key) for key in keys]) + b"".join(keys))
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.set_inheritable(descriptor, True)
    return descriptor, values.mean_bytes


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _lengths(lengths: list[int]) -> bytes:
    words = array("i", [len(lengths), *lengths])
    if sys.byteorder == "little":
        words.byteswap()
    return words.tobytes()


def heap_mb(config: Mapping[str, str], message_bytes: float, prepared_bytes: int, memory_bytes: int) -> int:
    """Room for the buffer, the books on every message in it, and the prepared messages; at most half of all memory."""
    buffer_bytes = int(config.get("buffer.memory", DEFAULT_BUFFER_BYTES))
    waiting = buffer_bytes / (message_bytes + RECORD_BYTES)
    wanted = 2 * (buffer_bytes + prepared_bytes) + waiting * REPORT_BYTES
    return int(min(BASE_HEAP_MB + wanted / 1_000_000, memory_bytes / 2_000_000))


if __name__ == "__main__":
    main()
