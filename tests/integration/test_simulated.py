"""The simulated cluster: topics as asked for, a round trip that is felt, and an end with its owner."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest
from confluent_kafka import Producer

from ingestune_tui.errors import LocalBrokerError, TrialError, UsageError
from ingestune_tui.kafka.connection import external
from ingestune_tui.kafka.doctor import check_cluster
from ingestune_tui.kafka.simulated import SimulatedKafka
from ingestune_tui.kafka.topics import Admin


async def test_topics_have_the_partitions_asked_for_and_count_what_was_sent(simulated_kafka: SimulatedKafka) -> None:
    async with Admin(simulated_kafka.connection) as admin:
        await admin.create_topic("ingestune-sim", 7, 1, {})
        assert set(await admin.end_offsets("ingestune-sim")) == set(range(7))
        producer = Producer(simulated_kafka.connection.client_config())
        for number in range(100):
            producer.produce("ingestune-sim", b"x", partition=number % 7)
        assert producer.flush(10) == 0
        assert sum((await admin.end_offsets("ingestune-sim")).values()) == 100
        await admin.delete_topic("ingestune-sim")
        assert await admin.list_topics() == []
        await admin.delete_topic("ingestune-sim")


async def test_it_says_that_it_is_simulated(simulated_kafka: SimulatedKafka) -> None:
    async with Admin(simulated_kafka.connection) as admin:
        info = await admin.describe_cluster()
    assert simulated_kafka.connection.simulated
    assert info.version.startswith("simulated (librdkafka 2.")
    assert "simulated" in simulated_kafka.connection.label


async def test_one_that_only_its_address_is_known_of_is_told_as_simulated_too(simulated_kafka: SimulatedKafka) -> None:
    async with Admin(external(simulated_kafka.bootstrap)) as admin:
        info = await admin.describe_cluster()
        assert info.simulated
        assert info.version.startswith("simulated")
        await admin.create_topic("ingestune-far", 3, 1, {})
        assert set((await admin.end_offsets("ingestune-far")).values()) == {0}
        await admin.delete_topic("ingestune-far")
    assert {check.state for check in await check_cluster(external(simulated_kafka.bootstrap), "ingestune")} == {"ok"}


async def test_what_a_real_broker_would_refuse_is_refused(simulated_kafka: SimulatedKafka) -> None:
    async with Admin(simulated_kafka.connection) as admin:
        await admin.create_topic("ingestune-twice", 1, 1, {})
        with pytest.raises(TrialError) as twice:
            await admin.create_topic("ingestune-twice", 1, 1, {})
        with pytest.raises(TrialError) as copies:
            await admin.create_topic("ingestune-copies", 1, 3, {})
    assert twice.value.code == "TOPIC_ALREADY_EXISTS"
    assert copies.value.code == "INVALID_REPLICATION_FACTOR"


async def test_three_brokers_share_the_partitions() -> None:
    async with SimulatedKafka(brokers=3) as kafka, Admin(kafka.connection) as admin:
        assert len((await admin.describe_cluster()).nodes) == 3
        assert len(kafka.bootstrap.split(",")) == 3
        await admin.create_topic("ingestune-spread", 6, 3, {})


async def test_the_round_trip_is_felt_and_can_be_changed() -> None:
    async with SimulatedKafka(round_trip_ms=300) as kafka, Admin(kafka.connection) as admin:
        await admin.create_topic("ingestune-rtt", 1, 1, {})
        assert _acknowledged_after_s(kafka) >= 0.3
        await kafka.set_round_trip(0)
        assert any(_acknowledged_after_s(kafka) < 0.3 for _ in range(10)), "one of ten, on however busy a machine"


def _acknowledged_after_s(kafka: SimulatedKafka) -> float:
    """Of one message, over a connection that is warm."""
    producer = Producer({**kafka.connection.client_config(), "linger.ms": 0})
    producer.produce("ingestune-rtt", b"warm")
    producer.flush(10)
    began = time.monotonic()
    producer.produce("ingestune-rtt", b"timed")
    producer.flush(10)
    return time.monotonic() - began


@pytest.mark.parametrize(("round_trip_ms", "brokers"), [(-1, 1), (60_001, 1), (0, 0), (0, 10)])
def test_what_cannot_be_simulated_is_bad_usage(round_trip_ms: int, brokers: int) -> None:
    with pytest.raises(UsageError):
        SimulatedKafka(round_trip_ms, brokers)


async def test_one_that_ends_by_itself_is_noticed() -> None:
    async with SimulatedKafka() as kafka:
        assert not kafka.has_ended
        psutil.Process(kafka.pid).kill()
        assert "ended with code" in (await kafka.wait_failed()).what
        with pytest.raises(LocalBrokerError, match="gone"):
            await kafka.create_topic("ingestune-late", 1, 1)


def test_it_does_not_outlive_a_killed_owner() -> None:
    owner = (
        "import asyncio\n"
        "from ingestune_tui.kafka.simulated import SimulatedKafka\n"
        "async def main():\n"
        "    async with SimulatedKafka() as kafka:\n"
        "        print(kafka.pid, flush=True)\n"
        "        await kafka.wait_failed()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        mock = psutil.Process(int(process.stdout.readline()))
        process.kill()
    psutil.wait_procs([mock], timeout=10)
    assert not mock.is_running() or mock.status() == psutil.STATUS_ZOMBIE
