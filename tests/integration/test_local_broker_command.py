"""`ingestune broker` as a process: its address on stdout, its exit codes, and nothing left behind however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ingestune_tui.errors import ClusterUnreachable
from ingestune_tui.kafka.broker_home import reap_stale
from ingestune_tui.kafka.connection import external
from ingestune_tui.kafka.jars import kafka_runtime
from ingestune_tui.kafka.topics import Admin

from .conftest import kafka_or_skip

_GONE_WITHIN_S = 30.0


@contextmanager
def ingestune(*arguments: str, folder: Path, nohup: bool = False) -> Iterator[subprocess.Popen[str]]:
    """The command with a temporary directory of its own, so that what it leaves can be seen."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ingestune_tui", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
        preexec_fn=(lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) if nohup else None,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        for root in folder.glob("ingestune-kafka-*"):
            reap_stale(root)  # what a failed test would leave running


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def _eventually(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within the time that the end of a broker may take."""
    deadline = time.monotonic() + _GONE_WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _all_gone(processes: list[psutil.Process]) -> bool:
    return _eventually(lambda: not any(_is_alive(each) for each in processes))


def _is_alive(process: psutil.Process) -> bool:
    """A zombie whose new parent has not looked yet holds nothing any more."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _left(folder: Path) -> list[Path]:
    """Files of brokers; Python's own are removed by whoever made them."""
    return [path for home in folder.glob("ingestune-kafka-*") for path in home.iterdir()]


async def _answers(address: str) -> bool:
    try:
        async with Admin(external(address)) as admin:
            await admin.describe_cluster(timeout_s=5)
    except ClusterUnreachable:
        return False
    return True


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
async def test_a_signal_ends_a_simulated_cluster_with_its_code(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with ingestune("broker", "--simulated", "--nodes", "3", folder=tmp_path) as process:
        address = _address(process)
        assert len(address.split(",")) == 3
        assert await _answers(address)
        children = _descendants(process)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert out == ""
    assert "simulated broker answers at" in err
    assert "Traceback" not in err
    assert children
    assert _all_gone(children)


async def test_a_hangup_that_was_ignored_at_the_start_stays_ignored(tmp_path: Path) -> None:
    with ingestune("broker", "--simulated", folder=tmp_path, nohup=True) as process:
        address = _address(process)
        process.send_signal(signal.SIGHUP)
        assert await _answers(address)
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 143


@pytest.mark.parametrize(
    "arguments", [["--simulated", "--data-dir", "x"], ["--round-trip", "5"], ["--nodes", "2"], ["--nope"]], ids=str
)
def test_options_that_mean_nothing_together_are_bad_usage(tmp_path: Path, arguments: list[str]) -> None:
    with ingestune("broker", *arguments, folder=tmp_path) as process:
        out, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert out == ""
    assert err
    assert "Traceback" not in err


def test_a_broker_that_cannot_start_is_one_clear_message_and_exit_1(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("years of work")
    with ingestune("broker", "--data-dir", str(tmp_path), folder=tmp_path) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out == ""
    assert "The local Kafka did not start" in err
    assert "Traceback" not in err


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)], ids=str
)
async def test_nothing_of_a_real_broker_is_left_after(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with kafka_or_skip():
        await kafka_runtime()
    with ingestune("broker", folder=tmp_path) as process:
        address = _address(process)
        assert await _answers(address)
        started = _descendants(process)
        assert any("java" in each.name() for each in started)
        process.send_signal(number)
        process.communicate(timeout=40)
        assert _all_gone(started)
        assert _eventually(lambda: _left(tmp_path) == [])
    assert process.returncode == code
    assert not await _answers(address)


@pytest.mark.kafka
@pytest.mark.slow
async def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    with kafka_or_skip():
        await kafka_runtime()
    with ingestune("broker", folder=tmp_path) as process:
        assert process.stderr is not None
        assert "starting Apache Kafka" in process.stderr.readline()
        assert _eventually(lambda: bool(_descendants(process)))
        started = _descendants(process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=40)
        assert _all_gone(started)
        assert _left(tmp_path) == []
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
async def test_a_jvm_ends_with_its_killed_supervisor_and_the_next_start_cleans_up(tmp_path: Path) -> None:
    """The command is held still meanwhile, so that it cannot be what ends the JVM."""
    with kafka_or_skip():
        await kafka_runtime()
    with ingestune("broker", folder=tmp_path) as process:
        _address(process)
        started = _descendants(process)
        process.send_signal(signal.SIGSTOP)
        (supervisor,) = psutil.Process(process.pid).children()
        supervisor.kill()
        assert _all_gone(started)
        process.kill()
        process.communicate(timeout=40)
        assert _left(tmp_path) != []
        (root,) = tmp_path.glob("ingestune-kafka-*")
        reap_stale(root)
        assert _left(tmp_path) == []


def test_the_temporary_directory_is_the_one_the_tests_look_at(tmp_path: Path) -> None:
    """Else the tests above would find nothing left in a folder that nobody used."""
    code = "import tempfile; print(tempfile.gettempdir())"
    told = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True
    )
    assert told.stdout.strip() == str(tmp_path) != tempfile.gettempdir()
