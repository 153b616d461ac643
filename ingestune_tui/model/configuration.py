"""One point of a grid: every setting that is not left to its default, by scope. Frozen, ordered, hashable.

Its canonical text is what the cache compares: the same settings give the same hash on every machine. A study has
thousands, which hold no cycle: `gc=False` spares the garbage collector looking through them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from ingestune_tui.catalogue.catalogue import Scope, Value

Settings = Mapping[Scope, Mapping[str, Value]]
_SCOPES: Final = tuple(Scope)


class Setting(msgspec.Struct, frozen=True, order=False, gc=False):
    """One property and its value."""

    scope: Scope
    name: str
    """Canonical: librdkafka's for clients, Kafka's for topics and brokers."""
    value: Value


class Configuration(msgspec.Struct, frozen=True, gc=False):
    """Settings in scope order, then by name. Build it with `Configuration.of`."""

    settings: tuple[Setting, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> Configuration:
        """From a mapping of scope to name to value."""
        return cls(
            tuple(
                Setting(scope, name, settings[scope][name])
                for scope in _SCOPES
                if scope in settings
                for name in sorted(settings[scope])
            )
        )

    def __iter__(self) -> Iterator[Setting]:
        return iter(self.settings)

    def scope(self, scope: Scope) -> dict[str, Value]:
        """Name to value in one scope."""
        return {item.name: item.value for item in self.settings if item.scope is scope}

    def by_scope(self) -> dict[Scope, dict[str, Value]]:
        """All settings, by scope; scopes without any are left out."""
        return {scope: named for scope in Scope if (named := self.scope(scope))}

    def as_dict(self) -> dict[str, dict[str, Value]]:
        """The shape of `--json`: scope to name to value."""
        return {str(scope.value): named for scope, named in self.by_scope().items()}

    def get(self, scope: Scope, name: str) -> Value | None:
        """The value of one setting, or None where it is left to its default."""
        return next((item.value for item in self.settings if item.scope is scope and item.name == name), None)

    def differences(self, other: Configuration) -> list[tuple[Scope, str, Value | None, Value | None]]:
        """(scope, name, value here, value in `other`) wherever the two differ; None is the default."""
        here = {(item.scope, item.name): item.value for item in self.settings}
        there = {(item.scope, item.name): item.value for item in other.settings}
        keys = [*here, *(key for key in there if key not in here)]
        return [(*key, here.get(key), there.get(key)) for key in keys if here.get(key) != there.get(key)]

    @property
    def hash(self) -> str:
        """sha256 of the canonical text, in hex."""
        return canonical_hash(self.as_dict())


def settings_of(items: Iterable[Setting]) -> dict[Scope, dict[str, Value]]:
    """Settings as a mapping of scope to name to value."""
    result: dict[Scope, dict[str, Value]] = {}
    for item in items:
        result.setdefault(item.scope, {})[item.name] = item.value
    return result


def canonical_hash(value: object) -> str:
    """sha256 over the JSON of `value` with sorted keys; 1 and 1.0 are the same number."""

    def plain(item: object) -> object:
        if isinstance(item, Mapping):
            return {str(key): plain(each) for key, each in item.items()}
        if isinstance(item, (list, tuple)):
            return [plain(each) for each in item]
        if isinstance(item, float) and item.is_integer():
            return int(item)
        return item

    return hashlib.sha256(msgspec.json.encode(plain(value), order="sorted")).hexdigest()
