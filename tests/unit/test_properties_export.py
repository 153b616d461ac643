"""The export: what stands in a file, in whose words, and that nothing else can ever get into one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.catalogue.dialect import Dialect, translate
from ingestune_tui.catalogue.properties_text import read_properties
from ingestune_tui.errors import ExportError
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.study import Cluster, Outcome, Ratio, Study
from ingestune_tui.model.workload import Client, Workload
from ingestune_tui.report.properties import render_properties, write_properties

PRODUCER, CONSUMER, TOPIC = Scope.PRODUCER, Scope.CONSUMER, Scope.TOPIC
Settings = dict[Scope, dict[str, Value]]


def export(
    settings: Settings,
    *,
    client: Client = "librdkafka",
    dialect: Dialect = "java",
    scope: Scope = PRODUCER,
    baseline: Settings | None = None,
    name: str = "quick",
    label: str = "local",
    confirmed: bool = True,
    simulated: bool = False,
) -> str:
    outcome = Outcome(
        workload=Workload(client=client),
        objective="throughput",
        verdict="faster" if confirmed else "unconfirmed",
        reason="" if confirmed else "the budget ended",
        ratio=Ratio(ratio=1.52, low=1.44, high=1.61) if confirmed else None,
        latency=Ratio(ratio=1.02, low=0.9, high=1.1) if confirmed else None,
        winner=Configuration.of(settings),
        baseline=Configuration.of(baseline or {}),
        pairs=12 if confirmed else 0,
    )
    study = Study(
        id="1",
        name=name,
        grid_text="",
        grid_name="quick.toml",
        grid_hash="",
        cluster=Cluster(id="x", label=label, kind="simulated" if simulated else "local", version="4.3.0", nodes=1),
        state="finished",
        strategy="race",
        seed=1,
        created_at="2026-11-23T21:57:00Z",
        finished_at="2026-11-23T22:20:00Z",
    )
    return render_properties(study, outcome, dialect=dialect, scope=scope, client_version=f"{client} 9.9")


def settings_of(text: str) -> dict[str, str]:
    return read_properties(text)


def comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.startswith("#"))


def test_the_header_says_what_was_measured_where_by_whom_and_with_what_result() -> None:
    said = comments(export({PRODUCER: {"linger.ms": 20}}))
    for words in (
        "study quick",
        "1 kB json",
        "acks=all",
        "Kafka 4.3.0",
        "cluster local",
        "1.52x [1.44, 1.61] librdkafka's defaults: faster",
        "12 pairs, 2026-11-23",
        "p99 at the same rate: 1.02x [0.90, 1.10]",
        "measured with librdkafka 9.9; translated for Java, not measured",
    ):
        assert words in said


def test_what_was_measured_with_the_readers_own_client_is_not_called_translated() -> None:
    text = export({PRODUCER: {"linger.ms": 20.5, "batch.num.messages": 7}}, dialect="librdkafka")
    assert "translated" not in text
    assert settings_of(text) == {"linger.ms": "20.5", "batch.num.messages": "7"}


def test_an_unconfirmed_leader_makes_no_claim() -> None:
    said = comments(export({PRODUCER: {"linger.ms": 20}}, confirmed=False))
    assert "not confirmed: the budget ended" in said
    assert "1.52" not in said


def test_a_simulated_broker_is_named_in_the_file() -> None:
    assert "says nothing about Kafka" in export({PRODUCER: {"linger.ms": 20}}, simulated=True)


def test_a_baseline_of_ones_own_is_spelled_out() -> None:
    said = comments(export({PRODUCER: {"linger.ms": 20}}, baseline={PRODUCER: {"acks": "1", "batch.size": 16384}}))
    assert "the baseline (acks=1, batch.size=16384)" in said


def test_defaults_that_differ_are_written_out_for_the_other_client() -> None:
    text = export({PRODUCER: {"linger.ms": 20}})
    written = settings_of(text)
    assert written["linger.ms"] == "20"
    assert written["batch.size"] == "1000000"
    assert written["buffer.memory"] == "1073741824"
    assert written["delivery.timeout.ms"] == "300000"
    assert written["max.request.size"] == "1000000"
    assert "retries" not in written
    assert "acks" not in written
    assert text.index("linger.ms=20") < text.index("left to librdkafka's defaults") < text.index("batch.size=")


def test_javas_defaults_are_written_out_for_librdkafka() -> None:
    written = settings_of(export({PRODUCER: {"buffer.memory": 67108864}}, client="java", dialect="librdkafka"))
    assert written["queue.buffering.max.kbytes"] == "65536"
    assert written["batch.size"] == "16384"
    assert written["enable.idempotence"] == "true"
    assert written["max.in.flight.requests.per.connection"] == "5"
    assert written["message.timeout.ms"] == "120000"
    assert written["partitioner"] == "murmur2_random"


def test_idempotence_goes_along_as_it_was_measured() -> None:
    without = export({PRODUCER: {"linger.ms": 20}})
    assert settings_of(without)["enable.idempotence"] == "false"
    assert settings_of(without)["max.in.flight.requests.per.connection"] == "1000000"
    assert "rules it out" in comments(without)
    measured_with = settings_of(export({PRODUCER: {"enable.idempotence": True}}))
    assert measured_with["enable.idempotence"] == "true"
    assert "max.in.flight.requests.per.connection" not in measured_with
    weak_java = settings_of(export({PRODUCER: {"acks": "1"}}, client="java", dialect="librdkafka"))
    assert weak_java.get("enable.idempotence", "false") == "false"


@pytest.mark.parametrize("settings", [{"acks": "0"}, {"acks": "1"}, {"max.in.flight.requests.per.connection": 6}])
def test_java_is_told_to_leave_idempotence_off_where_it_cannot_be(settings: dict[str, Value]) -> None:
    for client in ("librdkafka", "java"):
        assert settings_of(export({PRODUCER: settings}, client=client))["enable.idempotence"] == "false"


def test_what_java_takes_differently_is_changed_and_said() -> None:
    text = export(
        {PRODUCER: {"linger.ms": 0.5, "message.timeout.ms": 5000, "compression.type": "gzip", "compression.level": 6}}
    )
    written = settings_of(text)
    assert written["linger.ms"] == "1"
    assert written["delivery.timeout.ms"] == "5000"
    assert written["request.timeout.ms"] == "4999"
    assert written["compression.gzip.level"] == "6"
    assert "linger.ms was 0.5" in comments(text)
    assert "request.timeout.ms follows" in comments(text)


def test_what_has_no_counterpart_stays_as_a_comment_with_the_reason() -> None:
    text = export({PRODUCER: {"compression.type": "lz4", "compression.level": 6, "batch.num.messages": 500}})
    assert "batch.num.messages" not in settings_of(text)
    assert not any(name.endswith("level") for name in settings_of(text))
    assert "batch.num.messages=500" in comments(text)
    assert "compression.level=6" in comments(text)


def test_consumers_are_exported_for_either_client() -> None:
    settings: Settings = {CONSUMER: {"fetch.wait.max.ms": 50, "queued.min.messages": 9}}
    java = settings_of(export(settings, scope=CONSUMER))
    assert java["fetch.max.wait.ms"] == "50"
    assert java["isolation.level"] == "read_committed"
    own = settings_of(export(settings, scope=CONSUMER, dialect="librdkafka"))
    assert own == {"fetch.wait.max.ms": "50", "queued.min.messages": "9"}


def test_a_consumer_was_measured_with_librdkafka_whoever_sent() -> None:
    settings: Settings = {CONSUMER: {"fetch.wait.max.ms": 50, "queued.min.messages": 9}}
    own = export(settings, scope=CONSUMER, client="java", dialect="librdkafka")
    assert settings_of(own) == {"fetch.wait.max.ms": "50", "queued.min.messages": "9"}
    assert "measured with librdkafka" in comments(own)
    assert "java 9.9" not in own
    assert "not measured" not in own
    java = export(settings, scope=CONSUMER, client="java")
    assert settings_of(java) == settings_of(export(settings, scope=CONSUMER))
    assert "measured with librdkafka; translated for Java, not measured" in comments(java)
    assert "queued.min.messages=9" in comments(java)


def test_a_topic_comes_with_the_command_that_makes_it() -> None:
    text = export({TOPIC: {"partitions": 12, "replication": 3, "min.insync.replicas": 2}}, scope=TOPIC)
    assert settings_of(text) == {"min.insync.replicas": "2"}
    assert "--partitions 12 --replication-factor 3 --config min.insync.replicas=2" in comments(text)


def test_a_broker_comes_with_the_command_for_what_needs_no_restart_and_a_fragment_for_what_does() -> None:
    settings: Settings = {
        Scope.BROKER: {"num.io.threads": 16},
        Scope.BROKER_STATIC: {"socket.send.buffer.bytes": 1048576},
    }
    text = export(settings, scope=Scope.BROKER)
    assert settings_of(text) == {"num.io.threads": "16", "socket.send.buffer.bytes": "1048576"}
    assert "--entity-type brokers --entity-default --add-config num.io.threads=16" in comments(text)
    assert "a broker with an override of its own keeps it" in comments(text)
    assert "--entity-type brokers --entity-name BROKER_ID --add-config num.io.threads=16" in comments(text)
    assert "server.properties" in comments(text)
    assert settings_of(export(settings, scope=Scope.BROKER_STATIC)) == {"socket.send.buffer.bytes": "1048576"}


@pytest.mark.parametrize("scope", list(Scope))
def test_a_scope_without_settings_says_so(scope: Scope) -> None:
    text = export({}, scope=scope, dialect="librdkafka")
    assert settings_of(text) == {}
    assert "defaults" in comments(text) or "as they are" in comments(text) or "a new topic" in comments(text)


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_name_of_a_study_or_cluster_becomes_a_setting(name: str, label: str) -> None:
    text = export({PRODUCER: {"linger.ms": 20}}, dialect="librdkafka", name=name, label=label)
    assert settings_of(text) == {"linger.ms": "20"}
    assert all(line.startswith("#") or line in ("", "linger.ms=20") for line in text.splitlines())


@pytest.mark.parametrize(
    "name", ["sasl.password", "ssl.key.password", "plugin.library.paths", "bootstrap.servers", "anything.at.all"]
)
@pytest.mark.parametrize("scope", list(Scope))
def test_only_the_catalogue_is_ever_written(name: str, scope: Scope) -> None:
    for dialect in ("java", "librdkafka"):
        text = export({scope: {name: "geheim"}}, scope=scope, dialect=dialect)
        assert "geheim" not in text
        assert name not in text


CLIENT_PROPERTIES = [prop for prop in catalogue.all_properties() if prop.scope in (PRODUCER, CONSUMER)]


@pytest.mark.parametrize("prop", CLIENT_PROPERTIES, ids=lambda prop: f"{prop.scope.value}:{prop.name}")
def test_every_property_is_either_written_or_explained(prop: catalogue.Property) -> None:
    names: dict[Client, str | None] = {"librdkafka": prop.librdkafka, "java": prop.java}
    for client, own in names.items():
        value = prop.choices[-1] if prop.choices else prop.default(client)
        if own is None or value is None:
            continue
        for dialect in ("java", "librdkafka"):
            text = export({prop.scope: {prop.name: value}}, client=client, dialect=dialect, scope=prop.scope)
            kept, dropped = translate(prop.scope, {prop.name: value}, dialect)
            for name in kept:
                other = catalogue.find(prop.scope, name)
                assert other is not None
                assert (other.java if dialect == "java" else other.librdkafka) in settings_of(text)
            assert [name for name in dropped if f"# {name}=" not in text] == []
            assert kept or dropped


def test_a_file_is_written_whole_and_for_this_person_only(tmp_path: Path) -> None:
    file = tmp_path / "producer.properties"
    write_properties(file, "linger.ms=20\n", force=False)
    assert file.read_text() == "linger.ms=20\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_an_existing_file_is_kept_unless_told(tmp_path: Path) -> None:
    file = tmp_path / "producer.properties"
    file.write_text("mine")
    with pytest.raises(ExportError, match="exists") as refused:
        write_properties(file, "linger.ms=20\n", force=False)
    assert "--force" in refused.value.hint
    assert file.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [file]
    write_properties(file, "linger.ms=20\n", force=True)
    assert file.read_text() == "linger.ms=20\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    for place in (tmp_path / "nowhere" / "a.properties", tmp_path):
        with pytest.raises(ExportError, match=str(place)):
            write_properties(place, "linger.ms=20\n", force=True)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_behind_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExportError, match="No space left"):
        write_properties(tmp_path / "a.properties", "linger.ms=20\n", force=False)
    assert list(tmp_path.iterdir()) == []
