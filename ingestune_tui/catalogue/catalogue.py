"""Every property that can be tuned, read once from properties.toml: the allowlist of the whole program. Pure.

Names are canonical (librdkafka's for clients, Kafka's for topics and brokers); either dialect's name finds a property.
Values are checked here and nowhere else.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import tomli

from ingestune_tui.units import format_bytes, parse_bytes, parse_seconds, three_digits

Value = int | float | bool | str
Kind = Literal["int", "float", "bool", "string"]
Level = Literal["", "cluster-wide", "per-broker"]
"""Kafka's words: `cluster-wide` is one value for all brokers, or one of a broker's own; `per-broker` only that."""
MAX_TEXT = 200


class Scope(StrEnum):
    """Where a property is set."""

    PRODUCER = "producer"
    CONSUMER = "consumer"
    TOPIC = "topic"
    BROKER = "broker"
    BROKER_STATIC = "broker.static"


CLIENT_SCOPES = (Scope.PRODUCER, Scope.CONSUMER)
Client = Literal["librdkafka", "java"]
UNSET_IN_JAVA = frozenset({"socket.send.buffer.bytes", "socket.receive.buffer.bytes", "connections.max.idle.ms"})
"""Client properties that leave the choice to the system with 0 in librdkafka and with -1 in Java. 0 is canonical."""


@dataclass(frozen=True, slots=True)
class Property:
    """One property that can be tuned."""

    name: str
    """Canonical."""
    scope: Scope
    librdkafka: str | None
    """Its name in librdkafka; None where it has none. Of topics and brokers always None."""
    java: str | None
    """Its name in Kafka's own clients, topics and brokers; None where it has none."""
    aliases: tuple[str, ...]
    """Other names that are understood."""
    kind: Kind
    unit: str
    """`ms`, `bytes`, `kbytes`, `messages`, ...; empty where there is none."""
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    """The only values of a string; empty where any will do."""
    default_librdkafka: Value | None
    default_java: Value | None
    """Of topics and brokers, Kafka's default."""
    meaning: str
    """What it does, in a sentence or two."""
    durability: str
    """What it does to acknowledged messages; empty where nothing."""
    level: Level
    """At which a broker takes it without a restart; empty where it needs one, and outside of brokers."""
    constraints: str
    """What it does not go with; empty where it goes with anything."""

    @property
    def dynamic(self) -> bool:
        """Whether a broker takes it without a restart."""
        return bool(self.level)

    @property
    def ordered(self) -> bool:
        """Whether neighbouring values are alike: numbers are, words are not."""
        return self.kind != "string"

    def default(self, client: str) -> Value | None:
        """What is in force when nothing is set; None where the system or the broker decides."""
        if self.scope in CLIENT_SCOPES and client == "librdkafka":
            return self.default_librdkafka
        return self.default_java


def client_of(scope: Scope, client: str) -> Client:
    """The client whose names and defaults hold in this scope, where `client` sends: librdkafka always reads."""
    return "java" if client == "java" and scope is not Scope.CONSUMER else "librdkafka"


@functools.cache
def _table() -> Mapping[Scope, Mapping[str, Property]]:
    """Scope to canonical name to property. Reading it takes about 5 ms, so it happens at the first question."""
    text = Path(__file__).with_name("properties.toml").read_text(encoding="utf-8")
    table: dict[Scope, dict[str, Property]] = {scope: {} for scope in Scope}
    for row in tomli.loads(text)["property"]:
        prop = _property(row)
        table[prop.scope][prop.name] = prop
    for name, prop in table[Scope.BROKER].items():
        table[Scope.BROKER_STATIC][name] = replace(prop, scope=Scope.BROKER_STATIC)
    return table


def _property(row: Mapping[str, Any]) -> Property:
    return Property(
        name=row["name"],
        scope=Scope(row["scope"]),
        librdkafka=row.get("librdkafka"),
        java=row.get("java"),
        aliases=tuple(row.get("aliases", ())),
        kind=row["kind"],
        unit=row.get("unit", ""),
        low=row.get("low"),
        high=row.get("high"),
        choices=tuple(row.get("choices", ())),
        default_librdkafka=row.get("default_librdkafka"),
        default_java=row.get("default_java"),
        meaning=row["meaning"],
        durability=row.get("durability", ""),
        level=row.get("level", ""),
        constraints=row.get("constraints", ""),
    )


@functools.cache
def _names() -> Mapping[tuple[Scope, str], Property]:
    """Every name under which a property is found. A canonical name wins over another one's alias."""
    found: dict[tuple[Scope, str], Property] = {}
    for scope, named in _table().items():
        for prop in named.values():
            for name in (prop.librdkafka, prop.java, *prop.aliases):
                if name is not None:
                    found.setdefault((scope, name), prop)
    for scope, named in _table().items():
        found.update({(scope, name): prop for name, prop in named.items()})
    return found


def find(scope: Scope, name: str) -> Property | None:
    """The property, by either dialect's name. A dynamic broker property is found among the static ones too."""
    return _names().get((scope, name))


def all_properties() -> tuple[Property, ...]:
    """Every property, by scope in the order of the data file; a dynamic broker property once."""
    return tuple(
        prop
        for scope, named in _table().items()
        for prop in named.values()
        if not (scope is Scope.BROKER_STATIC and prop.dynamic)
    )


def nearest(scope: Scope, name: str) -> str | None:
    """A hint for a name that is not there: where else it lives, or what was probably meant."""
    import difflib  # 5 ms that only a wrong name costs

    elsewhere = [other for other in Scope if other is not scope and find(other, name)]
    elsewhere.sort(key=lambda other: other.value.partition(".")[0] != scope.value.partition(".")[0])  # a broker's first
    if elsewhere:
        return f"it belongs to [{elsewhere[0].value}]"
    known = [known for known_scope, known in _names() if known_scope is scope]
    close = difflib.get_close_matches(name[:100], known, 1, 0.6)
    return f"did you mean {close[0]}?" if close else None


def parse_value(prop: Property, raw: object) -> Value:
    """A value as a person or a file gives it, checked. Raises ValueError with one sentence that names the range."""
    if isinstance(raw, str) and len(raw) > MAX_TEXT:
        raise ValueError(f"the value is longer than {MAX_TEXT} characters")
    match prop.kind:
        case "bool":
            return _parse_bool(raw)
        case "string":
            return _parse_choice(prop, raw)
        case _:
            return _parse_number(prop, raw)


def _parse_bool(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.strip().lower() in ("true", "false"):
        return raw.strip().lower() == "true"
    raise ValueError("this is true or false")


def _parse_choice(prop: Property, raw: object) -> str:
    whole = isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < 1000
    text = str(raw).strip() if whole or isinstance(raw, str) else ""
    if prop.name == "acks" and text == "-1":
        return "all"
    if text in prop.choices:
        return text
    given = f"{text[:60]!r} is not" if text else "this is not"
    raise ValueError(f"{given} one of {', '.join(prop.choices)}")


def _parse_number(prop: Property, raw: object) -> int | float:
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise ValueError(f"this is a number, {_range(prop)}")
    number = _with_unit(prop, raw) if isinstance(raw, str) else raw
    if abs(number) > 2**63:  # infinity, too
        raise ValueError(f"out of range: {_range(prop)}")
    if math.isnan(number):
        raise ValueError(f"this is a number, {_range(prop)}")
    if number == -1 and prop.name in UNSET_IN_JAVA and prop.scope in CLIENT_SCOPES:
        number = 0
    if prop.kind == "int":
        if number != int(number):
            raise ValueError(f"this is a whole number, {_range(prop)}")
        number = int(number)
    if (prop.low is not None and number < prop.low) or (prop.high is not None and number > prop.high):
        raise ValueError(f"{raw} is out of range: {_range(prop)}")
    return number if prop.kind == "int" else _plain(float(number))


def _with_unit(prop: Property, text: str) -> float:
    """A number in the property's own unit."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        pass
    match prop.unit:
        case "bytes":
            return parse_bytes(text)
        case "kbytes":
            size = parse_bytes(text)
            if size % 1024:
                raise ValueError("this is counted in KiB, so give a multiple of 1KiB")
            return size // 1024
        case "ms":
            return round(parse_seconds(text) * 1000, 6)
    raise ValueError(f"{text!r} is not a number, {_range(prop)}")


def _plain(number: float) -> int | float:
    """5.0 and 5 are one value."""
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _range(prop: Property) -> str:
    def end(value: float | None) -> str:
        if value is None:
            return "any"
        return f"{int(value)}" if float(value).is_integer() and abs(value) < 1e18 else f"{value:g}"

    unit = f" {prop.unit}" if prop.unit else ""
    if prop.high is not None and prop.high >= 2**62:
        return f"at least {end(prop.low)}{unit}"
    return f"from {end(prop.low)} to {end(prop.high)}{unit}"


def value_range(prop: Property) -> str:
    """What values it takes, for a person."""
    if prop.kind == "bool":
        return "true or false"
    return ", ".join(prop.choices) if prop.choices else _range(prop)


def change_text(prop: Property) -> str:
    """How a broker comes to another value, for a person; empty outside of brokers."""
    if prop.scope not in (Scope.BROKER, Scope.BROKER_STATIC):
        return ""
    match prop.level:
        case "cluster-wide" | "per-broker" if prop.scope is Scope.BROKER_STATIC:
            return "with a restart of each broker; in [broker] without one"
        case "cluster-wide":
            return "without a restart, cluster-wide: one value for all brokers, or one of a broker's own"
        case "per-broker":
            return "without a restart, per-broker: each broker has a value of its own"
        case _:
            return "needs a restart of each broker"


def format_value(prop: Property, value: Value) -> str:
    """A value for a person: sizes with units where they come out even, numbers plain, booleans as Kafka writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if prop.unit in ("bytes", "kbytes") and value > 0:
        size = value * 1024 if prop.unit == "kbytes" else value
        text = format_bytes(size)
        return text.replace(" ", "") if size >= 1024 and _exact(text, size) else f"{value}"
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.15g}"
    if abs(value) >= 2**62:
        return "never" if prop.unit in ("ms", "messages") else three_digits(float(value))
    return str(int(value))


def _exact(text: str, size: float) -> bool:
    try:
        return parse_bytes(text.replace(" ", "")) == size
    except ValueError:
        return False
