"""What makes two trials the same measurement: hashes of the environment and of the method. Pure; for the cache.

The third hash, of the settings, is `Configuration.hash`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingestune_tui.bench.protocol import METHOD_VERSION
from ingestune_tui.model.configuration import canonical_hash
from ingestune_tui.model.study import Cluster
from ingestune_tui.model.workload import Limits, Timings, Workload


def env_hash(cluster: Cluster, broker_settings: Mapping[str, str], host: str, client_version: str) -> str:
    """Of the cluster, its settings that are not defaults, and the host and client that load it."""
    return canonical_hash(
        {
            "cluster": cluster.id,
            "kind": cluster.kind,
            "version": cluster.version,
            "nodes": cluster.nodes,
            "security": cluster.security_protocol,
            "broker": dict(broker_settings),
            "host": host,
            "client": client_version,
        }
    )


def method_hash(workload: Workload, timings: Timings, limits: Limits, payload: str) -> str:
    """Of how it is measured. `payload` is the content's fingerprint; the paced rate is compared apart from it."""
    return canonical_hash(
        {
            "method": METHOD_VERSION,
            "client": workload.client,
            "message_bytes": workload.message_bytes,
            "payload": payload,
            "keys": workload.keys,
            "partitions": workload.partitions,
            "replication": workload.replication,
            "producers": workload.producers,
            "consumers": workload.consumers,
            "timings": [timings.warmup_s, timings.saturated_s, timings.paced_s],
            "bytes_per_trial": limits.bytes_per_trial,
            "bytes_per_s": limits.bytes_per_s or 0,
        }
    )
