"""Restarts of a local cluster: what static settings a configuration needs, and how to need few restarts. Pure.

Imported by the trial loop, which restarts, and by the prices, which count them before.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

from ingestune_tui.catalogue import catalogue, dialect
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.tuning.confirm import pair_order

_FIRST_BLOCK, _BLOCK = 24, 6
Kind = tuple[tuple[str, str], ...]
"""Static settings as something to compare and look up by; empty for the brokers' own."""


def static_settings(configuration: Configuration) -> dict[str, str]:
    """What the brokers must be started with; values that are the default anyway are left out."""
    changed = {}
    for name, value in configuration.scope(Scope.BROKER_STATIC).items():
        prop = catalogue.find(Scope.BROKER_STATIC, name)
        if prop is None or prop.default_java != value:
            changed[name] = value
    return dialect.to_java(Scope.BROKER_STATIC, changed)


def key_of(settings: Mapping[str, str]) -> Kind:
    """Settings as something to compare and look up by."""
    return tuple(sorted(settings.items()))


def in_few_restarts(
    cells: Sequence[int], settings_of: Callable[[int], Mapping[str, str]], running: Mapping[str, str] | None
) -> list[int]:
    """The same trials, those that need the same static settings together: first what runs now, then as they came."""
    groups: dict[Kind, list[int]] = {}
    for cell in cells:
        groups.setdefault(key_of(settings_of(cell)), []).append(cell)
    first = [] if running is None else groups.pop(key_of(running), [])
    return [*first, *(cell for group in groups.values() for cell in group)]


def kind_of(configuration: Configuration) -> Kind:
    """Configurations of one kind need no restart between them."""
    return key_of(static_settings(configuration))


def search_restarts(kinds: int, cells: int, searched: int, *, in_blocks: bool) -> int:
    """How often a search of so many trials restarts the brokers, at most, where its `cells` are of so many kinds.

    `in_blocks` for a race, whose blocks are short; else blocks are rounds of up to 24 cells.
    """
    if cells <= _FIRST_BLOCK:
        blocks = [cells] * 2  # two rounds
    else:
        size = _BLOCK if in_blocks else _FIRST_BLOCK
        blocks = [min(_FIRST_BLOCK, searched)] + [size] * math.ceil(max(0, searched - _FIRST_BLOCK) / size)
    return sum(min(kinds - 1, block) for block in blocks)


def pair_restarts(pairs: int, done: int = 0) -> int:
    """How often pairs of two kinds restart the brokers, at most, after `done` of their trials."""
    order = pair_order(pairs)[max(done - 1, 0) :]
    return sum(before != after for before, after in itertools.pairwise(order)) + (pairs > 0 and done == 0)
