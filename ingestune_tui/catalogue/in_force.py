"""Settings with their defaults filled in: what a client and its brokers would really use. Pure; for this room only."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Scope, Value

Settings = Mapping[Scope, Mapping[str, Value]]
_BROKER = (Scope.BROKER, Scope.BROKER_STATIC)
_STANDS_IN = {scope: _BROKER if scope in _BROKER else (scope,) for scope in Scope}


@functools.cache
def _default(scope: Scope, name: str, client: str) -> Value | None:
    """Kept, because every rule asks for it, for each of thousands of cells."""
    prop = next((found for each in _STANDS_IN[scope] if (found := catalogue.find(each, name))), None)
    return prop.default(catalogue.client_of(scope, client)) if prop else None


class InForce:
    """Canonical settings by scope, seen through the client that sends; librdkafka always reads."""

    def __init__(self, settings: Settings, client: str) -> None:
        self.settings = settings
        self.client = client

    @property
    def java(self) -> bool:
        return self.client == "java"

    def set(self, scope: Scope, name: str) -> bool:
        """Whether it is set, and not left to its default."""
        return name in self.settings.get(scope, {})

    def value(self, scope: Scope, name: str) -> Value | None:
        """What is in force; None where the system decides. A broker setting may stand in either broker scope."""
        for each in _STANDS_IN[scope]:
            named = self.settings.get(each)
            if named is not None and name in named:
                return named[name]
        return _default(scope, name, self.client)

    def number(self, scope: Scope, name: str) -> float:
        """As `value`, for numbers; 0 where there is none."""
        value = self.value(scope, name)
        return value if isinstance(value, (int, float)) else 0

    @property
    def codec(self) -> str:
        """The producer's."""
        return str(self.value(Scope.PRODUCER, "compression.type"))

    @property
    def largest_batch(self) -> float:
        """What one batch may measure on the topic: its own limit, else the brokers'."""
        if self.set(Scope.TOPIC, "max.message.bytes"):
            return self.number(Scope.TOPIC, "max.message.bytes")
        return self.number(Scope.BROKER, "message.max.bytes")

    @property
    def idempotent(self) -> bool:
        """In force: Java switches its own default off where acks or retries contradict it."""
        wanted = bool(self.value(Scope.PRODUCER, "enable.idempotence"))
        if self.set(Scope.PRODUCER, "enable.idempotence"):
            return wanted
        return wanted and self.value(Scope.PRODUCER, "acks") == "all" and self.number(Scope.PRODUCER, "retries") > 0
