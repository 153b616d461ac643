"""What messages take on the brokers' disks: of one message in the log, and of a topic on its fullest node. Pure.

The sizes are those of Kafka's record format, version 2 (Kafka's documentation, "Message Format"), uncompressed. Used
for the estimate, for the cap on what a trial may send and for what the disks hold, so that all three agree.
"""

from __future__ import annotations

from ingestune_tui.bench.protocol import MAX_TIMED_PER_S
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.space import topic_shape
from ingestune_tui.model.workload import Workload

_FIXED_BYTES = 1 + 2 + 3 + 1
"""Attributes, time and offset within the batch (at most, in any usual batch), number of headers."""
_BATCH_HEADER_BYTES = 61
_BATCH_BYTES = 16_384
"""A full batch of the client with the smaller ones: the header of each is shared by what fits in."""
_DUE_HEADER_BYTES = 13
"""The header `due` with its 8 bytes of time, as timed messages carry it for a consumer."""
_LEAST_KEY_BYTES = 8


def node_share(partitions: int, replication: int, nodes: int) -> float:
    """Which share of a topic's message bytes the fullest of `nodes` may hold, copies counted: above 1 on no cluster.

    Kafka lays the copies of one partition on neighbouring nodes and begins the next partition one node further, so a
    node has a copy of `replication` of each `nodes` partitions, and of the last, incomplete round up to as many.
    """
    nodes = max(nodes, 1)
    rounds, left = divmod(partitions, nodes)
    return (rounds * replication + min(left, replication)) / partitions


def share_of(configuration: Configuration, workload: Workload, nodes: int) -> float:
    """The fullest node's share of a trial's topic."""
    partitions, replication = topic_shape(configuration, workload)
    return node_share(partitions, replication, nodes)


def logged_bytes(workload: Workload) -> float:
    """Of one message in the log, at most: value, key, what stands around them, and its part of the batch."""
    key, value = key_bytes(workload.keys), workload.message_bytes
    body = _FIXED_BYTES + _varint_bytes(key) + key + _varint_bytes(value) + value
    record = _varint_bytes(body) + body
    return record + _BATCH_HEADER_BYTES * min(1.0, record / _BATCH_BYTES)


def due_header_bytes(workload: Workload, paced_per_s: float, paced_s: float) -> float:
    """Of the due times that a consumer reads, over a paced stage of `paced_per_s` messages a second."""
    timed_per_s = min(paced_per_s, MAX_TIMED_PER_S * workload.producers)
    return _DUE_HEADER_BYTES * timed_per_s * paced_s if workload.consumers else 0.0


def key_bytes(keys: str) -> int:
    """Of the widest key; 0 without keys."""
    _, _, count = keys.partition(":")
    return max(_LEAST_KEY_BYTES, len(str(int(count) - 1))) if count else 0


def _varint_bytes(number: int) -> int:
    """Of a length as Kafka writes it: zigzag, seven bits a byte."""
    return max(1, -(-(2 * number).bit_length() // 7))
