"""Nothing from outside is set on a client, topic or broker unless the catalogue knows it."""

from __future__ import annotations

import pytest

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.storage.allowlist import allowed, why_not_allowed


def only(scope: Scope, name: str, value: Value) -> Configuration:
    return Configuration.of({scope: {name: value}})


@pytest.mark.parametrize(
    ("scope", "name", "value"),
    [
        (Scope.PRODUCER, "linger.ms", 5),
        (Scope.PRODUCER, "linger.ms", 0.5),
        (Scope.PRODUCER, "compression.type", "zstd"),
        (Scope.TOPIC, "partitions", 24),
        (Scope.TOPIC, "min.insync.replicas", 2),
        (Scope.BROKER, "num.io.threads", 16),
        (Scope.BROKER_STATIC, "socket.send.buffer.bytes", 1_048_576),
        (Scope.CONSUMER, "fetch.min.bytes", 65_536),
    ],
)
def test_what_a_grid_may_set_is_allowed(scope: Scope, name: str, value: Value) -> None:
    assert why_not_allowed(only(scope, name, value)) == ""


@pytest.mark.parametrize(
    ("scope", "name", "value"),
    [
        (Scope.PRODUCER, "plugin.library.paths", "/tmp/evil.so"),
        (Scope.PRODUCER, "sasl.kerberos.kinit.cmd", "rm -rf ~"),
        (Scope.PRODUCER, "ssl.key.password", "x"),
        (Scope.PRODUCER, "linger.ms", "5ms"),
        (Scope.PRODUCER, "linger.ms", -1),
        (Scope.PRODUCER, "linger.ms", float("nan")),
        (Scope.PRODUCER, "linger.ms", True),
        (Scope.PRODUCER, "compression.type", "rar"),
        (Scope.PRODUCER, "enable.idempotence", "true"),
        (Scope.TOPIC, "partitions", 0),
        (Scope.TOPIC, "partitions", "6"),
        (Scope.TOPIC, "linger.ms", 5),
    ],
)
def test_anything_else_is_named_and_refused(scope: Scope, name: str, value: Value) -> None:
    configuration = only(scope, name, value)
    assert not allowed(configuration)
    assert name in why_not_allowed(configuration)


def test_nothing_set_is_allowed() -> None:
    assert allowed(Configuration())
