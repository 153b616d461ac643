"""What producers, consumers and topics bring to a trial on a real broker: end-to-end latency, catching up, settings
read back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.errors import TrialError
from ingestune_tui.kafka.dynamic_config import ConfigAdmin
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.study import Cluster
from ingestune_tui.model.trial import Latency
from ingestune_tui.model.workload import Limits, Timings, Workload
from ingestune_tui.tuning import merge
from ingestune_tui.tuning.cluster import OpenCluster
from ingestune_tui.tuning.disk import DiskBudget
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from ingestune_tui.tuning.runner import TrialRunner

pytestmark = pytest.mark.kafka
RATE = 500.0


class Trials:
    """Runs single trials, numbered."""

    def __init__(self, cluster: OpenCluster) -> None:
        self.cluster = cluster
        self.runner = TrialRunner(cluster, DiskBudget(10**10, 1.0), lambda *_: None, lambda *_: None)
        self.number = 0

    async def run(
        self, settings: Mapping[Scope, Mapping[str, Value]], *, paced_s: float = 0.0, **workload: Any
    ) -> Measurement:
        self.number += 1
        return await self.runner.run(
            TrialOrder(
                number=self.number,
                topic=f"ingestune-scopes-{self.number}",
                workload=Workload(message_bytes=200, **{"partitions": 2} | workload),
                configuration=Configuration.of(settings),
                timings=Timings(warmup_s=0.5, saturated_s=1.0, paced_s=paced_s),
                limits=Limits(bytes_per_trial=20_000_000, bytes_per_s=4_000_000),
                rate=RATE,
                rate_share=0.3,
                seed=1,
            )
        )


@pytest.fixture
async def trials(local_broker: LocalKafka) -> AsyncIterator[Trials]:
    async with ConfigAdmin(local_broker.connection) as admin:
        info = Cluster(id="test", label="local", kind="local", version=local_broker.version, nodes=1)
        opened = Trials(OpenCluster(info, local_broker.connection, admin, 1.0, (1,), local_broker))
        groups = await asyncio.to_thread(consumer_groups, local_broker)
        yield opened
        await opened.runner.close()
        assert await asyncio.to_thread(consumer_groups, local_broker) == groups
        for _ in range(100):  # a deletion is agreed to before every list of topics shows it
            if not (left := await admin.list_topics("ingestune-scopes-")):
                break
            await asyncio.sleep(0.1)
        assert left == []


def consumer_groups(kafka: LocalKafka) -> set[str]:
    """Every consumer group that the brokers know of, with members or without."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 3})
    return {group.group_id for group in admin.list_consumer_groups().result(30).valid}


@pytest.mark.slow
async def test_gathering_in_the_broker_moves_end_to_end_latency(trials: Trials) -> None:
    def fetch(least: int) -> dict[Scope, dict[str, Value]]:
        return {Scope.CONSUMER: {"fetch.min.bytes": least, "fetch.wait.max.ms": 400}}

    await trials.run(fetch(1), paced_s=1.0, consumers=1)  # thrown away: a fresh broker stalls at first
    soon = await trials.run(fetch(1), paced_s=2.0, consumers=1)
    gathered = await trials.run(fetch(50_000_000), paced_s=2.0, consumers=1)
    for each in (soon, gathered):
        assert end_to_end(each).count >= 0.5 * RATE * 2.0, "the consumer timed what the producer paced"
        assert each.consumer_messages_per_s
        assert each.consumer_messages_per_s > 1000
    assert p50(end_to_end(gathered)) > p50(end_to_end(soon)) + 80


def end_to_end(measured: Measurement) -> Latency:
    """From the histogram, which is there even where a busy machine could not hold the rate."""
    latency = merge.latency_of(measured.histograms["end_to_end"])
    assert latency is not None
    return latency


def p50(latency: Latency) -> float:
    assert latency.p50 is not None
    return latency.p50


async def test_consumers_with_little_or_nothing_to_read_are_not_waited_for(trials: Trials) -> None:
    """One key fills one of two partitions: one consumer reads all, one hardly anything, and a third is not run."""
    measured = await trials.run({}, consumers=3, keys="uniform:1", paced_s=1.0)
    assert "consumer-behind" not in measured.flags, "waited for until its patience ended"
    assert measured.consumer_messages_per_s
    assert end_to_end(measured).count >= 0.5 * RATE
    assert measured.audit.exact


async def test_several_producers_make_one_measurement(trials: Trials) -> None:
    measured = await trials.run({}, producers=2, keys="uniform:100", paced_s=1.0)
    assert measured.audit.exact
    assert measured.audit.sent == measured.audit.acknowledged == measured.audit.topic_growth
    assert {sample.stage for sample in measured.samples} >= {"warmup", "saturated", "paced"}
    assert measured.messages_per_s > 0
    paced = merge.latency_of(measured.histograms["latency"])
    assert paced is not None
    assert paced.count == RATE, "each times its half of what falls due in the second, and all of it"


async def test_topic_settings_and_shape_are_applied_and_read_back(trials: Trials) -> None:
    seen: dict[str, str | None] = {}
    partitions: list[int] = []
    describe = trials.cluster.admin.describe_topic_configs

    async def listening(topic: str) -> dict[str, str | None]:
        seen.update(await describe(topic))
        partitions.extend(await trials.cluster.admin.start_offsets(topic))
        return seen

    trials.cluster.admin.describe_topic_configs = listening  # type: ignore[method-assign]
    await trials.run({Scope.TOPIC: {"partitions": 5, "segment.bytes": 2_097_152, "compression.type": "lz4"}})
    assert (seen["segment.bytes"], seen["compression.type"]) == ("2097152", "lz4")
    assert sorted(partitions) == [0, 1, 2, 3, 4]


async def test_a_topic_setting_that_the_cluster_does_not_keep_fails_the_trial(trials: Trials) -> None:
    async def other(topic: str) -> dict[str, str | None]:
        return {"segment.bytes": "1"}

    trials.cluster.admin.describe_topic_configs = other  # type: ignore[method-assign]
    with pytest.raises(TrialError, match=r"segment\.bytes=2097152, and the cluster shows 1"):
        await trials.run({Scope.TOPIC: {"segment.bytes": 2_097_152}})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"replication": 3}, "replication factor"),
        ({"segment.bytes": 1}, "segment.bytes"),
    ],
)
async def test_what_the_broker_does_not_create_comes_with_its_own_words(
    trials: Trials, settings: dict[str, Value], words: str
) -> None:
    with pytest.raises(TrialError, match=words) as raised:
        await trials.run({Scope.TOPIC: settings})
    assert raised.value.code in ("INVALID_REPLICATION_FACTOR", "INVALID_CONFIG")
