"""Whether a configuration that came from outside may be used: every setting in the catalogue, every value in range.

`plugin.library.paths` in a database row would run code; so what PostgreSQL holds passes the same list as a grid.
"""

from __future__ import annotations

from ingestune_tui.catalogue.catalogue import Scope, find, parse_value
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.grid_reader import TOPIC_SHAPE


def why_not_allowed(configuration: Configuration) -> str:
    """What is wrong with its first setting that is not allowed; empty for a configuration that may be used."""
    for setting in configuration:
        named = f"{setting.scope.value} {setting.name[:100]!r}"
        if setting.scope is Scope.TOPIC and setting.name in TOPIC_SHAPE:
            low, high = TOPIC_SHAPE[setting.name]
            if isinstance(setting.value, (bool, float, str)) or not low <= setting.value <= high:
                return f"{named} must lie between {low} and {high}"
            continue
        found = find(setting.scope, setting.name)
        if found is None or found.name != setting.name:
            return f"{named} is no setting that ingestune tunes"
        try:
            value = parse_value(found, setting.value)
        except ValueError as problem:
            return f"{named}: {problem}"
        if value != setting.value or isinstance(value, bool) != isinstance(setting.value, bool):
            return f"{named}: {str(setting.value)[:60]!r} is not written as ingestune writes it"
    return ""


def allowed(configuration: Configuration) -> bool:
    """True when every setting is in the catalogue, with a value that it takes."""
    return not why_not_allowed(configuration)
