"""What is written for a broker of our own, and what is read from the files it leaves. No broker runs here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ingestune_tui.errors import LocalBrokerError
from ingestune_tui.kafka.broker_home import JVM_RECORD, kept_home, reap_stale, temporary_home
from ingestune_tui.kafka.broker_log import last_error
from ingestune_tui.kafka.partition_folders import allocated_bytes, holds_topic
from ingestune_tui.kafka.server_properties import NodeAddress, render, server_properties
from ingestune_tui.kafka.version import UNKNOWN, release_of

ONE = NodeAddress(1, 19092, 19093, "AAAAAAAAAAAAAAAAAAAAAA")
THREE = (ONE, NodeAddress(2, 29092, 29093, "B" * 22), NodeAddress(3, 39092, 39093, "C" * 22))


def test_a_node_listens_on_loopback_only_and_makes_no_topic_by_itself() -> None:
    properties = server_properties(ONE, [ONE], Path("/data"), {}, {})
    for listener in properties["listeners"].split(","):
        assert "//127.0.0.1:" in listener
    assert properties["auto.create.topics.enable"] == "false"
    assert properties["log.segment.delete.delay.ms"] == "1000"


def test_one_node_asks_for_one_copy_of_its_own_topics_and_three_for_three() -> None:
    assert server_properties(ONE, [ONE], Path("/data"), {}, {})["offsets.topic.replication.factor"] == "1"
    of_three = server_properties(ONE, THREE, Path("/data"), {}, {})
    assert of_three["offsets.topic.replication.factor"] == "3"
    assert of_three["controlled.shutdown.enable"] == "false"
    assert of_three["controller.quorum.bootstrap.servers"] == "127.0.0.1:19093,127.0.0.1:29093,127.0.0.1:39093"


def test_a_static_setting_replaces_a_default_but_never_what_keeps_the_node_ours() -> None:
    properties = server_properties(ONE, [ONE], Path("/data"), {"log.segment.delete.delay.ms": "60000"}, {})
    assert properties["log.segment.delete.delay.ms"] == "60000"
    with pytest.raises(ValueError, match="listeners"):
        server_properties(ONE, [ONE], Path("/data"), {"listeners": "PLAINTEXT://0.0.0.0:9092"}, {})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("C:\\temp", "C:\\\\temp"),
        (" leading", "\\ leading"),
        ("two\nlines", "two\\nlines"),
        ("grün 🚀", "gr\\u00fcn \\ud83d\\ude80"),
        ("a=b:c#d", "a=b:c#d"),
    ],
)
def test_values_are_escaped_as_java_reads_them(value: str, written: str) -> None:
    assert render({"key": value}) == f"key={written}\n"


@pytest.fixture
def logs(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "server.log", tmp_path / "console.log"


def test_the_last_error_is_told_with_its_cause(logs: tuple[Path, Path]) -> None:
    logs[0].write_text(
        "10:00:00.000 INFO KafkaConfig: starting\n"
        "10:00:00.100 ERROR Thing: an earlier trouble\n"
        "10:00:00.200 ERROR Kafka: Exiting Kafka due to fatal exception\n"
        "org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:9092\n"
        "\tat kafka.network.Acceptor.open(SocketServer.scala:1)\n"
        "Caused by: java.net.BindException: Address already in use\n"
        "\tat java.base/sun.nio.ch.Net.bind0(Native Method)\n"
        "10:00:00.300 INFO Kafka: shutting down\n"
    )
    assert last_error(*logs) == "Exiting Kafka due to fatal exception (BindException: Address already in use)"


def test_what_java_says_before_there_is_a_log_is_told_too(logs: tuple[Path, Path]) -> None:
    logs[1].write_text(
        "Error: LinkageError occurred while loading main class kafka.Kafka\n"
        "\tjava.lang.UnsupportedClassVersionError: kafka/Kafka has been compiled by a more recent version\n"
    )
    assert "UnsupportedClassVersionError" in last_error(*logs)


def test_a_broker_that_left_no_word_is_not_given_one(logs: tuple[Path, Path]) -> None:
    assert last_error(*logs) == ""


def test_folders_of_a_deleted_topic_count_until_they_are_gone(tmp_path: Path) -> None:
    for name in ("ingestune-a-0", "ingestune-a-1.0123abcd-delete", "ingestune-ab-0", "__cluster_metadata-0", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "00000.log").write_bytes(b"x" * 10_000)
    assert holds_topic([tmp_path], "ingestune-a")
    assert holds_topic([tmp_path], "ingestune-ab")
    assert not holds_topic([tmp_path], "ingestune")
    assert not holds_topic([tmp_path], "ingestune-a-1")
    assert 40_000 <= allocated_bytes([tmp_path]) < 60_000
    assert allocated_bytes([tmp_path / "missing"]) == 0


# Reaping


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary homes are made, away from those of brokers that really run."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return temporary_home().parent


def _running_process_that_names(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    script = "import time; print('here', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # a process that has only just begun names nothing yet
        try:
            yield process
        finally:
            process.kill()


def _record(folder: Path, pid: int, started: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JVM_RECORD).write_text(json.dumps({"pid": pid, "started": started}))


def _abandon(home: Path) -> None:
    """Make it look as if the process that owned `home` had been killed."""
    (home / "owner.json").write_text(json.dumps({"pid": os.getpid(), "started": time.time() - 10**6}))


@pytest.fixture
def stale(root: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """A home whose owner is gone, and a process that stands for its JVM."""
    home = temporary_home()
    for process in _running_process_that_names(home / "node-1"):
        _record(home / "node-1", process.pid, psutil.Process(process.pid).create_time())
        _abandon(home)
        yield home, process


def test_a_broker_whose_owner_is_gone_is_ended_and_its_folder_removed(
    root: Path, stale: tuple[Path, subprocess.Popen[bytes]]
) -> None:
    home, process = stale
    reap_stale(root)
    assert not psutil.pid_exists(process.pid)
    assert not home.exists()


def test_a_process_that_got_the_same_id_later_is_left_alone(
    root: Path, stale: tuple[Path, subprocess.Popen[bytes]]
) -> None:
    home, process = stale
    _record(home / "node-1", process.pid, time.time() - 1000)
    reap_stale(root)
    assert process.poll() is None


def test_a_process_that_does_not_name_our_folder_is_left_alone(root: Path) -> None:
    home = temporary_home()
    for process in _running_process_that_names(root / "elsewhere"):
        _record(home / "node-1", process.pid, psutil.Process(process.pid).create_time())
        _abandon(home)
        reap_stale(root)
        assert process.poll() is None
        assert not home.exists()


def test_a_home_whose_owner_lives_is_left_alone(root: Path) -> None:
    home = temporary_home()
    reap_stale(root)
    assert home.is_dir()


def test_a_home_that_is_just_being_made_is_left_alone(root: Path) -> None:
    (root / "kafka-new").mkdir()
    reap_stale(root)
    assert (root / "kafka-new").is_dir()


def test_a_folder_that_others_could_write_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    open_to_all = tmp_path / f"ingestune-kafka-{os.getuid()}"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(LocalBrokerError, match="not a private folder"):
        temporary_home()


def test_a_data_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("years of work")
    with pytest.raises(LocalBrokerError, match="not of an ingestune broker"):
        kept_home(tmp_path)


def test_a_data_folder_in_use_is_refused_and_one_of_a_dead_owner_taken_over(tmp_path: Path) -> None:
    home = kept_home(tmp_path / "data")
    with pytest.raises(LocalBrokerError, match="running uses"):
        kept_home(tmp_path / "data")
    _abandon(home)
    assert kept_home(tmp_path / "data") == home


# The version


def _answer(level: int, name: bytes = b"metadata.version") -> bytes:
    """An ApiVersions answer with one API and one supported feature, without its length."""
    apis = b"\x02" + b"\x00\x12\x00\x00\x00\x04" + b"\x00"
    feature = bytes([len(name) + 1]) + name + b"\x00\x01" + level.to_bytes(2, "big") + b"\x00"
    features = b"\x02" + feature
    tags = b"\x01" + b"\x00" + bytes([len(features)]) + features
    return b"\x00\x00\x00\x01" + b"\x00\x00" + apis + b"\x00\x00\x00\x00" + tags


@pytest.mark.parametrize(
    ("level", "release"), [(7, "3.3"), (16, "3.7"), (25, "4.0"), (30, "4.3"), (31, "newer than 4.3")]
)
def test_the_release_is_read_from_the_highest_metadata_version(level: int, release: str) -> None:
    assert release_of(_answer(level)) == release


def test_a_broker_without_feature_levels_is_unknown() -> None:
    assert release_of(_answer(1, b"kraft.version")) == UNKNOWN
    assert release_of(b"\x00\x00\x00\x01\x00\x23") == UNKNOWN


@pytest.mark.parametrize("cut", [5, 8, 20, 40])
def test_a_cut_answer_is_no_version_and_no_crash(cut: int) -> None:
    with pytest.raises(ValueError, match="ends early"):
        release_of(_answer(30)[:cut])
