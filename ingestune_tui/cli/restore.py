"""`ingestune restore`: put back the broker settings that a killed study left changed. The journal says which."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingestune_tui.cli.options import address_options, existing_database_option, settings_from
from ingestune_tui.errors import IngestuneError, Refused, StudyError, UsageError

if TYPE_CHECKING:
    from ingestune_tui.model.journal import JournalEntry
    from ingestune_tui.settings import Settings
    from ingestune_tui.storage.store import Store
    from ingestune_tui.tuning.cluster import ClusterChoice


@click.command("restore")
@address_options
@existing_database_option
@click.option("--study", metavar="NAME", help="This study is dead, though its computer cannot be asked.")
@click.option("--forget", type=click.IntRange(0), metavar="BROKER", help="This broker is gone for good: strike it out.")
@click.option("--yes", is_flag=True, help="Do not ask before forgetting.")
def restore(
    database: str | None,
    cluster: str | None,
    bootstrap_server: str | None,
    command_config: str | None,
    topic_prefix: str | None,
    study: str | None,
    forget: int | None,
    yes: bool,
) -> int:
    """Put changed broker settings back.

    A study does this itself after every trial and at its next start; this is for when there will be none. Without
    --cluster it goes to all clusters that the journal knows. Exit code 1 if something is left in the journal.
    """
    settings = settings_from(
        database=database,
        cluster=cluster,
        bootstrap_server=bootstrap_server,
        command_config=command_config,
        topic_prefix=topic_prefix,
    )
    asked = settings.cluster if cluster or bootstrap_server else None
    return asyncio.run(_restore(settings, asked, study, forget, yes=yes))


@dataclass(frozen=True, slots=True)
class _Place:
    """A cluster with something to put back."""

    address: str
    """Empty when nobody knows any more where it is."""
    command_config: Path | None


async def _restore(settings: Settings, asked: str | None, study: str | None, forget: int | None, *, yes: bool) -> int:
    from ingestune_tui.storage.store import Store
    from ingestune_tui.tuning.cluster import parse_cluster

    async with await Store.open_configured(settings) as store:
        choice = parse_cluster(asked, settings.command_config) if asked else None
        if choice is not None and choice.kind != "external":
            raise UsageError(
                f"a {choice.kind} cluster ends with its study, and its settings with it",
                "Name a cluster that runs: --cluster HOST:PORT.",
            )
        if study is not None:
            found = await store.declare_dead((await store.find_study(study)).id)
            click.echo(f"study {found.name} is {found.state}", err=True)
        if forget is not None:
            await _forget(store, settings, forget, asked, yes=yes)
            return 0
        return await _restore_all(store, settings, choice)


async def _restore_all(store: Store, settings: Settings, choice: ClusterChoice | None) -> int:
    """Go to every place, also when one of them does not answer; 1 if something is left."""
    from ingestune_tui.tuning.cluster import parse_cluster

    if choice is not None:
        return int(not await _restore_cluster(store, settings, choice))
    places = await _places(store, settings)
    if not places:
        click.echo("nothing to put back: the journal is empty", err=True)
    for place, entries in places.items():
        if not place.address:
            clusters = ", ".join(sorted({entry.cluster_id for entry in entries}))
            click.echo(f"nobody knows where cluster {clusters} is: name it with --cluster HOST:PORT", err=True)
            continue
        try:
            await _restore_cluster(store, settings, parse_cluster(place.address, place.command_config))
        except IngestuneError as problem:
            click.echo(f"{place.address}: {problem}", err=True)
    return int(bool(await _places(store, settings)))


async def _places(store: Store, settings: Settings) -> dict[_Place, list[JournalEntry]]:
    """What the journal knows, by where the studies ran that wrote it. A local cluster is gone, with its settings."""
    places: dict[_Place, list[JournalEntry]] = {}
    for entry in await store.journal_entries():
        kept = ""
        try:
            study = await store.find_study(entry.study_id)
            cluster = study.cluster
            kept = study.options.get("command_config", "")
        except StudyError:
            known = await store.cluster(entry.cluster_id)
            if known is None:
                places.setdefault(_Place("", None), []).append(entry)
                continue
            cluster = known
        if cluster.kind == "external":
            place = _Place(cluster.label, Path(kept) if kept else settings.command_config)
            places.setdefault(place, []).append(entry)
    return places


async def _restore_cluster(store: Store, settings: Settings, choice: ClusterChoice) -> bool:
    """Say what came of it; whether nothing is left there. Raises IngestuneError where that cannot be done now."""
    from ingestune_tui.tuning.cluster import open_cluster
    from ingestune_tui.tuning.leftovers import restore_journal

    def say(text: str) -> None:
        click.echo(text, err=True)

    async with open_cluster(choice, say, topic_prefix=settings.topic_prefix) as cluster:
        restored = await restore_journal(cluster, store, say)
    what = "nothing to put back"
    if restored.count:
        what = f"{restored.count} broker setting{'s' if restored.count > 1 else ''} put back"
    elif restored.kept:
        what = "nothing put back"
    if restored.kept:
        what += f", {restored.kept} left in the journal"
    click.echo(f"{choice.bootstrap}: {what}", err=True)
    return not restored.kept


async def _forget(store: Store, settings: Settings, broker: int, address: str | None, *, yes: bool) -> None:
    """Strike a broker that will not come back from the journal, after asking; no cluster is asked for that."""
    from ingestune_tui.tuning.leftovers import forget, sentences

    found = {
        place: mine
        for place, entries in (await _places(store, settings)).items()
        if (mine := [entry for entry in entries if entry.node_id == broker]) and address in (None, place.address)
    }
    if not found:
        where = f" at {address}" if address else ""
        raise UsageError(f"the journal has nothing of a broker {broker}{where}", "`ingestune restore` lists the rest.")
    if len({entry.cluster_id for entries in found.values() for entry in entries}) > 1:
        addresses = ", ".join(place.address or "an unknown place" for place in found)
        raise UsageError(f"there is a broker {broker} in several clusters: {addresses}", "Name one with --cluster.")
    entries = [entry for mine in found.values() for entry in mine]
    for sentence in sentences(entries):
        click.echo(sentence, err=True)
    if not yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise Refused("forgetting cannot be taken back", "Add --yes to agree where there is no terminal to ask in.")
        if not click.confirm(f"Forget this of broker {broker}? Nothing is put back.", err=True):
            raise Refused("nothing was forgotten")
    await forget(store, entries)
    click.echo(f"broker {broker} is forgotten", err=True)
