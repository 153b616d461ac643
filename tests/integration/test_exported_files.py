"""Exported files in the hands of those they are for: Kafka's own tools, a Java client, librdkafka; none complains."""

from __future__ import annotations

import asyncio
import logging
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient, ConfigResource

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.catalogue.properties_text import read_properties
from ingestune_tui.kafka.jars import KafkaRuntime, kafka_runtime
from ingestune_tui.report.properties import ExportInput, render, write_properties
from tests.bench.load_child import fresh_topic, messages_in

pytestmark = pytest.mark.kafka

TUNED: dict[str, dict[str, Value]] = {
    "librdkafka": {
        "acks": "all",
        "linger.ms": 20.5,
        "batch.size": 1048576,
        "batch.num.messages": 20000,
        "compression.type": "zstd",
        "compression.level": 5,
        "queue.buffering.max.messages": 1000000,
        "queue.buffering.max.kbytes": 65536,
        "message.timeout.ms": 20000,
        "partitioner": "murmur2_random",
        "socket.nagle.disable": True,
    },
    "java": {
        "acks": "1",
        "linger.ms": 20,
        "batch.size": 131072,
        "compression.type": "gzip",
        "compression.gzip.level": 1,
        "buffer.memory": 67108864,
        "max.block.ms": 5000,
        "partitioner.adaptive.partitioning.enable": False,
    },
}
READ: dict[str, dict[str, Value]] = {
    "librdkafka": {"fetch.min.bytes": 65536, "fetch.wait.max.ms": 50, "queued.min.messages": 1000, "check.crcs": True},
    "java": {"fetch.min.bytes": 65536, "fetch.wait.max.ms": 50, "max.poll.records": 2000},
}
LOGGING = """
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %level %c{1}: %m%n
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
"""


def exported(scope: Scope, dialect: str, measured_with: str, settings: dict[str, Value]) -> str:
    return render(
        ExportInput(
            scope=scope,
            dialect=dialect,  # type: ignore[arg-type]
            measured_with=measured_with,  # type: ignore[arg-type]
            settings={scope: settings},
            header=("a study", f"measured with {measured_with}"),
            partitions=3,
            replication=1,
        )
    )


@pytest.fixture(scope="module")
def runtime(local_kafka: str) -> KafkaRuntime:
    """Asked for after the broker has shown that Java and the jars are here."""
    return asyncio.run(kafka_runtime())


@pytest.fixture
def topic(local_kafka: str) -> Iterator[str]:
    with fresh_topic(local_kafka) as name:
        yield name


def java(runtime: KafkaRuntime, folder: Path, main: str, *arguments: str) -> str:
    """What one of Kafka's programs says, its clients' log included."""
    config = folder / "log4j2.properties"
    config.write_text(LOGGING)
    options = ["-XX:TieredStopAtLevel=1", f"-Dlog4j2.configurationFile={config}", "-cp", runtime.classpath]
    command = [str(runtime.java), *options, main, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def complaints(log: str) -> list[str]:
    """Warnings, and what Kafka's clients say of a property that they do not know."""
    return [line for line in log.splitlines() if line.startswith(("WARN ", "ERROR ")) or "not used" in line]


@pytest.mark.parametrize("measured_with", ["librdkafka", "java"])
def test_a_java_producer_takes_an_exported_file_without_a_word(
    local_kafka: str, runtime: KafkaRuntime, topic: str, tmp_path: Path, measured_with: str
) -> None:
    file = tmp_path / "producer.properties"
    text = exported(Scope.PRODUCER, "java", measured_with, TUNED[measured_with])
    write_properties(file, text, force=False)
    log = java(
        runtime,
        tmp_path,
        "org.apache.kafka.tools.ProducerPerformance",
        *("--topic", topic, "--num-records", "500", "--record-size", "100", "--throughput", "-1"),
        *("--bootstrap-server", local_kafka, "--command-config", str(file)),
    )
    assert "500 records sent" in log
    assert complaints(log) == []
    for name, value in read_properties(text).items():
        said = "-1" if value == "all" else value
        assert f"\t{name} = {said}\n" in log, f"{name} did not arrive"
    assert messages_in(local_kafka, topic) == 500


def test_kafka_would_complain_about_a_property_it_does_not_know(
    local_kafka: str, runtime: KafkaRuntime, topic: str, tmp_path: Path
) -> None:
    file = tmp_path / "producer.properties"
    file.write_text("batch.num.messages=20000\n")
    log = java(
        runtime,
        tmp_path,
        "org.apache.kafka.tools.ProducerPerformance",
        *("--topic", topic, "--num-records", "1", "--record-size", "100", "--throughput", "-1"),
        *("--bootstrap-server", local_kafka, "--command-config", str(file)),
    )
    assert any("batch.num.messages" in line for line in complaints(log))


@pytest.mark.parametrize("measured_with", ["librdkafka", "java"])
def test_a_java_consumer_takes_an_exported_file_without_a_word(
    local_kafka: str, runtime: KafkaRuntime, topic: str, tmp_path: Path, measured_with: str
) -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": local_kafka})
    for _ in range(100):
        producer.produce(topic, b"x" * 100)
    assert producer.flush(20) == 0
    file = tmp_path / "consumer.properties"
    text = exported(Scope.CONSUMER, "java", measured_with, READ[measured_with])
    write_properties(file, text, force=False)
    log = java(
        runtime,
        tmp_path,
        "org.apache.kafka.tools.ConsumerPerformance",
        *("--topic", topic, "--num-records", "100", "--group", f"{topic}-group"),
        *("--bootstrap-server", local_kafka, "--command-config", str(file)),
    )
    assert complaints(log) == []
    # ConsumerPerformance sets two properties itself, whatever the file says.
    own = {"receive.buffer.bytes", "check.crcs"}
    for name, value in read_properties(text).items():
        assert name in own or f"\t{name} = {value}\n" in log, f"{name} did not arrive"


class Said(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def listener() -> tuple[logging.Logger, list[str]]:
    logger, said = logging.Logger("librdkafka"), Said()
    logger.addHandler(said)
    return logger, said.lines


@pytest.mark.parametrize("measured_with", ["librdkafka", "java"])
def test_a_librdkafka_producer_takes_an_exported_file_without_a_word(
    local_kafka: str, topic: str, listener: tuple[logging.Logger, list[str]], measured_with: str
) -> None:
    logger, said = listener
    text = exported(Scope.PRODUCER, "librdkafka", measured_with, TUNED[measured_with])
    producer = confluent_kafka.Producer({"bootstrap.servers": local_kafka, **read_properties(text)}, logger=logger)
    producer.produce(topic, b"x" * 100)
    assert producer.flush(20) == 0
    assert messages_in(local_kafka, topic) == 1
    assert said == []


@pytest.mark.parametrize("measured_with", ["librdkafka", "java"])
def test_a_librdkafka_consumer_takes_an_exported_file_without_a_word(
    local_kafka: str, topic: str, listener: tuple[logging.Logger, list[str]], measured_with: str
) -> None:
    logger, said = listener
    text = exported(Scope.CONSUMER, "librdkafka", measured_with, READ[measured_with])
    config = {"bootstrap.servers": local_kafka, "group.id": f"{topic}-group", **read_properties(text)}
    consumer = confluent_kafka.Consumer(config, logger=logger)
    try:
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
        assert consumer.poll(0.2) is None
    finally:
        consumer.close()
    assert said == []


def commands(text: str, address: str, **words: str) -> list[list[str]]:
    """The shell commands in a file's comments, with the reader's own address and names filled in."""
    lines = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# kafka-")]
    found = []
    for line in lines:
        for word, value in {"HOST:PORT": address, **words}.items():
            line = line.replace(word, value)
        found.append(shlex.split(line))
    return found


def test_the_commands_of_a_topic_file_make_and_change_a_topic(
    local_kafka: str, runtime: KafkaRuntime, topic: str, tmp_path: Path
) -> None:
    settings: dict[str, Value] = {"segment.bytes": 16777216, "cleanup.policy": "delete,compact", "preallocate": False}
    text = exported(Scope.TOPIC, "java", "librdkafka", settings)
    name = f"{topic}-made"
    create, alter = commands(text, local_kafka, NAME=name)
    admin = AdminClient({"bootstrap.servers": local_kafka})
    try:
        java(runtime, tmp_path, "org.apache.kafka.tools.TopicCommand", *create[1:])
        alter[alter.index(name)] = topic
        java(runtime, tmp_path, "kafka.admin.ConfigCommand", *alter[1:])
        for changed in (name, topic):
            resource = ConfigResource(ConfigResource.Type.TOPIC, changed)
            told = admin.describe_configs([resource])[resource].result(20)
            assert {key: told[key].value for key in settings} == read_properties(text)
        assert len(admin.list_topics(name, 20).topics[name].partitions) == 3
    finally:
        admin.delete_topics([name])[name].result(20)


def test_each_command_of_a_broker_file_changes_the_broker(
    local_kafka: str, runtime: KafkaRuntime, tmp_path: Path
) -> None:
    admin = AdminClient({"bootstrap.servers": local_kafka})
    resource = ConfigResource(ConfigResource.Type.BROKER, "1")
    text = exported(Scope.BROKER, "java", "librdkafka", {"log.index.interval.bytes": 8192, "background.threads": 12})
    for alter in commands(text, local_kafka, BROKER_ID="1"):  # of all brokers, and of one
        try:
            java(runtime, tmp_path, "kafka.admin.ConfigCommand", *alter[1:])
            told = admin.describe_configs([resource])[resource].result(20)
            assert {key: told[key].value for key in read_properties(text)} == read_properties(text)
        finally:
            added = alter[alter.index("--add-config") + 1]
            names = ",".join(each.partition("=")[0] for each in added.split(","))
            undo = ["--delete-config" if word == "--add-config" else word for word in alter[1:]]
            undo[undo.index(added)] = names
            java(runtime, tmp_path, "kafka.admin.ConfigCommand", *undo)
