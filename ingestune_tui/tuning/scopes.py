"""Which scopes a grid may set on which cluster. Pure; asked before anything is started."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import Refused
from ingestune_tui.model.grid import Grid

if TYPE_CHECKING:
    from ingestune_tui.tuning.cluster import ClusterChoice

_SHOWN = 8
"""Dynamic settings that are named; the rest is counted."""


def refuse_scopes(grid: Grid, choice: ClusterChoice, *, allow_broker_changes: bool) -> None:
    """Raises Refused where a grid wants to change brokers that it must not."""
    wanted = [(each.scope, each.name) for each in grid.active]
    wanted += [(each.scope, each.name) for each in grid.baseline.settings]
    names = list(dict.fromkeys(name for scope, name in wanted if scope in (Scope.BROKER, Scope.BROKER_STATIC)))
    if not names:
        return
    if choice.kind == "simulated":
        raise Refused(f"a simulated broker has no settings: {', '.join(names)}", "Use --cluster local.")
    static = [name for scope, name in wanted if scope is Scope.BROKER_STATIC]
    if static and choice.kind != "local":
        raise Refused(
            f"{', '.join(static)} can only be set by restarting the brokers, and these are not ours to restart",
            f"Use --cluster local, or tune in [broker] what needs no restart: {_dynamic()}.",
        )
    if choice.kind == "external" and not allow_broker_changes:
        raise Refused(
            f"the grid changes settings of the brokers at {choice.bootstrap}: {with_levels(names)}",
            "Add --allow-broker-changes to agree; they are put back after every trial.",
        )


def broker_changes(grid: Grid) -> list[str]:
    """The settings of brokers that are changed while they run, the baseline's included."""
    wanted = [(each.scope, each.name) for each in grid.active]
    wanted += [(each.scope, each.name) for each in grid.baseline.settings]
    return list(dict.fromkeys(name for scope, name in wanted if scope is Scope.BROKER))


def changes_brokers(grid: Grid) -> bool:
    """Whether settings of brokers are changed while they run."""
    return bool(broker_changes(grid))


def with_levels(names: Iterable[str]) -> str:
    """Dynamic settings of brokers and the level at which each is changed: `num.io.threads (cluster-wide)`."""
    levels: dict[str, list[str]] = {}
    for name in names:
        prop = catalogue.find(Scope.BROKER, name)
        levels.setdefault(prop.level if prop is not None else "", []).append(name)
    return "; ".join(f"{', '.join(those)} ({level})" if level else ", ".join(those) for level, those in levels.items())


def refuse_replication(grid: Grid, choice: ClusterChoice) -> None:
    """Raises Refused where every cell wants more copies than a cluster of our own has brokers."""
    varied = next(
        (each.levels for each in grid.active if (each.scope, each.name) == (Scope.TOPIC, "replication")), None
    )
    fewest = min(int(level) for level in varied) if varied else grid.workloads[0].replication
    if choice.kind != "external" and fewest > choice.nodes:
        brokers = "1 broker" if choice.nodes == 1 else f"{choice.nodes} brokers"
        raise Refused(
            f"replication {fewest} needs {fewest} brokers, and {choice.label} has {brokers}",
            "Add --nodes 3, or lower replication in the grid." if fewest <= 3 else "Lower replication in the grid.",
        )


def _dynamic() -> str:
    names = sorted(
        (each.name for each in catalogue.all_properties() if each.scope is Scope.BROKER),
        key=lambda name: ("threads" not in name, name),
    )
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more (`ingestune params`)" if more > 0 else "")
