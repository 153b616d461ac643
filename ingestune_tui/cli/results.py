"""`ingestune results` and `ingestune report`: what was stored, as a table, CSV, JSON lines or one web page."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from ingestune_tui import settings as kept
from ingestune_tui.cli.options import existing_database_option
from ingestune_tui.errors import ExportError, StudyError
from ingestune_tui.model.study import Study
from ingestune_tui.model.trial import Trial

_NO_STUDY = "there is no study yet"
_HOW = "`ingestune run GRID` makes one."


@click.command("results")
@click.argument("study", required=False)
@click.option("--json", "as_json", is_flag=True, help="JSON lines.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV with a header.")
@existing_database_option
def results(study: str | None, as_json: bool, as_csv: bool, database: str | None) -> None:
    """List the studies, or show the leaderboard of one.

    STUDY is a name, an id or a unique beginning of either.
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    chosen = kept.load(database=database)
    if study is None:
        _list_studies(chosen, as_json=as_json, as_csv=as_csv)
    else:
        _show_study(chosen, study, as_json=as_json, as_csv=as_csv)


def _list_studies(chosen: kept.Settings, *, as_json: bool, as_csv: bool) -> None:
    from ingestune_tui.report import tables  # rich's tables: 30 ms that `--help` need not wait for

    studies, counts = asyncio.run(_read_all(chosen))
    if as_json:
        _print_bytes(b"".join(line + b"\n" for line in tables.studies_json(studies, counts)))
    elif as_csv:
        _print_bytes(tables.studies_csv(studies, counts).encode())
    elif studies:
        _print_rich(tables.studies_table(studies, counts))
    else:
        click.echo(f"{_NO_STUDY}: {_HOW}", err=True)


def _show_study(chosen: kept.Settings, key: str, *, as_json: bool, as_csv: bool) -> None:
    from ingestune_tui.report import tables

    study, trials = asyncio.run(_read_one(chosen, key))
    if as_json:
        _print_bytes(b"".join(line + b"\n" for line in tables.results_json(study, trials)))
    elif as_csv:
        _print_bytes(tables.results_csv(study, trials).encode())
    else:
        _print_rich(tables.study_report(study, trials))


@click.command("report")
@click.argument("study", required=False)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The page to write."
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@existing_database_option
def report(study: str | None, output: Path, force: bool, database: str | None) -> None:
    """Write a study's results as one web page that needs nothing else.

    STUDY is a name, an id or a unique beginning of either; by default the newest.
    """
    from ingestune_tui.report.files import write_text
    from ingestune_tui.report.html import render_html

    if output.exists() and not force:
        raise ExportError(f"{output} exists", "--force replaces it.")
    found, trials = asyncio.run(_read_one(kept.load(database=database), study))
    write_text(output, render_html(found, trials))
    click.echo(f"written: {output}", err=True)


async def _read_all(chosen: kept.Settings) -> tuple[list[Study], dict[str, int]]:
    from ingestune_tui.storage.store import Store  # aiosqlite: 15 ms

    if not chosen.database.exists():
        return [], {}
    async with await Store.open_configured(chosen, read_only=True) as store:
        studies = [_as_it_stands(study) for study in await store.studies()]
        return studies, await store.trial_counts()


async def _read_one(chosen: kept.Settings, key: str | None) -> tuple[Study, list[Trial]]:
    from ingestune_tui.storage.store import Store

    if not chosen.database.exists():
        raise StudyError(_NO_STUDY, _HOW)
    async with await Store.open_configured(chosen, read_only=True) as store:
        study = _as_it_stands(await store.find_study(key))
        return study, await store.trials(study.id)


def _as_it_stands(study: Study) -> Study:
    from ingestune_tui.storage.owner import as_it_stands

    return as_it_stands(study, f"`ingestune run --study {study.name}`")


def _print_bytes(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _print_rich(what: object) -> None:
    """A table as wide as the terminal; where stdout is none, as wide as it needs to be."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200, color_system=None)
    console.print(what)
