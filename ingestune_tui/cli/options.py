"""The options that several commands share, and what they mean together. Click lives in this folder only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ingestune_tui import settings as kept
from ingestune_tui.errors import UsageError
from ingestune_tui.settings import Settings
from ingestune_tui.units import parse_seconds

_F = TypeVar("_F", bound=Callable[..., Any])


class Seconds(click.ParamType[float]):
    """A duration with a unit, like 10m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = value if isinstance(value, float) else parse_seconds(str(value))
        except ValueError as problem:
            self.fail(str(problem), param, ctx)
        if seconds <= 0:
            self.fail("it takes more than no time", param, ctx)
        return seconds


def database_option(command: _F) -> _F:
    """`--database`."""
    return click.option("--database", metavar="FILE", help="The results database.  [default: one for this user]")(
        command
    )


def existing_database_option(command: _F) -> _F:
    """`--database` of a command that has nothing to do where there is none: a slip of the pen makes no new file."""
    return click.option(
        "--database", metavar="FILE", callback=_existing, help="The results database.  [default: one for this user]"
    )(command)


def _existing(_: click.Context, __: click.Parameter, database: str | None) -> str | None:
    if database and not kept.at_home(database, "the database").exists():
        raise UsageError(f"there is no results database at {database}", "`ingestune run` makes one; see --database.")
    return database


def cluster_options(command: _F) -> _F:
    """`--nodes` and `--round-trip` of a cluster that is started here, and all of `address_options`."""
    for decorate in (
        click.option(
            "--round-trip", "round_trip_ms", type=click.IntRange(0, 60_000), default=0, metavar="MS",
            help="Of a simulated cluster: how long every answer takes.",
        ),
        click.option("--nodes", type=click.Choice(["1", "3"]), default="1", help="Of a local cluster: brokers."),
    ):  # fmt: skip
        command = decorate(command)
    return address_options(command)


def address_options(command: _F) -> _F:
    """`--cluster`, `-b`, `--command-config`, `--topic-prefix`."""
    for decorate in (
        click.option("--topic-prefix", metavar="TEXT", help="What our topics' names begin with.  [default: ingestune]"),
        click.option("--command-config", metavar="FILE", help="A client.properties with the cluster's security."),
        click.option("-b", "--bootstrap-server", metavar="HOST:PORT,...", help="The same as --cluster HOST:PORT,..."),
        click.option("--cluster", metavar="WHERE", help="local, simulated, or HOST:PORT,..."),
    ):
        command = decorate(command)
    return command


def settings_from(
    *,
    database: str | None = None,
    cluster: str | None = None,
    bootstrap_server: str | None = None,
    command_config: str | None = None,
    topic_prefix: str | None = None,
    refresh: float | None = None,
) -> Settings:
    """Settings with the flags applied. Raises UsageError when two name different clusters."""
    if cluster and bootstrap_server and cluster != bootstrap_server:
        raise UsageError("--cluster and --bootstrap-server name different clusters", "Give one of them.")
    return kept.load(
        database=database,
        cluster=cluster or bootstrap_server,
        command_config=command_config,
        topic_prefix=topic_prefix,
        refresh_hz=refresh,
    )
