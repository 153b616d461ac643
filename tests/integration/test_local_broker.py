"""The local Kafka: it frees its disk, restarts with other settings, comes back with its data, and says what fails."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from confluent_kafka import Producer

from ingestune_tui.errors import LocalBrokerError
from ingestune_tui.kafka.jars import find_runtime, kafka_runtime
from ingestune_tui.kafka.java_environment import OPTIONS
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.kafka.local_layout import new_nodes
from ingestune_tui.kafka.server_properties import NodeAddress
from ingestune_tui.kafka.topics import Admin

from .conftest import kafka_or_skip

pytestmark = pytest.mark.kafka


async def test_a_deleted_topic_gives_its_disk_back_within_seconds(local_broker: LocalKafka) -> None:
    async with Admin(local_broker.connection) as admin:
        await admin.create_topic("ingestune-disk-1", 2, 1, {})
        await admin.end_offsets("ingestune-disk-1")
        before = local_broker.data_bytes()
        producer = Producer(local_broker.connection.client_config())
        for number in range(200):
            producer.produce("ingestune-disk-1", bytes(10_000), partition=number % 2)
        assert producer.flush(30) == 0
        assert local_broker.data_bytes() >= before + 2_000_000
        assert not local_broker.topic_gone("ingestune-disk-1")
        await admin.delete_topic("ingestune-disk-1")
    assert await local_broker.wait_topic_gone("ingestune-disk-1", timeout_s=15)
    assert local_broker.free_bytes() > 0


@pytest.mark.slow
async def test_a_restart_applies_static_settings_and_keeps_the_data() -> None:
    with kafka_or_skip():
        await kafka_runtime()
    async with LocalKafka(static_settings={"num.io.threads": "3"}) as kafka:
        address = kafka.bootstrap
        async with Admin(kafka.connection) as admin:
            await admin.create_topic("ingestune-kept", 1, 1, {})
            threads = (await admin.describe_broker_configs(1))["num.io.threads"]
        assert (threads.value, threads.source) == ("3", "STATIC_BROKER_CONFIG")

        with pytest.raises(LocalBrokerError, match=r"num\.io\.threads") as refused:
            await kafka.restart({"num.io.threads": "none"})
        assert "Not a number" in refused.value.what

        await kafka.restart({"socket.send.buffer.bytes": "1048576"})
        assert kafka.bootstrap == address
        async with Admin(kafka.connection) as admin:
            settings = await admin.describe_broker_configs(1)
            assert await admin.end_offsets("ingestune-kept") == {0: 0}
        assert settings["socket.send.buffer.bytes"].value == "1048576"
        assert settings["num.io.threads"].is_default

        jvm = psutil.Process(kafka.pids[0])
        home = kafka.data_dirs[0].parent.parent
        jvm.kill()
        assert "ended with code 137" in (await kafka.wait_failed()).what
    assert not jvm.is_running()
    assert not home.exists()


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_a_cluster_whose_data_nobody_will_read_again_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, kafka_jars: None
) -> None:
    """Three nodes that end together take all of the grace; here one that hears no SIGTERM stands for them."""
    monkeypatch.setattr("ingestune_tui.kafka.local_broker._STOP_GRACE_S", 600.0)
    async with LocalKafka() as kafka:
        jvm = psutil.Process(kafka.pids[0])
        jvm.suspend()
    assert not jvm.is_running()


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_three_nodes_replicate_and_come_back_whole_from_a_restart() -> None:
    with kafka_or_skip():
        await kafka_runtime()
    async with LocalKafka(nodes=3) as kafka:
        jvms = [psutil.Process(pid) for pid in kafka.pids]
        async with Admin(kafka.connection) as admin:
            assert len((await admin.describe_cluster()).nodes) == 3
            await admin.create_topic("ingestune-three", 3, 3, {"min.insync.replicas": "2"})
            await admin.end_offsets("ingestune-three")
        await kafka.restart({"num.network.threads": "2"})
        async with Admin(kafka.connection) as admin:
            assert await admin.is_whole(3, timeout_s=5)
            for node in (1, 2, 3):
                assert (await admin.describe_broker_configs(node))["num.network.threads"].value == "2"
    assert not any(jvm.is_running() for jvm in jvms)


@pytest.mark.slow
async def test_a_data_folder_brings_the_cluster_back_at_the_same_address(tmp_path: Path) -> None:
    with kafka_or_skip():
        await kafka_runtime()
    async with LocalKafka(data_dir=tmp_path / "data") as kafka:
        address = kafka.bootstrap
        async with Admin(kafka.connection) as admin:
            await admin.create_topic("ingestune-kept", 2, 1, {})
    async with LocalKafka(data_dir=tmp_path / "data") as kafka, Admin(kafka.connection) as admin:
        assert kafka.bootstrap == address
        assert await admin.end_offsets("ingestune-kept") == {0: 0, 1: 0}
    port = int(address.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)), pytest.raises(LocalBrokerError, match=f"Port {port}.*is taken"):
        async with LocalKafka(data_dir=tmp_path / "data"):
            pass
    with pytest.raises(LocalBrokerError, match="has 1 node"):
        async with LocalKafka(nodes=3, data_dir=tmp_path / "data"):
            pass


@pytest.mark.slow
async def test_kafka_home_and_java_home_are_used_when_set_and_options_for_any_java_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kafka_or_skip():
        bundled = await kafka_runtime()
    (tmp_path / "libs").symlink_to(Path(bundled.classpath).parent)
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(bundled.java.parent.parent))
    runtime = find_runtime()
    assert (runtime.version, runtime.origin) == ("4.3.0", "KAFKA_HOME")
    assert runtime.classpath == str(tmp_path / "libs" / "*")
    for name in OPTIONS:
        monkeypatch.setenv(name, "-agentlib:none")  # which no Java starts with
    async with LocalKafka() as kafka, Admin(kafka.connection) as admin:
        assert (await admin.describe_cluster()).version == "4.3"


async def test_too_little_memory_or_disk_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Memory(NamedTuple):
        available: int

    class Disk(NamedTuple):
        free: int

    with kafka_or_skip():
        await kafka_runtime()
    with monkeypatch.context() as patch:
        patch.setattr(psutil, "virtual_memory", lambda: Memory(100_000_000))
        with pytest.raises(LocalBrokerError, match="memory") as memory:
            async with LocalKafka():
                pass
    assert "simulated" in memory.value.hint
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(10_000_000))
    with pytest.raises(LocalBrokerError, match=r"Only 10\.0 MB are free"):
        async with LocalKafka(data_dir=tmp_path / "data"):
            pass


@pytest.mark.slow
async def test_a_port_that_is_taken_meanwhile_is_replaced_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking for a free port and the broker's binding, another program may take it."""
    with kafka_or_skip():
        await kafka_runtime()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        offers = iter([port])

        def offer(count: int) -> tuple[NodeAddress, ...]:
            nodes = new_nodes(count)
            if (first := next(offers, None)) is None:
                return nodes
            return (NodeAddress(1, first, nodes[0].controller_port, nodes[0].directory_id),)

        monkeypatch.setattr("ingestune_tui.kafka.local_broker.new_nodes", offer)
        async with LocalKafka() as kafka:
            assert kafka.bootstrap != f"127.0.0.1:{port}"


async def test_what_keeps_the_broker_ours_cannot_be_set() -> None:
    with kafka_or_skip():
        await kafka_runtime()
    with pytest.raises(LocalBrokerError, match=r"log\.dirs cannot be set"):
        async with LocalKafka(static_settings={"log.dirs": "/"}):
            pass


def test_two_nodes_are_no_cluster() -> None:
    with pytest.raises(LocalBrokerError, match="1 or 3 nodes"):
        LocalKafka(nodes=2)
