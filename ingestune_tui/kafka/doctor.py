"""What works of everything a study needs from Java, the client library and a cluster: probes for `ingestune doctor`.

A probe never raises for what it finds: that is its result.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import confluent_kafka

from ingestune_tui.errors import IngestuneError, LocalBrokerError
from ingestune_tui.kafka.connection import Connection
from ingestune_tui.kafka.jars import KAFKA_VERSION, find_runtime, jars_folder
from ingestune_tui.kafka.java_environment import java_environment
from ingestune_tui.kafka.topics import Admin
from ingestune_tui.kafka.version import UNKNOWN, client_version
from ingestune_tui.processes import OwnedProcess

State = Literal["ok", "warn", "fail"]
_OLDEST_JAVA = 17
_TO_CHANGE = "ALTER_CONFIGS"
_NEEDLESS = "Grids without broker settings run all the same."


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's report."""

    name: str
    """What was looked at, one or two words."""
    state: State
    """`warn` does not stop a study; `fail` does."""
    detail: str
    """What was found."""
    hint: str = ""
    """What to do about it; empty if nothing."""


def check_clients() -> tuple[Check, ...]:
    """Versions of the client library that makes the load."""
    package = confluent_kafka.__version__
    bundled = client_version()
    return (Check("client", "ok", f"confluent-kafka {package} with {bundled}"),)


async def check_local() -> tuple[Check, ...]:
    """Whether `--cluster local` can start: a Java that runs, and Kafka's jars here or to come."""
    try:
        runtime = find_runtime()
    except LocalBrokerError as problem:
        # Only a study on `local` needs it.
        return (Check("local Kafka", "warn", problem.what, problem.hint),)
    said, works = await _java_version(str(runtime.java))
    java = Check(
        "java",
        "ok" if works else "warn",
        said,
        "" if works else "Set JAVA_HOME to a Java 17 or newer, or pip install 'ingestune-tui[local]'.",
    )
    if runtime.origin == "KAFKA_HOME":
        where = f"{runtime.version} from KAFKA_HOME ({os.environ['KAFKA_HOME']})"
    elif jars_folder().is_dir():
        where = f"{KAFKA_VERSION}, jars are here"
    else:
        where = f"{KAFKA_VERSION}, will be downloaded at the first start (about 60 MB, once)"
    return java, Check("local Kafka", "ok", where)


async def check_cluster(connection: Connection, topic_prefix: str) -> tuple[Check, ...]:
    """Whether it answers, as what, and whether this user may create the topics named `topic_prefix`-something."""
    checks: list[Check] = []
    try:
        async with Admin(connection, f"{topic_prefix}-") as admin:
            info = await admin.describe_cluster()
            count = "1 node" if len(info.nodes) == 1 else f"{len(info.nodes)} nodes"
            version = "Kafka of an unknown version" if info.version == UNKNOWN else f"Kafka {info.version}"
            if info.simulated:
                version = info.version
            checks.append(Check("cluster", "ok", f"{version}, {count}, at {connection.bootstrap}"))
            checks += [Check("cluster", "warn", note) for note in connection.notes]
            checks.append(await _check_topics(admin, f"{topic_prefix}-doctor", info.simulated))
            checks.append(await _check_settings(admin, info.nodes[0].id, info.simulated))
    except IngestuneError as problem:
        checks.append(Check("cluster", "fail", problem.what, problem.hint))
    return tuple(checks)


async def _check_topics(admin: Admin, name: str, simulated: bool) -> Check:
    if simulated:
        return Check("topics", "ok", "a simulated cluster makes them when they are first used")
    try:
        await admin.may_create(name)
    except IngestuneError as problem:
        if getattr(problem, "code", "") != "TOPIC_ALREADY_EXISTS":
            return Check("topics", "fail", problem.what, problem.hint)
    return Check("topics", "ok", f"may be created under the name {admin.topic_prefix}... (tried, none created)")


async def _check_settings(admin: Admin, node_id: int, simulated: bool) -> Check:
    if simulated:
        return Check("broker", "ok", "a simulated broker has no settings")
    try:
        found = await admin.describe_broker_configs(node_id)
        allowed = await admin.allowed_operations()
    except IngestuneError as problem:
        # Only grids with broker settings need it, and the deletion delay then counts as Kafka's default.
        return Check("broker", "warn", problem.what, _NEEDLESS)
    dynamic = sum(not setting.read_only for setting in found.values())
    detail = f"{len(found)} settings can be read"
    if not allowed:
        detail += f", {dynamic} of them could be changed while it runs; not checked: this user's right to {_TO_CHANGE}"
        return Check("broker", "ok", detail)
    if _TO_CHANGE not in allowed:
        detail += f", and none changed: this user lacks the right to {_TO_CHANGE} on the cluster"
        return Check("broker", "warn", detail, _NEEDLESS)
    return Check("broker", "ok", f"{detail}, {dynamic} of them changed while it runs")


async def _java_version(java: str) -> tuple[str, bool]:
    """Its own first line, and whether it is new enough for Kafka 4."""
    try:
        async with OwnedProcess([java, "-version"], env=java_environment()) as process:
            await process.stdout.read()
            code = await process.wait()
            words = process.stderr_tail()
    except OSError as problem:
        return f"{java} cannot be run: {problem.strerror}", False
    first = words.splitlines()[0] if words else ""
    major = first.partition('"')[2].partition(".")[0].partition('"')[0]
    return f"{first} ({java})", code == 0 and major.isdigit() and int(major) >= _OLDEST_JAVA
