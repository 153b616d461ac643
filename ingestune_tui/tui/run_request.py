"""From what is on the screen to the arguments of `ingestune run`, and what should be asked before. No Textual here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.settings import Settings, private_directory
from ingestune_tui.tui.grid_document import GridDocument
from ingestune_tui.tuning.estimate import MANY_PARTITIONS
from ingestune_tui.tuning.scopes import broker_changes, changes_brokers, with_levels
from ingestune_tui.units import about_bytes, format_duration

if TYPE_CHECKING:
    from ingestune_tui.model.study import Study
    from ingestune_tui.tui.state import ClusterChoice, GridCount

LONG_S: Final = 900
"""A study longer than this is asked about first."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before a study may put its load on a cluster."""

    title: str
    text: str
    yes: str
    """The answer that starts it."""
    destroys: bool = False
    """It changes what is not ours."""


def question(document: GridDocument, cluster: ClusterChoice, count: GridCount | None) -> Question | None:
    """What to ask before the study starts; None when it may just start."""
    grid = document.grid
    assert grid is not None
    many = count.partitions if count is not None and count.partitions >= MANY_PARTITIONS else 0
    long = count is not None and count.duration_s is not None and count.duration_s > LONG_S
    if not (cluster.external or many or long):
        return None
    parts = [_price(count)]
    if many:
        parts.append(f"A topic of it has {many} partitions, and every broker holds open files for each of them.")
    if not cluster.external:
        return Question(f"Run {document.name}?", " ".join(parts), "Run")
    cap = grid.limits.bytes_per_s
    fast = f"at most {about_bytes(cap)}/s" if cap is not None else "as fast as one client can"
    parts.insert(0, f"{cluster.address} is somebody's cluster, and this sends to it {fast}.")
    title = f"Run {document.name} on {cluster.address}?"
    names = broker_changes(grid)
    if not names:
        return Question(title, " ".join(parts), "Run")
    parts.append(f"For each trial it changes settings on each broker and puts them back: {with_levels(names)}.")
    return Question(title, " ".join(parts), "Change them and run", destroys=True)


def question_to_resume(
    study: Study, document: GridDocument, cluster: ClusterChoice, count: GridCount | None
) -> Question | None:
    """What to ask before an interrupted study goes on: only somebody's cluster has to be agreed to again."""
    asked = question(document, cluster, count) if cluster.external and document.grid is not None else None
    if asked is None:
        return None
    done = "What it has measured already is kept; the whole of it was: "
    yes = "Change them and go on" if asked.destroys else "Go on"
    return Question(f"Go on with {study.name} on {cluster.address}?", done + asked.text, yes, asked.destroys)


def _price(count: GridCount | None) -> str:
    """`About 36 trials take about 12 min and write about 9 GB per node, 2 GB at once.`"""
    trials = f"About {count.trials} trials take" if count and count.trials else "It takes"
    time = f"about {format_duration(count.duration_s)}" if count and count.duration_s else "some time"
    written = f" and write about {about_bytes(count.bytes_written)} per node" if count and count.bytes_written else ""
    peak = f", {about_bytes(count.peak_bytes)} at once" if count and written and count.peak_bytes else ""
    return f"{trials} {time}{written}{peak}."


def refusal(document: GridDocument, cluster: ClusterChoice, count: GridCount | None) -> str:
    """Why this grid cannot be run here at all; empty when it can."""
    grid = document.grid
    if grid is None:
        return str(document.problems[0]) if document.problems else "the grid has problems"
    if Scope.BROKER_STATIC in grid.scopes and cluster.address != "local":
        return "[broker.static] restarts the broker, so it runs on local only: switch it off, or choose local (o)"
    if cluster.address == "simulated" and (names := broker_changes(grid)):
        return f"a simulated broker has no settings ({', '.join(names)}): switch them off, or choose local (o)"
    if count is not None and not count.run:
        reason = count.invalid[0][1] if count.invalid else "no parameter leaves one"
        return f"no cell can be run: {reason}"
    if count is not None and count.baseline_invalid:
        return f"the baseline cannot be run: {count.baseline_invalid}"
    return ""


def arguments(document: GridDocument, cluster: ClusterChoice, settings: Settings) -> list[str]:
    """For `ingestune run`; the person was asked. Unsaved text is run from a private copy."""
    grid = document.grid
    assert grid is not None
    if document.path is not None and not document.changed and not document.changed_on_disk():
        path = document.path
    else:
        path = _private_copy(document, settings)
    result = [str(path), *_where(cluster.address, cluster.command_config, settings), "--yes"]
    if changes_brokers(grid):
        result.append("--allow-broker-changes")
    return result


def arguments_to_resume(study: Study, settings: Settings) -> list[str]:
    """To go on with an interrupted study on the cluster it was begun on."""
    options = study.options
    config = options.get("command_config")
    result = [
        "--study",
        study.name,
        *_where(options.get("cluster") or study.cluster.label, Path(config) if config else None, settings),
    ]
    for name, option in (("nodes", "--nodes"), ("strategy", "--strategy")):
        if options.get(name):
            result += [option, options[name]]
    if options.get("confirm_pairs") == "0":
        result.append("--no-confirm")
    elif options.get("confirm_pairs"):
        result += ["--confirm-pairs", options["confirm_pairs"]]
    if options.get("budget_s"):
        result += ["--budget", f"{float(options['budget_s']):g}s"]
    if options.get("allow_broker_changes"):
        result.append("--allow-broker-changes")
    return [*result, "--yes"]


def _where(address: str, config: Path | None, settings: Settings) -> list[str]:
    result = ["--cluster", address, "--database", str(settings.database), "--topic-prefix", settings.topic_prefix]
    return [*result, "--command-config", str(config)] if config is not None else result


def _private_copy(document: GridDocument, settings: Settings) -> Path:
    """The text in a folder of our own, its relative paths made absolute since it lies elsewhere."""
    copy = GridDocument(document.text, document.name)
    for scope, name in document.grid.baseline.files if document.grid else ():
        copy.set_field(("baseline", scope.value), str((document.directory / Path(name).expanduser()).absolute()))
    payload = document.grid.workloads[0].payload if document.grid else ""
    if payload.startswith("file:"):
        path = document.directory / Path(payload.removeprefix("file:")).expanduser()
        copy.set_field(("workload", "payload"), f"file:{path.absolute()}")
    digest = hashlib.sha256(copy.text.encode()).hexdigest()[:12]
    folder = private_directory(settings.paths.state / "grids" / digest)
    return copy.save(folder / document.name)
