"""What the help beside the rows says: the property in focus, and on a wide screen what became of the cells. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.grid_fields import SECTIONS
from ingestune_tui.model.grid_reader import TOPIC_SHAPE
from ingestune_tui.tui.grid_input import show

if TYPE_CHECKING:
    from ingestune_tui.catalogue.catalogue import Property
    from ingestune_tui.model.configuration import Configuration
    from ingestune_tui.tui.grid_rows import Row
    from ingestune_tui.tui.state import GridCount

_SECTIONS: Final = {
    "workload": "What is sent: message size, payload, partitions, producers and consumers. Enter opens its fields.",
    "objective": "What winning means: a throughput to raise or a latency to lower, and the rate for latency.",
    "method": "How the answer is looked for, how long a trial takes, what a study may write. Enter opens its fields.",
    "baseline": "What the winner must beat: the defaults, a .properties file, or settings of your own (a adds one).",
}
_SCOPES: Final = {
    Scope.PRODUCER: "Settings of the client that sends.",
    Scope.CONSUMER: "Settings of the client that reads; needs [workload] consumers = 1 or more.",
    Scope.TOPIC: "Settings of the trial's own topic; partitions and replication may stand here, too.",
    Scope.BROKER: "Dynamic broker settings. On a cluster that is not ingestune's own they are asked about first.",
    Scope.BROKER_STATIC: "Static broker settings: the broker is restarted with each. Only on local.",
}
_MOST_REASONS: Final = 6


def help_for(row: Row | None, count: GridCount | None, client: str) -> Content:
    """The text for the row in focus; with a `count`, the cells that are left out follow."""
    parts: list[Content] = []
    if row is not None:
        parts.append(_row(row, client))
    if count is not None:
        parts += [
            part
            for part in (
                _cells("cannot be run", count.invalid, "$flag"),
                _cells("the same as another cell", count.merged, "$quiet"),
            )
            if part is not None
        ]
        if count.baseline_invalid:
            parts.append(Content.assemble(("⚠ the baseline cannot be run: ", "$bad"), count.baseline_invalid))
    return Content("\n\n").join(parts)


def _row(row: Row, client: str) -> Content:
    problem = [("✗ " + row.problem + "\n", "$bad")] if row.problem else []
    if row.scope is not None and row.kind in ("parameter", "baseline"):
        prop = catalogue.find(row.scope, row.name)
        if prop is not None:
            return Content.assemble((f"{row.label}\n", "bold"), *problem) + property_text(prop, client)
        if row.name in TOPIC_SHAPE:
            low, high = TOPIC_SHAPE[row.name]
            return Content.assemble(
                (f"{row.label}\n", "bold"), *problem, f"What the trial's topic is created with, {low} to {high}."
            )
        return Content.assemble((f"{row.label}\n", "bold"), *problem)
    if row.kind == "scope" and row.scope is not None:
        return Content.assemble((f"{row.label}\n", "bold"), *problem, _SCOPES[row.scope])
    if row.kind == "section":
        return Content.assemble((f"{row.label}\n", "bold"), *problem, _SECTIONS.get(row.label, ""))
    if row.kind == "field":
        text = field_help(row.section, row.name)
        default = f"\nDefault: {row.default}. Empty the row to go back to it." if row.default else ""
        return Content.assemble((f"{row.label}\n", "bold"), *problem, text, (default, "$quiet"))
    return Content.assemble(*problem)


def field_help(section: str, key: str) -> str:
    """One sentence for a field outside the parameters."""
    if key == "title" and not section:
        return "What the grid is called on screens and reports."
    if section == "baseline":
        return f"A .properties file of the {key} you run today; its path starts at the grid's own directory."
    field = SECTIONS.get(section, {}).get(key)
    return f"{field.help[:1].upper()}{field.help[1:]}." if field is not None else ""


def property_text(prop: Property, client: str) -> Content:
    """Meaning, range, default, how a broker takes it, and the other client's name."""
    text: list[str | tuple[str, str]] = [prop.meaning, " ", (_range_text(prop, client), "$quiet")]
    if prop.durability:
        text += ["\n", ("Durability: ", "$flag"), prop.durability]
    if prop.constraints:
        text += ["\n", ("Goes with: " if prop.constraints.startswith("goes") else "Note: ", "$quiet"), prop.constraints]
    if change := catalogue.change_text(prop):
        text += ["\n", ("Change: ", "$quiet"), f"{change}."]
    names = names_text(prop)
    if names:
        text += ["\n", (names, "$quiet")]
    return Content.assemble(*text)


def _range_text(prop: Property, client: str) -> str:
    default = prop.default(catalogue.client_of(prop.scope, client))
    said = catalogue.value_range(prop)
    shown = f"; default {catalogue.format_value(prop, default)}" if default is not None else ""
    return f"{said}{shown}."


def names_text(prop: Property) -> str:
    """What each client calls it, where the names or the presence differ."""
    if prop.scope not in catalogue.CLIENT_SCOPES:
        return ""
    if prop.librdkafka == prop.java:
        return "Java: the same name."
    return f"librdkafka: {prop.librdkafka or 'has none'}. Java: {prop.java or 'has none'}."


def _cells(title: str, cells: tuple[tuple[Configuration, str], ...], style: str) -> Content | None:
    """Cells by the reason that they share, with the first of each as an example."""
    if not cells:
        return None
    by_reason: dict[str, list[Configuration]] = {}
    for configuration, reason in cells:
        by_reason.setdefault(reason, []).append(configuration)
    lines = [Content.assemble((f"{len(cells)} {'cell' if len(cells) == 1 else 'cells'} {title}", f"bold {style}"))]
    for reason, alike in list(by_reason.items())[:_MOST_REASONS]:
        example = " · ".join(f"{item.name} {show(item.value)}" for item in alike[0])
        such = f"{len(alike)} like " if len(alike) > 1 else ""
        lines.append(Content.assemble(f"{reason}\n", (f"  {such}{example}", "$quiet")))
    if len(by_reason) > _MOST_REASONS:
        lines.append(Content.assemble((f"and {len(by_reason) - _MOST_REASONS} more reasons", "$quiet")))
    return Content("\n").join(lines)
