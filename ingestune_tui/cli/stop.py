"""`ingestune stop`: ends a running study cleanly, wherever on this host it runs."""

from __future__ import annotations

import asyncio

import click

from ingestune_tui.cli.options import existing_database_option, settings_from

_WITHIN_S = 60.0


@click.command("stop")
@click.argument("study", required=False)
@existing_database_option
def stop(study: str | None, database: str | None) -> int:
    """End STUDY (the newest one that runs) and wait until it has cleaned up."""
    return asyncio.run(_stop(study, database))


async def _stop(key: str | None, database: str | None) -> int:
    from ingestune_tui.errors import StudyError
    from ingestune_tui.model.events import StopStudy
    from ingestune_tui.storage.store import Store
    from ingestune_tui.tuning.sockets import remove_stale_sockets
    from ingestune_tui.tuning.study_client import StudyClient, owner_lives

    settings = settings_from(database=database)
    remove_stale_sockets(settings.paths.runtime)
    if not settings.database.exists():
        raise StudyError("no study is running on this host")
    async with await Store.open_configured(settings, read_only=True) as store:
        if key is None:
            running = [each for each in await store.studies() if each.state in ("running", "paused")]
            living = [each for each in running if owner_lives(each)]
            if not living:
                hint = f"{running[0].name} was left behind by a process that is gone." if running else ""
                raise StudyError("no study is running on this host", hint)
            study = living[0]
        else:
            study = await store.find_study(key)
    async with await StudyClient.attach(study) as client:
        await client.send(StopStudy())
        try:
            async with asyncio.timeout(_WITHIN_S):
                async for _ in client.events():  # they end when the process does
                    pass
        except TimeoutError:
            raise StudyError(
                f"study {study.name} has not ended after {_WITHIN_S:.0f} s",
                f"It may still be cleaning up: watch it with `ingestune attach {study.name}`.",
            ) from None
    async with await Store.open_configured(settings, read_only=True) as store:
        after = await store.find_study(study.id)
    if after.state in ("running", "paused") and owner_lives(after):
        raise StudyError(f"the line to study {study.name} broke off, and it runs on", "Try `ingestune stop` again.")
    click.echo(f"study {study.name} is stopped", err=True)
    return 0
