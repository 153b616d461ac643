"""The catalogue against Kafka's own definitions, as the jars print them: names, defaults, types, words, update mode."""

from __future__ import annotations

import html
import re
import subprocess

import pytest

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Property, Scope
from ingestune_tui.kafka.jars import KafkaRuntime

pytestmark = pytest.mark.kafka

PRINTS_ITSELF = {
    Scope.PRODUCER: "org.apache.kafka.clients.producer.ProducerConfig",
    Scope.CONSUMER: "org.apache.kafka.clients.consumer.ConsumerConfig",
    Scope.TOPIC: "org.apache.kafka.storage.internals.log.LogConfig",
    Scope.BROKER: "kafka.server.KafkaConfig",
}
KINDS = {"int": "int", "long": "int", "short": "int", "double": "float", "boolean": "bool", "string": "string"}
CASES = [prop for prop in catalogue.all_properties() if prop.java]


@pytest.fixture(scope="module")
def definitions(kafka_jars: KafkaRuntime) -> dict[Scope, dict[str, dict[str, str]]]:
    """Scope to name to what Kafka says of it."""
    return {scope: defined(kafka_jars, main) for scope, main in PRINTS_ITSELF.items()}


def defined(runtime: KafkaRuntime, main: str) -> dict[str, dict[str, str]]:
    page = subprocess.run(
        [runtime.java, "-XX:TieredStopAtLevel=1", "-cp", runtime.classpath, main],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    found: dict[str, dict[str, str]] = {}
    for item in page.split("<h4>")[1:]:
        name = re.search(r'<a id="([^"]+)"', item)
        assert name
        cells = re.findall(r"<tr><th>([^<]+):</th><td>(.*?)</td></tr>", item, re.DOTALL)
        found[name[1]] = {label: html.unescape(text) for label, text in cells}
    return found


def kafka_scope(prop: Property) -> Scope:
    return Scope.BROKER if prop.scope is Scope.BROKER_STATIC else prop.scope


@pytest.mark.parametrize("prop", CASES, ids=lambda prop: f"{prop.scope.value}:{prop.java}")
def test_kafka_knows_the_property_with_the_type_and_default_of_the_catalogue(
    definitions: dict[Scope, dict[str, dict[str, str]]], prop: Property
) -> None:
    said = definitions[kafka_scope(prop)][str(prop.java)]
    default = said["Default"].split(" (")[0]
    if said["Type"] == "list":
        assert prop.default_java == default
        return
    kind = KINDS[said["Type"]]
    assert kind == prop.kind or (kind, prop.kind) == ("int", "float")
    match prop.kind:
        case "int" | "float":
            assert prop.default_java == (None if default == "null" else pytest.approx(float(default), rel=0, abs=0))
        case "bool":
            assert prop.default_java is (default == "true")
        case _:
            assert prop.default_java == default
            words = set(said["Valid Values"].strip("[]").split(", ")) - {"-1"}
            assert set(prop.choices) == words


@pytest.mark.parametrize("prop", CASES, ids=lambda prop: f"{prop.scope.value}:{prop.java}")
def test_kafka_takes_the_whole_range_of_the_catalogue(
    definitions: dict[Scope, dict[str, dict[str, str]]], prop: Property
) -> None:
    values = definitions[kafka_scope(prop)][str(prop.java)]["Valid Values"]
    limits = re.match(r"\[(-?\d+),\.\.\.(?:,(-?\d+))?\]", values)
    if limits:
        least = -1 if values.endswith("or -1") else int(limits[1])
        assert prop.low is not None
        assert prop.low >= least
    if limits and limits[2]:
        assert prop.high is not None
        assert prop.high <= int(limits[2])


def test_every_broker_property_is_changed_at_the_level_that_kafka_names(
    definitions: dict[Scope, dict[str, dict[str, str]]],
) -> None:
    brokers = [prop for prop in CASES if prop.scope in (Scope.BROKER, Scope.BROKER_STATIC)]
    modes = {prop.name: definitions[Scope.BROKER][prop.name]["Update Mode"] for prop in brokers}
    assert modes == {prop.name: prop.level or "read-only" for prop in brokers}
    assert all(prop.dynamic is (prop.scope is Scope.BROKER) for prop in brokers)
