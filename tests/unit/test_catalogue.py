"""The catalogue: how much is in it, how it is searched and read, and that librdkafka takes every value it names."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import replace
from typing import Any

import confluent_kafka
import pytest
from rich.console import Console

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import CLIENT_SCOPES, Property, Scope, Value
from ingestune_tui.catalogue.dialect import to_java, to_librdkafka
from ingestune_tui.cli import main
from ingestune_tui.report.catalogue_tables import catalogue_table, property_json

ALL = catalogue.all_properties()
CLIENT = [prop for prop in ALL if prop.scope in CLIENT_SCOPES and prop.librdkafka]


def extremes(prop: Property) -> list[Value]:
    """Every value at which a range ends, every word, and the default."""
    ends: list[Value] = [int(end) if prop.kind == "int" else end for end in (prop.low, prop.high) if end is not None]
    words: list[Value] = [True, False] if prop.kind == "bool" else [*prop.choices]
    default = [] if prop.default_librdkafka is None else [prop.default_librdkafka]
    return list(dict.fromkeys([*ends, *words, *default]))


# What a value needs beside it to be a possible configuration at all.
COMPANIONS: dict[tuple[Scope, str, Value], dict[str, str]] = {
    (Scope.PRODUCER, "linger.ms", 900000): {"message.timeout.ms": "0"},
    (Scope.PRODUCER, "retry.backoff.ms", 300000): {"retry.backoff.max.ms": "300000"},
    (Scope.PRODUCER, "retry.backoff.max.ms", 1): {"retry.backoff.ms": "1"},
    (Scope.CONSUMER, "fetch.max.bytes", 1000): {"message.max.bytes": "1000"},
    (Scope.CONSUMER, "message.max.bytes", 1000000000): {"fetch.max.bytes": "1000000000"},
    (Scope.CONSUMER, "fetch.min.bytes", 100000000): {"fetch.max.bytes": "100000000"},
    (Scope.CONSUMER, "fetch.wait.max.ms", 299000): {"socket.timeout.ms": "300000"},
    (Scope.CONSUMER, "socket.timeout.ms", 1000): {"fetch.wait.max.ms": "0"},
    (Scope.CONSUMER, "receive.message.max.bytes", 1512): {"fetch.max.bytes": "1000", "message.max.bytes": "1000"},
}


class Said(logging.Handler):
    """Keeps what a client logs."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def construct(scope: Scope, settings: dict[str, str]) -> list[str]:
    """Make a client that reaches nobody; what it warned of, its having nobody to reach apart."""
    said = Said()
    logger = logging.Logger("client", logging.DEBUG)
    logger.addHandler(said)
    config: dict[str, Any] = {"bootstrap.servers": "127.0.0.1:1", **settings}
    if scope is Scope.PRODUCER:
        confluent_kafka.Producer(config, logger=logger).poll(0)
    else:
        consumer = confluent_kafka.Consumer({"group.id": "none", **config}, logger=logger)
        consumer.poll(0)
        consumer.close()
    return [line for line in said.lines if "bootstrap.servers" not in line]


@pytest.mark.parametrize(
    ("scope", "least"),
    [(Scope.PRODUCER, 25), (Scope.CONSUMER, 15), (Scope.TOPIC, 15), (Scope.BROKER, 25), (Scope.BROKER_STATIC, 15)],
)
def test_each_scope_has_as_many_properties_as_promised(scope: Scope, least: int) -> None:
    assert sum(prop.scope is scope for prop in ALL) >= least


@pytest.mark.parametrize("prop", CLIENT, ids=lambda prop: f"{prop.scope.value}-{prop.name}")
def test_librdkafka_takes_every_end_of_a_range_every_word_and_the_default(prop: Property) -> None:
    for value in extremes(prop):
        companions = COMPANIONS.get((prop.scope, prop.name, value), {})
        settings = to_librdkafka(prop.scope, {prop.name: value}) | companions
        assert prop.librdkafka in settings
        assert not [line for line in construct(prop.scope, settings) if "CONFWARN" in line], (prop.name, value)


@pytest.mark.parametrize("prop", CLIENT, ids=lambda prop: f"{prop.scope.value}-{prop.name}")
def test_librdkafka_refuses_what_lies_beyond_a_range(prop: Property) -> None:
    if prop.choices:
        with pytest.raises(confluent_kafka.KafkaException):
            construct(prop.scope, {prop.librdkafka or "": "no-such-word"})
    with pytest.raises(ValueError, match=r"range|one of|true or false|number"):
        catalogue.parse_value(prop, "no-such-word" if prop.choices or prop.kind == "bool" else "-9e30")


@pytest.mark.parametrize("prop", ALL, ids=lambda prop: f"{prop.scope.value}-{prop.name}")
def test_a_property_is_whole_and_its_defaults_are_values_it_takes(prop: Property) -> None:
    assert prop.meaning.endswith(".")
    assert prop.librdkafka or prop.java
    assert prop.choices or prop.kind == "bool" or (prop.low is not None and prop.high is not None)
    for client, default in (("librdkafka", prop.default_librdkafka), ("java", prop.default_java)):
        if default is not None:
            assert catalogue.parse_value(prop, default) == default, client
            shown = catalogue.format_value(prop, default)
            assert shown == "never" or catalogue.parse_value(prop, shown) == default, client


def test_either_dialects_name_finds_a_property() -> None:
    by_java = catalogue.find(Scope.PRODUCER, "delivery.timeout.ms")
    assert by_java is not None
    assert by_java is catalogue.find(Scope.PRODUCER, "message.timeout.ms")
    assert by_java.name == "message.timeout.ms"
    assert catalogue.find(Scope.PRODUCER, "plugin.library.paths") is None


def test_a_wrong_name_gets_the_nearest_or_the_scope_it_belongs_to() -> None:
    assert catalogue.nearest(Scope.PRODUCER, "linger.msec") == "did you mean linger.ms?"
    assert catalogue.nearest(Scope.TOPIC, "linger.ms") == "it belongs to [producer]"
    assert catalogue.nearest(Scope.BROKER, "socket.send.buffer.bytes") == "it belongs to [broker.static]"
    assert catalogue.nearest(Scope.TOPIC, "zzzzzzzz") is None


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("batch.size", "128KiB", 131072),
        ("linger.ms", "20ms", 20),
        ("linger.ms", "0.5", 0.5),
        ("acks", "-1", "all"),
        ("acks", 1, "1"),
        ("enable.idempotence", "TRUE", True),
        ("queue.buffering.max.kbytes", "1MiB", 1024),
    ],
)
def test_values_are_read_as_people_and_files_write_them(name: str, raw: object, value: Value) -> None:
    prop = catalogue.find(Scope.PRODUCER, name)
    assert prop is not None
    assert catalogue.parse_value(prop, raw) == value


@pytest.mark.parametrize(
    ("name", "raw"),
    [("batch.size", "1.5"), ("batch.size", True), ("linger.ms", "nan"), ("acks", "2"), ("acks", "1" * 300)],
)
def test_a_value_out_of_range_is_refused_in_one_sentence(name: str, raw: object) -> None:
    prop = catalogue.find(Scope.PRODUCER, name)
    assert prop is not None
    with pytest.raises(ValueError) as problem:  # noqa: PT011 - every wording counts, and none is long
        catalogue.parse_value(prop, raw)
    assert "\n" not in str(problem.value)
    assert len(str(problem.value)) < 400


# ingestune params ----------------------------------------------------------------------------------------------------


def test_params_lists_every_scope(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["params"]) == 0
    shown = capsys.readouterr().out
    for word in ("producer", "consumer", "topic", "broker.static", "delivery.timeout.ms", "num.io.threads"):
        assert word in shown


@pytest.mark.parametrize("scope", list(Scope))
def test_at_eighty_columns_every_name_can_be_copied(scope: Scope) -> None:
    known = [prop for prop in ALL if prop.scope is scope]
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(catalogue_table(known))
    lines = console.export_text().splitlines()
    words = {word for line in lines for word in line.split()}
    assert max(map(len, lines)) <= 80
    for prop in known:
        names = {prop.librdkafka, prop.java} if scope in CLIENT_SCOPES else {prop.name}
        assert words >= {name for name in names if name}


def test_params_shows_one_property_in_every_scope_that_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["params", "compression.type"]) == 0
    shown = capsys.readouterr().out
    for scope in ("[producer]", "[topic]", "[broker]"):
        assert scope in shown
    assert "[broker.static]" not in shown


def test_params_says_at_which_level_a_broker_takes_a_change(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["params", "num.io.threads"]) == 0
    assert "without a restart, cluster-wide: one value for all brokers, or one of a broker's own" in said(capsys)
    assert main.run(["params", "socket.send.buffer.bytes", "--scope", "broker.static"]) == 0
    assert "needs a restart of each broker" in said(capsys)
    assert main.run(["params", "linger.ms"]) == 0
    assert "restart" not in said(capsys)
    known = catalogue.find(Scope.BROKER, "num.io.threads")
    assert known is not None
    assert "per-broker: each broker has a value of its own" in catalogue.change_text(replace(known, level="per-broker"))
    rows = [json.loads(property_json(prop)) for prop in ALL]
    assert {(row["scope"], row["dynamic"], row["level"]) for row in rows if row["scope"].startswith("broker")} == {
        ("broker", True, "cluster-wide"),
        ("broker.static", False, ""),
    }


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed, whatever its lines."""
    return " ".join(capsys.readouterr().out.split())


def test_params_names_the_nearest_to_a_wrong_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["params", "linger.m"]) == 2
    shown = capsys.readouterr()
    assert "linger.ms" in shown.err
    assert not shown.out


def test_params_as_json_is_a_line_each(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main.run(["params", "--json", "--scope", "producer"]) == 0
    rows = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert {row["scope"] for row in rows} == {"producer"}
    assert next(row for row in rows if row["name"] == "message.timeout.ms")["java"] == "delivery.timeout.ms"
    assert all(row["v"] == 1 for row in rows)


def test_what_was_left_to_java_is_kept_apart_from_a_zero() -> None:
    assert to_java(Scope.PRODUCER, {"socket.send.buffer.bytes": 0}) == {"send.buffer.bytes": "-1"}
    row = json.loads(property_json(next(prop for prop in ALL if prop.name == "log.roll.ms")))
    assert row["default_java"] is None
