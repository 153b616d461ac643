"""Real brokers for the integration tests: one Apache Kafka for the whole session, held on a loop of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from ingestune_tui.errors import LocalBrokerError
from ingestune_tui.kafka.jars import KafkaRuntime, jars_folder, kafka_runtime
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.kafka.simulated import SimulatedKafka
from tests.integration.postgres_fixture import postgres, postgres_server

__all__ = ["postgres", "postgres_server"]
T = TypeVar("T")
_PATIENCE_S = 180.0
_STUDIES = {"test_app_journey", "test_own_cluster_dies", "test_static_study", "test_terminals"}
"""Long ones, which would else keep one worker busy after all others."""
_DOWNLOAD_S = 900.0
"""For Kafka's jars over whatever line there is: once, and apart from what a test itself may take."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The shared broker's tests on one worker, in order; those that start servers of their own on two others.

    Where the jars are not here yet, any test that needs them may be the one whose set-up downloads them.
    """
    here = Path(__file__).parent
    jars_are_here = jars_folder().is_dir()
    for item in items:
        if here in item.path.parents:
            shared = "local_broker" in getattr(item, "fixturenames", ())
            own = "studies of their own" if item.path.stem in _STUDIES else "servers of their own"
            item.add_marker(pytest.mark.xdist_group("the shared broker" if shared else own))
            if not jars_are_here and item.get_closest_marker("kafka"):
                item.add_marker(pytest.mark.timeout(_DOWNLOAD_S + _PATIENCE_S), append=False)


@contextmanager
def held_on_a_loop(manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Enter an async context on a thread's loop, and leave it there: it outlives the loops of single tests."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="brokers")
    thread.start()
    try:
        value = asyncio.run_coroutine_threadsafe(manager.__aenter__(), loop).result(_PATIENCE_S)
        try:
            yield value
        finally:
            leaving = manager.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(_awaited(leaving), loop).result(_PATIENCE_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _awaited(leaving: object) -> None:
    await leaving  # type: ignore[misc]


@contextmanager
def kafka_or_skip() -> Iterator[None]:
    """Skip what is inside where Kafka's jars or Java cannot be had; with CI=true that fails instead."""
    try:
        yield
    except LocalBrokerError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no local Kafka here: {error.what}")


@pytest.fixture(scope="session")
def kafka_jars() -> KafkaRuntime:
    """Kafka's jars are here: downloaded on the first use on this machine, before any patience with a broker begins."""
    with kafka_or_skip():
        return asyncio.run(asyncio.wait_for(kafka_runtime(), _DOWNLOAD_S))
    raise AssertionError("neither had nor skipped")


@pytest.fixture(scope="session")
def local_broker(kafka_jars: None) -> Iterator[LocalKafka]:
    """The running local Kafka itself, for tests that look at its disk."""
    with kafka_or_skip():
        held = held_on_a_loop(LocalKafka())
        kafka = held.__enter__()
    try:
        yield kafka
    finally:
        held.__exit__(None, None, None)


@pytest.fixture(scope="session")
def local_kafka(local_broker: LocalKafka) -> str:
    """The bootstrap address of a real, running Apache Kafka of one node."""
    return local_broker.bootstrap


@pytest.fixture
async def simulated_kafka() -> AsyncIterator[SimulatedKafka]:
    """librdkafka's mock of one broker, in a process of its own."""
    async with SimulatedKafka() as kafka:
        yield kafka
