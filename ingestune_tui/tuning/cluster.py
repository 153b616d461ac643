"""The cluster of a study, open: its address, its admin, what it is, and how its load children are started. Async.

`open_cluster` gives it as a context: a `local` or `simulated` one is started here and ended with the context.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ingestune_tui.catalogue import catalogue, dialect, security
from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.errors import ConfigError, LocalBrokerError, StudyInterrupted, UsageError
from ingestune_tui.kafka.connection import Connection, external
from ingestune_tui.kafka.dynamic_config import ConfigAdmin
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.kafka.simulated import SimulatedKafka
from ingestune_tui.kafka.version import client_version
from ingestune_tui.model.study import Cluster
from ingestune_tui.model.workload import Client
from ingestune_tui.secrets import Secret
from ingestune_tui.tuning.estimate import FREE_DISK_FLOOR
from ingestune_tui.tuning.load_child import PYTHON_CHILD


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """What the person chose, before anything is started or asked."""

    kind: Literal["local", "simulated", "external"]
    bootstrap: str = ""
    """Only of an external cluster."""
    command_config: Path | None = None
    nodes: int = 1
    """Of a local or simulated cluster, 1 or 3."""
    round_trip_ms: int = 0
    """Of a simulated cluster."""

    @property
    def label(self) -> str:
        """As the person typed it, with what makes it another cluster than one of the same word."""
        if self.kind == "external":
            return self.bootstrap
        said = [f"{self.nodes} nodes"] if self.nodes != 1 else []
        said += [f"round trip {self.round_trip_ms} ms"] if self.round_trip_ms else []
        return f"{self.kind} ({', '.join(said)})" if said else self.kind


def parse_cluster(
    text: str, command_config: Path | None = None, nodes: int = 1, round_trip_ms: int = 0
) -> ClusterChoice:
    """`local`, `simulated` or `HOST:PORT,...`. Raises UsageError for what is none, or has no meaning there."""
    word = text.strip()
    if round_trip_ms and word != "simulated":
        raise UsageError(
            f"--round-trip belongs to a simulated cluster: {text[:200]} takes the time it takes",
            "Leave it out, or add --cluster simulated.",
        )
    if word == "local":
        return ClusterChoice("local", nodes=nodes)
    if word == "simulated":
        return ClusterChoice("simulated", nodes=nodes, round_trip_ms=round_trip_ms)
    if nodes != 1:
        raise UsageError(
            f"--nodes says how many brokers are started here, and {text[:200]} has its own",
            "Leave it out, or add --cluster local.",
        )
    for part in word.split(","):
        host, _, port = part.strip().rpartition(":")
        number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
        if not host or not 0 < number < 65536 or any(c.isspace() for c in host):
            raise UsageError(
                f"{text[:200]!r} is no cluster",
                "Write `local`, `simulated`, or an address like kafka1:9092,kafka2:9092.",
            )
    return ClusterChoice("external", bootstrap=word, command_config=command_config)


@dataclass(slots=True)
class OpenCluster:
    """A cluster that answers, for as long as its context lasts."""

    info: Cluster
    connection: Connection
    admin: ConfigAdmin
    delete_delay_s: float
    """How long the brokers keep a deleted topic's data."""
    node_ids: tuple[int, ...]
    local: LocalKafka | None = None
    simulated: SimulatedKafka | None = None
    """Like `local`, only of a cluster that was started here."""
    java_command: tuple[str, ...] = ()
    """Starts the Java load child; prepared only for grids that want it."""
    java_version: str = ""
    _settings: dict[str, str] = field(default_factory=dict)

    def child_command(self, client: Client) -> Sequence[str]:
        """The command of a load child."""
        return self.java_command if client == "java" else PYTHON_CHILD

    def client_version(self, client: Client) -> str:
        """`librdkafka 2.16.1`: what makes the load."""
        return self.java_version if client == "java" else client_version()

    def client_config(self, client: Client, scope: Scope, settings: Mapping[str, Value]) -> dict[str, str]:
        """Everything a load child's client is constructed with, in its own dialect; secrets are revealed in it."""
        if client == "java":
            own = dialect.to_java(scope, settings)
            secured = security.java_security(self.connection.config)
            plain = {name: each.reveal() if isinstance(each, Secret) else each for name, each in secured.items()}
            return {"bootstrap.servers": self.connection.bootstrap, "client.id": "ingestune", **plain, **own}
        connection = {name: str(value) for name, value in self.connection.client_config().items()}
        return connection | dialect.to_librdkafka(scope, settings)

    def free_bytes(self) -> int | None:
        """Free space under a local cluster's data; None where the disk is somebody else's."""
        return None if self.local is None else self.local.free_bytes()

    @property
    def topic_gone(self) -> Callable[[str], bool] | None:
        """Whether a deleted topic has left the disk; None where the disk is somebody else's."""
        if self.local is not None:
            return self.local.topic_gone
        return (lambda _: True) if self.info.simulated else None

    @property
    def has_ended(self) -> bool:
        """Whether a cluster of our own ended by itself: nobody will answer again. Somebody else's may come back."""
        own = self.local or self.simulated
        return own is not None and own.has_ended

    async def refuse_ended(self) -> None:
        """Raises StudyInterrupted, with its last words, when a cluster of our own ended by itself."""
        own = self.local or self.simulated
        if own is not None and own.has_ended:
            raise died(await own.wait_failed())

    async def answer(self) -> None:
        """Return once the cluster answers. Raises ClusterUnreachable."""
        await self.admin.describe_cluster(timeout_s=10)

    async def broker_settings(self) -> Mapping[str, str]:
        """Tunable broker settings that are not defaults, by name; read once. Empty where nobody may ask."""
        if not self._settings and self.info.kind == "external":
            for node in self.node_ids[:1]:
                for name, setting in (await self.admin.readable_broker_configs(node)).items():
                    tunable = catalogue.find(Scope.BROKER_STATIC, name)
                    if tunable and not setting.is_default and setting.value is not None:
                        self._settings[name] = setting.value
        return self._settings


@contextlib.asynccontextmanager
async def open_cluster(
    choice: ClusterChoice,
    progress: Callable[[str], None],
    *,
    topic_prefix: str,
    static_settings: Mapping[str, str] | None = None,
    client: Client = "librdkafka",
) -> AsyncIterator[OpenCluster]:
    """Start or reach the cluster. `progress` is told what takes time, one short sentence each.

    Raises LocalBrokerError, ClusterUnreachable, ConfigError.
    """
    async with contextlib.AsyncExitStack() as stack:
        local: LocalKafka | None = None
        simulated: SimulatedKafka | None = None
        if choice.kind == "local":
            local = await stack.enter_async_context(
                LocalKafka(
                    choice.nodes, progress=progress, static_settings=static_settings, roomy_bytes=FREE_DISK_FLOOR
                )
            )
            connection = local.connection
        elif choice.kind == "simulated":
            progress("starting a simulated broker")
            simulated = await stack.enter_async_context(SimulatedKafka(choice.round_trip_ms, brokers=choice.nodes))
            connection = simulated.connection
        else:
            connection = connection_of(choice)
            progress(f"asking {choice.bootstrap}")
        admin = await stack.enter_async_context(ConfigAdmin(connection, f"{topic_prefix}-"))
        for note in connection.notes:
            progress(note)
        said = await admin.describe_cluster()
        info = Cluster(
            id=_identity(choice, said.cluster_id, said.version, len(said.nodes)),
            label=choice.label,
            kind="simulated" if said.simulated else choice.kind,
            version=local.version if local else said.version,
            nodes=len(said.nodes),
            security_protocol=str(connection.client_config().get("security.protocol", "PLAINTEXT")).upper(),
        )
        java_command: tuple[str, ...] = ()
        java_version = ""
        if client == "java":
            java_command, java_version = await _java_child(progress)
        yield OpenCluster(
            info=info,
            connection=connection,
            admin=admin,
            delete_delay_s=await admin.log_segment_delete_delay_s(),
            node_ids=tuple(node.id for node in said.nodes),
            local=local,
            simulated=simulated,
            java_command=java_command,
            java_version=java_version,
        )


def died(problem: LocalBrokerError) -> StudyInterrupted:
    """What a cluster of our own that is gone means for the study at work on it: its trials are not to blame."""
    return StudyInterrupted(problem.what, "The same command goes on with the study, on a cluster started anew.")


async def _java_child(progress: Callable[[str], None]) -> tuple[tuple[str, ...], str]:
    from ingestune_tui.bench.java_child import prepare  # only grids with client = "java" need it

    prepared = await prepare(progress)
    return tuple(prepared.command), prepared.version


def _identity(choice: ClusterChoice, cluster_id: str, version: str, nodes: int) -> str:
    """A cluster of ours gets a new id at every start, so its version, its size and its round trip stand for it."""
    if choice.kind == "external":
        return cluster_id or choice.bootstrap
    known = f"{choice.kind}:{version}:{nodes}"
    return f"{known}:{choice.round_trip_ms}ms" if choice.round_trip_ms else known


def connection_of(choice: ClusterChoice) -> Connection:
    """How to reach an external cluster; its command config is read here. Raises ConfigError."""
    return external(choice.bootstrap, _read_command_config(choice.command_config))


def _read_command_config(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        if path.stat().st_size > 1_000_000:
            raise ConfigError(f"{path} is larger than 1 MB, which no client.properties is")
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        raise ConfigError(f"{path} (--command-config) cannot be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise ConfigError(f"{path} (--command-config) is not text in UTF-8") from problem
