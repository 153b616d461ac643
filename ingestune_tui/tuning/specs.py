"""What each load child of a trial is told before it begins. Pure; for the runner, which sends it."""

from __future__ import annotations

from collections.abc import Iterable

from ingestune_tui.bench.protocol import ConsumerSpec, ProducerSpec
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.tuning.cluster import OpenCluster
from ingestune_tui.tuning.estimate import child_byte_cap
from ingestune_tui.tuning.log_bytes import node_share
from ingestune_tui.tuning.measurement import TrialOrder


def producer_spec(
    order: TrialOrder, cluster: OpenCluster, shard: int, partitions: int, replication: int
) -> ProducerSpec:
    """For the producing child number `shard` of a trial whose topic has this shape."""
    workload, limits = order.workload, order.limits
    bytes_per_s = None if limits.bytes_per_s is None else max(1, limits.bytes_per_s // workload.producers)
    settings = order.configuration.scope(Scope.PRODUCER)
    return ProducerSpec(
        config=cluster.client_config(workload.client, Scope.PRODUCER, settings),
        topic=order.topic,
        partitions=partitions,
        message_bytes=workload.message_bytes,
        payload=workload.payload,
        keys=workload.keys,
        seed=order.seed + shard,
        bytes_cap=child_byte_cap(limits, workload, node_share(partitions, replication, cluster.info.nodes)),
        bytes_per_s=bytes_per_s,
        due_time_header=workload.consumers > 0,
    )


def consumer_spec(order: TrialOrder, cluster: OpenCluster, partitions: Iterable[int]) -> ConsumerSpec:
    """For a consuming child that reads these partitions."""
    settings = order.configuration.scope(Scope.CONSUMER)
    return ConsumerSpec(
        config=cluster.client_config("librdkafka", Scope.CONSUMER, settings),
        topic=order.topic,
        partitions=list(partitions),
        message_bytes=order.workload.message_bytes,
    )
