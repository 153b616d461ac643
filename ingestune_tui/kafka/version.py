"""Which Kafka a broker runs, as far as it tells, and which librdkafka talks to it.

Clients are not given a version, but feature levels: asks one broker for its API versions over a connection of its own,
before any login, and reads the highest metadata.version that its software supports. Best effort: else `unknown`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import Iterator, Sequence

from confluent_kafka import libversion

from ingestune_tui.kafka.connection import Connection, Node
from ingestune_tui.secrets import Secret

UNKNOWN = "unknown"
_TIMEOUT_S = 5.0
_API_VERSIONS_KEY = 18
_MOST_BYTES = 1 << 20
# The last metadata.version of each release, from `kafka-storage.sh version-mapping`.
_RELEASES = (
    (7, "3.3"),
    (8, "3.4"),
    (11, "3.5"),
    (14, "3.6"),
    (19, "3.7"),
    (20, "3.8"),
    (21, "3.9"),
    (25, "4.0"),
    (27, "4.1"),
    (29, "4.2"),
    (30, "4.3"),
)


def client_version() -> str:
    """`librdkafka 2.16.0`."""
    return f"librdkafka {libversion()[0]}"


async def broker_version(connection: Connection, nodes: Sequence[Node]) -> str:
    """`4.3`, `newer than 4.3`, or `unknown`; never raises for what the network or the broker does."""
    for node in nodes[:1]:
        with contextlib.suppress(OSError, TimeoutError, ValueError, EOFError, struct.error, IndexError):
            async with asyncio.timeout(_TIMEOUT_S):
                return release_of(await _ask_api_versions(connection, node))
    return UNKNOWN


async def _ask_api_versions(connection: Connection, node: Node) -> bytes:
    protocol = str(connection.config.get("security.protocol", "plaintext")).lower()
    tls = _tls_context(connection) if "ssl" in protocol else None
    reader, writer = await asyncio.open_connection(node.host, node.port, ssl=tls)
    try:
        writer.write(_request())
        await writer.drain()
        size = int.from_bytes(await reader.readexactly(4), "big")
        if not 6 <= size <= _MOST_BYTES:
            raise ValueError("not an answer of Kafka")
        return await reader.readexactly(size)
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await writer.wait_closed()


def _request() -> bytes:
    """ApiVersions version 3: header (key, version, correlation id, client id, tags), then name and version of us."""
    client = b"ingestune"
    compact = bytes([len(client) + 1]) + client
    body = struct.pack(">hhih", _API_VERSIONS_KEY, 3, 1, len(client)) + client + b"\0" + compact + b"\x021" + b"\0"
    return struct.pack(">i", len(body)) + body


def release_of(answer: bytes) -> str:
    """The release that an ApiVersions answer (without its length) tells of. Raises ValueError if it is not one."""
    data = _Reader(answer)
    data.take(4)
    if data.int16() != 0:
        return UNKNOWN  # older than this version of the request
    for _ in range(data.varint() - 1):
        data.take(6)
        data.skip_tags()
    data.take(4)
    for tag, value in data.tags():
        if tag == 0:
            return _release(value)
    return UNKNOWN


def _release(features: _Reader) -> str:
    for _ in range(features.varint() - 1):
        name = features.take(features.varint() - 1)
        features.int16()
        level = features.int16()
        features.skip_tags()
        if name == b"metadata.version":
            return next((text for limit, text in _RELEASES if level <= limit), f"newer than {_RELEASES[-1][1]}")
    return UNKNOWN


class _Reader:
    """Kafka's compact encoding, from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._data):
            raise ValueError("the answer ends early")
        self._at += count
        return self._data[self._at - count : self._at]

    def int16(self) -> int:
        return int.from_bytes(self.take(2), "big", signed=True)

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift > 28:
                return value

    def tags(self) -> Iterator[tuple[int, _Reader]]:
        for _ in range(self.varint()):
            tag = self.varint()
            yield tag, _Reader(self.take(self.varint()))

    def skip_tags(self) -> None:
        for _ in self.tags():
            pass


def _tls_context(connection: Connection) -> ssl.SSLContext:
    """Trusts what the connection trusts. The answer is only shown, so a certificate for another name is no matter."""
    config = {k: v.reveal() if isinstance(v, Secret) else v for k, v in connection.config.items()}
    context = ssl.create_default_context(cafile=config.get("ssl.ca.location"), cadata=config.get("ssl.ca.pem"))
    context.check_hostname = config.get("ssl.endpoint.identification.algorithm", "https").lower() == "https"
    if certificate := config.get("ssl.certificate.location"):
        context.load_cert_chain(certificate, config.get("ssl.key.location"), config.get("ssl.key.password"))
    return context
