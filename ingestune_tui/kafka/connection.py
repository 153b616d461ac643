"""How to reach a cluster, and what it says of itself. Everything that talks to a broker starts from a `Connection`.

A connection that fails is explained by its real reason: refused, unknown host, wrong password, TLS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ingestune_tui.catalogue.security import client_properties
from ingestune_tui.secrets import Secret

ClusterKind = Literal["local", "simulated", "external"]


class MockTopics(Protocol):
    """What a simulated cluster does in place of Kafka's CreateTopics and DeleteTopics, which it does not know."""

    async def create_topic(self, name: str, partitions: int, replication: int) -> None: ...

    async def delete_topic(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a cluster is, what it takes to be let in, and how it is called on a screen."""

    bootstrap: str
    """`HOST:PORT`, several with commas."""
    config: Mapping[str, str | Secret] = field(default_factory=dict)
    """Security properties, by librdkafka's names."""
    label: str = ""
    """The cluster's name for a person."""
    kind: ClusterKind = "external"
    """Whether it is ours, a mock, or somebody's."""
    notes: tuple[str, ...] = ()
    """What of a client.properties has no counterpart here, a sentence each."""

    mock: MockTopics | None = field(default=None, compare=False, repr=False)
    """The simulated cluster's owner, where it is this process."""

    @property
    def simulated(self) -> bool:
        return self.kind == "simulated"

    def client_config(self) -> dict[str, Any]:
        """For confluent_kafka alone: the secrets in it are revealed. Pass a `logger` beside it."""
        revealed = {name: value.reveal() if isinstance(value, Secret) else value for name, value in self.config.items()}
        return {"bootstrap.servers": self.bootstrap, "client.id": "ingestune", **revealed}

    def redact(self, text: str) -> str:
        """`text` of a library's making without any secret of this connection that got into it."""
        for value in self.config.values():
            if isinstance(value, Secret) and len(secret := value.reveal()) >= 4:
                text = text.replace(secret, "***")
        return text


def external(bootstrap: str, command_config: str | None = None) -> Connection:
    """Somebody's cluster. `command_config` is the text of a client.properties as Kafka's own tools take it.

    Raises ConfigError for what cannot be used of it; what was left out is in `notes`.
    """
    config, notes = client_properties(command_config) if command_config is not None else ({}, [])
    return Connection(bootstrap, config, bootstrap, "external", tuple(notes))


@dataclass(frozen=True, slots=True)
class Node:
    """One broker as clients see it."""

    id: int
    """Kafka's node.id."""
    host: str
    """The advertised host."""
    port: int
    """The advertised port."""


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """What a cluster says of itself."""

    cluster_id: str
    """Kafka's cluster id; empty where the broker gives none."""
    version: str
    """`4.3`, or `simulated (librdkafka 2.16)`; `unknown` where it cannot be told."""
    nodes: Sequence[Node]
    """The brokers that are up, by id."""
    controller_id: int | None
    """The node that answers for the controller, if known."""
    simulated: bool = False
    """Whether it is a mock, be it ours or one that only its address was given of: every figure of it says so."""
