"""What librdkafka's statistics say about why a trial is fast or slow. Pure: text in, figures out.

Read twice a second in the sending thread, so only the fields used here are decoded.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


class _Window(msgspec.Struct):
    avg: int = 0
    cnt: int = 0


class _Broker(msgspec.Struct):
    nodeid: int = -1
    state: str = ""
    rtt: _Window = msgspec.field(default_factory=_Window)
    int_latency: _Window = msgspec.field(default_factory=_Window)
    throttle: _Window = msgspec.field(default_factory=_Window)
    txretries: int = 0
    txbytes: int = 0


class _Topic(msgspec.Struct):
    batchsize: _Window = msgspec.field(default_factory=_Window)
    batchcnt: _Window = msgspec.field(default_factory=_Window)


class _Document(msgspec.Struct):
    brokers: dict[str, _Broker] = {}
    topics: dict[str, _Topic] = {}
    txmsgs: int = 0
    txmsg_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the last half second, except the totals."""

    connected: bool
    """Whether any broker has answered and is connected now, those of the bootstrap address included."""
    connecting: bool
    """Whether any is being connected to. A broker that nobody needs is neither: it may have closed an idle line."""
    round_trip_ms: float | None
    """Mean time from a request to its response, over the brokers."""
    queue_ms: float | None
    """Mean time a message waited in the client before its request was made."""
    batch_messages: float | None
    batch_wire_bytes: float | None
    """Mean batch size as sent, after compression."""
    throttle_ms: float | None
    retries_total: int
    wire_bytes_total: int
    """Sent to the brokers since the client was opened, requests' own overhead included."""
    messages_total: int
    """Put into requests since the client was opened; retries count again."""
    message_bytes_total: int


_AT_REST = ("", "UP", "INIT")
_decode = msgspec.json.Decoder(_Document).decode


def parse(text: bytes) -> Statistics:
    """The figures in one statistics document."""
    document = _decode(text)
    brokers = [broker for broker in document.brokers.values() if broker.nodeid >= 0]
    topics = list(document.topics.values())
    return Statistics(
        connected=any(broker.state == "UP" for broker in document.brokers.values()),
        connecting=any(broker.state not in _AT_REST for broker in document.brokers.values()),
        round_trip_ms=_mean([broker.rtt for broker in brokers], 1e-3),
        queue_ms=_mean([broker.int_latency for broker in brokers], 1e-3),
        batch_messages=_mean([topic.batchcnt for topic in topics], 1.0),
        batch_wire_bytes=_mean([topic.batchsize for topic in topics], 1.0),
        throttle_ms=_mean([broker.throttle for broker in brokers], 1.0),
        retries_total=sum(broker.txretries for broker in brokers),
        wire_bytes_total=sum(broker.txbytes for broker in brokers),
        messages_total=document.txmsgs,
        message_bytes_total=document.txmsg_bytes,
    )


def _mean(windows: list[_Window], factor: float) -> float | None:
    count = sum(window.cnt for window in windows)
    return sum(window.avg * window.cnt for window in windows) / count * factor if count else None
