"""Restarts of a local cluster: what static settings a configuration needs, and how to need few restarts. Pure.

Imported by the trial loop, which restarts, and by the estimate, which counts them before.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

from ingestune_tui.catalogue import catalogue, dialect
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.space import Space
from ingestune_tui.tuning.confirm import pair_order

RESTART_S = 3.0
"""One node until it answers again."""
RESTART_OF_THREE_S = 15.0
"""Three nodes until all replicas are in sync."""
_FIRST_BLOCK, _BLOCK = 24, 6


def static_settings(configuration: Configuration) -> dict[str, str]:
    """What the brokers must be started with; values that are the default anyway are left out."""
    changed = {}
    for name, value in configuration.scope(Scope.BROKER_STATIC).items():
        prop = catalogue.find(Scope.BROKER_STATIC, name)
        if prop is None or prop.default_java != value:
            changed[name] = value
    return dialect.to_java(Scope.BROKER_STATIC, changed)


def key_of(settings: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Settings as something to compare and look up by."""
    return tuple(sorted(settings.items()))


def in_few_restarts(
    cells: Sequence[int], settings_of: Callable[[int], Mapping[str, str]], running: Mapping[str, str] | None
) -> list[int]:
    """The same trials, those that need the same static settings together: first what runs now, then as they came."""
    groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for cell in cells:
        groups.setdefault(key_of(settings_of(cell)), []).append(cell)
    first = [] if running is None else groups.pop(key_of(running), [])
    return [*first, *(cell for group in groups.values() for cell in group)]


def expected_restarts(space: Space, searched: int, pairs: int, *, in_blocks: bool) -> int:
    """How often a study of this space restarts the brokers, at most; each restart costs a throw-away trial too.

    `in_blocks` for a race, whose blocks are short; else blocks are rounds of up to 24 cells.
    """
    baseline = key_of(static_settings(space.baseline))
    kinds = {key_of(static_settings(cell.configuration)) for cell in space.cells} | {baseline}
    preflight = int(baseline != ())
    if len(kinds) == 1:
        return preflight
    blocks = [min(_FIRST_BLOCK, searched)]
    rest = max(0, searched - _FIRST_BLOCK)
    size = _BLOCK if in_blocks else _FIRST_BLOCK
    blocks += [size] * math.ceil(rest / size)
    if searched <= 2 * _FIRST_BLOCK and len(space.cells) <= _FIRST_BLOCK:
        blocks = [len(space.cells)] * 2  # two rounds
    turns = itertools.pairwise(pair_order(pairs))
    confirm = 1 + sum(before != after for before, after in turns) if pairs else 0
    return preflight + sum(min(len(kinds) - 1, block) for block in blocks) + confirm
