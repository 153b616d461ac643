"""The one administrator of a cluster: topics of ours, their offsets, and what the brokers say of their settings.

One `Admin` serves a whole study. Every call has a timeout, and fails at once when trying on is pointless (a refused
login). Only topics with our prefix are ever deleted.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource, ConfigSource, NewTopic, OffsetSpec

from ingestune_tui.errors import ClusterUnreachable, ConfigError, Refused, TrialError
from ingestune_tui.kafka.connection import ClusterInfo, Connection, Node
from ingestune_tui.kafka.failures import HOPELESS, UNREACHED, refused, unreachable
from ingestune_tui.kafka.version import broker_version, client_version

TOPIC_PREFIX = "ingestune-"
_KAFKA_DEFAULT_DELETE_DELAY_S = 60.0
_POLL_S = 0.05
# How the id of librdkafka's mock begins, also of one that another process runs.
_MOCK_ID = "mockCluster"
_DOWN_GRACE_S = 2.0
# A partition's leader is known to the controller a moment before the leader itself knows.
_PASSING = (
    "NOT_LEADER_FOR_PARTITION",
    "LEADER_NOT_AVAILABLE",
    "UNKNOWN_TOPIC_OR_PART",
    "UNKNOWN_LEADER_EPOCH",
    "FENCED_LEADER_EPOCH",
    "KAFKA_STORAGE_ERROR",
)
T = TypeVar("T")
AnyFuture = asyncio.Future[T] | concurrent.futures.Future[T]


@dataclass(frozen=True, slots=True)
class BrokerSetting:
    """One setting of one broker, as the broker reports it."""

    value: str | None
    """None where the broker hides it (a password)."""
    source: str
    """Kafka's name of where it comes from: `DEFAULT_CONFIG`, `STATIC_BROKER_CONFIG`, `DYNAMIC_BROKER_CONFIG`, ..."""
    read_only: bool
    """Whether only a restart can change it."""
    is_default: bool
    """Whether nobody set it."""


class Admin:
    """`async with Admin(connection) as admin:`. Raises ConfigError if librdkafka does not take the configuration."""

    def __init__(self, connection: Connection, topic_prefix: str = TOPIC_PREFIX) -> None:
        assert topic_prefix, "without a prefix any topic could be deleted"
        self.connection = connection
        self.topic_prefix = topic_prefix
        self._client: AdminClient | None = None
        self._simulated = connection.simulated
        self._errors: list[KafkaError] = []
        self._log: deque[str] = deque(maxlen=20)
        self._down_since: float | None = None

    async def __aenter__(self) -> Self:
        config: dict[str, Any] = {
            "reconnect.backoff.max.ms": 1000,
            "socket.connection.setup.timeout.ms": 10000,
            **self.connection.client_config(),
            "error_cb": self._on_error,
        }
        try:
            self._client = AdminClient(config, logger=_keeping_logger(self._log))
        except (KafkaException, ValueError, TypeError) as error:
            text = error.args[0].str() if isinstance(error, KafkaException) else str(error)
            raise ConfigError(
                f"The client does not take this configuration: {self.connection.redact(text)}.",
                "Check the file given with --command-config.",
            ) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        last_reference = [self._client]
        self._client = None
        await asyncio.to_thread(last_reference.clear)  # ends librdkafka's threads, which takes its time

    async def describe_cluster(self, timeout_s: float = 10.0) -> ClusterInfo:
        """Its id, version and nodes. Raises ClusterUnreachable with the real reason within `timeout_s`."""
        asked = self._admin.describe_cluster(request_timeout=timeout_s)
        said = await self._ask(asked, timeout_s, "Asking the cluster for its nodes")
        nodes = tuple(sorted((Node(n.id, n.host, n.port) for n in said.nodes), key=lambda n: n.id))
        controller = said.controller.id if said.controller is not None else None
        cluster_id = said.cluster_id or ""
        self._simulated = self._simulated or cluster_id.startswith(_MOCK_ID)
        version = (
            await broker_version(self.connection, nodes) if not self._simulated else f"simulated ({client_version()})"
        )
        return ClusterInfo(cluster_id, version, nodes, controller, self._simulated)

    async def node_ids(self, timeout_s: float = 10.0) -> tuple[int, ...]:
        """The brokers that are in the cluster at this moment, in order. Raises ClusterUnreachable."""
        asked = self._admin.describe_cluster(request_timeout=timeout_s)
        said = await self._ask(asked, timeout_s, "Asking the cluster for its nodes")
        return tuple(sorted(node.id for node in said.nodes))

    async def allowed_operations(self, timeout_s: float = 10.0) -> frozenset[str]:
        """What this user may do with the cluster itself, in Kafka's words: `ALTER_CONFIGS`, ...

        Empty where the cluster does not say it: it wants the right to DESCRIBE for that. Raises ClusterUnreachable.
        """
        asked = self._admin.describe_cluster(include_authorized_operations=True, request_timeout=timeout_s)
        said = await self._ask(asked, timeout_s, "Asking the cluster for this user's rights")
        return frozenset(operation.name for operation in said.authorized_operations or ())

    async def is_whole(self, nodes: int, timeout_s: float) -> bool:
        """Whether `nodes` brokers are up and every partition has all its replicas in sync."""
        metadata = await self._metadata(timeout_s)
        partitions = [p for topic in metadata.topics.values() for p in topic.partitions.values()]
        return len(metadata.brokers) == nodes and all(
            p.leader >= 0 and len(p.isrs) == len(p.replicas) for p in partitions
        )

    async def create_topic(
        self, name: str, partitions: int, replication: int, settings: Mapping[str, str], timeout_s: float = 15.0
    ) -> None:
        """Create it and wait until every partition has a leader.

        Raises TrialError with the broker's own reason and code, ClusterUnreachable if nobody answers. A simulated
        cluster of another process makes the topic when it is first asked for, with partitions of its own choice.
        """
        deadline = time.monotonic() + timeout_s
        made_by_itself = self._simulated and self.connection.mock is None
        mock = self.connection.mock
        if mock is not None:
            await mock.create_topic(name, partitions, replication)
        elif not self._simulated:
            topic = NewTopic(name, partitions, replication, config=dict(settings))
            asked = self._admin.create_topics([topic], operation_timeout=timeout_s, request_timeout=timeout_s)
            await self._ask(asked[name], timeout_s, f"Creating topic {name}")
        while True:
            leaders = await self._leaders(name, max(1.0, deadline - time.monotonic()))
            if all(leaders.values()) and (len(leaders) == partitions or made_by_itself):
                return
            if time.monotonic() > deadline:
                raise ClusterUnreachable(
                    f"Topic {name} has partitions without a leader after {timeout_s:.0f} s.",
                    "A broker may be down or overloaded.",
                )
            await asyncio.sleep(_POLL_S)

    async def delete_topic(self, name: str, timeout_s: float = 15.0) -> None:
        """Delete a topic of ours; one that is already gone is fine. Raises Refused for any other topic."""
        if not name.startswith(self.topic_prefix):
            raise Refused(f"Topic {name} is not ingestune's: only topics named {self.topic_prefix}... are deleted.")
        if self._simulated:
            if self.connection.mock is not None and name in await self.list_topics(name):
                await self.connection.mock.delete_topic(name)
            return
        asked = self._admin.delete_topics([name], operation_timeout=timeout_s, request_timeout=timeout_s)
        try:
            await self._ask(asked[name], timeout_s, f"Deleting topic {name}")
        except _Missing:
            return

    async def list_topics(self, prefix: str = TOPIC_PREFIX, timeout_s: float = 10.0) -> list[str]:
        """Names of the topics that start with `prefix`, sorted."""
        return sorted(name for name in (await self._metadata(timeout_s)).topics if name.startswith(prefix))

    async def start_offsets(self, topic: str, timeout_s: float = 10.0) -> dict[int, int]:
        """The first offset of each partition."""
        return await self._offsets(topic, OffsetSpec.earliest(), timeout_s)  # type: ignore[no-untyped-call]  # the client gives it no types

    async def end_offsets(self, topic: str, timeout_s: float = 10.0) -> dict[int, int]:
        """The offset that each partition's next message will get."""
        return await self._offsets(topic, OffsetSpec.latest(), timeout_s)  # type: ignore[no-untyped-call]  # as above

    async def describe_broker_configs(self, node_id: int, timeout_s: float = 10.0) -> dict[str, BrokerSetting]:
        """Every setting of one broker by Kafka's name. Raises TrialError where the user may not ask."""
        resource = ConfigResource(ConfigResource.Type.BROKER, str(node_id))
        asked = self._admin.describe_configs([resource], request_timeout=timeout_s)
        said = await self._ask(asked[resource], timeout_s, f"Reading the settings of broker {node_id}")
        return {
            name: BrokerSetting(e.value, ConfigSource(e.source).name, bool(e.is_read_only), bool(e.is_default))
            for name, e in said.items()
        }

    async def readable_broker_configs(self, node_id: int) -> dict[str, BrokerSetting]:
        """The same, and nothing where the user may not ask: a producer's rights suffice to tune a producer."""
        try:
            return await self.describe_broker_configs(node_id)
        except TrialError as refused:
            if refused.code.endswith("AUTHORIZATION_FAILED"):
                return {}
            raise

    async def log_segment_delete_delay_s(self) -> float:
        """How long the brokers keep a deleted topic's data: the longest of all; Kafka's default if they do not tell."""
        if self._simulated:
            return 0.0
        delays = []
        for node in (await self.describe_cluster()).nodes:
            value = (await self.readable_broker_configs(node.id)).get("log.segment.delete.delay.ms")
            if value is not None and value.value is not None:
                delays.append(int(value.value) / 1000)
        return max(delays, default=_KAFKA_DEFAULT_DELETE_DELAY_S)

    async def may_create(self, name: str, timeout_s: float = 10.0) -> None:
        """Ask whether a topic of that name could be created, without creating it. Raises as create_topic does."""
        topic = NewTopic(name, 1, -1)
        asked = self._admin.create_topics(
            [topic], operation_timeout=timeout_s, request_timeout=timeout_s, validate_only=True
        )
        await self._ask(asked[name], timeout_s, f"Creating topic {name}")

    # How it asks

    @property
    def _admin(self) -> AdminClient:
        if self._client is None:
            raise RuntimeError("the admin client is not open: use `async with`")
        return self._client

    def _on_error(self, error: KafkaError) -> None:
        self._errors.append(error)
        del self._errors[:-50]
        if error.code() == KafkaError._ALL_BROKERS_DOWN and self._down_since is None:
            self._down_since = time.monotonic()

    def _is_down(self, now_s: float) -> bool:
        """Whether every broker has been away for a moment: with two addresses, the first refusal is not the end."""
        return self._down_since is not None and now_s - self._down_since > _DOWN_GRACE_S

    async def _metadata(self, timeout_s: float, topic: str | None = None) -> ClusterMetadata:
        """Asking for one `topic` creates it where the cluster makes topics by itself: only for the mock."""
        client = self._admin
        asked = asyncio.get_running_loop().run_in_executor(
            None,
            lambda: client.list_topics(topic, timeout=timeout_s) if topic else client.list_topics(timeout=timeout_s),
        )
        return await self._ask(asked, timeout_s + _POLL_S, "Asking for the topics")

    async def _leaders(self, topic: str, timeout_s: float) -> dict[int, bool]:
        """Whether each partition has a leader; empty while the broker asked has not heard of the topic."""
        if self._simulated:
            known = (await self._metadata(timeout_s, topic)).topics[topic].partitions
            return {number: partition.leader >= 0 for number, partition in known.items()}
        asked = self._admin.describe_topics(TopicCollection([topic]), request_timeout=timeout_s)
        try:
            said = await self._ask(asked[topic], timeout_s, f"Looking at topic {topic}")
        except _Missing:
            return {}
        return {p.id: p.leader is not None and p.leader.id >= 0 for p in said.partitions}

    async def _offsets(self, topic: str, which: OffsetSpec, timeout_s: float) -> dict[int, int]:
        what = f"Reading the offsets of {topic}"

        async def ask() -> dict[int, int]:
            partitions = [TopicPartition(topic, number) for number in await self._leaders(topic, timeout_s)]
            if not partitions:
                raise _Missing(f"{what} failed: there is no such topic.", code="UNKNOWN_TOPIC_OR_PART")
            asked = self._admin.list_offsets(dict.fromkeys(partitions, which), request_timeout=timeout_s)
            return {at.partition: (await self._ask(f, timeout_s, what)).offset for at, f in asked.items()}

        return await self._once_known(ask, timeout_s)

    async def _once_known(self, ask: Callable[[], Awaitable[T]], timeout_s: float) -> T:
        """Ask, and again while the broker asked has not heard all of a new topic: nodes hear of it one by one."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                return await ask()
            except TrialError as error:
                if error.code not in _PASSING or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_POLL_S)

    async def _ask(self, future: AnyFuture[T], timeout_s: float, what: str) -> T:
        """Wait for librdkafka's future without blocking the loop, serving its callbacks meanwhile."""
        self._errors.clear()
        self._log.clear()
        self._down_since = None
        waited = future if isinstance(future, asyncio.Future) else asyncio.wrap_future(future)
        waited.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to ask
        since = time.monotonic()
        while not waited.done():
            self._admin.poll(0)
            now = time.monotonic()
            if self._is_down(now) or now > since + timeout_s or any(e.code() in HOPELESS for e in self._errors):
                raise self._unreachable(now - since)
            await asyncio.wait({waited}, timeout=_POLL_S)
        try:
            return waited.result()
        except KafkaException as error:
            self._admin.poll(0)
            raise self._translated(error.args[0], time.monotonic() - since, what) from None

    def _unreachable(self, waited_s: float) -> ClusterUnreachable:
        return unreachable(self.connection, self._errors, self._log, waited_s)

    def _translated(self, error: KafkaError, waited_s: float, what: str) -> Exception:
        if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return _Missing(f"{what} failed: there is no such topic.", code=error.name())
        if error.code() in UNREACHED:
            return self._unreachable(waited_s)
        return refused(what, error, self.connection)


class _Missing(TrialError):
    """The topic that was asked about is not there."""


class _Keep(logging.Handler):
    """librdkafka logs to fd 2 unless somebody takes it. A few lines are kept: some reasons stand only there."""

    def __init__(self, lines: deque[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


def _keeping_logger(lines: deque[str]) -> logging.Logger:
    logger = logging.Logger("librdkafka")
    logger.addHandler(_Keep(lines))
    return logger
