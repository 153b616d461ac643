"""One setting in the words of either client: names, units, zeros that mean for ever, and what has no counterpart."""

from __future__ import annotations

import pytest

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import CLIENT_SCOPES, Property, Scope, Value
from ingestune_tui.catalogue.dialect import Dialect, baseline_settings, to_java, to_librdkafka, untranslated

P, C = Scope.PRODUCER, Scope.CONSUMER
CLIENT = [prop for prop in catalogue.all_properties() if prop.scope in CLIENT_SCOPES]


@pytest.mark.parametrize(
    ("settings", "java"),
    [
        ({"linger.ms": 0.5}, {"linger.ms": "1"}),
        ({"linger.ms": 20.0}, {"linger.ms": "20"}),
        ({"enable.idempotence": True}, {"enable.idempotence": "true"}),
        ({"queue.buffering.max.kbytes": 1024}, {"buffer.memory": "1048576"}),
        ({"message.max.bytes": 2000}, {"max.request.size": "2000"}),
        ({"message.timeout.ms": 0}, {"delivery.timeout.ms": "2147483647"}),
        ({"connections.max.idle.ms": 0}, {"connections.max.idle.ms": "-1"}),
        ({"socket.send.buffer.bytes": 0}, {"send.buffer.bytes": "-1"}),
        ({"socket.send.buffer.bytes": 65536}, {"send.buffer.bytes": "65536"}),
        (
            {"compression.type": "zstd", "compression.level": 6},
            {"compression.type": "zstd", "compression.zstd.level": "6"},
        ),
        (
            {"compression.type": "gzip", "compression.level": 6},
            {"compression.type": "gzip", "compression.gzip.level": "6"},
        ),
        ({"compression.type": "lz4", "compression.level": 6}, {"compression.type": "lz4"}),
        ({"compression.type": "zstd", "compression.level": -1}, {"compression.type": "zstd"}),
    ],
)
def test_java_gets_its_own_names_units_and_words(settings: dict[str, Value], java: dict[str, str]) -> None:
    assert to_java(P, settings) == java


@pytest.mark.parametrize(
    "settings",
    [{"acks": "1"}, {"acks": "0"}, {"retries": 0}, {"max.in.flight.requests.per.connection": 6}],
)
def test_java_is_told_to_leave_idempotence_off_where_it_cannot_be_on(settings: dict[str, Value]) -> None:
    assert to_java(P, settings)["enable.idempotence"] == "false"


@pytest.mark.parametrize("settings", [{"acks": "all"}, {"max.in.flight.requests.per.connection": 5}, {"retries": 3}])
def test_java_keeps_its_idempotence_where_nothing_speaks_against_it(settings: dict[str, Value]) -> None:
    assert "enable.idempotence" not in to_java(P, settings)


@pytest.mark.parametrize("timeout", [1000, 20_000, 30_004])
def test_java_requests_fit_into_a_short_delivery_timeout(timeout: int) -> None:
    java = to_java(P, {"message.timeout.ms": timeout, "linger.ms": 5})
    assert int(java["linger.ms"]) + int(java["request.timeout.ms"]) <= timeout
    assert "request.timeout.ms" not in to_java(P, {"message.timeout.ms": 30_005, "linger.ms": 5})


@pytest.mark.parametrize(
    ("settings", "librdkafka"),
    [
        ({"linger.ms": 5.0, "acks": "all"}, {"linger.ms": "5", "acks": "all"}),
        ({"linger.ms": 0.25}, {"linger.ms": "0.25"}),
        ({"buffer.memory": 33554432}, {"queue.buffering.max.kbytes": "32768"}),
        ({"buffer.memory": 100}, {"queue.buffering.max.kbytes": "1"}),
        (
            {"compression.type": "zstd", "compression.zstd.level": 9},
            {"compression.type": "zstd", "compression.level": "9"},
        ),
        ({"compression.type": "zstd", "compression.zstd.level": 22}, {"compression.type": "zstd"}),
        ({"compression.type": "gzip", "compression.zstd.level": 9}, {"compression.type": "gzip"}),
        ({"socket.nagle.disable": False}, {"socket.nagle.disable": "false"}),
    ],
)
def test_librdkafka_gets_its_own_names_and_texts(settings: dict[str, Value], librdkafka: dict[str, str]) -> None:
    assert to_librdkafka(P, settings) == librdkafka


@pytest.mark.parametrize("to", ["java", "librdkafka"])
@pytest.mark.parametrize("prop", CLIENT, ids=lambda prop: f"{prop.scope.value}-{prop.name}")
def test_every_setting_is_translated_or_its_absence_explained(prop: Property, to: Dialect) -> None:
    value = next(v for v in (prop.high, prop.choices[0] if prop.choices else None, True) if v is not None)
    settings: dict[str, Value] = {prop.name: int(value) if prop.kind == "int" else value}
    for codec in ("gzip", "zstd", "lz4"):
        if prop.name.startswith(f"compression.{codec}"):
            settings["compression.type"] = codec
    write = to_java if to == "java" else to_librdkafka
    reasons = untranslated(prop.scope, settings, to)
    own = prop.java if to == "java" else prop.librdkafka
    if own is not None:
        assert own in write(prop.scope, settings)
        assert prop.name not in reasons
    else:
        assert prop.name not in write(prop.scope, settings)
        moved = len(write(prop.scope, settings)) == len(settings)
        assert moved or len(reasons[prop.name]) > 10


@pytest.mark.parametrize("scope", [Scope.TOPIC, Scope.BROKER, Scope.BROKER_STATIC])
def test_topics_and_brokers_have_one_language(scope: Scope) -> None:
    settings: dict[str, Value] = {"compression.type": "zstd", "preallocate": True}
    assert (
        to_java(scope, settings)
        == to_librdkafka(scope, settings)
        == {"compression.type": "zstd", "preallocate": "true"}
    )
    assert untranslated(scope, settings, "librdkafka") == {}


# A baseline file -----------------------------------------------------------------------------------------------------

JAVA_FILE = """\
bootstrap.servers=kafka-eu-7:9092
key.serializer=org.apache.kafka.common.serialization.StringSerializer
ssl.keystore.password=hunter2
acks=-1
linger.ms = 20
buffer.memory=67108864
delivery.timeout.ms=60000
max.block.ms=5000
send.buffer.bytes=-1
compression.type=zstd
compression.zstd.level=5
lingr.ms=7
"""


def test_a_java_baseline_is_measured_with_librdkafka_in_its_own_words() -> None:
    settings, notes = baseline_settings(JAVA_FILE, P, "librdkafka")
    assert settings == {
        "acks": "all",
        "linger.ms": 20,
        "queue.buffering.max.kbytes": 65536,
        "message.timeout.ms": 60000,
        "socket.send.buffer.bytes": 0,
        "compression.type": "zstd",
        "compression.level": 5,
    }
    said = "\n".join(notes)
    for name in ("bootstrap.servers", "key.serializer", "ssl.keystore.password", "max.block.ms", "lingr.ms"):
        assert name in said
    assert "did you mean linger.ms?" in said
    assert "librdkafka's default" in notes[-1]
    assert "hunter2" not in said
    assert "kafka-eu-7" not in said


def test_a_java_baseline_stays_as_it_is_for_java() -> None:
    settings, notes = baseline_settings(JAVA_FILE, P, "java")
    assert settings["buffer.memory"] == 67108864
    assert settings["max.block.ms"] == 5000
    assert settings["compression.zstd.level"] == 5
    assert not any("default" in note for note in notes)
    assert to_java(P, settings)["send.buffer.bytes"] == "-1"


def test_a_librdkafka_baseline_is_measured_with_java() -> None:
    text = "queue.buffering.max.kbytes=1024\nbatch.num.messages=5\nmax.in.flight=3\nqueue.buffering.max.ms=7"
    settings, notes = baseline_settings(text, P, "java")
    assert settings == {"buffer.memory": 1048576, "max.in.flight.requests.per.connection": 3, "linger.ms": 7}
    assert any(note.startswith("batch.num.messages is left out: ") for note in notes)


@pytest.mark.parametrize(
    ("text", "name"),
    [("batch.size=-5", "batch.size"), ("acks=maybe", "acks"), ("delivery.timeout.ms=soon", "delivery.timeout.ms")],
)
def test_a_baseline_value_that_cannot_be_is_named_by_its_key(text: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: "):
        baseline_settings(text, P, "librdkafka")


def test_a_broker_setting_among_a_consumers_is_said_to_be_elsewhere() -> None:
    settings, notes = baseline_settings("fetch.min.bytes=10\nnum.io.threads=4", C, "librdkafka")
    assert settings == {"fetch.min.bytes": 10}
    assert notes == [
        "num.io.threads is left out: it is not a consumer setting that can be tuned (it belongs to [broker])"
    ]
