"""Java <-> librdkafka: one setting in either client's words. Pure, and never a blind copy: names and meanings differ.

Settings come in under canonical names, checked by catalogue.py. What has no counterpart is left out and named by
`untranslated`. Security is in security.py; everybody reaches both from here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import CLIENT_SCOPES, Scope, Value
from ingestune_tui.catalogue.properties_text import read_properties
from ingestune_tui.catalogue.security import client_properties, is_security, java_security

__all__ = [
    "Dialect",
    "baseline_settings",
    "client_properties",
    "java_security",
    "to_java",
    "to_librdkafka",
    "translate",
    "untranslated",
    "value_text",
]

Dialect = Literal["java", "librdkafka"]

_MAX_INT = 2147483647
_SHOWN = 8
"""Wrong values of one file that are told."""
# 0 in librdkafka and -1 in Java: as the system has it, or without end.
_MINUS_ONE_IN_JAVA = ("socket.send.buffer.bytes", "socket.receive.buffer.bytes", "connections.max.idle.ms")
_LEVELS = {"gzip": "compression.gzip.level", "zstd": "compression.zstd.level", "lz4": "compression.lz4.level"}
_IDENTITY = frozenset(
    [
        "bootstrap.servers",
        "metadata.broker.list",
        "client.id",
        "group.id",
        "group.instance.id",
        "transactional.id",
        "client.rack",
        "key.serializer",
        "value.serializer",
        "key.deserializer",
        "value.deserializer",
        "node.id",
        "broker.id",
        "broker.rack",
        "process.roles",
        "listeners",
        "advertised.listeners",
        "listener.security.protocol.map",
        "inter.broker.listener.name",
        "controller.listener.names",
        "controller.quorum.voters",
        "controller.quorum.bootstrap.servers",
        "log.dir",
        "log.dirs",
        "metadata.log.dir",
        "zookeeper.connect",
    ]
)
_NOT_IN_JAVA = {
    "batch.num.messages": "Java fills a batch by bytes alone (batch.size)",
    "queue.buffering.max.messages": "Java limits waiting messages by bytes alone (buffer.memory)",
    "queue.buffering.backpressure.threshold": "Java has no such threshold",
    "sticky.partitioning.linger.ms": "Java moves to another partition by bytes sent, not by time",
    "partitioner": "Java spreads messages its own way: by murmur2 of the key, or by the load of the partitions",
    "message.copy.max.bytes": "Java copies every message",
    "socket.nagle.disable": "Java always sends small packets at once",
    "socket.keepalive.enable": "Java always keeps connections alive",
    "socket.timeout.ms": "Java has one timeout for each request (request.timeout.ms)",
    "topic.metadata.refresh.sparse": "Java always asks for the topics in use only",
    "queued.min.messages": "Java has no queue of its own ahead of poll()",
    "queued.max.messages.kbytes": "Java has no queue of its own ahead of poll()",
    "fetch.queue.backoff.ms": "Java has no queue of its own ahead of poll()",
    "fetch.error.backoff.ms": "Java rests after an error by retry.backoff.ms",
    "receive.message.max.bytes": "Java takes responses of any size",
    "message.max.bytes": "Java sets no least size of a fetch",
}
_NOT_IN_LIBRDKAFKA = {
    "partitioner.adaptive.partitioning.enable": "librdkafka does not watch how fast partitions are",
    "partitioner.ignore.keys": "librdkafka has partitioner=random for that",
    "partitioner.availability.timeout.ms": "librdkafka does not watch how fast partitions are",
    "max.block.ms": "librdkafka never blocks: a full queue is an error at once",
    "metadata.max.idle.ms": "librdkafka does not forget topics that it no longer sends to",
    "max.poll.records": "librdkafka leaves that number to each call",
    "request.timeout.ms": "librdkafka has one timeout for every network request (socket.timeout.ms)",
}


def translate(scope: Scope, settings: Mapping[str, Value], to: Dialect) -> tuple[dict[str, Value], dict[str, str]]:
    """Canonical settings that the other client knows too, and name -> reason for those it does not."""
    if scope not in CLIENT_SCOPES:
        return dict(settings), {}
    kept: dict[str, Value] = {}
    dropped: dict[str, str] = {}
    for name, value in settings.items():
        prop = catalogue.find(scope, name)
        if prop is not None and (prop.java if to == "java" else prop.librdkafka) is not None:
            kept[name] = value
            continue
        match = _counterpart(name, value, settings, to)
        if isinstance(match, str):
            dropped[name] = match
        elif match[0] not in settings:
            kept[match[0]] = match[1]
    return kept, dropped


def _counterpart(name: str, value: Value, settings: Mapping[str, Value], to: Dialect) -> tuple[str, Value] | str:
    """The same thing under another canonical name, or the reason why there is none."""
    codec = str(settings.get("compression.type", "none"))
    match name:
        case "queue.buffering.max.kbytes":
            return "buffer.memory", int(value) * 1024
        case "buffer.memory":
            return "queue.buffering.max.kbytes", min(max(int(value) // 1024, 1), _MAX_INT)
        case "compression.level":
            return _level_for_java(codec, int(value))
        case "compression.gzip.level" | "compression.zstd.level" | "compression.lz4.level":
            return _level_for_librdkafka(name, codec, int(value))
    reasons = _NOT_IN_JAVA if to == "java" else _NOT_IN_LIBRDKAFKA
    client = "Java" if to == "java" else "librdkafka"
    return reasons.get(name, f"{client} has no such setting")


def _level_for_java(codec: str, level: int) -> tuple[str, Value] | str:
    if codec not in _LEVELS:
        return f"compression.type={codec} has no levels"
    if level == -1:
        return "-1 is the codec's own level, which Java takes when nothing is set"
    if codec == "lz4":
        return "levels of lz4 are not the same scale in Java"
    if codec == "gzip" and level == 0:
        return "Java does not allow level 0 of gzip"
    return _LEVELS[codec], level


def _level_for_librdkafka(name: str, codec: str, level: int) -> tuple[str, Value] | str:
    if _LEVELS.get(codec) != name:
        return f"without effect for compression.type={codec}"
    if codec == "lz4":
        return "levels of lz4 are not the same scale in librdkafka"
    if codec == "zstd" and not 0 <= level <= 12:
        return "librdkafka takes levels of zstd from 0 to 12"
    return "compression.level", level


def untranslated(scope: Scope, settings: Mapping[str, Value], to: Dialect) -> dict[str, str]:
    """Name -> why it has no counterpart, in a few words."""
    return translate(scope, settings, to)[1]


def value_text(value: Value) -> str:
    """As both clients and the broker read it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def to_librdkafka(scope: Scope, settings: Mapping[str, Value]) -> dict[str, str]:
    """Canonical settings in librdkafka's names and texts; topic and broker settings as Kafka has them."""
    written: dict[str, str] = {}
    for name, value in translate(scope, settings, "librdkafka")[0].items():
        prop = catalogue.find(scope, name)
        own = (prop.librdkafka if prop and scope in CLIENT_SCOPES else None) or name
        written[own] = value_text(value)
    return written


def to_java(scope: Scope, settings: Mapping[str, Value]) -> dict[str, str]:
    """Canonical settings as Java client properties; topic and broker settings as Kafka has them.

    What Java would refuse or take otherwise is put in its words: whole milliseconds of linger, no end as a number,
    -1 for "as the system has it", idempotence off where it cannot be on, requests that fit the delivery timeout.
    """
    written: dict[str, str] = {}
    for name, value in translate(scope, settings, "java")[0].items():
        prop = catalogue.find(scope, name)
        own = (prop.java if prop else None) or name
        written[own] = value_text(_java_value(name, value) if scope in CLIENT_SCOPES else value)
    if scope is Scope.PRODUCER:
        _fit_timeouts(written)
        if _idempotence_cannot_be(settings) and settings.get("enable.idempotence") is not True:
            written["enable.idempotence"] = "false"
    return written


def _java_value(name: str, value: Value) -> Value:
    if name in _MINUS_ONE_IN_JAVA and value == 0:
        return -1
    if name == "message.timeout.ms" and value == 0:
        return _MAX_INT
    if name == "linger.ms":
        return math.ceil(float(value))
    return value


def _fit_timeouts(written: dict[str, str]) -> None:
    """Java refuses a delivery timeout below linger.ms + request.timeout.ms; librdkafka cuts requests short itself."""
    if "delivery.timeout.ms" not in written:
        return
    room = int(written["delivery.timeout.ms"]) - int(written.get("linger.ms", 5))
    if 0 < room < int(written.get("request.timeout.ms", 30000)):
        written["request.timeout.ms"] = str(room)


def _idempotence_cannot_be(settings: Mapping[str, Value]) -> bool:
    """Whether other producer settings rule enable.idempotence out."""
    return (
        settings.get("acks", "all") not in ("all", "-1")
        or float(settings.get("max.in.flight.requests.per.connection", 5)) > 5
        or settings.get("retries", 1) == 0
    )


def baseline_settings(text: str, scope: Scope, client: str) -> tuple[dict[str, Value], list[str]]:
    """The tunable settings of a .properties file of either dialect, canonical, for `client`; and what was left out.

    Raises ValueError that names the key of every value that cannot be.
    """
    settings: dict[str, Value] = {}
    notes: list[str] = []
    wrong: list[str] = []
    java_names = False
    for name, raw in read_properties(text).items():
        prop = catalogue.find(scope, name)
        if prop is None:
            notes.append(_left_out(scope, name))
            continue
        java_names = java_names or (name == prop.java and name != prop.librdkafka and scope in CLIENT_SCOPES)
        if prop.name in _MINUS_ONE_IN_JAVA and scope in CLIENT_SCOPES and raw.strip() == "-1":
            raw = "0"
        try:
            settings[prop.name] = catalogue.parse_value(prop, raw)
        except ValueError as problem:
            wrong.append(f"{name}: {problem}")
    if wrong:
        raise ValueError("; ".join(wrong[:_SHOWN]) + (f"; and {len(wrong) - _SHOWN} more" if wrong[_SHOWN:] else ""))
    kept, dropped = translate(scope, settings, "java" if client == "java" else "librdkafka")
    notes += [f"{name} is left out: {reason}" for name, reason in dropped.items()]
    if java_names and client != "java":
        notes.append(
            "written for Java clients and measured with librdkafka: what it does not set has librdkafka's default"
        )
    return kept, notes


def _left_out(scope: Scope, name: str) -> str:
    shown = "".join(char if char.isprintable() else "?" for char in name[:80])
    if is_security(name) or name in _IDENTITY:
        return f"{shown} is left out: it says how to connect or who connects, not how fast"
    hint = catalogue.nearest(scope, name)
    return f"{shown} is left out: it is not a {scope.value} setting that can be tuned" + (f" ({hint})" if hint else "")
