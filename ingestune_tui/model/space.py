"""The cells of a grid for one workload: what will be run, what was merged, what cannot be, and why. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ingestune_tui.catalogue import catalogue, constraints
from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.model.configuration import Configuration, settings_of
from ingestune_tui.model.grid import Grid, Parameter
from ingestune_tui.model.grid_reader import TOPIC_SHAPE
from ingestune_tui.model.workload import Workload


@dataclass(frozen=True, slots=True)
class Cell:
    """One configuration to be measured."""

    configuration: Configuration
    levels: tuple[int, ...]
    """Index of the level of each factor, in the order of `Space.factors`."""


@dataclass(frozen=True, slots=True)
class Space:
    """A grid's cells under one workload."""

    workload: Workload
    factors: tuple[Parameter, ...]
    """Parameters with more than one level."""
    cells: tuple[Cell, ...]
    merged: tuple[tuple[Configuration, int, str], ...]
    """(what was written, index of the cell it equals, why)."""
    invalid: tuple[tuple[Configuration, str], ...]
    """(what was written, why it cannot be run)."""
    baseline: Configuration
    baseline_cell: int
    """Index of the cell that equals the baseline, or -1."""
    baseline_invalid: str
    """Why the baseline itself cannot be run; empty when it can."""

    @property
    def counts(self) -> str:
        """`3x2x2 = 12 cells`, and what became of them where that is not all."""
        total = len(self.cells) + len(self.merged) + len(self.invalid)
        shape = "x".join(str(len(factor.levels)) for factor in self.factors) or "1"
        text = f"{shape} = {total} {'cell' if total == 1 else 'cells'}"
        if self.merged or self.invalid:
            text += f": {len(self.cells)} run, {len(self.merged)} merged, {len(self.invalid)} invalid"
        return text

    def durability(self, configuration: Configuration) -> constraints.DurabilityClass:
        """What `configuration` promises about acknowledged messages."""
        return durability_of(configuration, self.workload)


def durability_of(configuration: Configuration, workload: Workload) -> constraints.DurabilityClass:
    """What acks, enable.idempotence and min.insync.replicas promise together."""
    _, replication = topic_shape(configuration, workload)
    return constraints.durability_class(configuration.by_scope(), workload.client, replication)


def expand(
    grid: Grid, workload: Workload, in_force: Mapping[Scope, Mapping[str, Value]] = MappingProxyType({})
) -> Space:
    """Every cell of `grid`. At most MAX_CELLS are built: the reader has counted them.

    `in_force` is what the cluster has where the baseline says nothing and Kafka's default is not it.
    """
    active = grid.active
    factors = tuple(parameter for parameter in active if not parameter.pinned)
    pinned = {(each.scope, each.name): each.levels[0] for each in active if each.pinned}
    cells: list[Cell] = []
    where: dict[tuple[tuple[str, tuple[tuple[str, Value], ...]], ...], int] = {}
    merged: list[tuple[Configuration, int, str]] = []
    invalid: list[tuple[Configuration, str]] = []
    for levels in itertools.product(*(range(len(factor.levels)) for factor in factors)):
        settings = _nested(pinned)
        for factor, level in zip(factors, levels, strict=True):
            settings.setdefault(factor.scope, {})[factor.name] = factor.levels[level]
        if reason := why_invalid(settings, workload):
            invalid.append((Configuration.of(settings), reason))
            continue
        plain, reasons = constraints.canonical(settings, workload.client)
        key = _key(plain)
        if (same := where.get(key)) is not None:
            merged.append((Configuration.of(settings), same, "; ".join(reasons)))
            continue
        where[key] = len(cells)
        cells.append(Cell(Configuration.of(plain), levels))
    baseline = _baseline(grid, pinned, in_force)
    return Space(
        workload=workload,
        factors=factors,
        cells=tuple(cells),
        merged=tuple(merged),
        invalid=tuple(invalid),
        baseline=Configuration.of(baseline),
        baseline_cell=_equal_cell(baseline, cells, workload),
        baseline_invalid=why_invalid(baseline, workload) or "",
    )


def why_unrunnable(space: Space) -> str:
    """Why no trial of this space can lead to a result; empty when one can."""
    if not space.cells:
        return f"no cell can be run: {space.invalid[0][1]}" if space.invalid else "the grid has no cells"
    if space.baseline_invalid:
        return f"the baseline cannot be run: {space.baseline_invalid}"
    wanted = space.durability(space.baseline)
    if all(space.durability(cell.configuration).weaker_than(wanted) for cell in space.cells):
        return (
            f"every configuration promises less than the baseline ({wanted}), and a weaker promise never wins: "
            "pin acks in the grid, which sets it for the baseline too"
        )
    return ""


def why_invalid(settings: Mapping[Scope, Mapping[str, Value]], workload: Workload) -> str | None:
    """One sentence if these settings cannot be run together under this workload."""
    if reason := constraints.why_invalid(settings, workload.client, workload.message_bytes):
        return reason
    topic = settings.get(Scope.TOPIC, {})
    replication = int(topic.get("replication", workload.replication))
    in_sync = int(topic.get("min.insync.replicas", 1))
    if in_sync > replication:
        return f"min.insync.replicas {in_sync} is more than the topic's replication factor of {replication}"
    return None


def topic_shape(configuration: Configuration, workload: Workload) -> tuple[int, int]:
    """(partitions, replication) of the trial's topic."""
    topic = configuration.scope(Scope.TOPIC)
    return int(topic.get("partitions", workload.partitions)), int(topic.get("replication", workload.replication))


def topic_settings(configuration: Configuration) -> dict[str, Value]:
    """The topic's properties, without what it is created with."""
    return {name: value for name, value in configuration.scope(Scope.TOPIC).items() if name not in TOPIC_SHAPE}


def effective(
    settings: Mapping[Scope, Mapping[str, Value]], scope: Scope, name: str, workload: Workload
) -> Value | None:
    """The value in force: what is set, else the default of the client, the broker or the workload."""
    if name in (named := settings.get(scope, {})):
        return named[name]
    if scope is Scope.TOPIC and name in TOPIC_SHAPE:
        return workload.partitions if name == "partitions" else workload.replication
    prop = catalogue.find(scope, name)
    return prop.default(catalogue.client_of(scope, workload.client)) if prop else None


def _baseline(
    grid: Grid,
    pinned: Mapping[tuple[Scope, str], Value],
    in_force: Mapping[Scope, Mapping[str, Value]],
) -> dict[Scope, dict[str, Value]]:
    """The person's own settings over what the cluster has in force, and what the grid pins for all."""
    result = {scope: dict(named) for scope, named in in_force.items()}
    for scope, named in settings_of(grid.baseline.settings).items():
        result.setdefault(scope, {}).update(named)
    for (scope, name), value in pinned.items():
        result.setdefault(scope, {})[name] = value
    return result


def _equal_cell(baseline: Mapping[Scope, Mapping[str, Value]], cells: list[Cell], workload: Workload) -> int:
    baseline, _ = constraints.canonical(baseline, workload.client)

    def in_force(settings: Mapping[Scope, Mapping[str, Value]], names: set[tuple[Scope, str]]) -> list[Value | None]:
        return [effective(settings, scope, name, workload) for scope, name in sorted(names)]

    own = {(scope, name) for scope, named in baseline.items() for name in named}
    for index, cell in enumerate(cells):
        settings = cell.configuration.by_scope()
        names = own | {(scope, name) for scope, named in settings.items() for name in named}
        if in_force(settings, names) == in_force(baseline, names):
            return index
    return -1


def _nested(flat: Mapping[tuple[Scope, str], Value]) -> dict[Scope, dict[str, Value]]:
    result: dict[Scope, dict[str, Value]] = {}
    for (scope, name), value in flat.items():
        result.setdefault(scope, {})[name] = value
    return result


def _key(settings: Mapping[Scope, Mapping[str, Value]]) -> tuple[tuple[str, tuple[tuple[str, Value], ...]], ...]:
    return tuple(sorted((scope.value, tuple(sorted(named.items()))) for scope, named in settings.items() if named))
