"""Options that a person has set for any Java do not reach the ones that are started here: they would change figures.

The Java of these tests is a script that tells its environment.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ingestune_tui.bench import java_child
from ingestune_tui.bench.protocol import encode_line
from ingestune_tui.errors import LocalBrokerError
from ingestune_tui.kafka.doctor import check_local
from ingestune_tui.kafka.jars import KafkaRuntime, Progress
from ingestune_tui.kafka.java_environment import OPTIONS
from tests.bench.load_child import producer_spec


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tells the options it finds and what else was set, on stdout and stderr, and fails."""
    for name in OPTIONS:
        monkeypatch.setenv(name, "-Dfound")
    monkeypatch.setenv("INGESTUNE_TEST", "kept")
    script = tmp_path / "bin" / "java"
    script.parent.mkdir()
    found = "".join(f"${name}" for name in OPTIONS)
    script.write_text(f'#!/bin/sh\necho "[{found}] $INGESTUNE_TEST" | tee /dev/stderr\nexit 1\n')
    script.chmod(0o755)
    return script


def test_the_load_child_runs_without_them(java: Path) -> None:
    spec = encode_line(producer_spec("127.0.0.1:9", "nowhere")) + b"\n"
    command = [sys.executable, "-m", "ingestune_tui.bench.java_launch", str(java), "child.jar"]
    done = subprocess.run(command, input=spec, capture_output=True, check=False)
    assert done.stdout == b"[] kept\n"


async def test_its_compiler_runs_without_them(java: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def runtime(progress: Progress) -> KafkaRuntime:
        return KafkaRuntime(java, str(tmp_path / "*"), "4.3.0", "KAFKA_HOME")

    (tmp_path / "ecj-1.jar").touch()
    monkeypatch.setenv("INGESTUNE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(java_child, "kafka_runtime", runtime)
    with pytest.raises(LocalBrokerError) as refused:
        await java_child.prepare()
    assert "[] kept" in refused.value.what


async def test_the_doctor_asks_java_its_version_without_them(
    java: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "libs").mkdir()
    (tmp_path / "libs" / "kafka_2.13-4.3.0.jar").touch()
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    found, _ = await check_local()
    assert found.detail == f"[] kept ({java})"
