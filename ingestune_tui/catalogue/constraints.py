"""Which settings do not go together, which change nothing, and what they promise about acknowledged messages. Pure.

Each rule is one that librdkafka, the Java client or the broker enforces itself; here it is known before a trial is
spent on it. Settings are canonical, by scope; what is not set counts with its default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Scope, Value

Settings = Mapping[Scope, Mapping[str, Value]]


class DurabilityClass(IntEnum):
    """What a configuration promises, from the weakest to the strongest."""

    UNACKNOWLEDGED = 0
    LEADER = 1
    IN_SYNC = 2
    IN_SYNC_QUORUM = 3
    IDEMPOTENT = 4
    IDEMPOTENT_QUORUM = 5

    def __str__(self) -> str:
        return _CLASS_NAMES[self]

    def weaker_than(self, other: DurabilityClass) -> bool:
        """True when it may lose or repeat a message that `other` would not."""
        return self < other


_CLASS_NAMES = {
    DurabilityClass.UNACKNOWLEDGED: "acks=0",
    DurabilityClass.LEADER: "acks=1",
    DurabilityClass.IN_SYNC: "acks=all",
    DurabilityClass.IN_SYNC_QUORUM: "acks=all, min.insync 2+",
    DurabilityClass.IDEMPOTENT: "acks=all, idempotent",
    DurabilityClass.IDEMPOTENT_QUORUM: "acks=all, idempotent, min.insync 2+",
}


class _Look:
    """Settings with their defaults filled in."""

    def __init__(self, settings: Settings, client: str) -> None:
        self._settings = settings
        self._client = client

    def set(self, scope: Scope, name: str) -> bool:
        return name in self._settings.get(scope, {})

    def value(self, scope: Scope, name: str) -> Value | None:
        named = self._settings.get(scope, {})
        if name in named:
            return named[name]
        prop = catalogue.find(scope, name)
        return prop.default(self._client) if prop else None

    def number(self, scope: Scope, name: str) -> float:
        value = self.value(scope, name)
        return float(value) if isinstance(value, (int, float)) else 0.0

    def idempotent(self) -> bool:
        """In force: Java switches its own default off where another setting contradicts it."""
        if self.set(Scope.PRODUCER, "enable.idempotence"):
            return bool(self.value(Scope.PRODUCER, "enable.idempotence"))
        return bool(self.value(Scope.PRODUCER, "enable.idempotence")) and not _contradicts_idempotence(self)


def why_invalid(settings: Settings, client: str, message_bytes: int = 0) -> str | None:
    """One sentence on why these settings cannot be used together; None when they can."""
    look = _Look(settings, client)
    for rule in (_producer_rules, _consumer_rules, _topic_rules):
        if reason := rule(look, client, message_bytes):
            return reason
    return None


def _contradicts_idempotence(look: _Look) -> str:
    if look.value(Scope.PRODUCER, "acks") != "all":
        return f"enable.idempotence needs acks=all, not {look.value(Scope.PRODUCER, 'acks')}"
    in_flight = "max.in.flight.requests.per.connection"
    if look.set(Scope.PRODUCER, in_flight) and look.number(Scope.PRODUCER, in_flight) > 5:
        return f"enable.idempotence allows 5 requests in flight, not {look.number(Scope.PRODUCER, in_flight):g}"
    if look.set(Scope.PRODUCER, "retries") and look.number(Scope.PRODUCER, "retries") == 0:
        return "enable.idempotence needs retries"
    return ""


def _producer_rules(look: _Look, client: str, message_bytes: int) -> str | None:
    def number(name: str) -> float:
        return look.number(Scope.PRODUCER, name)

    asked = look.set(Scope.PRODUCER, "enable.idempotence") and look.value(Scope.PRODUCER, "enable.idempotence")
    if asked and (reason := _contradicts_idempotence(look)):
        return reason
    timeout, linger = number("message.timeout.ms"), number("linger.ms")
    if client == "java":
        if look.set(Scope.PRODUCER, "message.timeout.ms") and timeout < linger + number("request.timeout.ms"):
            return (
                f"delivery.timeout.ms {timeout:g} is below linger.ms plus request.timeout.ms "
                f"({linger + number('request.timeout.ms'):g})"
            )
    elif timeout and timeout <= linger:
        return f"message.timeout.ms {timeout:g} is not above linger.ms {linger:g}: nothing would get through"
    if number("retry.backoff.ms") > number("retry.backoff.max.ms"):
        return (
            f"retry.backoff.ms {number('retry.backoff.ms'):g} is above retry.backoff.max.ms "
            f"{number('retry.backoff.max.ms'):g}"
        )
    return _producer_sizes(look, client, message_bytes) or _compression_level(look, client)


def _producer_sizes(look: _Look, client: str, message_bytes: int) -> str | None:
    def number(name: str) -> float:
        return look.number(Scope.PRODUCER, name)

    largest = number("message.max.bytes")
    if message_bytes and message_bytes > largest:
        name = "max.request.size" if client == "java" else "message.max.bytes"
        return f"a message of {message_bytes} bytes does not fit into {name} {largest:g}"
    if client == "java":
        room = number("buffer.memory")
        if max(number("batch.size"), message_bytes) > room:
            return f"buffer.memory {room:g} has no room for one batch of {number('batch.size'):g} bytes"
        return None
    if look.set(Scope.PRODUCER, "batch.size") and number("batch.size") > 2147483647:
        return f"batch.size {number('batch.size'):g} is too large"
    room = number("queue.buffering.max.kbytes") * 1024
    if look.set(Scope.PRODUCER, "queue.buffering.max.kbytes") and room < max(message_bytes, 1):
        return f"queue.buffering.max.kbytes {room / 1024:g} has no room for one message of {message_bytes} bytes"
    return None


_LEVELS = {"gzip": (0, 9), "lz4": (0, 12), "zstd": (-1, 12)}


def _compression_level(look: _Look, client: str) -> str | None:
    codec = look.value(Scope.PRODUCER, "compression.type")
    if client == "librdkafka" and look.set(Scope.PRODUCER, "compression.level") and codec in _LEVELS:
        low, high = _LEVELS[str(codec)]
        level = look.number(Scope.PRODUCER, "compression.level")
        if level != -1 and not low <= level <= high:
            return f"compression.level {level:g} is out of range for {codec}: {low} to {high}"
    gzip_level = "compression.gzip.level"
    if look.set(Scope.PRODUCER, gzip_level) and look.number(Scope.PRODUCER, gzip_level) == 0:
        return "compression.gzip.level is -1 or 1 to 9"
    return None


def _consumer_rules(look: _Look, client: str, message_bytes: int) -> str | None:
    def number(name: str) -> float:
        return look.number(Scope.CONSUMER, name)

    if client == "librdkafka":
        if look.set(Scope.CONSUMER, "fetch.max.bytes") and number("fetch.max.bytes") + 512 > number(
            "receive.message.max.bytes"
        ):
            return (
                f"receive.message.max.bytes {number('receive.message.max.bytes'):g} must exceed fetch.max.bytes "
                f"{number('fetch.max.bytes'):g} by 512"
            )
        if look.set(Scope.CONSUMER, "receive.message.max.bytes") and (
            number("receive.message.max.bytes") < number("fetch.max.bytes") + 512
        ):
            return (
                f"receive.message.max.bytes {number('receive.message.max.bytes'):g} is below fetch.max.bytes plus 512"
            )
        if number("fetch.wait.max.ms") >= number("socket.timeout.ms"):
            return (
                f"fetch.wait.max.ms {number('fetch.wait.max.ms'):g} is not below socket.timeout.ms "
                f"{number('socket.timeout.ms'):g}"
            )
    if number("fetch.min.bytes") > number("fetch.max.bytes"):
        return f"fetch.min.bytes {number('fetch.min.bytes'):g} is above fetch.max.bytes {number('fetch.max.bytes'):g}"
    return None


def _topic_rules(look: _Look, client: str, message_bytes: int) -> str | None:
    def number(name: str) -> float:
        return look.number(Scope.TOPIC, name)

    if message_bytes > number("max.message.bytes"):
        return f"a message of {message_bytes} bytes does not fit into max.message.bytes {number('max.message.bytes'):g}"
    if number("segment.jitter.ms") > number("segment.ms"):
        return f"segment.jitter.ms {number('segment.jitter.ms'):g} is above segment.ms {number('segment.ms'):g}"
    if number("min.compaction.lag.ms") > number("max.compaction.lag.ms"):
        return "min.compaction.lag.ms is above max.compaction.lag.ms"
    if look.set(Scope.TOPIC, "compression.gzip.level") and number("compression.gzip.level") == 0:
        return "compression.gzip.level is -1 or 1 to 9"
    return None


_Inert = Callable[[_Look], str]


def _unless_codec(scope: Scope, codec: str, level: str) -> _Inert:
    def reason(look: _Look) -> str:
        used = look.value(scope, "compression.type")
        return "" if used == codec else f"{level} changes nothing with compression.type={used}"

    return reason


def _level_without_codec(look: _Look) -> str:
    used = look.value(Scope.PRODUCER, "compression.type")
    return f"compression.level changes nothing with compression.type={used}" if used in ("none", "snappy") else ""


def _backoff_without_retries(name: str) -> _Inert:
    def reason(look: _Look) -> str:
        none = look.set(Scope.PRODUCER, "retries") and look.number(Scope.PRODUCER, "retries") == 0
        return f"{name} changes nothing with retries=0" if none else ""

    return reason


def _availability_without_adaptive(look: _Look) -> str:
    adaptive = look.value(Scope.PRODUCER, "partitioner.adaptive.partitioning.enable")
    name = "partitioner.availability.timeout.ms"
    return "" if adaptive else f"{name} changes nothing without adaptive partitioning"


_INERT: Mapping[tuple[Scope, str], _Inert] = {
    (Scope.PRODUCER, "compression.level"): _level_without_codec,
    (Scope.PRODUCER, "retry.backoff.ms"): _backoff_without_retries("retry.backoff.ms"),
    (Scope.PRODUCER, "retry.backoff.max.ms"): _backoff_without_retries("retry.backoff.max.ms"),
    (Scope.PRODUCER, "partitioner.availability.timeout.ms"): _availability_without_adaptive,
    **{
        (scope, f"compression.{codec}.level"): _unless_codec(scope, codec, f"compression.{codec}.level")
        for scope in (Scope.PRODUCER, Scope.TOPIC, Scope.BROKER, Scope.BROKER_STATIC)
        for codec in ("gzip", "lz4", "zstd")
    },
}


def canonical(settings: Settings, client: str) -> tuple[dict[Scope, dict[str, Value]], tuple[str, ...]]:
    """The settings without those that change nothing here, and a sentence for each that was left out."""
    look = _Look(settings, client)
    kept: dict[Scope, dict[str, Value]] = {}
    reasons: list[str] = []
    for scope, named in settings.items():
        for name, value in named.items():
            inert = _INERT.get((scope, name))
            reason = inert(look) if inert else ""
            if reason:
                reasons.append(reason)
            else:
                kept.setdefault(scope, {})[name] = value
    return kept, tuple(reasons)


def durability_class(settings: Settings, client: str, replication: int) -> DurabilityClass:
    """What acks, enable.idempotence and min.insync.replicas promise together on `replication` copies."""
    look = _Look(settings, client)
    acks = look.value(Scope.PRODUCER, "acks")
    if acks == "0":
        return DurabilityClass.UNACKNOWLEDGED
    if acks == "1":
        return DurabilityClass.LEADER
    quorum = min(look.number(Scope.TOPIC, "min.insync.replicas"), replication) >= 2
    if look.idempotent():
        return DurabilityClass.IDEMPOTENT_QUORUM if quorum else DurabilityClass.IDEMPOTENT
    return DurabilityClass.IN_SYNC_QUORUM if quorum else DurabilityClass.IN_SYNC
