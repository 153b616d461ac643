"""The Java load child made ready: its few source files compiled once by ECJ, kept in the cache directory as a jar.

Called by tuning for grids with `client = "java"`. The command is the same for every trial: `java_launch` takes the
spec, prepares the messages as for the Python child, and becomes the JVM.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingestune_tui.bench.java_launch import FLAGS, archive_of
from ingestune_tui.errors import LocalBrokerError
from ingestune_tui.kafka.jars import KafkaRuntime, Progress, jars_folder, kafka_runtime, silent
from ingestune_tui.kafka.java_environment import java_environment
from ingestune_tui.processes import OwnedProcess

SOURCES: Final = tuple(sorted(Path(__file__).with_name("java").glob("*.java")))
_ECJ_MAIN: Final = "org.eclipse.jdt.internal.compiler.batch.Main"
_HINT: Final = 'Unset KAFKA_HOME, or let JAVA_HOME name a JDK with javac; or use client = "librdkafka".'


@dataclass(frozen=True, slots=True)
class JavaChild:
    """What it takes to start Java load children."""

    command: Sequence[str]
    """Starts one; it then speaks the protocol on stdin and stdout."""
    version: str
    """The client, such as `kafka-clients 4.3.0`."""


async def prepare(progress: Progress = silent) -> JavaChild:
    """Fetch Kafka's jars and compile the child, as far as that is not done. Raises LocalBrokerError."""
    runtime = await kafka_runtime(progress)
    jar = _jar_path(runtime)
    if not (jar.is_file() and archive_of(jar).is_file()):
        progress("compiling the Java load client (once)")
    if not jar.is_file():
        await _compile(runtime, jar)
    classpath = f"{jar}{os.pathsep}{_files(runtime.classpath)}"
    if not archive_of(jar).is_file():
        await _rehearse(runtime, jar, classpath)
    command = (sys.executable, "-m", "ingestune_tui.bench.java_launch", str(runtime.java), classpath)
    return JavaChild(command, f"kafka-clients {runtime.version}")


def _jar_path(runtime: KafkaRuntime) -> Path:
    """Next to the downloaded jars' folder, never in it: named by the sources, Kafka's version and the Java."""
    digest = hashlib.sha256(f"{runtime.version} {runtime.java}".encode())
    for source in SOURCES:
        digest.update(source.read_bytes())
    return jars_folder().parent / f"java-child-{digest.hexdigest()[:12]}" / "ingestune-load.jar"


async def _compile(runtime: KafkaRuntime, jar: Path) -> None:
    jar.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jar.parent) as folder:
        classes = Path(folder) / "classes"
        options = ("-source", "17", "-target", "17", "-nowarn", "-cp", _files(runtime.classpath), "-d", str(classes))
        code, words = await _run([*_compiler(runtime), *options, *map(str, SOURCES)])
        if code:
            raise LocalBrokerError(f"The Java load client could not be compiled: {words[-500:]}", _HINT)
        made = Path(folder) / jar.name
        with zipfile.ZipFile(made, "w") as packed:
            for file in sorted(classes.rglob("*.class")):
                packed.write(file, file.relative_to(classes))
        made.replace(jar)


async def _rehearse(runtime: KafkaRuntime, jar: Path, classpath: str) -> None:
    """Store the loaded classes for quicker starts (0.3 s a trial). A Java that cannot does without."""
    java = [str(runtime.java), *FLAGS, "-cp", classpath]
    with tempfile.TemporaryDirectory(dir=jar.parent) as folder:
        classes, made = Path(folder) / "classes.txt", Path(folder) / "made.jsa"
        await _run([*java, f"-XX:DumpLoadedClassList={classes}", "IngestuneLoad"])
        await _run([*java, "-Xshare:dump", f"-XX:SharedClassListFile={classes}", f"-XX:SharedArchiveFile={made}"])
        if made.is_file():
            made.replace(archive_of(jar))


async def _run(command: Sequence[str]) -> tuple[int, str]:
    """Exit code and output of a short Java program, which does not outlive us."""
    async with OwnedProcess(command, env=java_environment()) as process:
        process.stdin.close()
        said = b"".join([line async for line in process.stdout])
        code = await process.wait()
        return code, (said.decode(errors="replace") + process.stderr_tail()).strip()


def _compiler(runtime: KafkaRuntime) -> list[str]:
    """ECJ on the runtime that is there, else the javac beside it."""
    for folder in (Path(runtime.classpath).parent, jars_folder()):
        for ecj in sorted(folder.glob("ecj-*.jar")):
            return [str(runtime.java), "-cp", str(ecj), _ECJ_MAIN]
    javac = runtime.java.with_name("javac")
    if os.access(javac, os.X_OK):
        return [str(javac)]
    raise LocalBrokerError("There is no Java compiler for the Java load client.", _HINT)


def _files(classpath: str) -> str:
    """The jars of a wildcard class path by name: ECJ does not expand it, and a stored archive needs their order."""
    return os.pathsep.join(str(jar) for jar in sorted(Path(classpath).parent.glob("*.jar")))
