"""Which study a command means: a new one, or the unfinished one of the same grid and cluster. See DESIGN section 9.

The table there is this file. Called by the study process before anything is started.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from ingestune_tui.errors import StudyError, UsageError
from ingestune_tui.model.events import now
from ingestune_tui.model.ids import new_id
from ingestune_tui.model.study import Cluster, Owner, Study
from ingestune_tui.storage.store import Store
from ingestune_tui.storage.studies import refuse_beside
from ingestune_tui.tuning.cluster import ClusterChoice
from ingestune_tui.tuning.grid_file import GridFile
from ingestune_tui.tuning.scopes import changes_brokers
from ingestune_tui.tuning.study_client import owner_lives

_UNFINISHED = ("running", "paused", "interrupted", "stopped")
_SHOWN = 20
_OPTIONS = {"strategy": "--strategy {}", "budget_s": "--budget {}s", "confirm_pairs": "--confirm-pairs {}"}
"""What of the remembered command line stands in the grid's place, by its name among the options."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line said about the study."""

    name: str = ""
    """`--study`; empty means none was named."""
    fresh: bool = False
    """`--fresh`: a new study that takes nothing from the cache."""
    seed: int = 0
    """`--seed`; 0 draws from the study's own id."""
    options: dict[str, str] = field(default_factory=dict)
    """What should be remembered of the command line."""


async def choose_study(
    store: Store, wanted: Wanted, grid_file: GridFile, cluster: ClusterChoice, owner: Owner
) -> Study:
    """The study to run, claimed for `owner`.

    Raises UsageError when the named study exists and cannot be gone on with, StudyError when another process runs it.
    """
    study = await _existing(store, wanted, grid_file, cluster, owner)
    await _refuse_beside(store, grid_file, cluster, study)
    await _refuse_a_second(store, grid_file, cluster, owner, study)
    if study is None:
        study = await _create(store, wanted, grid_file, cluster, owner)
    return await store.claim_study(study.id, owner)


async def unfinished_study(store: Store, name: str) -> Study | None:
    """The study of ours called `name`, where it can be gone on with as it was begun."""
    return next((each for each in await store.own_studies() if each.name == name and each.state in _UNFINISHED), None)


async def _existing(
    store: Store, wanted: Wanted, grid_file: GridFile, cluster: ClusterChoice, owner: Owner
) -> Study | None:
    if wanted.fresh:
        return None
    if wanted.name:
        named = next((study for study in await store.own_studies() if study.name == wanted.name), None)
        if named is None:
            await _refuse_a_colleagues(store, wanted.name)
            return None
        if named.state not in _UNFINISHED:
            raise UsageError(
                f"there is already a study called {named.name}, and it is {named.state}",
                "Choose another name with --study, or leave it out.",
            )
        if named.grid_hash != grid_file.hash:
            raise UsageError(
                f"study {named.name} was begun otherwise:\n{_difference(named, grid_file, wanted)}",
                "Leave --study out for a new study.",
            )
        if named.cluster.label != cluster.label:
            raise UsageError(f"study {named.name} runs on {named.cluster.label}, not on {cluster.label}")
        return named
    same = await _unfinished(store, grid_file, cluster, owner)
    return same[0] if same else None


async def _unfinished(store: Store, grid_file: GridFile, cluster: ClusterChoice, owner: Owner) -> list[Study]:
    """Studies of this grid and cluster that this host may go on with, newest first; never a colleague's."""
    return [
        study
        for study in await store.own_studies()
        if study.grid_hash == grid_file.hash
        and study.cluster.label == cluster.label
        and study.cluster.kind == cluster.kind
        and study.state in _UNFINISHED
        and study.host in ("", owner.host)
    ]


async def _refuse_a_colleagues(store: Store, name: str) -> None:
    """A study under another name than the one asked for could not be gone on with by the same command."""
    for study in await store.studies():
        if study.name == name:
            raise UsageError(
                f"study {name} was pulled from PostgreSQL, and is run only on {study.host or 'its own computer'}",
                "Choose another name with --study, or leave it out.",
            )


async def _refuse_a_second(
    store: Store, grid_file: GridFile, cluster: ClusterChoice, owner: Owner, own: Study | None
) -> None:
    """Two at once of one grid on one cluster would measure each other, under whatever name.

    `own` is the study to go on with; whether another process runs that one, its claim finds out.
    """
    for study in await _unfinished(store, grid_file, cluster, owner):
        if own is not None and study.id == own.id:
            continue
        if study.owner is not None and owner_lives(study):
            raise StudyError(
                f"study {study.name} runs the same grid on {cluster.label}, in process {study.owner.pid}",
                f"Watch it with `ingestune attach {study.name}`, or end it with `ingestune stop {study.name}`.",
            )


async def _refuse_beside(store: Store, grid_file: GridFile, cluster: ClusterChoice, own: Study | None) -> None:
    """Studies at the same address; the same cluster at another address is known when it has answered."""
    if cluster.kind == "external":
        living = [study for study in await store.living_studies() if study.cluster.label == cluster.label]
        others = [study for study in living if own is None or study.id != own.id]
        refuse_beside(others, cluster.label, changes_brokers=changes_brokers(grid_file.grid))


async def _create(store: Store, wanted: Wanted, grid_file: GridFile, cluster: ClusterChoice, owner: Owner) -> Study:
    study = Study(
        id=new_id(),
        name=await store.unique_name(wanted.name or grid_file.path.stem or "study"),
        grid_text=grid_file.text,
        grid_name=grid_file.path.name,
        grid_hash=grid_file.hash,
        cluster=Cluster(id="", label=cluster.label, kind=cluster.kind, version="", nodes=0),
        state="running",
        strategy=grid_file.grid.search.strategy,
        seed=wanted.seed,
        created_at=now(),
        host=owner.host,
        changes_brokers=changes_brokers(grid_file.grid),
        options={"grid_path": str(grid_file.path.absolute()), **wanted.options},
    )
    await store.create_study(study)
    return study


def _difference(study: Study, grid_file: GridFile, wanted: Wanted) -> str:
    """What is not as it was, in the grid's text and on the command line: `-` begins what it was, `+` what it is."""
    old, new = study.grid_text.splitlines(), grid_file.text.splitlines()
    lines = [
        line for line in difflib.unified_diff(old, new, lineterm="", n=0) if not line.startswith(("---", "+++", "@@"))
    ]
    shown = lines[:_SHOWN] + [f"and {len(lines) - _SHOWN} more lines"] * (len(lines) > _SHOWN)
    for name, option in _OPTIONS.items():
        then, now_ = study.options.get(name, ""), wanted.options.get(name, "")
        if then != now_:
            shown += [f"{sign} {option.format(value)}" for sign, value in (("-", then), ("+", now_)) if value]
    return "\n".join(f"  {line}" for line in shown) or "  a baseline file has another content"
