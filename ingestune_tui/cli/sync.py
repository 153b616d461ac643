"""`ingestune sync`: what waits goes to PostgreSQL; `--verify` compares both sides, `--pull` fetches from it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import click

from ingestune_tui import settings as kept
from ingestune_tui.cli.options import database_option
from ingestune_tui.errors import SharedCopyRefused, UsageError
from ingestune_tui.settings import SharedCopy


@click.command("sync")
@click.option("--verify", "mode", flag_value="verify", help="Then compare counts and checksums of both sides.")
@click.option("--pull", "mode", flag_value="pull", help="Then fetch colleagues' studies of the clusters known here.")
@database_option
def sync(mode: str | None, database: str | None) -> None:
    """Bring PostgreSQL up to date with everything that is stored here.

    INGESTUNE_POSTGRES, or `postgres` in config.toml, names the server.
    """
    chosen = kept.load(database=database)
    if chosen.shared_copy is None:
        raise UsageError(
            "no PostgreSQL is configured",
            "Set INGESTUNE_POSTGRES=postgresql://USER@HOST/DATABASE, or `postgres` in config.toml.",
        )
    asyncio.run(_sync(chosen, chosen.shared_copy, mode))


async def _sync(chosen: kept.Settings, shared: SharedCopy, mode: str | None) -> None:
    from ingestune_tui.storage.store import Store
    from ingestune_tui.storage.sync import sync_once

    async with await Store.open_configured(chosen) as store:
        path = store.path
    sent = await sync_once(path, shared, progress=_Progress())
    click.echo(f"{_count(sent.rows, 'row')} sent to PostgreSQL", err=True)
    for line in sent.refused:
        click.echo(f"needs attention: {line}", err=True)
    if mode == "verify":
        await _verify(path, shared)
    elif mode == "pull":
        await _pull(path, shared)
    if sent.refused:
        raise SharedCopyRefused(
            f"PostgreSQL did not accept {_count(len(sent.refused), 'row')}",
            "Each is named above with its reason; all else is there.",
        )


async def _verify(path: Path, shared: SharedCopy) -> None:
    from ingestune_tui.storage.verify import verify

    reports = await verify(path, shared)
    click.echo(f"{'table':<14} {'here':>7} {'there':>7}  checksums")
    for report in reports:
        same = "equal   " if report.checksum_here == report.checksum_there else "differ  "
        remarks = [
            f"{number} {text}"
            for number, text in (
                (report.missing, "missing there"),
                (report.differing, "changed there"),
                (report.newer_there, "newer there (sync --pull brings them)"),
                (report.only_there, "deleted here"),
            )
            if number
        ]
        click.echo(
            f"{report.table:<14} {report.here:>7} {report.there:>7}  {same} {report.checksum_here[:12]}"
            f" {report.checksum_there[:12]}{'  ' if remarks else ''}{', '.join(remarks)}"
        )
    if not all(report.equal for report in reports):
        raise SharedCopyRefused(
            "the two sides are not equal", "What is missing or changed there is sent again by `ingestune sync`."
        )
    click.echo("both sides are equal", err=True)


async def _pull(path: Path, shared: SharedCopy) -> None:
    from ingestune_tui.storage.pull import pull

    pulled = await pull(path, shared)
    for name in pulled.studies:
        click.echo(name)
    click.echo(
        f"{_count(len(pulled.studies), 'study', 'studies')} with {_count(pulled.trials, 'new trial')} fetched"
        + (f", {_count(pulled.removed, 'deleted study', 'deleted studies')} removed" if pulled.removed else ""),
        err=True,
    )
    for line in pulled.refused:
        click.echo(f"refused: {line}", err=True)
    if pulled.refused:
        raise SharedCopyRefused(
            f"{_count(len(pulled.refused), 'row')} from PostgreSQL refused",
            "Somebody made or changed them by hand; the rest was fetched.",
        )


class _Progress:
    """Says how far it is, every other second."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()

    def __call__(self, waiting: int) -> None:
        if waiting and time.monotonic() - self._said_at > 2.0:
            self._said_at = time.monotonic()
            click.echo(f"{_count(waiting, 'row')} to go", err=True)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
