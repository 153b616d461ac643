"""`ingestune sync`: what waits goes to PostgreSQL; `--verify` compares both sides, `--pull` fetches from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingestune_tui import settings as kept
from ingestune_tui.cli.options import existing_database_option
from ingestune_tui.errors import SharedCopyUnequal, UsageError
from ingestune_tui.settings import SharedCopy

if TYPE_CHECKING:
    from ingestune_tui.storage.verify import TableReport


@click.command("sync")
@click.option("--verify", "mode", flag_value="verify", help="Then compare counts and checksums of both sides.")
@click.option("--pull", "mode", flag_value="pull", help="Then fetch colleagues' studies of the clusters known here.")
@existing_database_option
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
    if sent.set_aside:
        named = "Each" if sent.set_aside == len(sent.refused) else "The first of them"
        raise SharedCopyUnequal(
            f"{_count(sent.set_aside, 'row')} set aside", f"{named} is named above with its reason; all else is there."
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
                (report.newer_there, "newer there"),
                (report.only_there, "only there"),
                (report.deleted_there, "deleted there"),
                (report.damaged, "damaged here"),
                (report.pulled, "pulled besides"),
                (report.pulled_deleted, "of the pulled deleted by their owner (sync --pull)"),
                (report.pulled_changed, "of the pulled new or changed there (sync --pull)"),
            )
            if number
        ]
        click.echo(
            f"{report.table:<14} {report.here:>7} {report.there:>7}  {same} {report.checksum_here[:12]}"
            f" {report.checksum_there[:12]}{'  ' if remarks else ''}{', '.join(remarks)}"
        )
    if not all(report.equal for report in reports):
        raise SharedCopyUnequal("the two sides are not equal", _what_to_do(reports))
    click.echo("both sides are equal", err=True)


def _what_to_do(reports: Sequence[TableReport]) -> str:
    """One sentence for each way in which the sides differ."""
    sentences = (
        (any(report.missing or report.differing for report in reports),
         "What is missing or changed there is sent again by `ingestune sync`."),
        (any(report.newer_there or report.only_there for report in reports),
         "What is newer or only there was sent by a copy of this database, or before it was restored from a backup:"
         " `ingestune sync --pull` brings studies that are not here at all, and changes none that is."),
        (any(report.deleted_there for report in reports),
         "What was deleted there, from a copy of this database, is kept here alone until you delete it too."),
        (any(report.damaged for report in reports),
         "What is damaged here was changed by another program or is broken: see the results database's backups."),
    )  # fmt: skip
    return " ".join(sentence for holds, sentence in sentences if holds)


async def _pull(path: Path, shared: SharedCopy) -> None:
    from ingestune_tui.storage.pull import pull

    pulled = await pull(path, shared)
    for name in pulled.studies:
        click.echo(name)
    click.echo(
        f"{_count(len(pulled.studies), 'study', 'studies')} fetched,"
        f" with {_count(pulled.trials, 'new or changed trial')}"
        + (f", {_count(pulled.removed, 'deleted study', 'deleted studies')} removed" if pulled.removed else ""),
        err=True,
    )
    for line in pulled.refused:
        click.echo(f"refused: {line}", err=True)
    if pulled.refused:
        raise SharedCopyUnequal(
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
