"""`ingestune [GRID]`, `attach` and `serve`: the app in this terminal, on a running study, or in a browser."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from ingestune_tui.cli.options import address_options, database_option, existing_database_option, settings_from


@click.command("app", hidden=True)
@click.argument("grid", required=False, type=click.Path(path_type=Path))
@address_options
@database_option
@click.option("--refresh", type=float, metavar="HZ", help="Redraws a second.  [default: 2, or 1 over SSH]")
def app(
    grid: Path | None,
    database: str | None,
    cluster: str | None,
    bootstrap_server: str | None,
    command_config: str | None,
    topic_prefix: str | None,
    refresh: float | None,
) -> int:
    """Open the app, on GRID if one is given."""
    from ingestune_tui.tui.app import run_app
    from ingestune_tui.tuning.sockets import remove_stale_sockets

    settings = settings_from(
        database=database,
        cluster=cluster,
        bootstrap_server=bootstrap_server,
        command_config=command_config,
        topic_prefix=topic_prefix,
        refresh=refresh,
    )
    remove_stale_sockets(settings.paths.runtime)
    return run_app(settings, grid)


@click.command("attach")
@click.argument("study", required=False)
@existing_database_option
@click.option("--refresh", type=float, metavar="HZ", help="Redraws a second.  [default: 2, or 1 over SSH]")
def attach(study: str | None, database: str | None, refresh: float | None) -> int:
    """Open the app on STUDY (the newest that runs, else that has results), which may run in another terminal."""
    from ingestune_tui.tui.app import run_app
    from ingestune_tui.tuning.sockets import remove_stale_sockets

    settings = settings_from(database=database, refresh=refresh)
    remove_stale_sockets(settings.paths.runtime)
    return run_app(settings, attach=study or "")


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port to listen on.")
def serve(host: str, port: int) -> int:
    """Serve the app to a browser. There is no login: whoever reaches the address can run studies as you."""
    try:
        from textual_serve.server import Server
    except ImportError:
        from ingestune_tui.errors import UsageError

        raise UsageError("serving needs an extra that is not installed", "pip install 'ingestune-tui[serve]'") from None
    if host not in ("127.0.0.1", "localhost", "::1"):
        click.echo("warning: anyone who reaches this address can run studies as you", err=True)
    Server(shlex.join([sys.executable, "-m", "ingestune_tui"]), host=host, port=port, title="ingestune").serve()
    return 0
