"""`ingestune run`: a study in the foreground, said line by line on stderr, or as JSON lines on stdout."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ingestune_tui.cli.options import Seconds, cluster_options, database_option, settings_from
from ingestune_tui.errors import UsageError

if TYPE_CHECKING:
    from ingestune_tui.model.events import Event
    from ingestune_tui.model.space import Space
    from ingestune_tui.model.study import Study
    from ingestune_tui.settings import Settings
    from ingestune_tui.tuning.cluster import ClusterChoice
    from ingestune_tui.tuning.grid_file import GridFile


@click.command("run")
@click.argument("grid", required=False, type=click.Path(path_type=Path))
@cluster_options
@database_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event on stdout.")
@click.option("--strategy", type=click.Choice(["race", "exhaustive"]), help="Instead of the grid's own.")
@click.option("--budget", type=Seconds(), metavar="TIME", help="For the whole study, like 10m.")
@click.option("--confirm-pairs", type=click.IntRange(4, 200), metavar="N", help="Fresh pairs that make the claim.")
@click.option("--no-confirm", is_flag=True, help="End with a leader and make no claim.")
@click.option("--study", metavar="NAME", default="", help="Name of a new study, or the unfinished one to go on with.")
@click.option("--fresh", is_flag=True, help="A new study that takes nothing from earlier ones.")
@click.option("--seed", type=click.IntRange(0, 2**62), default=0, help="Repeat the same order of trials.")
@click.option("--allow-broker-changes", is_flag=True, help="Let the grid change dynamic settings of the brokers.")
@click.option("--yes", is_flag=True, help="Do not ask before loading a cluster that is not ours.")
@click.option(
    "--max-unattended", type=Seconds(), default=7200.0, metavar="TIME", help="Stop when nobody watches.  [default: 2h]"
)
@click.option("--detached", is_flag=True, hidden=True)
@click.option("--socket", "socket_name", default="", hidden=True)
def run(grid: Path | None, **given: Any) -> int:
    """Run GRID and leave with a leaderboard and a verdict.

    The same command again goes on with a study that was stopped or killed. GRID may be left out with --study, to go on
    with a study whose grid file is gone.
    """
    source = click.get_current_context().get_parameter_source
    unsaid = {name for name in given if source(name) is ParameterSource.DEFAULT}
    return asyncio.run(_run(grid, given, unsaid))


def _settings(given: dict[str, Any]) -> Settings:
    return settings_from(
        database=given["database"],
        cluster=given["cluster"],
        bootstrap_server=given["bootstrap_server"],
        command_config=given["command_config"],
        topic_prefix=given["topic_prefix"],
    )


async def _run(grid: Path | None, given: dict[str, Any], unsaid: set[str]) -> int:
    from ingestune_tui.cli.narrate import JsonLines, Narration
    from ingestune_tui.model.events import StudyFinished
    from ingestune_tui.model.space import expand
    from ingestune_tui.tuning.grid_file import load_grid, refuse_unrunnable, resolve
    from ingestune_tui.tuning.study_lookup import Wanted
    from ingestune_tui.tuning.study_process import StudyProcess, StudyRequest

    settings = _settings(given)
    begun: Study | None
    if grid is None:
        begun = await _begun(settings, given["study"])
        grid_file = resolve(begun.grid_text, Path(begun.options.get("grid_path", begun.grid_name)))
    else:
        grid_file = load_grid(grid)
        begun = None if given["fresh"] else await _unfinished(settings, given["study"])
    if begun is not None:
        given = _as_begun(begun, given, unsaid)
        settings = _settings(given)
    grid_file = _override(grid_file, given)
    choice = _cluster(settings, given)
    if given["no_confirm"] and given["confirm_pairs"]:
        raise UsageError("--no-confirm and --confirm-pairs contradict each other")
    _check_scopes(grid_file, choice, given["allow_broker_changes"])
    spaces = [expand(grid_file.grid, workload) for workload in grid_file.grid.workloads]
    refuse_unrunnable(grid_file, spaces)
    if not given["detached"]:
        _ask_first(grid_file, spaces, choice, yes=given["yes"])
    front: JsonLines | Narration = JsonLines(sys.stdout) if given["as_json"] else Narration(quiet=given["detached"])
    request = StudyRequest(
        grid_file=grid_file,
        cluster=choice,
        wanted=Wanted(given["study"], given["fresh"], given["seed"], _remembered(settings, given)),
        socket_name=given["socket_name"],
        detached=given["detached"],
        max_unattended_s=given["max_unattended"],
    )

    last: list[Event] = []

    def listen(event: Event) -> None:
        if isinstance(front, Narration) and isinstance(event, StudyFinished):
            last.append(event)  # an error that ends the study is said once, by whoever catches it
            return
        with contextlib.suppress(OSError):  # a terminal or a reader that went away stops no study
            front.tell(event)

    with front:
        end = await StudyProcess(request, settings, listen).run()
        with contextlib.suppress(OSError):
            for event in last:
                front.tell(event)
    if end.study is not None and isinstance(front, Narration) and not given["detached"]:
        from ingestune_tui.report.summary import farewell
        from ingestune_tui.storage.store import Store

        async with await Store.open_configured(settings, read_only=True) as store:
            trials = await store.trials(end.study.id)
        with contextlib.suppress(OSError):
            click.echo("\n" + farewell(end.study, trials), err=True)
    if end.signal_number:
        return 128 + end.signal_number
    return 1 if end.study is None or end.study.state in ("failed", "interrupted") else 0


async def _begun(settings: Settings, key: str) -> Study:
    """The study to go on with when no grid was named."""
    from ingestune_tui.storage.store import Store

    if not key:
        raise UsageError("there is no grid to run", "Try `ingestune run grids/quick.toml --cluster local`.")
    if not settings.database.exists():
        raise UsageError(
            f"there is no study {key} to go on with: there is no results database at {settings.database}",
            "Name a grid to begin one, or another file with --database.",
        )
    async with await Store.open_configured(settings) as store:
        return await store.find_study(key)


async def _unfinished(settings: Settings, name: str) -> Study | None:
    """The unfinished study of that very name; with a grid, any other name is that of a new study."""
    from ingestune_tui.storage.store import Store
    from ingestune_tui.tuning.study_lookup import unfinished_study

    if not name or not settings.database.exists():
        return None
    async with await Store.open_configured(settings) as store:
        return await unfinished_study(store, name)


def _as_begun(begun: Study, given: dict[str, Any], unsaid: set[str]) -> dict[str, Any]:
    """The command line with the study's full name, and as it was at the beginning where it says nothing now."""
    kept = begun.options
    found = {**given, "study": begun.name, "strategy": given["strategy"] or kept.get("strategy")}
    named = given["cluster"] or given["bootstrap_server"]
    if not named or named == kept.get("cluster"):  # elsewhere it is refused, and by nothing that was meant for here
        found["cluster"] = kept.get("cluster")
        found["command_config"] = given["command_config"] or kept.get("command_config")
        if "nodes" in unsaid:
            found["nodes"] = kept.get("nodes", given["nodes"])
        if "round_trip_ms" in unsaid:
            found["round_trip_ms"] = int(kept.get("round_trip_ms", 0))
    if given["budget"] is None and "budget_s" in kept:
        found["budget"] = float(kept["budget_s"])
    if not given["no_confirm"] and not given["confirm_pairs"]:
        pairs = kept.get("confirm_pairs", "")
        found["no_confirm"] = pairs == "0"
        found["confirm_pairs"] = int(pairs or 0) or None
    found["allow_broker_changes"] = given["allow_broker_changes"] or bool(kept.get("allow_broker_changes"))
    return found


def _override(grid_file: GridFile, given: dict[str, Any]) -> GridFile:
    """The command line wins over the grid's [search]."""
    from dataclasses import replace

    import msgspec

    from ingestune_tui.model.grid_fields import SECTIONS
    from ingestune_tui.tuning.grid_file import grid_hash

    changes: dict[str, Any] = {}
    if given["strategy"]:
        changes["strategy"] = given["strategy"]
    if given["budget"] is not None:
        try:
            changes["budget_s"] = SECTIONS["search"]["budget"](f"{given['budget']!r}s")
        except ValueError as problem:
            raise UsageError(f"--budget: {problem}") from None
    if given["no_confirm"]:
        changes["confirm_pairs"] = 0
    elif given["confirm_pairs"]:
        changes["confirm_pairs"] = given["confirm_pairs"]
    if not changes:
        return grid_file
    grid = msgspec.structs.replace(grid_file.grid, search=msgspec.structs.replace(grid_file.grid.search, **changes))
    return replace(grid_file, grid=grid, hash=grid_hash(grid))


def _cluster(settings: Settings, given: dict[str, Any]) -> ClusterChoice:
    from ingestune_tui.tuning.cluster import parse_cluster

    if not settings.cluster:
        raise UsageError(
            "no cluster was named",
            "Add `--cluster local` for a Kafka on this machine, `--cluster simulated`, or `--cluster HOST:PORT`.",
        )
    return parse_cluster(settings.cluster, settings.command_config, int(given["nodes"]), given["round_trip_ms"])


def _check_scopes(grid_file: GridFile, choice: ClusterChoice, allow_broker_changes: bool) -> None:
    from ingestune_tui.tuning.scopes import refuse_replication, refuse_scopes

    refuse_scopes(grid_file.grid, choice, allow_broker_changes=allow_broker_changes)
    refuse_replication(grid_file.grid, choice)


def _remembered(settings: Settings, given: dict[str, Any]) -> dict[str, str]:
    """What going on with the study needs to know of this command line; never a secret."""
    kept = {
        "cluster": settings.cluster or "",
        "command_config": str(settings.command_config or ""),
        "nodes": given["nodes"],
        "round_trip_ms": str(given["round_trip_ms"] or ""),
        "topic_prefix": settings.topic_prefix,
        "strategy": given["strategy"] or "",
        "confirm_pairs": "0" if given["no_confirm"] else str(given["confirm_pairs"] or ""),
        "budget_s": str(given["budget"] or ""),
        "fresh": "yes" if given["fresh"] else "",
        "allow_broker_changes": "yes" if given["allow_broker_changes"] else "",
    }
    return {name: value for name, value in kept.items() if value}


def _ask_first(grid_file: GridFile, spaces: list[Space], choice: ClusterChoice, *, yes: bool) -> None:
    """A cluster that is not ours is loaded only after it was named and agreed to; many partitions weigh on any."""
    from ingestune_tui.errors import Refused
    from ingestune_tui.tuning.estimate import MANY_PARTITIONS, estimate, most_partitions
    from ingestune_tui.tuning.scopes import broker_changes, with_levels
    from ingestune_tui.units import about_bytes, format_duration

    if yes:
        return
    most = most_partitions(spaces)
    if choice.kind != "external" and most < MANY_PARTITIONS:
        return
    price = estimate(grid_file.grid, spaces, nodes=choice.nodes, fresh=choice.kind == "local")
    where = choice.bootstrap or choice.label
    what = (
        f"About {price.trials} trials will load {where} for about {format_duration(price.seconds)}, "
        f"write up to {about_bytes(price.bytes_written)} and hold up to {about_bytes(price.peak_bytes)} at once."
    )
    if most >= MANY_PARTITIONS:
        what += f" One topic has {most} partitions, which every broker holds open files for."
    if choice.kind == "external" and (names := broker_changes(grid_file.grid)):
        what += f" It changes settings on each broker and puts them back: {with_levels(names)}."
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(what, "Add --yes to agree where there is no terminal to ask in.")
    if not click.confirm(f"{what}\nGo on?", err=True):
        raise Refused("nothing was run")
