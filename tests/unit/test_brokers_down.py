"""A client whose brokers go away and come back: gone is what stays away, whatever the client does meanwhile.

Each client has a broker inside itself, librdkafka's own mock, which these tests take down and up again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from ctypes import CDLL, c_int, c_int32, c_void_p

import msgspec
import pytest
from confluent_kafka import cimpl

from ingestune_tui.bench import handle
from ingestune_tui.bench.client import Client
from ingestune_tui.bench.failure import LoadFailed
from ingestune_tui.bench.handle import Handle
from ingestune_tui.bench.reader import Reader
from ingestune_tui.bench.statistics import parse

PATIENCE_S = 10.0
CONFIG = {"test.mock.num.brokers": "1", "reconnect.backoff.ms": "10", "reconnect.backoff.max.ms": "50"}


class MockBroker:
    """The one broker inside a client."""

    def __init__(self, client: Handle) -> None:
        library = CDLL(cimpl.__file__)
        self._down, self._up = library.rd_kafka_mock_broker_set_down, library.rd_kafka_mock_broker_set_up
        for function in (self._down, self._up):
            function.restype, function.argtypes = c_int, [c_void_p, c_int32]
        find = library.rd_kafka_handle_mock_cluster
        find.restype, find.argtypes = c_void_p, [c_void_p]
        self._cluster = find(client._handle)

    def leave(self) -> None:
        assert self._down(self._cluster, 1) == 0

    def come_back(self) -> None:
        assert self._up(self._cluster, 1) == 0


def gone(client: Handle, *, now: bool) -> bool:
    """Whether the client tells that its cluster is gone: has no broker `now`, or had none for GONE_S."""
    client.serve(20)
    try:
        client.check_gone(now=now)
    except LoadFailed as failure:
        return failure.broker_gone
    return False


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "it did not come true in time"


@pytest.fixture(params=["producer", "consumer"])
def client(request: pytest.FixtureRequest) -> Handle:
    return Client(CONFIG, "t") if request.param == "producer" else Reader(CONFIG, "t", [0])


def test_an_idle_client_forgets_that_all_brokers_were_down_once_one_is_back(client: Handle) -> None:
    broker = MockBroker(client)
    broker.leave()
    wait_until(lambda: gone(client, now=True))
    broker.come_back()
    wait_until(lambda: not gone(client, now=True))


def test_a_client_that_needs_no_broker_for_a_while_has_not_lost_them(client: Handle) -> None:
    """Brokers and clients close lines that nobody uses; librdkafka then waits until somebody does."""
    wait_until(lambda: not gone(client, now=True))
    for states, is_gone in [(("INIT", "INIT"), False), (("INIT", "TRY_CONNECT"), True), (("INIT", "UP"), False)]:
        brokers = {str(number): {"state": state} for number, state in enumerate(states)}
        client._keep_statistics(parse(msgspec.json.encode({"brokers": brokers})))
        try:
            client.check_gone(now=True)
        except LoadFailed:
            assert is_gone
        else:
            assert not is_gone


def test_brokers_that_stay_away_are_told_as_gone(client: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = MockBroker(client)
    broker.leave()
    monkeypatch.setattr(handle, "GONE_S", 1.0)
    wait_until(lambda: gone(client, now=False))
    broker.come_back()
