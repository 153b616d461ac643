"""The addresses of a local cluster's nodes: chosen free, and remembered in the folder that keeps their data.

A quorum knows its nodes by their ports, so a cluster whose data is kept comes back on the same ones.
"""

from __future__ import annotations

import json
import socket
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from ingestune_tui.errors import LocalBrokerError
from ingestune_tui.kafka.server_properties import NodeAddress


def new_nodes(count: int) -> tuple[NodeAddress, ...]:
    ports = _free_ports(2 * count)
    return tuple(NodeAddress(n + 1, ports[2 * n], ports[2 * n + 1], kafka_uuid()) for n in range(count))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def kafka_uuid() -> str:
    """A random id as Kafka writes them: 22 characters, never starting with a dash (the tools take that for a flag)."""
    while (text := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


def write_layout(path: Path, cluster_id: str, nodes: tuple[NodeAddress, ...]) -> None:
    rows = [[n.node_id, n.client_port, n.controller_port, n.directory_id] for n in nodes]
    path.write_text(json.dumps({"cluster_id": cluster_id, "nodes": rows}), encoding="utf-8")


def read_layout(path: Path, count: int) -> tuple[str, tuple[NodeAddress, ...]]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        nodes = tuple(NodeAddress(int(a), int(b), int(c), str(d)) for a, b, c, d in said["nodes"])
        cluster_id = str(said["cluster_id"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LocalBrokerError(f"{path} cannot be read: {error}.", "Give --data-dir an empty folder.") from error
    if len(nodes) != count:
        raise LocalBrokerError(
            f"The cluster in {path.parent} has {len(nodes)} node(s), not {count}.",
            f"Use --nodes {len(nodes)}, or another --data-dir.",
        )
    return cluster_id, nodes
