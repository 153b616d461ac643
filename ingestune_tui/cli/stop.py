"""`ingestune stop`: ends a running study cleanly, wherever on this host it runs."""

from __future__ import annotations

import asyncio
import contextlib

import click

from ingestune_tui.cli.options import database_option, settings_from

_WITHIN_S = 60.0


@click.command("stop")
@click.argument("study", required=False)
@database_option
def stop(study: str | None, database: str | None) -> int:
    """End STUDY (the newest one that runs) and wait until it has cleaned up."""
    return asyncio.run(_stop(study, database))


async def _stop(key: str | None, database: str | None) -> int:
    from ingestune_tui.errors import StudyError
    from ingestune_tui.model.events import StopStudy, StudyFinished
    from ingestune_tui.storage.store import Store
    from ingestune_tui.tuning.study_client import StudyClient

    settings = settings_from(database=database)
    async with await Store.open_configured(settings) as store:
        if key is None:
            running = [each for each in await store.studies() if each.state in ("running", "paused") and each.owner]
            if not running:
                raise StudyError("no study is running")
            study = running[0]
        else:
            study = await store.find_study(key)
    async with await StudyClient.attach(study) as client:
        await client.send(StopStudy())
        state = ""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_WITHIN_S):
                async for event in client.events():
                    if isinstance(event, StudyFinished):
                        state = event.state
        if not state:
            raise StudyError(f"study {study.name} has not ended after {_WITHIN_S:.0f} s", "Ask again, or look at it.")
    click.echo(f"study {study.name} is stopped", err=True)
    return 0
