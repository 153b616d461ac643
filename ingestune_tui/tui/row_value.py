"""What is typed into a row of the grid, as the value its place in the file takes. Pure."""

from __future__ import annotations

from ingestune_tui.tui.grid_input import field_value, parameter_values
from ingestune_tui.tui.grid_rows import Row


def value_of(row: Row, text: str) -> object:
    """A list for a parameter or a baseline, a TOML value or None for a field. Raises ValueError in one sentence."""
    if row.kind == "parameter":
        assert row.scope is not None
        return parameter_values(row.scope, row.name, text)
    if row.kind == "baseline":
        assert row.scope is not None
        values = parameter_values(row.scope, row.name, text)
        if len(values) > 1:
            raise ValueError("a baseline has one value for each property")
        return values
    if row.keys == ("title",) or row.section == "baseline":
        return text.strip() or None
    return field_value(row.section, row.name, text)


def wrong_with(row: Row, text: str) -> str:
    """What is wrong with a text for a row: the catalogue's word, in one sentence; empty when nothing is."""
    try:
        value_of(row, text)
    except ValueError as problem:
        return str(problem)
    return ""
