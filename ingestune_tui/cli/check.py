"""`ingestune check`: what a grid would do, without doing any of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingestune_tui.cli.options import cluster_options, database_option, settings_from

if TYPE_CHECKING:
    from ingestune_tui.model.space import Space
    from ingestune_tui.settings import Settings
    from ingestune_tui.tuning.cluster import ClusterChoice
    from ingestune_tui.tuning.grid_file import GridFile

_SHOWN = 8


@click.command("check")
@click.argument("grid", type=click.Path(path_type=Path))
@cluster_options
@database_option
def check(
    grid: Path,
    database: str | None,
    cluster: str | None,
    bootstrap_server: str | None,
    command_config: str | None,
    nodes: str,
    topic_prefix: str | None,
    round_trip_ms: int,
) -> int:
    """Check GRID: its cells, what is merged or invalid, the time, the bytes written and the peak on disk.

    Exits with 2 when it cannot be run. Nothing is started; with a cluster named, results of earlier studies count. A
    confirmation is in the price; a search that finds nothing to confirm costs less.
    """
    from ingestune_tui.errors import GridError
    from ingestune_tui.model.space import expand, why_unrunnable
    from ingestune_tui.tuning.cluster import parse_cluster
    from ingestune_tui.tuning.estimate import estimate
    from ingestune_tui.tuning.grid_file import load_grid, refuse_unrunnable
    from ingestune_tui.tuning.refused import refused_values
    from ingestune_tui.tuning.scopes import refuse_replication, refuse_scopes
    from ingestune_tui.units import about_bytes, format_duration

    settings = settings_from(
        database=database,
        cluster=cluster,
        bootstrap_server=bootstrap_server,
        command_config=command_config,
        topic_prefix=topic_prefix,
    )
    grid_file = load_grid(grid)
    spaces = [expand(grid_file.grid, workload) for workload in grid_file.grid.workloads]
    cached: int | None = None
    fresh = False
    notes: list[str] = []
    if settings.cluster:
        choice = parse_cluster(settings.cluster, settings.command_config, int(nodes), round_trip_ms)
        refuse_scopes(grid_file.grid, choice, allow_broker_changes=True)
        refuse_replication(grid_file.grid, choice)
        fresh = choice.kind == "local"
        notes += _consent(grid_file, choice)
        cached = asyncio.run(_cached(settings, grid_file, spaces, choice.label))
    for space in spaces:
        _print_space(space, several=len(spaces) > 1)
    refuse_unrunnable(grid_file, spaces)
    if refused := refused_values(grid_file.grid, spaces):
        raise GridError(refused, str(grid_file.path))
    price = estimate(grid_file.grid, spaces, nodes=int(nodes), fresh=fresh, cached=cached or 0)
    known = "unknown without a cluster" if cached is None else str(cached)
    click.echo(f"cached  {known}")
    click.echo(f"trials  about {price.trials}, confirmation included")
    click.echo(f"time    about {format_duration(price.seconds)}")
    click.echo(f"writes  up to {about_bytes(price.bytes_written)} per node")
    click.echo(f"peak    up to {about_bytes(price.peak_bytes)} on disk per node")
    for space in spaces:
        if reason := why_unrunnable(space):
            click.echo(f"note    {space.workload.message_bytes} B is left out: {reason}")
    for note in (*notes, *grid_file.notes):
        click.echo(f"note    {note}")
    return 0


def _consent(grid_file: GridFile, choice: ClusterChoice) -> list[str]:
    """What `run` wants to be told before it does what is checked here."""
    from ingestune_tui.tuning.scopes import broker_changes, with_levels

    names = broker_changes(grid_file.grid)
    if choice.kind != "external" or not names:
        return []
    what = f"the grid changes settings of the brokers at {choice.bootstrap}: {with_levels(names)}"
    return [f"run needs --allow-broker-changes: {what}"]


def _print_space(space: Space, *, several: bool) -> None:
    size = f"{space.workload.message_bytes} B  " if several else ""
    click.echo(f"cells   {size}{space.counts}")
    reasons: dict[str, int] = {}
    for _, reason in space.invalid:
        reasons[f"invalid: {reason}"] = reasons.get(f"invalid: {reason}", 0) + 1
    for _, _, reason in space.merged:
        reasons[f"merged: {reason}"] = reasons.get(f"merged: {reason}", 0) + 1
    for reason, count in list(reasons.items())[:_SHOWN]:
        click.echo(f"        {count} {reason}")
    if len(reasons) > _SHOWN:
        click.echo(f"        and {len(reasons) - _SHOWN} more reasons")


async def _cached(settings: Settings, grid_file: GridFile, spaces: list[Space], label: str) -> int:
    """Cells that earlier studies have measured; 0 where there is no database yet."""
    from ingestune_tui.storage.store import Store
    from ingestune_tui.tuning.cached_cells import cached_cells

    if not settings.database.exists():
        return 0
    async with await Store.open_configured(settings, read_only=True) as store:
        return await cached_cells(store, grid_file, spaces, label, younger_than_s=settings.cache_days * 86400)
