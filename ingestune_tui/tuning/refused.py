"""Which values of a grid librdkafka itself refuses, found by constructing a client for each. Touches no network.

Called by the editor after each edit, in a thread, and by `ingestune check`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.catalogue.dialect import to_librdkafka
from ingestune_tui.errors import Problem
from ingestune_tui.kafka.constructing import refusal
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.grid import Grid, Parameter
from ingestune_tui.model.space import Space


def refused_values(grid: Grid, spaces: Sequence[Space]) -> tuple[Problem, ...]:
    """A problem for each value that is in no cell that librdkafka takes; `spaces` are the grid's, one per workload.

    Each value is tried in the first cell that has it, and in others only where that one is refused.
    """
    problems: dict[str, Problem] = {}
    known: dict[tuple[Scope, Configuration], str] = {}
    for space in spaces:
        for parameter, level in _tried(grid, space):
            cells = (
                cell.configuration
                for cell in space.cells
                if cell.configuration.get(parameter.scope, parameter.name) == level
            )
            words = ""
            for configuration in cells:
                settings = configuration.scope(parameter.scope)
                key = (parameter.scope, Configuration.of({parameter.scope: settings}))
                if key not in known:
                    known[key] = refusal(parameter.scope, to_librdkafka(parameter.scope, settings))
                words = known[key]
                if not words:
                    break
            if words:
                path = f'{parameter.scope.value}."{parameter.name}"'
                problems.setdefault(f"{path} {level}", Problem(path, f"{level}: {words}"))
    return tuple(problems.values())


def _tried(grid: Grid, space: Space) -> Iterator[tuple[Parameter, Value]]:
    """The values of the properties that librdkafka is constructed with; consumers are always its own."""
    scopes = {Scope.PRODUCER} if space.workload.client == "librdkafka" else set()
    scopes |= {Scope.CONSUMER} if space.workload.consumers else set()
    for parameter in grid.parameters:
        if parameter.scope in scopes and not parameter.off:
            yield from ((parameter, level) for level in parameter.levels)
