"""The administrator on a real broker: topics of ours and nobody else's, their offsets, the brokers' settings."""

from __future__ import annotations

import asyncio

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from ingestune_tui.errors import ClusterUnreachable, Refused, TrialError
from ingestune_tui.kafka.connection import external
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.kafka.topics import Admin

pytestmark = pytest.mark.kafka


async def test_a_topic_is_ready_when_it_is_created(local_kafka: str) -> None:
    async with Admin(external(local_kafka)) as admin:
        await admin.create_topic("ingestune-ready", 6, 1, {"retention.ms": "60000"})
        assert await admin.end_offsets("ingestune-ready") == dict.fromkeys(range(6), 0)
        assert "ingestune-ready" in await admin.list_topics("ingestune-rea")
        await admin.delete_topic("ingestune-ready")
        await admin.delete_topic("ingestune-ready")
        assert "ingestune-ready" not in await admin.list_topics()


async def test_end_offsets_count_every_message(local_kafka: str) -> None:
    async with Admin(external(local_kafka)) as admin:
        await admin.create_topic("ingestune-count", 2, 1, {})
        producer = Producer(external(local_kafka).client_config())
        for number in range(50):
            producer.produce("ingestune-count", b"x", partition=number % 2)
        assert producer.flush(20) == 0
        assert await admin.end_offsets("ingestune-count") == {0: 25, 1: 25}
        assert await admin.start_offsets("ingestune-count") == {0: 0, 1: 0}
        await admin.delete_topic("ingestune-count")


@pytest.mark.parametrize(
    ("partitions", "replication", "settings", "code"),
    [
        (1, 3, {}, "INVALID_REPLICATION_FACTOR"),
        (1, 1, {"no.such.setting": "1"}, "INVALID_CONFIG"),
        (1, 1, {"compression.type": "middle-out"}, "INVALID_CONFIG"),
    ],
)
async def test_the_brokers_own_reason_is_told(
    local_kafka: str, partitions: int, replication: int, settings: dict[str, str], code: str
) -> None:
    async with Admin(external(local_kafka)) as admin:
        with pytest.raises(TrialError) as caught:
            await admin.create_topic("ingestune-bad", partitions, replication, settings)
        assert caught.value.code == code
        assert "ingestune-bad" in caught.value.what
        assert await admin.list_topics("ingestune-bad") == []


async def test_a_topic_without_our_prefix_is_never_deleted(local_kafka: str) -> None:
    other = AdminClient(external(local_kafka).client_config())
    other.create_topics([NewTopic("orders", 1, 1)])["orders"].result(20)
    async with Admin(external(local_kafka)) as admin:
        with pytest.raises(Refused, match="orders is not ingestune's"):
            await admin.delete_topic("orders")
        assert await admin.list_topics("orders") == ["orders"]
    async with Admin(external(local_kafka), topic_prefix="team-") as admin:
        with pytest.raises(Refused):
            await admin.delete_topic("ingestune-of-somebody-else")
    other.delete_topics(["orders"])["orders"].result(20)


async def test_offsets_of_a_topic_that_is_gone_are_an_error_and_bring_it_not_back(local_kafka: str) -> None:
    async with Admin(external(local_kafka)) as admin:
        with pytest.raises(TrialError, match="no such topic"):
            await admin.end_offsets("ingestune-never", timeout_s=0.5)
        assert await admin.list_topics("ingestune-never") == []


async def test_asking_whether_a_topic_may_be_created_creates_none(local_kafka: str) -> None:
    async with Admin(external(local_kafka)) as admin:
        await admin.may_create("ingestune-maybe")
        assert await admin.list_topics("ingestune-maybe") == []


async def test_broker_settings_come_with_their_source(local_kafka: str) -> None:
    async with Admin(external(local_kafka)) as admin:
        settings = await admin.describe_broker_configs(1)
        assert await admin.log_segment_delete_delay_s() == 1.0
    delay, threads = settings["log.segment.delete.delay.ms"], settings["num.io.threads"]
    assert (delay.value, delay.source, delay.is_default) == ("1000", "STATIC_BROKER_CONFIG", False)
    assert (threads.source, threads.read_only, threads.is_default) == ("DEFAULT_CONFIG", False, True)
    assert settings["node.id"].read_only


async def test_the_loop_goes_on_while_a_call_waits(local_broker: LocalKafka) -> None:
    """A screen would freeze, and the paced schedule slip, if a call blocked the loop."""
    turns = 0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal turns
        while not done.is_set():
            await asyncio.sleep(0.01)
            turns += 1

    watching = asyncio.create_task(watch())
    with pytest.raises(ClusterUnreachable):
        async with Admin(external("127.0.0.1:1")) as admin:
            await admin.describe_cluster(timeout_s=1.0)
    done.set()
    await watching
    assert turns > 20, "of about a hundred in the second that the call waits"


async def test_nothing_of_librdkafka_reaches_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ClusterUnreachable):
        async with Admin(external("127.0.0.1:1")) as admin:
            await admin.list_topics(timeout_s=1.0)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
