"""What makes two trials the same measurement: what changes a figure changes a hash, and nothing else does."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ingestune_tui.model.workload import Limits, Timings, Workload
from ingestune_tui.tuning import identity
from ingestune_tui.tuning.cluster import ClusterChoice, _identity
from ingestune_tui.tuning.identity import env_hash, method_hash
from tests.unit.store_values import CLUSTER


def method(workload: dict[str, Any], timings: dict[str, Any], limits: dict[str, Any], payload: str = "json") -> str:
    return method_hash(Workload(**workload), Timings(**timings), Limits(**limits), payload)


@pytest.mark.parametrize(
    ("workload", "timings", "limits"),
    [
        ({"client": "java"}, {}, {}),
        ({"message_bytes": 999}, {}, {}),
        ({"keys": "uniform:5"}, {}, {}),
        ({"partitions": 7}, {}, {}),
        ({"replication": 3}, {}, {}),
        ({"producers": 2}, {}, {}),
        ({"consumers": 1}, {}, {}),
        ({}, {"warmup_s": 4.0}, {}),
        ({}, {"saturated_s": 4.0}, {}),
        ({}, {"paced_s": 0.0}, {}),
        ({}, {}, {"bytes_per_trial": 5}),
        ({}, {}, {"bytes_per_s": 5}),
    ],
)
def test_another_way_of_measuring_is_another_method(
    workload: dict[str, Any], timings: dict[str, Any], limits: dict[str, Any]
) -> None:
    assert method(workload, timings, limits) != method({}, {}, {})


def test_the_content_counts_and_not_its_name() -> None:
    assert method({}, {}, {}, "random") != method({}, {}, {})
    assert method({"payload": "file:a.txt"}, {}, {}, "file:abc") == method(
        {"payload": "file:b.txt"}, {}, {}, "file:abc"
    )


def test_what_changes_no_figure_is_the_same_method() -> None:
    assert method({}, {"warmup_s": 3}, {"bytes_on_disk": 5}) == method({}, {}, {})


def test_another_generator_is_another_method(monkeypatch: pytest.MonkeyPatch) -> None:
    before = method({}, {}, {})
    monkeypatch.setattr(identity, "METHOD_VERSION", 999)
    assert method({}, {}, {}) != before


@pytest.mark.parametrize("field", ["id", "kind", "version", "nodes", "security_protocol"])
def test_another_cluster_is_another_environment(field: str) -> None:
    value = 5 if field == "nodes" else "local"
    other = msgspec.structs.replace(CLUSTER, **{field: value})
    assert env_hash(other, {}, "host", "2.16") != env_hash(CLUSTER, {}, "host", "2.16")


def test_another_round_trip_is_another_environment() -> None:
    """A simulated cluster has no id of its own that would tell them apart."""

    def env(round_trip_ms: int) -> str:
        choice = ClusterChoice("simulated", round_trip_ms=round_trip_ms)
        known = _identity(choice, "mock", "2.16", 1)
        return env_hash(msgspec.structs.replace(CLUSTER, id=known), {}, "host", "2.16")

    assert len({env(0), env(20), env(50)}) == 3


def test_broker_settings_host_and_client_are_part_of_the_environment_and_the_address_is_not() -> None:
    here = env_hash(CLUSTER, {"num.io.threads": "8", "a": "1"}, "host", "2.16")
    assert here == env_hash(CLUSTER, {"a": "1", "num.io.threads": "8"}, "host", "2.16")
    assert here == env_hash(
        msgspec.structs.replace(CLUSTER, label="alias:9092"), {"num.io.threads": "8", "a": "1"}, "host", "2.16"
    )
    others = [
        env_hash(CLUSTER, {"num.io.threads": "4", "a": "1"}, "host", "2.16"),
        env_hash(CLUSTER, {"num.io.threads": "8", "a": "1"}, "elsewhere", "2.16"),
        env_hash(CLUSTER, {"num.io.threads": "8", "a": "1"}, "host", "2.17"),
    ]
    assert here not in others
    assert len(set(others)) == 3
