"""Which scopes a grid may set on which cluster. Pure; asked before anything is started."""

from __future__ import annotations

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import Refused
from ingestune_tui.model.grid import Grid
from ingestune_tui.tuning.cluster import ClusterChoice


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
            "Use --cluster local, or tune dynamic settings in [broker]: `ingestune params --scope broker` lists them.",
        )
    if choice.kind == "external" and not allow_broker_changes:
        raise Refused(
            f"the grid changes settings of the brokers at {choice.bootstrap}: {', '.join(names)}",
            "Add --allow-broker-changes to agree; they are put back after every trial.",
        )
