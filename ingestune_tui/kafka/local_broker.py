"""A real Apache Kafka of our own on this machine: one node, or three. Started, restarted and ended here.

Called by the study process, `ingestune broker` and the tests. Each node is a JVM held by a supervisor process that
ends it when we are gone; everything it writes is in one folder, removed at the end unless a data folder was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from ingestune_tui.errors import ClusterUnreachable, LocalBrokerError
from ingestune_tui.kafka.broker_home import JVM_RECORD, kept_home, kill_processes, release, temporary_home
from ingestune_tui.kafka.broker_log import last_error
from ingestune_tui.kafka.connection import Connection
from ingestune_tui.kafka.jars import KafkaRuntime, Progress, kafka_runtime, silent
from ingestune_tui.kafka.java_environment import java_environment
from ingestune_tui.kafka.local_layout import is_free, kafka_uuid, new_nodes, read_layout, write_layout
from ingestune_tui.kafka.partition_folders import allocated_bytes, holds_topic
from ingestune_tui.kafka.server_properties import NodeAddress, log4j2_yaml, render, server_properties
from ingestune_tui.kafka.topics import Admin
from ingestune_tui.processes import OwnedProcess
from ingestune_tui.secrets import Secret
from ingestune_tui.units import about_bytes, format_bytes

_STOP_GRACE_S = 10.0
_START_TIMEOUT_S = 120.0
_PORT_ATTEMPTS = 3
_LEAST_FREE_BYTES = 1_000_000_000
_HEAP_BYTES = {1: 1 << 30, 3: 512 << 20}
"""Of each node, by their number. All of it from the start, as Kafka's own script has it: a heap that grows under load
makes the first trials slower."""
_COLLECTOR = ("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35")
_BESIDE_HEAP_BYTES = 150_000_000
"""What a JVM takes besides: classes, code, threads, buffers."""


class LocalKafka:
    """`async with LocalKafka() as kafka:` gives a cluster that answers at `kafka.bootstrap`.

    `nodes` is 1 or 3. `data_dir` keeps the data there; else it is temporary, in a place with `roomy_bytes` free where
    there is one, and nothing is started where less is. `listener` replaces properties of the
    client listener, such as its security protocol; `connection_config` is what a client then needs.
    Raises LocalBrokerError, with the broker's own last error, if it does not come up.
    """

    def __init__(
        self,
        nodes: int = 1,
        data_dir: Path | None = None,
        progress: Progress = silent,
        static_settings: Mapping[str, str] | None = None,
        *,
        listener: Mapping[str, str] | None = None,
        connection_config: Mapping[str, str | Secret] | None = None,
        roomy_bytes: int = _LEAST_FREE_BYTES,
    ) -> None:
        if nodes not in (1, 3):
            raise LocalBrokerError(f"A local Kafka has 1 or 3 nodes, not {nodes}.", "Use --nodes 1 or --nodes 3.")
        self._count = nodes
        self._data_dir = data_dir
        self._progress = progress
        self._settings = dict(static_settings or {})
        self._listener = dict(listener or {})
        self._config = dict(connection_config or {})
        self._roomy_bytes = roomy_bytes
        self._runtime: KafkaRuntime | None = None
        self._home: Path | None = None
        self._nodes: tuple[NodeAddress, ...] = ()
        self._running: dict[int, OwnedProcess] = {}

    async def __aenter__(self) -> Self:
        try:
            self._runtime = await kafka_runtime(self._progress)
            self._check_room()
            self._progress(f"starting Apache Kafka {self.version}" + (f", {self._count} nodes" * (self._count > 1)))
            for attempt in range(1, _PORT_ATTEMPTS + 1):
                try:
                    await self._create_and_start()
                    break
                except _PortTaken:
                    if attempt == _PORT_ATTEMPTS or self._data_dir is not None:
                        raise
                    await self._close()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    @property
    def bootstrap(self) -> str:
        """`127.0.0.1:PORT`, for three nodes three of them with commas."""
        return ",".join(f"127.0.0.1:{node.client_port}" for node in self._nodes)

    @property
    def version(self) -> str:
        assert self._runtime is not None
        return self._runtime.version

    @property
    def connection(self) -> Connection:
        return Connection(
            bootstrap=self.bootstrap,
            config=self._config,
            label=f"local Kafka {self.version}" + (f", {self._count} nodes" if self._count > 1 else ""),
            kind="local",
        )

    @property
    def data_dirs(self) -> tuple[Path, ...]:
        """The log.dirs folder of each node."""
        return tuple(self._node_dir(node) / "data" for node in self._nodes)

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the JVMs."""
        records = (self._node_dir(node) / JVM_RECORD for node in self._nodes)
        return tuple(int(json.loads(record.read_text(encoding="utf-8"))["pid"]) for record in records)

    async def restart(self, static_settings: Mapping[str, str]) -> None:
        """End every node in order and start it again with these static settings; returns when all replicas are in sync.

        If the broker refuses a setting, LocalBrokerError says why and nothing runs: restart with other settings, or
        leave.
        """
        await self._stop_nodes()
        self._settings = dict(static_settings)
        try:
            await self._start_nodes()
        except BaseException:
            await self._stop_nodes()
            raise

    @property
    def has_ended(self) -> bool:
        """Whether a node ended, and nobody has asked it to. Not to be asked during a restart."""
        return any(node.returncode is not None for node in self._running.values())

    async def wait_failed(self) -> LocalBrokerError:
        """Wait until a node ends without being asked to, and say which and why."""
        ends = {asyncio.create_task(self._running[node.node_id].wait()): node for node in self._nodes}
        try:
            ended, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        first = ended.pop()
        return self._failure(ends[first], f"ended with code {first.result()}")

    def free_bytes(self) -> int:
        """Free space of the file system that holds the data."""
        return shutil.disk_usage(self._existing_home).free

    def data_bytes(self) -> int:
        """Disk taken by all partition folders of all nodes, those being deleted included."""
        return allocated_bytes(self.data_dirs)

    def topic_gone(self, topic: str) -> bool:
        """Whether no node has a folder of this topic left, not even one marked for deletion."""
        return not holds_topic(self.data_dirs, topic)

    async def wait_topic_gone(self, topic: str, timeout_s: float = 30.0) -> bool:
        """Wait until its disk is free again; False if it is not after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while not self.topic_gone(topic):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.1)
        return True

    # How it starts

    @property
    def _existing_home(self) -> Path:
        assert self._home is not None
        return self._home

    def _node_dir(self, node: NodeAddress) -> Path:
        return self._existing_home / f"node-{node.node_id}"

    def _check_room(self) -> None:
        needed = self._count * (_HEAP_BYTES[self._count] + _BESIDE_HEAP_BYTES)
        if (available := psutil.virtual_memory().available) < needed:
            raise LocalBrokerError(
                f"A local Kafka of {self._count} needs about {format_bytes(needed)} of memory; "
                f"{available / 1e6:.0f} MB are available.",
                "Close something, use --nodes 1, or --cluster simulated.",
            )

    async def _create_and_start(self) -> None:
        self._home = kept_home(self._data_dir.absolute()) if self._data_dir else self._temporary_home()
        if (free := self.free_bytes()) < self._roomy_bytes:
            raise LocalBrokerError(
                f"Only {about_bytes(free)} are free at {self._home}; {about_bytes(self._roomy_bytes)} are needed.",
                "Free some space, let TMPDIR name a folder with more, or give `ingestune broker` a --data-dir.",
            )
        layout = self._home / "cluster.json"
        if layout.exists():
            cluster_id, self._nodes = read_layout(layout, self._count)
            self._check_ports()
            formatted = True
        else:
            cluster_id, self._nodes = kafka_uuid(), new_nodes(self._count)
            formatted = False
            for node in self._nodes:  # what a start that was cut short left
                shutil.rmtree(self._node_dir(node), ignore_errors=True)
        for node in self._nodes:
            self._write_files(node)
        if not formatted:
            for node in self._nodes:
                await self._format(node, cluster_id)
            write_layout(layout, cluster_id, self._nodes)
        await self._start_nodes()

    def _temporary_home(self) -> Path:
        return temporary_home(self._roomy_bytes, self._progress)

    def _check_ports(self) -> None:
        for node in self._nodes:
            for port in (node.client_port, node.controller_port):
                if not is_free(port):
                    raise LocalBrokerError(
                        f"Port {port}, which the cluster in {self._home} listens on, is taken.",
                        "End what listens there, or give another --data-dir.",
                    )

    def _write_files(self, node: NodeAddress) -> None:
        folder = self._node_dir(node)
        folder.mkdir(exist_ok=True)
        try:
            properties = server_properties(node, self._nodes, folder / "data", self._settings, self._listener)
        except ValueError as error:
            raise LocalBrokerError(str(error), "Leave it out of [broker.static].") from error
        (folder / "server.properties").write_text(render(properties), encoding="ascii")
        (folder / "log4j2.yaml").write_text(log4j2_yaml(folder / "server.log"), encoding="utf-8")

    def _java(self, node: NodeAddress, *options: str) -> list[str]:
        assert self._runtime is not None
        folder = self._node_dir(node)
        return [
            str(self._runtime.java),
            *options,
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={folder / 'log4j2.yaml'}",
            f"-Djava.io.tmpdir={folder}",
            "-cp",
            self._runtime.classpath,
        ]

    async def _format(self, node: NodeAddress, cluster_id: str) -> None:
        if self._count == 1:
            voters = ["--standalone"]
        else:
            names = (f"{n.node_id}@127.0.0.1:{n.controller_port}:{n.directory_id}" for n in self._nodes)
            voters = ["--initial-controllers", ",".join(names)]
        command = [
            *self._java(node, "-XX:TieredStopAtLevel=1", "-Xmx256m"),
            "kafka.tools.StorageTool",
            "format",
            "--cluster-id",
            cluster_id,
            "--config",
            str(self._node_dir(node) / "server.properties"),
            *voters,
        ]
        try:
            async with OwnedProcess(command, env=java_environment()) as tool:
                said = (await tool.stdout.read()).decode("utf-8", "replace")
                code = await tool.wait()
        except OSError as error:
            raise LocalBrokerError(f"Java could not be started: {error}.", "Check JAVA_HOME.") from error
        if code:
            console = self._node_dir(node) / "console.log"
            console.write_text(f"{said}\n{tool.stderr_tail()}", encoding="utf-8")
            raise self._failure(node, f"could not be set up (code {code})")

    async def _start_nodes(self) -> None:
        for node in self._nodes:
            self._write_files(node)
            await self._start_node(node)
        await self._wait_until_it_answers()

    async def _start_node(self, node: NodeAddress) -> None:
        folder = self._node_dir(node)
        for log in ("server.log", "console.log"):
            (folder / log).unlink(missing_ok=True)
        heap = _HEAP_BYTES[self._count]
        jvm = self._java(node, "-server", f"-Xms{heap}", f"-Xmx{heap}", *_COLLECTOR)
        remove = [] if self._data_dir else ["--remove", str(folder)]
        supervisor = OwnedProcess(
            [
                sys.executable,
                "-P",
                Path(__file__).with_name("supervisor.py"),
                *("--record", str(folder / JVM_RECORD), "--log", str(folder / "console.log")),
                *("--grace", str(_STOP_GRACE_S), *remove, "--"),
                *jvm,
                "kafka.Kafka",
                str(folder / "server.properties"),
            ],
            env=java_environment(),
            grace_s=_STOP_GRACE_S + 5,
        )
        self._running[node.node_id] = await supervisor.__aenter__()
        await supervisor.stdout.readline()  # it runs, and the record is written

    async def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        async with Admin(self.connection) as admin:
            while True:
                for node in self._nodes:
                    if (code := self._running[node.node_id].returncode) is not None:
                        raise self._failure(node, f"ended with code {code}")
                if time.monotonic() > deadline:
                    raise self._failure(self._nodes[0], f"did not answer within {_START_TIMEOUT_S:.0f} s")
                with contextlib.suppress(ClusterUnreachable):
                    if await admin.is_whole(self._count, timeout_s=1.0):
                        return
                await asyncio.sleep(0.05)

    def _failure(self, node: NodeAddress, what: str) -> LocalBrokerError:
        folder = self._node_dir(node)
        reason = last_error(folder / "server.log", folder / "console.log")
        kind = _PortTaken if "Address already in use" in reason or "BindException" in reason else LocalBrokerError
        name = "Kafka" if self._count == 1 else f"Kafka node {node.node_id}"
        return kind(
            f"{name} {what}" + (f": {reason}" if reason else ", and left no word why."),
            "If a setting is named there, change it; else `ingestune doctor` shows what is missing.",
        )

    # How it ends

    async def _stop_nodes(self) -> None:
        """All at once: each node ends within the grace, and none waits for another to take its partitions."""
        for supervisor in self._running.values():
            with contextlib.suppress(OSError, RuntimeError):
                supervisor.stdin.write(b"keep\n")
        async with asyncio.TaskGroup() as group:
            for supervisor in self._running.values():
                group.create_task(supervisor.stop())
        self._running.clear()

    async def _close(self) -> None:
        try:
            if self._home is not None and self._data_dir is None:
                await asyncio.to_thread(kill_processes, self._home)  # nobody will read their data again
            await self._stop_nodes()
        finally:
            if self._home is not None and self._data_dir is None:
                shutil.rmtree(self._home, ignore_errors=True)
            elif self._home is not None:
                release(self._home)
            self._home = None


class _PortTaken(LocalBrokerError):
    """Another program took a port between our looking and the broker's binding."""
