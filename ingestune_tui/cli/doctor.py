"""`ingestune doctor`: what works on this machine and on the chosen cluster, and what to do about the rest."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingestune_tui.cli.options import address_options, database_option, settings_from

if TYPE_CHECKING:
    from ingestune_tui.kafka.doctor import Check
    from ingestune_tui.settings import Settings

_MARKS = {"ok": "✓", "warn": "⚠", "fail": "✗"}


@click.command("doctor")
@address_options
@database_option
def doctor(
    database: str | None,
    cluster: str | None,
    bootstrap_server: str | None,
    command_config: str | None,
    topic_prefix: str | None,
) -> int:
    """Say what works: terminal, clients, Java, cluster, database, PostgreSQL. Exits with 1 if something fails."""
    settings = settings_from(
        database=database,
        cluster=cluster,
        bootstrap_server=bootstrap_server,
        command_config=command_config,
        topic_prefix=topic_prefix,
    )
    checks = list(asyncio.run(_checks(settings)))
    for check in checks:
        click.echo(f"{_MARKS[check.state]} {check.state:<4}  {check.name:<12} {check.detail}")
        if check.hint:
            click.echo(f"{'':>8}{'':<13}{check.hint}")
    return 1 if any(check.state == "fail" for check in checks) else 0


async def _checks(settings: Settings) -> Iterable[Check]:
    from ingestune_tui.kafka import doctor as kafka

    found = [_terminal(), *kafka.check_clients(), *await kafka.check_local()]
    if settings.cluster:
        found += await _cluster(settings.cluster, settings)
    found.append(await _database(settings))
    found.append(await _postgres(settings))
    return found


async def _cluster(address: str, settings: Settings) -> Iterable[Check]:
    from ingestune_tui.errors import ConfigError, UsageError
    from ingestune_tui.kafka.doctor import Check, check_cluster
    from ingestune_tui.tuning.cluster import connection_of, parse_cluster

    try:
        choice = parse_cluster(address, settings.command_config)
        if choice.kind != "external":
            return ()
        connection = connection_of(choice)
    except (ConfigError, UsageError) as problem:  # an address or a client.properties that cannot be used
        return (Check("cluster", "fail", problem.what, problem.hint),)
    return await check_cluster(connection, settings.topic_prefix)


def _terminal() -> Check:
    from ingestune_tui.kafka.doctor import Check

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return Check("terminal", "warn", "none here", "The app needs one; `ingestune run` does not.")
    size = os.get_terminal_size()
    detail = f"{size.columns}x{size.lines}, TERM={os.environ.get('TERM', '')[:40]}"
    if size.columns < 60 or size.lines < 16:
        return Check("terminal", "warn", detail, "The app needs at least 60x16; 80x24 is good.")
    return Check("terminal", "ok", detail, "")


async def _database(settings: Settings) -> Check:
    from ingestune_tui.errors import IngestuneError
    from ingestune_tui.kafka.doctor import Check
    from ingestune_tui.storage.store import Store

    makeable = settings.database == settings.paths.database or settings.database.parent.is_dir()
    nearest = next((each for each in settings.database.absolute().parents if each.exists()), Path("/"))
    if makeable and not settings.database.exists() and os.access(nearest, os.W_OK | os.X_OK):
        return Check("database", "ok", f"{settings.database}, not there yet", "The first study makes it.")
    try:
        async with await Store.open_configured(settings) as store:
            studies = len(await store.studies())
    except IngestuneError as problem:
        return Check("database", "fail", problem.what, problem.hint)
    except OSError as problem:
        words = problem.strerror or str(problem)
        return Check("database", "fail", f"{settings.database}: {words}", "Name another with --database.")
    return Check("database", "ok", f"{settings.database}, {studies} studies", "")


async def _postgres(settings: Settings) -> Check:
    from ingestune_tui.errors import IngestuneError
    from ingestune_tui.kafka.doctor import Check
    from ingestune_tui.storage.postgres import close, connect, within

    if settings.shared_copy is None:
        return Check("postgresql", "ok", "not configured", "INGESTUNE_POSTGRES or config.toml names one.")
    try:
        connection = await connect(settings.shared_copy, program="ingestune doctor")
        try:
            version = await within(connection, connection.fetchval("show server_version"))
        finally:
            await close(connection)
    except IngestuneError as problem:
        return Check("postgresql", "fail", problem.what, problem.hint)
    return Check("postgresql", "ok", f"PostgreSQL {version}, from {settings.shared_copy.origin}", "")
