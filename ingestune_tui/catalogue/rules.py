"""Settings that cannot be used together: each rule is one that librdkafka, the Java client or the broker enforces,
or one without which no message would arrive. Pure; asked through `constraints.why_invalid`.
"""

from __future__ import annotations

from collections.abc import Callable

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import CLIENT_SCOPES, Scope
from ingestune_tui.catalogue.in_force import InForce

Rule = Callable[[InForce, int], str]
"""(settings, message_bytes or 0) to one sentence, empty where the rule is kept."""

IN_FLIGHT = "max.in.flight.requests.per.connection"
_RECORD_BYTES = {"librdkafka": 36, "java": 82}
"""What the client adds to a message before it compares with its own largest request."""
_BATCH_BYTES = 61
"""The header of a batch, by Kafka's protocol."""
_LEVELS = {"gzip": (0, 9), "lz4": (0, 12), "zstd": (-1, 12)}
_FETCH_MARGIN_BYTES = 512
_FETCH_MARGIN_MS = 1000


def other_clients_own(look: InForce, message_bytes: int) -> str:
    """A property that only the other client has."""
    for scope in CLIENT_SCOPES:
        for name in look.settings.get(scope, {}):
            prop = catalogue.find(scope, name)
            java = catalogue.client_of(scope, look.client) == "java"
            if prop and (prop.java if java else prop.librdkafka) is None:
                return f"{name} exists only in the {'librdkafka' if java else 'Java'} client"
    return ""


def idempotence(look: InForce, message_bytes: int) -> str:
    """Explicit idempotence, and Java's default one where only the requests in flight contradict it."""
    in_flight = look.number(Scope.PRODUCER, IN_FLIGHT)
    too_many = look.set(Scope.PRODUCER, IN_FLIGHT) and in_flight > 5
    if not look.idempotent:
        return ""
    if look.value(Scope.PRODUCER, "acks") != "all":
        return f"enable.idempotence needs acks=all, not {look.value(Scope.PRODUCER, 'acks')}"
    if look.number(Scope.PRODUCER, "retries") == 0:
        return "enable.idempotence needs retries, and they are 0"
    if too_many:
        default = "" if look.set(Scope.PRODUCER, "enable.idempotence") else " (on by default in Java)"
        return f"enable.idempotence{default} allows 5 requests in flight, not {in_flight:.15g}"
    return ""


def producer_times(look: InForce, message_bytes: int) -> str:
    """Lingering, delivery, retries."""
    timeout = look.number(Scope.PRODUCER, "message.timeout.ms")
    linger = look.number(Scope.PRODUCER, "linger.ms")
    request = look.number(Scope.PRODUCER, "request.timeout.ms")
    if look.java:
        if linger != int(linger):
            return f"linger.ms {linger:.15g} is not whole, as Java wants it"
        if look.set(Scope.PRODUCER, "message.timeout.ms") and timeout < linger + request:
            both = linger + request
            return f"delivery.timeout.ms {timeout:.15g} is below linger.ms plus request.timeout.ms ({both:.15g})"
    elif timeout and timeout <= linger:
        return f"message.timeout.ms {timeout:.15g} is not above linger.ms {linger:.15g}: no message would get through"
    return _backoff(look, Scope.PRODUCER)


def _backoff(look: InForce, scope: Scope) -> str:
    first, longest = look.number(scope, "retry.backoff.ms"), look.number(scope, "retry.backoff.max.ms")
    if longest and first > longest:
        return f"retry.backoff.ms {first:.15g} is above retry.backoff.max.ms {longest:.15g}"
    return ""


def producer_sizes(look: InForce, message_bytes: int) -> str:
    """A message fits into a request, a batch into the buffer and onto the topic."""
    batch, request = look.number(Scope.PRODUCER, "batch.size"), look.number(Scope.PRODUCER, "message.max.bytes")
    if message_bytes and message_bytes + _RECORD_BYTES[look.client] > request:
        name = "max.request.size" if look.java else "message.max.bytes"
        default = "" if look.set(Scope.PRODUCER, "message.max.bytes") else ", its default: set it in [producer]"
        return f"a message of {message_bytes} bytes does not fit into {name} {request:.15g}{default}"
    if reason := _buffer(look, batch, message_bytes):
        return reason
    if look.codec != "none":
        return ""  # what arrives is smaller, and nobody knows by how much
    if message_bytes and message_bytes + _BATCH_BYTES > look.largest_batch:
        brokers = any(look.set(scope, "message.max.bytes") for scope in (Scope.BROKER, Scope.BROKER_STATIC))
        default = "" if brokers or look.set(Scope.TOPIC, "max.message.bytes") else ", its default: set it in [topic]"
        return (
            f"a message of {message_bytes} bytes does not fit into max.message.bytes {look.largest_batch:.15g}{default}"
        )
    if not look.java and min(batch, request) > look.largest_batch:
        full = min(batch, request)
        return f"a full batch of {full:.15g} bytes exceeds the topic's max.message.bytes {look.largest_batch:.15g}"
    return ""


def _buffer(look: InForce, batch: float, message_bytes: int) -> str:
    name = "buffer.memory" if look.java else "queue.buffering.max.kbytes"
    own = look.number(Scope.PRODUCER, name)
    room = own if look.java else own * 1024
    if max(batch, message_bytes) > room:
        what = f"batch.size {batch:.15g}" if batch >= message_bytes else f"a message of {message_bytes} bytes"
        return f"{name} {own:.15g} has no room for {what}"
    return ""


def compression_level(look: InForce, message_bytes: int) -> str:
    """A level that its codec knows."""
    codec = look.codec
    if look.set(Scope.PRODUCER, "compression.level") and codec in _LEVELS:
        low, high = _LEVELS[codec]
        level = look.number(Scope.PRODUCER, "compression.level")
        if level != -1 and not low <= level <= high:
            return f"compression.level {level:.15g} is out of range for {codec}: {low} to {high}"
    for scope in Scope:
        name = "compression.gzip.level"
        if look.settings.get(scope, {}).get(name) == 0:
            return f"{name} is -1 or from 1 to 9, not 0"
    return ""


def consumer(look: InForce, message_bytes: int) -> str:
    """Fetch sizes and times that contain each other, as librdkafka wants them."""

    def number(name: str) -> float:
        return look.number(Scope.CONSUMER, name)

    least, most = number("fetch.min.bytes"), number("fetch.max.bytes")
    wait = number("fetch.wait.max.ms")
    if least > most:
        return f"fetch.min.bytes {least:.15g} is above fetch.max.bytes {most:.15g}"
    if most < (message := number("message.max.bytes")):
        return f"fetch.max.bytes {most:.15g} is below the consumer's message.max.bytes {message:.15g}"
    limit = number("receive.message.max.bytes")
    if look.set(Scope.CONSUMER, "receive.message.max.bytes") and limit < most + _FETCH_MARGIN_BYTES:
        return f"receive.message.max.bytes {limit:.15g} is not {_FETCH_MARGIN_BYTES} above fetch.max.bytes {most:.15g}"
    if wait + _FETCH_MARGIN_MS > (patience := number("socket.timeout.ms")):
        return f"fetch.wait.max.ms {wait:.15g} is not {_FETCH_MARGIN_MS} below socket.timeout.ms {patience:.15g}"
    return _backoff(look, Scope.CONSUMER)


def topic(look: InForce, message_bytes: int) -> str:
    """What Kafka refuses when the topic is made, and copies that cannot be had."""

    def number(name: str) -> float:
        return look.number(Scope.TOPIC, name)

    if number("segment.jitter.ms") > number("segment.ms"):
        return f"segment.jitter.ms {number('segment.jitter.ms'):.15g} is above segment.ms {number('segment.ms'):.15g}"
    if number("min.compaction.lag.ms") > number("max.compaction.lag.ms"):
        return "min.compaction.lag.ms is above max.compaction.lag.ms"
    replication = look.settings.get(Scope.TOPIC, {}).get("replication")
    in_sync = number("min.insync.replicas")
    if isinstance(replication, int) and in_sync > replication:
        return f"min.insync.replicas {in_sync:.15g} is more than the topic's replication factor of {replication}"
    return ""


def broker(look: InForce, message_bytes: int) -> str:
    """What a broker refuses at its start or at a change."""

    def number(name: str) -> float:
        return look.number(Scope.BROKER, name)

    wait = number("replica.fetch.wait.max.ms")
    for name in ("replica.lag.time.max.ms", "replica.socket.timeout.ms"):
        if wait > number(name):
            return f"replica.fetch.wait.max.ms {wait:.15g} is above {name} {number(name):.15g}"
    queued, request = number("queued.max.request.bytes"), number("socket.request.max.bytes")
    if 0 < queued < request:
        return f"queued.max.request.bytes {queued:.15g} is below socket.request.max.bytes {request:.15g}"
    if number("message.max.bytes") > request:
        return f"message.max.bytes {number('message.max.bytes'):.15g} is above socket.request.max.bytes {request:.15g}"
    memory, threads = number("log.cleaner.dedupe.buffer.size"), number("log.cleaner.threads")
    if memory // threads <= 1024 * 1024:
        share = f"1 MiB for each of {threads:.15g} cleaner threads"
        return f"log.cleaner.dedupe.buffer.size {memory:.15g} is not above {share}"
    for name in ("socket.send.buffer.bytes", "socket.receive.buffer.bytes", "replica.socket.receive.buffer.bytes"):
        if number(name) == 0:
            return f"{name} cannot be 0; -1 leaves it to the system"
    return ""


RULES: tuple[Rule, ...] = (
    other_clients_own,
    idempotence,
    producer_times,
    producer_sizes,
    compression_level,
    consumer,
    topic,
    broker,
)
