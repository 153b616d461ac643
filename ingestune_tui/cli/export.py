"""`ingestune export`: the winner of a study as a .properties file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from ingestune_tui.cli.options import existing_database_option, settings_from


@click.command("export")
@click.argument("study", required=False)
@click.option("--message-bytes", type=int, metavar="N", help="Which workload, where the study has several.")
@click.option(
    "--dialect", type=click.Choice(["java", "librdkafka"]), help="Whose names.  [default: the study's client]"
)
@click.option(
    "--scope",
    type=click.Choice(["producer", "consumer", "topic", "broker", "broker.static"]),
    default="producer",
    show_default=True,
    help="Whose settings; broker has the static ones too.",
)
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to; - is stdout.  [default: -]")
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@existing_database_option
def export(
    study: str | None,
    message_bytes: int | None,
    dialect: str | None,
    scope: str,
    output: str,
    force: bool,
    database: str | None,
) -> int:
    """Write the winner of STUDY (the newest with results) as a .properties file."""
    return asyncio.run(_export(study, message_bytes, dialect, scope, output, force, database))


async def _export(
    key: str | None,
    message_bytes: int | None,
    dialect: str | None,
    scope: str,
    output: str,
    force: bool,
    database: str | None,
) -> int:
    from ingestune_tui.catalogue.catalogue import Scope
    from ingestune_tui.errors import StudyError, UsageError
    from ingestune_tui.report.properties import render_properties, write_properties
    from ingestune_tui.storage.store import Store

    settings = settings_from(database=database)
    if not settings.database.exists():
        raise StudyError("there is no study yet", "`ingestune run GRID` makes one.")
    async with await Store.open_configured(settings, read_only=True) as store:
        study = await store.find_study(key)
        trials = await store.trials(study.id)
    sizes = [outcome.workload.message_bytes for outcome in study.outcomes]
    if message_bytes is None and len(sizes) > 1:
        raise UsageError(
            f"study {study.name} has winners for {', '.join(f'{size} B' for size in sizes)}",
            f"Choose one with --message-bytes {sizes[0]}.",
        )
    outcome = next((each for each in study.outcomes if message_bytes in (None, each.workload.message_bytes)), None)
    if outcome is None:
        known = ", ".join(f"{size} B" for size in sizes) or "none yet"
        raise UsageError(f"study {study.name} has no result for that message size; it has: {known}")
    if outcome.winner is None:
        raise UsageError(f"study {study.name} has no winner to export: {outcome.reason or outcome.verdict}")
    client_version = next((each.client_version for each in trials if each.client_version), "")
    text = render_properties(
        study,
        outcome,
        dialect=dialect or outcome.workload.client,
        scope=Scope(scope),
        client_version=client_version,
    )
    if output == "-":
        click.echo(text, nl=False)
        return 0
    write_properties(Path(output), text, force=force)
    click.echo(f"written: {output}", err=True)
    return 0
