"""Rules between settings: those that librdkafka has are asked of librdkafka itself; what is inert; what is promised."""

from __future__ import annotations

import itertools
import logging

import confluent_kafka
import pytest

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.catalogue.constraints import DurabilityClass, canonical, durability_class, why_invalid
from ingestune_tui.catalogue.dialect import to_librdkafka

PRODUCER, CONSUMER, TOPIC = Scope.PRODUCER, Scope.CONSUMER, Scope.TOPIC
IN_FLIGHT = "max.in.flight.requests.per.connection"


def librdkafka_refuses(scope: Scope, settings: dict[str, Value]) -> bool:
    """Whether a real client cannot be made, or warns when it is."""
    warned: list[str] = []

    class Said(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warned.append(record.getMessage())

    logger = logging.Logger("client")
    logger.addHandler(Said())
    config = to_librdkafka(scope, settings)
    try:
        if scope is PRODUCER:
            confluent_kafka.Producer(config, logger=logger).poll(0)
        else:
            consumer = confluent_kafka.Consumer({"group.id": "nobody", **config}, logger=logger)
            consumer.poll(0)
            consumer.close()
    except confluent_kafka.KafkaException:
        return True
    return any("CONFWARN" in line and "bootstrap" not in line for line in warned)


@pytest.mark.parametrize(
    ("scope", "settings"),
    [
        (PRODUCER, {"enable.idempotence": True, "acks": "1"}),
        (PRODUCER, {"enable.idempotence": True, IN_FLIGHT: 6}),
        (PRODUCER, {"enable.idempotence": True, "retries": 0}),
        (PRODUCER, {"linger.ms": 1000, "message.timeout.ms": 1000}),
        (PRODUCER, {"retry.backoff.ms": 2000}),
        (CONSUMER, {"fetch.max.bytes": 999999}),
        (CONSUMER, {"receive.message.max.bytes": 52428800 + 511}),
        (CONSUMER, {"fetch.wait.max.ms": 59001}),
    ],
)
def test_what_librdkafka_refuses_or_warns_of_is_known_before(scope: Scope, settings: dict[str, Value]) -> None:
    assert librdkafka_refuses(scope, settings)
    assert why_invalid({scope: settings}, "librdkafka")


@pytest.mark.parametrize(
    ("scope", "settings"),
    [
        (PRODUCER, {}),
        (PRODUCER, {"enable.idempotence": True}),
        (PRODUCER, {"enable.idempotence": True, "acks": "all", IN_FLIGHT: 5, "retries": 1}),
        (PRODUCER, {"acks": "1", IN_FLIGHT: 6}),
        (PRODUCER, {"linger.ms": 999.5, "message.timeout.ms": 1000}),
        (PRODUCER, {"linger.ms": 900000, "message.timeout.ms": 0}),
        (PRODUCER, {"retry.backoff.ms": 2000, "retry.backoff.max.ms": 2000}),
        (CONSUMER, {}),
        (CONSUMER, {"fetch.max.bytes": 999999, "message.max.bytes": 999999}),
        (CONSUMER, {"receive.message.max.bytes": 52428800 + 512}),
        (CONSUMER, {"fetch.wait.max.ms": 59000}),
    ],
)
def test_what_librdkafka_takes_is_not_refused(scope: Scope, settings: dict[str, Value]) -> None:
    assert not librdkafka_refuses(scope, settings)
    assert why_invalid({scope: settings}, "librdkafka") is None


@pytest.mark.parametrize("message_bytes", [964, 965])
def test_the_largest_message_is_the_one_librdkafka_takes(message_bytes: int) -> None:
    producer = confluent_kafka.Producer({"message.max.bytes": "1000"}, logger=logging.Logger("quiet"))
    try:
        producer.produce("nowhere", b"x" * message_bytes)
        taken = True
    except confluent_kafka.KafkaException:
        taken = False
    producer.purge()
    producer.poll(0)
    assert (why_invalid({PRODUCER: {"message.max.bytes": 1000}}, "librdkafka", message_bytes) is None) is taken


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"acks": "1", "enable.idempotence": True}, "acks=all"),
        ({IN_FLIGHT: 6}, "on by default in Java"),
        ({"retries": 0, "enable.idempotence": True}, "retries"),
        ({"message.timeout.ms": 1000}, "delivery.timeout.ms 1000"),
        ({"linger.ms": 0.5}, "whole"),
        ({"buffer.memory": 16383}, "buffer.memory"),
        ({"compression.gzip.level": 0}, "1 to 9"),
        ({"batch.num.messages": 5}, "only in the librdkafka client"),
    ],
)
def test_what_the_java_client_refuses_is_known_before(settings: dict[str, Value], words: str) -> None:
    assert words in (why_invalid({PRODUCER: settings}, "java") or "")


@pytest.mark.parametrize(
    "settings",
    [
        {"acks": "1"},
        {"acks": "1", IN_FLIGHT: 6},
        {"retries": 0},
        {"enable.idempotence": False, IN_FLIGHT: 6},
        {"message.timeout.ms": 1000, "request.timeout.ms": 995},
        {"linger.ms": 100000},
    ],
)
def test_what_the_java_client_adjusts_to_is_not_refused(settings: dict[str, Value]) -> None:
    assert why_invalid({PRODUCER: settings}, "java") is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({PRODUCER: {"max.block.ms": 5}}, "only in the Java client"),
        ({PRODUCER: {"queue.buffering.max.kbytes": 1}}, "no room for batch.size 1000000"),
        ({PRODUCER: {"compression.type": "gzip", "compression.level": 10}}, "gzip: 0 to 9"),
        ({PRODUCER: {"batch.size": 4000000, "message.max.bytes": 4000000}}, "full batch of 4000000 bytes"),
        ({TOPIC: {"max.message.bytes": 1050}}, "does not fit into max.message.bytes 1050"),
        ({TOPIC: {"segment.ms": 5, "segment.jitter.ms": 6}}, "segment.jitter.ms 6"),
        ({TOPIC: {"replication": 1, "min.insync.replicas": 2}}, "more than the topic's replication factor of 1"),
        ({CONSUMER: {"fetch.min.bytes": 60000000}}, "above fetch.max.bytes"),
        ({CONSUMER: {"max.poll.records": 5}}, "only in the Java client"),
        ({Scope.BROKER_STATIC: {"replica.fetch.wait.max.ms": 30001}}, "replica.lag.time.max.ms"),
        ({Scope.BROKER_STATIC: {"queued.max.request.bytes": 1000}}, "socket.request.max.bytes"),
        ({Scope.BROKER: {"log.cleaner.threads": 128}}, "1 MiB for each of 128"),
        ({Scope.BROKER_STATIC: {"socket.send.buffer.bytes": 0}}, "-1 leaves it"),
    ],
)
def test_a_cell_that_cannot_work_is_refused_in_one_sentence(
    settings: dict[Scope, dict[str, Value]], words: str
) -> None:
    reason = why_invalid(settings, "librdkafka", 1000)
    assert words in (reason or "")
    assert "\n" not in (reason or "")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "message.max.bytes 1000000, its default: set it in [producer]"),
        ({PRODUCER: {"message.max.bytes": 1200000}}, "message.max.bytes 1200000"),
        ({PRODUCER: {"message.max.bytes": 3000000}}, "max.message.bytes 1048588, its default: set it in [topic]"),
        (
            {PRODUCER: {"message.max.bytes": 3000000}, Scope.BROKER: {"message.max.bytes": 1500000}},
            "max.message.bytes 1500000",
        ),
    ],
)
def test_a_message_that_is_too_large_is_told_with_whose_limit_it_is(
    settings: dict[Scope, dict[str, Value]], words: str
) -> None:
    assert (why_invalid(settings, "librdkafka", 2_000_000) or "").endswith(words)


def test_larger_batches_are_fine_where_topic_and_producer_agree_on_them() -> None:
    settings: dict[Scope, dict[str, Value]] = {
        PRODUCER: {"batch.size": 4000000, "message.max.bytes": 4000000},
        TOPIC: {"max.message.bytes": 4000000},
    }
    assert why_invalid(settings, "librdkafka", 1000) is None


@pytest.mark.parametrize("client", ["librdkafka", "java"])
def test_the_defaults_of_both_clients_are_valid_and_nothing_of_them_inert(client: str) -> None:
    assert why_invalid({}, client, 10_000) is None
    assert canonical({}, client) == ({}, ())


@pytest.mark.parametrize(
    ("client", "scope", "settings", "left"),
    [
        ("librdkafka", PRODUCER, {"compression.level": 5}, {}),
        (
            "librdkafka",
            PRODUCER,
            {"compression.type": "snappy", "compression.level": 5},
            {"compression.type": "snappy"},
        ),
        ("java", PRODUCER, {"compression.type": "lz4", "compression.zstd.level": 5}, {"compression.type": "lz4"}),
        ("java", PRODUCER, {"retries": 0, "retry.backoff.ms": 5}, {"retries": 0}),
        ("librdkafka", PRODUCER, {"acks": "0", "request.timeout.ms": 5}, {"acks": "0"}),
        (
            "java",
            PRODUCER,
            {"partitioner.adaptive.partitioning.enable": False, "partitioner.availability.timeout.ms": 5},
            {"partitioner.adaptive.partitioning.enable": False},
        ),
        ("librdkafka", TOPIC, {"min.cleanable.dirty.ratio": 0.1}, {}),
        ("librdkafka", TOPIC, {"compression.type": "zstd", "compression.lz4.level": 5}, {"compression.type": "zstd"}),
    ],
)
def test_a_setting_that_changes_nothing_is_left_out_with_a_reason(
    client: str, scope: Scope, settings: dict[str, Value], left: dict[str, Value]
) -> None:
    kept, reasons = canonical({scope: settings}, client)
    assert kept.get(scope, {}) == left
    assert len(reasons) == len(settings) - len(left)


@pytest.mark.parametrize(
    ("client", "settings"),
    [
        ("librdkafka", {PRODUCER: {"compression.type": "zstd", "compression.level": 5}}),
        ("java", {PRODUCER: {"acks": "0", "request.timeout.ms": 5}}),
        ("java", {PRODUCER: {"partitioner.availability.timeout.ms": 5}}),
        ("librdkafka", {Scope.BROKER: {"compression.lz4.level": 5}, TOPIC: {"compression.type": "lz4"}}),
        ("librdkafka", {TOPIC: {"compression.lz4.level": 5}, Scope.BROKER: {"compression.type": "lz4"}}),
        ("librdkafka", {TOPIC: {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": 0.1}}),
    ],
)
def test_a_setting_that_does_something_is_kept(client: str, settings: dict[Scope, dict[str, Value]]) -> None:
    assert canonical(settings, client) == (settings, ())


@pytest.mark.parametrize(
    ("client", "settings", "name"),
    [
        ("librdkafka", {PRODUCER: {"acks": "0"}}, "acks=0"),
        ("librdkafka", {PRODUCER: {"acks": "1"}, TOPIC: {"min.insync.replicas": 2}}, "acks=1"),
        ("librdkafka", {}, "acks=all"),
        ("librdkafka", {PRODUCER: {"enable.idempotence": True}}, "acks=all, idempotent"),
        ("java", {}, "acks=all, idempotent"),
        ("java", {PRODUCER: {"acks": "1"}}, "acks=1"),
        ("java", {PRODUCER: {"retries": 0}}, "acks=all"),
        ("librdkafka", {TOPIC: {"min.insync.replicas": 2}}, "acks=all, min.insync 2"),
        ("java", {TOPIC: {"min.insync.replicas": 5}}, "acks=all, idempotent, min.insync 3"),
    ],
)
def test_a_durability_class_says_what_is_promised(
    client: str, settings: dict[Scope, dict[str, Value]], name: str
) -> None:
    assert str(durability_class(settings, client, 3)) == name


def test_a_class_is_weaker_when_it_lacks_anything_the_other_promises() -> None:
    order = [
        DurabilityClass(0),
        DurabilityClass(1),
        DurabilityClass(2),
        DurabilityClass(2, 2),
        DurabilityClass(2, 2, True),
    ]
    for weak, strong in itertools.pairwise(order):
        assert weak.weaker_than(strong)
        assert not strong.weaker_than(weak)
        assert not weak.weaker_than(weak)
    assert sorted({*order}) == order
    assert len({int(each) for each in order}) == len(order)
    quorum, idempotent = DurabilityClass(2, 2), DurabilityClass(2, 1, True)
    assert quorum.weaker_than(idempotent)
    assert idempotent.weaker_than(quorum)
