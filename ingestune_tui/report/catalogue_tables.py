"""What `ingestune params` prints: the catalogue in tables, one property on a card, JSON lines for programs. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import CLIENT_SCOPES, Property, Scope, Value

_WIDEST_DEFAULT = 12
"""Columns; a longer default is folded."""
_TITLES = {
    Scope.PRODUCER: "producer",
    Scope.CONSUMER: "consumer",
    Scope.TOPIC: "topic",
    Scope.BROKER: "broker (changed without a restart)",
    Scope.BROKER_STATIC: "broker.static (needs a restart)",
}


def catalogue_table(properties: Sequence[Property]) -> RenderableType:
    """A table for each scope that occurs."""
    scopes = [scope for scope in Scope if any(prop.scope is scope for prop in properties)]
    tables = [_scope_table(scope, [prop for prop in properties if prop.scope is scope]) for scope in scopes]
    return Group(*(Padding(table, (0, 0, 1, 0)) for table in tables))


def _scope_table(scope: Scope, properties: Sequence[Property]) -> Table:
    """A name is never broken, so that it can be copied; what is narrow gives way in the range."""
    client = scope in CLIENT_SCOPES
    defaults = ("librdkafka's\ndefault", "Java's\ndefault") if client else ("default",)
    table = Table(
        title=_TITLES[scope],
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
        caption="— the client has no such property" if client else None,
        caption_justify="left",
        caption_style="dim",
    )
    table.add_column("name", no_wrap=True, overflow="fold")
    for heading in defaults:
        table.add_column(heading, overflow="fold", max_width=_WIDEST_DEFAULT)
    table.add_column("range", overflow="fold")
    for prop in properties:
        cells = [_names(prop) if client else prop.name]
        if client:
            cells.append(_default(prop, prop.default_librdkafka) if prop.librdkafka else "—")
        cells.append(_default(prop, prop.default_java) if prop.java or not client else "—")
        table.add_row(*(Text(cell) for cell in (*cells, catalogue.value_range(prop))))
    return table


def _names(prop: Property) -> str:
    """By librdkafka's name, with Java's below where it has another."""
    if prop.librdkafka and prop.java and prop.java != prop.librdkafka:
        return f"{prop.librdkafka}\n  Java: {prop.java}"
    return prop.librdkafka or prop.java or prop.name


def _default(prop: Property, value: Value | None) -> str:
    return "unset" if value is None else catalogue.format_value(prop, value)


def property_card(prop: Property) -> RenderableType:
    """All that is known of one property."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in _facts(prop):
        table.add_row(Text(label, style="dim"), Text(text))
    title = Text.assemble((prop.name, "bold"), f"  [{prop.scope.value}]")
    return Group(title, Padding(table, (0, 0, 1, 2), expand=False))


def _facts(prop: Property) -> list[tuple[str, str]]:
    facts = [("what it does", prop.meaning)]
    if prop.scope in CLIENT_SCOPES:
        own = f"{prop.librdkafka}, default {_default(prop, prop.default_librdkafka)}" if prop.librdkafka else "—"
        java = f"{prop.java}, default {_default(prop, prop.default_java)}" if prop.java else "—"
        facts += [("librdkafka", own), ("Java", java)]
    else:
        facts.append(("default", _default(prop, prop.default_java)))
    facts.append(("values", catalogue.value_range(prop)))
    facts += [
        ("durability", prop.durability),
        ("limits", prop.constraints),
        ("also known as", ", ".join(prop.aliases)),
        ("change", catalogue.change_text(prop)),
    ]
    return [(label, text) for label, text in facts if text]


def property_json(prop: Property) -> bytes:
    """One line of `--json`, without its line end."""
    return msgspec.json.encode(
        {
            "v": 1,
            "scope": prop.scope.value,
            "name": prop.name,
            "librdkafka": prop.librdkafka,
            "java": prop.java,
            "aliases": prop.aliases,
            "kind": prop.kind,
            "unit": prop.unit,
            "low": prop.low,
            "high": prop.high,
            "choices": prop.choices,
            "default_librdkafka": prop.default_librdkafka,
            "default_java": prop.default_java,
            "meaning": prop.meaning,
            "durability": prop.durability,
            "constraints": prop.constraints,
            "dynamic": prop.dynamic,
            "level": prop.level,
        }
    )
