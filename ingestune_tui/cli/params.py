"""`ingestune params`: what can be tuned, as a table by scope, or everything about one property."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ingestune_tui.catalogue.catalogue import Property

_SCOPES = ("producer", "consumer", "topic", "broker", "broker.static")


@click.command("params")
@click.argument("name", required=False)
@click.option("--scope", type=click.Choice(_SCOPES), help="Only what is set there.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines, one for each property.")
def params(name: str | None, scope: str | None, as_json: bool) -> None:
    """Show what can be tuned.

    NAME is a property by librdkafka's or Java's name; all that is known of it is shown, in every scope that has it.
    """
    found = _find(name, scope)
    if as_json:
        _print_json(found)
    else:
        _print_tables(found, card=name is not None)


def _find(name: str | None, scope: str | None) -> list[Property]:
    from ingestune_tui.catalogue import catalogue  # the data file's reader: 15 ms that `--help` need not wait for
    from ingestune_tui.catalogue.catalogue import Scope
    from ingestune_tui.errors import UsageError

    within = [Scope(scope)] if scope else list(Scope)
    if name is None:
        return [prop for prop in catalogue.all_properties() if prop.scope in within]
    found = [prop for each in within if (prop := catalogue.find(each, name))]
    if len(found) > 1:
        found = [prop for prop in found if not (prop.dynamic and prop.scope is Scope.BROKER_STATIC)]
    if found:
        return found
    hint = next((hint for each in within if (hint := catalogue.nearest(each, name))), None)
    raise UsageError(
        f"{name[:100]!r} cannot be tuned" + (f" in [{scope}]" if scope else ""),
        f"{hint[0].upper()}{hint[1:]}" if hint else "`ingestune params` lists what can.",
    )


def _print_json(found: Sequence[Property]) -> None:
    from ingestune_tui.report.catalogue_tables import property_json  # rich's tables: 30 ms

    sys.stdout.buffer.write(b"".join(property_json(prop) + b"\n" for prop in found))
    sys.stdout.buffer.flush()


def _print_tables(found: Sequence[Property], *, card: bool) -> None:
    from rich.console import Console, Group  # 30 ms

    from ingestune_tui.report.catalogue_tables import catalogue_table, property_card

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200, color_system=None)
    console.print(Group(*(property_card(prop) for prop in found)) if card else catalogue_table(found))
