"""A grid of static broker settings on a local Kafka of its own: restarts, throw-aways, and a value it will not take."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.kafka.dynamic_config import ConfigAdmin
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.study import Cluster
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.broker_settings import BrokerSettings, SettingsRefused
from ingestune_tui.tuning.cluster import OpenCluster
from tests.integration.command import BRIEF, Command, events
from tests.integration.conftest import kafka_or_skip

pytestmark = pytest.mark.kafka

STATIC = (
    BRIEF.replace('"linger.ms" = [5, 50]\n', "")
    + """
[broker.static]
"queued.max.requests" = [500, 1]
"""
)


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    made = Command(tmp_path)
    yield made
    made.end_all()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_static_study_restarts_throws_away_and_says_what_it_found(command: Command, tmp_path: Path) -> None:
    with kafka_or_skip():
        grid = tmp_path / "static.toml"
        grid.write_text(STATIC)
        done = command("run", str(grid), "--cluster", "local", "--json", timeout_s=380)
    assert done.returncode == 0, done.stderr
    trials = [event for event in events(done.stdout) if event["event"] == "trial_finished"]
    assert {each["state"] for each in trials} == {"done"}
    counted = [each for each in trials if each["role"] == "search" and not each["discarded"]]
    assert {queue_of(each) for each in counted} == {1, 500}
    pairs = [each for each in trials if each["role"] == "confirm" and not each["discarded"]]
    assert "".join("A" if each["baseline"] else "B" for each in pairs) == "ABBABAAB"
    assert [queue_of(each) == 500 for each in pairs] == [each["baseline"] for each in pairs]
    fresh = [each["discarded"] for each in trials if each["role"] != "preflight"]
    restarted = [queue_of(now) != queue_of(before) for before, now in pairwise(trials) if now["role"] != "preflight"]
    assert fresh == restarted, "what comes first after a restart is thrown away, and nothing else"
    (finished,) = [event for event in events(done.stdout) if event["event"] == "study_finished"]
    (outcome,) = finished["outcomes"]
    assert outcome["verdict"] in ("faster", "slower", "no measurable difference", "unstable")
    assert outcome["low"] <= outcome["ratio"] <= outcome["high"]
    assert any(effect["parameter"] == "broker.static queued.max.requests" for effect in outcome["effects"])

    kept = outcome["winner"].get("broker.static", {})
    fragment = command("export", "static", "--scope", "broker").stdout.splitlines()
    assert [line for line in fragment if line and not line.startswith("#")] == [f"{k}={v}" for k, v in kept.items()]
    assert any("server.properties: takes effect with a restart" in line for line in fragment) is bool(kept)


def queue_of(trial: dict[str, Any]) -> int:
    """What the brokers ran with."""
    return int(trial["configuration"].get("broker.static", {}).get("queued.max.requests", 500))


@pytest.mark.slow
async def test_a_broker_that_refuses_to_start_says_why_and_runs_on_with_what_it_had(tmp_path: Path) -> None:
    def queue(least: dict[str, Value]) -> Configuration:
        return Configuration.of({Scope.BROKER_STATIC: least})

    with kafka_or_skip():
        async with (
            LocalKafka() as kafka,
            ConfigAdmin(kafka.connection) as admin,
            await Store.open(tmp_path / "results.db") as store,
        ):
            info = Cluster(id="test", label="local", kind="local", version=kafka.version, nodes=1)
            cluster = OpenCluster(info, kafka.connection, admin, 1.0, (1,), kafka)
            brokers = BrokerSettings(cluster, store, "study", lambda _: None)
            async with brokers.applied(queue({"queued.max.requests": 7})):
                now = (await admin.describe_broker_configs(1))["queued.max.requests"]
                assert (now.value, now.source) == ("7", "STATIC_BROKER_CONFIG")
            with pytest.raises(SettingsRefused, match=r"queued\.max\.request\.bytes must be larger"):
                async with brokers.applied(queue({"queued.max.request.bytes": 1000})):
                    raise AssertionError("not reached")
            assert (await admin.describe_broker_configs(1))["queued.max.requests"].value == "7"
            assert not brokers.needs_restart(queue({"queued.max.requests": 7}))
            assert not brokers.needs_restart(queue({"queued.max.request.bytes": 1000})), "it is not tried again"


def test_static_settings_of_somebody_elses_brokers_are_refused_with_the_dynamic_way_named(
    command: Command, tmp_path: Path
) -> None:
    grid = tmp_path / "static.toml"
    grid.write_text(STATIC)
    done = command("run", str(grid), "-b", "127.0.0.1:1", "--allow-broker-changes", "--yes")
    assert done.returncode == 2
    assert "not ours to restart" in done.stderr
    assert "[broker]" in done.stderr


def test_changing_somebody_elses_brokers_needs_to_be_allowed(command: Command, tmp_path: Path) -> None:
    grid = tmp_path / "broker.toml"
    grid.write_text("[broker]\n'num.io.threads' = [8, 16]\n")
    done = command("run", str(grid), "-b", "127.0.0.1:1", "--yes")
    assert done.returncode == 2
    assert "--allow-broker-changes" in done.stderr
