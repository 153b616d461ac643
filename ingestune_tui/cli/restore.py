"""`ingestune restore`: put back the broker settings that a killed study left changed. The journal says which."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingestune_tui.cli.options import cluster_options, database_option, settings_from
from ingestune_tui.errors import StudyError, UsageError

if TYPE_CHECKING:
    from ingestune_tui.model.journal import JournalEntry
    from ingestune_tui.settings import Settings
    from ingestune_tui.storage.store import Store
    from ingestune_tui.tuning.cluster import ClusterChoice


@click.command("restore")
@cluster_options
@database_option
def restore(
    database: str | None,
    cluster: str | None,
    bootstrap_server: str | None,
    command_config: str | None,
    nodes: str,
    topic_prefix: str | None,
    round_trip_ms: int,
) -> int:
    """Put changed broker settings back.

    A study does this itself after every trial and at its next start; this is for when there will be none. Without
    --cluster it goes to the clusters that the journal knows.
    """
    settings = settings_from(
        database=database,
        cluster=cluster,
        bootstrap_server=bootstrap_server,
        command_config=command_config,
        topic_prefix=topic_prefix,
    )
    return asyncio.run(_restore(settings, asked=bool(cluster or bootstrap_server)))


@dataclass(frozen=True, slots=True)
class _Place:
    """A cluster with something to put back."""

    address: str
    command_config: Path | None


async def _restore(settings: Settings, *, asked: bool) -> int:
    from ingestune_tui.storage.store import Store
    from ingestune_tui.tuning.cluster import parse_cluster

    async with await Store.open_configured(settings) as store:
        if asked and settings.cluster:
            choice = parse_cluster(settings.cluster, settings.command_config)
            if choice.kind != "external":
                raise UsageError(
                    f"a {choice.kind} cluster ends with its study, and its settings with it",
                    "Name a cluster that runs: --cluster HOST:PORT.",
                )
            choices = [choice]
        else:
            entries = await store.journal_entries()
            places = [await _place(store, entry, settings) for entry in entries]
            choices = [
                parse_cluster(place.address, place.command_config) for place in dict.fromkeys(places) if place.address
            ]
            if not choices:
                click.echo("nothing to put back: the journal is empty", err=True)
        for choice in choices:
            await _restore_cluster(store, settings, choice)
    return 0


async def _place(store: Store, entry: JournalEntry, settings: Settings) -> _Place:
    """Where the study ran that wrote the entry; no address for a local cluster, which is gone."""
    try:
        study = await store.find_study(entry.study_id)
    except StudyError:
        raise UsageError(
            f"the study that changed {entry.name} of broker {entry.node_id} is no longer in this database",
            f"Name the cluster {entry.cluster_id} with --cluster HOST:PORT.",
        ) from None
    if study.cluster.kind != "external":
        return _Place("", None)
    kept = study.options.get("command_config", "")
    return _Place(study.cluster.label, Path(kept) if kept else settings.command_config)


async def _restore_cluster(store: Store, settings: Settings, choice: ClusterChoice) -> None:
    from ingestune_tui.tuning.broker_settings import restore_journal
    from ingestune_tui.tuning.cluster import open_cluster

    async with open_cluster(
        choice, lambda text: click.echo(text, err=True), topic_prefix=settings.topic_prefix
    ) as cluster:
        notes, restored = await restore_journal(cluster, store)
    for note in notes:
        click.echo(note, err=True)
    what = "1 broker setting" if restored == 1 else f"{restored} broker settings"
    click.echo(
        f"{choice.bootstrap}: {what} put back" if restored else f"{choice.bootstrap}: nothing to put back", err=True
    )
