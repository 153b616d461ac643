"""compose.yaml holds together, as far as that can be told without Docker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ingestune_tui.kafka.jars import KAFKA_VERSION

COMPOSE = Path(__file__).parents[2] / "compose.yaml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def test_there_are_three_brokers_and_a_database(services: dict[str, Any]) -> None:
    assert sorted(services) == ["kafka1", "kafka2", "kafka3", "postgres"]


def test_the_brokers_are_of_the_version_that_the_tests_run(services: dict[str, Any]) -> None:
    images = {each["image"] for name, each in services.items() if name.startswith("kafka")}
    assert images == {f"apache/kafka:{KAFKA_VERSION}"}
    assert services["postgres"]["image"] == "postgres:18"


def test_every_service_has_a_health_check(services: dict[str, Any]) -> None:
    for service in services.values():
        assert service["healthcheck"]["test"][0] == "CMD-SHELL"
        assert service["healthcheck"]["retries"] >= 10


def test_every_broker_advertises_the_port_that_it_publishes(services: dict[str, Any]) -> None:
    ids = set()
    for name in ("kafka1", "kafka2", "kafka3"):
        service = services[name]
        environment = service["environment"]
        (published,) = service["ports"]
        host, outer, inner = published.split(":")
        ids.add(environment["KAFKA_NODE_ID"])
        assert host == "127.0.0.1"
        assert outer == inner
        assert f"OUTSIDE://localhost:{outer}" in environment["KAFKA_ADVERTISED_LISTENERS"]
        assert f"OUTSIDE://:{inner}" in environment["KAFKA_LISTENERS"]
        assert f"{environment['KAFKA_NODE_ID']}@{name}:9093" in environment["KAFKA_CONTROLLER_QUORUM_VOTERS"]
        assert environment["CLUSTER_ID"] == services["kafka1"]["environment"]["CLUSTER_ID"]
    assert ids == {1, 2, 3}


def test_a_deleted_topic_leaves_the_disk_soon(services: dict[str, Any]) -> None:
    assert services["kafka1"]["environment"]["KAFKA_LOG_SEGMENT_DELETE_DELAY_MS"] == 1000


def test_the_documented_address_of_the_database_fits(services: dict[str, Any]) -> None:
    environment = services["postgres"]["environment"]
    address = (
        f"postgresql://{environment['POSTGRES_USER']}:{environment['POSTGRES_PASSWORD']}"
        f"@localhost:5432/{environment['POSTGRES_DB']}"
    )
    assert address in COMPOSE.read_text()
