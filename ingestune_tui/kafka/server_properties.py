"""The server.properties and log4j2 file of one node of ingestune's own Kafka. Pure text; local_broker writes it.

Only loopback listeners. The static settings under test are added last but cannot replace what keeps the node
ours and reachable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where one node listens, always on the loopback interface."""

    node_id: int
    """Kafka's node.id, from 1."""
    client_port: int
    """The port clients connect to."""
    controller_port: int
    """The port of the Raft quorum."""
    directory_id: str
    """The 22-character id of its data directory, as the formatter of a three-node quorum needs it."""


PROTECTED = frozenset(
    {
        "process.roles",
        "node.id",
        "broker.id",
        "listeners",
        "advertised.listeners",
        "controller.listener.names",
        "inter.broker.listener.name",
        "listener.security.protocol.map",
        "controller.quorum.bootstrap.servers",
        "controller.quorum.voters",
        "log.dirs",
        "log.dir",
        "metadata.log.dir",
    }
)


def server_properties(
    node: NodeAddress,
    nodes: Sequence[NodeAddress],
    data_dir: Path,
    static_settings: Mapping[str, str],
    listener: Mapping[str, str],
) -> dict[str, str]:
    """All properties of `node`. `listener` replaces the client listener's own (its protocol, SASL, TLS).

    Raises ValueError if a static setting is one of PROTECTED.
    """
    if forbidden := sorted(PROTECTED & static_settings.keys()):
        raise ValueError(f"{', '.join(forbidden)} cannot be set on ingestune's own Kafka")
    copies = str(min(3, len(nodes)))
    properties = {
        "process.roles": "broker,controller",
        "node.id": str(node.node_id),
        "listeners": f"CLIENT://127.0.0.1:{node.client_port},CONTROLLER://127.0.0.1:{node.controller_port}",
        "advertised.listeners": f"CLIENT://127.0.0.1:{node.client_port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENT",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.quorum.bootstrap.servers": ",".join(f"127.0.0.1:{n.controller_port}" for n in nodes),
        "log.dirs": str(data_dir),
        "auto.create.topics.enable": "false",
        "num.partitions": "1",
        "default.replication.factor": copies,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
        # A deleted topic gives its disk back after this and not after a minute.
        "log.segment.delete.delay.ms": "1000",
        "log.initial.task.delay.ms": "500",
        "log.retention.check.interval.ms": "5000",
    }
    if len(nodes) > 1:
        # Nodes that stop together would wait for each other for over a minute to hand over their partitions.
        properties |= {
            "controlled.shutdown.enable": "false",
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
        }
    return properties | dict(static_settings) | dict(listener)


def render(properties: Mapping[str, str]) -> str:
    """A Java properties file; backslashes, line ends and what else Java would take apart are escaped."""
    return "".join(f"{key}={_escaped(value)}\n" for key, value in properties.items())


def _escaped(value: str) -> str:
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    text = "".join(c if c.isascii() else "".join(f"\\u{u:04x}" for u in _utf16(c)) for c in text)
    return "\\" + text if text.startswith(" ") else text


def _utf16(character: str) -> list[int]:
    data = character.encode("utf-16-be")
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]


def log4j2_yaml(log_file: Path) -> str:
    """A small log of the node's own words, two files of 5 MB at most. A failed start is explained from it."""
    return f"""\
Configuration:
  status: error
  Appenders:
    RollingFile:
      name: node
      fileName: "{log_file}"
      filePattern: "{log_file}.%i"
      PatternLayout:
        pattern: "%d{{HH:mm:ss.SSS}} %p %c{{1}}: %m%n%ex"
      SizeBasedTriggeringPolicy:
        size: 5MB
      DefaultRolloverStrategy:
        max: 1
  Loggers:
    Root:
      level: INFO
      AppenderRef:
        ref: node
    Logger:
    - name: org.apache.kafka.common.config
      level: WARN
    - name: org.apache.kafka.common.utils.AppInfoParser
      level: ERROR
"""
