"""Studies and clusters in the store: made, owned, found, renamed, deleted. A part of `store.Store`.

A study belongs to one process at a time. A study pulled from PostgreSQL is a colleague's: it is read, never run.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from ingestune_tui.errors import StoreError, StudyError
from ingestune_tui.model.events import now
from ingestune_tui.model.study import Cluster, Owner, Study, StudyState
from ingestune_tui.storage.database import Database, Row, Writer
from ingestune_tui.storage.owner import SILENT_S, is_here, lives
from ingestune_tui.storage.rows import decode_cluster, decode_study, readable, revision, text_of

_OPEN: Final[tuple[StudyState, ...]] = ("running", "paused")
_OWNED: Final = (
    "select name, body, max(rev, coalesce((select max(rev) from trial where study_id = study.id), 0)) from study"
    " where origin = '' and json_extract(body, '$.owner') is not null order by created_at desc, id desc"
)
"""Our studies that have an owner, newest first, with the newest revision of all that belongs to them."""


class Studies:
    """The part of the store that knows studies."""

    _database: Database

    async def save_cluster(self, cluster: Cluster) -> None:
        """Keep what is known of a cluster; nothing changes when it is known already."""

        async def unit(writer: Writer) -> None:
            await _save_cluster(writer, cluster)

        await self._database.write(unit)

    async def cluster(self, cluster_id: str) -> Cluster | None:
        """What is known of a cluster."""
        row = await self._database.one("select body from cluster where id = ?", (cluster_id,))
        return decode_cluster(row[0]) if row else None

    async def create_study(self, study: Study) -> None:
        """Add a study and its cluster. Raises StudyError when the name is taken."""

        async def unit(writer: Writer) -> None:
            await _check_name(writer, study.name)
            await _save_cluster(writer, study.cluster)
            await writer.run(
                "insert into study (id, name, cluster_id, state, created_at, finished_at, body, rev)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    study.id,
                    study.name,
                    study.cluster.id,
                    study.state,
                    study.created_at,
                    study.finished_at,
                    text_of(study),
                    revision(),
                ),
            )

        await self._database.write(unit)

    async def update_study(self, study_id: str, **changes: Any) -> Study:
        """Replace fields of a study, its id and name excepted; the study as it is then."""

        async def unit(writer: Writer) -> Study:
            study = await _own_study(writer, study_id)
            return await _put_study(writer, msgspec.structs.replace(study, **changes))

        if {"id", "name"} & changes.keys():
            raise TypeError("a study's id never changes, and its name only by rename_study")
        return await self._database.write(unit)

    async def claim_study(self, study_id: str, owner: Owner) -> Study:
        """Make `owner` the one that runs it. A dead owner is replaced, and its running trials become interrupted.

        Raises StudyError naming a living owner.
        """

        async def unit(writer: Writer) -> Study:
            study = await _own_study(writer, study_id)
            holder = study.owner
            if holder is not None and holder != owner and lives(holder, await _silent_s(writer, study_id)):
                raise StudyError(
                    f"study {study.name} is being run by process {holder.pid} on {holder.host}",
                    f"Watch it with `ingestune attach {study.name}`, or end it with `ingestune stop {study.name}`.",
                )
            if holder != owner:
                await _interrupt_trials(writer, study_id)
            return await _put_study(
                writer, msgspec.structs.replace(study, owner=owner, state="running", finished_at="", message="")
            )

        return await self._database.write(unit)

    async def take_cluster(self, study_id: str, cluster: Cluster, *, changes_brokers: bool) -> Study:
        """Write down where a study runs and whether it changes the brokers there, unless `refuse_beside` is against it.

        In one transaction, so that of two that begin at once one is refused. Raises StudyError.
        """

        async def unit(writer: Writer) -> Study:
            study = await _own_study(writer, study_id)
            if cluster.kind == "external":
                living = _living(await writer.all(_OWNED))
                there = [each for each in living if each.cluster.id == cluster.id and each.id != study_id]
                refuse_beside(there, cluster.label, changes_brokers=changes_brokers)
            await _save_cluster(writer, cluster)
            return await _put_study(
                writer, msgspec.structs.replace(study, cluster=cluster, changes_brokers=changes_brokers)
            )

        return await self._database.write(unit)

    async def living_studies(self) -> list[Study]:
        """Every study of ours that a living process owns, as far as this host can tell."""
        return _living(await self._database.all(_OWNED))

    async def declare_dead(self, study_id: str) -> Study:
        """Take a study from an owner that this host cannot see, on a person's word; the study as it is then.

        Raises StudyError when its process is seen to live.
        """

        async def unit(writer: Writer) -> Study:
            study = await _own_study(writer, study_id)
            if study.owner is None:
                return study
            if lives(study.owner, SILENT_S):
                raise StudyError(
                    f"study {study.name} is not dead: process {study.owner.pid} of this host runs it",
                    f"End it with `ingestune stop {study.name}`; it puts back what it has changed.",
                )
            await _interrupt_trials(writer, study_id)
            state = "interrupted" if study.state in _OPEN else study.state
            return await _put_study(writer, msgspec.structs.replace(study, owner=None, state=state))

        return await self._database.write(unit)

    async def release_study(self, study_id: str, owner: Owner, state: StudyState) -> None:
        """Let go of a study and leave it in `state`; nothing happens when another process owns it by now."""

        async def unit(writer: Writer) -> None:
            study = await _own_study(writer, study_id)
            if study.owner != owner:
                return
            await _interrupt_trials(writer, study_id)
            finished_at = study.finished_at or now() if state not in _OPEN else ""
            await _put_study(writer, msgspec.structs.replace(study, owner=None, state=state, finished_at=finished_at))

        await self._database.write(unit)

    async def studies(self) -> list[Study]:
        """Every study, newest first."""
        rows = await self._database.all("select name, body from study order by created_at desc, id desc")
        return [_study(row) for row in rows]

    async def own_studies(self) -> list[Study]:
        """Those that may be run here, newest first: every study that was not pulled from PostgreSQL."""
        rows = await self._database.all(
            "select name, body from study where origin = '' order by created_at desc, id desc"
        )
        return [_study(row) for row in rows]

    async def pulled_studies(self) -> set[str]:
        """The ids of colleagues' studies."""
        return await pulled_studies(self._database)

    async def find_study(self, key: str | None) -> Study:
        """By name, id, or a unique prefix of either; None is the newest that holds trials, ours before others'.

        A study that never reached its cluster hides no results behind it. Raises StudyError.
        """
        if key is None:
            row = await self._database.one(
                "select name, body from study where exists (select 1 from trial where study_id = study.id)"
                " order by origin = '' desc, created_at desc, id desc limit 1"
            )
            if row is None:
                raise _none_holds_trials(await self.studies())
            return _study(row)
        names = await self._database.all("select name, id from study order by created_at desc, id desc")
        chosen = _choose(key, [(name, study_id) for name, study_id in names])
        row = await self._database.one("select name, body from study where id = ?", (chosen,))
        if row is None:
            raise StudyError(f"study {key} was deleted just now")
        return _study(row)

    async def study_to_watch(self) -> Study:
        """The newest that runs on this host, also before its first trial; else what `find_study(None)` finds."""
        here = [study for study in await self.living_studies() if study.owner is not None and is_here(study.owner)]
        return here[0] if here else await self.find_study(None)

    async def rename_study(self, study_id: str, name: str) -> None:
        """Give it another name. A colleague's study gets it in this database alone. Raises StudyError."""

        async def unit(writer: Writer) -> None:
            await _check_name(writer, name, but=study_id)
            row = await writer.one("select body, origin from study where id = ?", (study_id,))
            if row is None:
                raise StudyError(f"there is no study {study_id}")
            if row[1]:
                await writer.run("update study set name = ? where id = ?", (name, study_id))
                return
            await writer.run("update study set name = ? where id = ?", (name, study_id))
            await _put_study(writer, msgspec.structs.replace(decode_study(row[0]), name=name))

        await self._database.write(unit)

    async def delete_study(self, study_id: str) -> None:
        """Delete a study and its trials, here and (unless it is a colleague's) at the next sync in PostgreSQL too.

        Raises StudyError when a living process runs it.
        """

        async def unit(writer: Writer) -> None:
            row = await writer.one("select body, origin, rev from study where id = ?", (study_id,))
            if row is None:
                raise StudyError(f"there is no study {study_id}", "`ingestune results` lists them.")
            study, origin, rev = decode_study(row[0]), row[1], int(row[2])
            if not origin and study.owner and lives(study.owner, await _silent_s(writer, study_id)):
                raise StudyError(
                    f"study {study.name} is being run by process {study.owner.pid} on {study.owner.host}",
                    f"End it first: `ingestune stop {study.name}`.",
                )
            await writer.run("delete from study where id = ?", (study_id,))
            await writer.run(
                "insert into tombstone (id, shared, rev, synced_rev) values (?, ?, ?, ?) on conflict do nothing",
                (study_id, not origin, after := max(rev + 1, revision()), after if origin else 0),
            )

        await self._database.write(unit)

    async def unique_name(self, wanted: str) -> str:
        """`wanted`, or the first of wanted-2, wanted-3, ... that no study has."""
        taken = {row[0] for row in await self._database.all("select name from study")}
        return free_name(wanted, taken)


async def pulled_studies(database: Database) -> set[str]:
    """The ids of the studies that were pulled from PostgreSQL."""
    return {row[0] for row in await database.all("select id from study where origin <> ''")}


def refuse_beside(living: Iterable[Study], where: str, *, changes_brokers: bool) -> None:
    """Whether a study may begin beside these on the cluster `where`: not if it or one of them changes the brokers.

    Each would measure the other's settings, and put them back as what it had found. Raises StudyError.
    """
    for other in living:
        if not other.changes_brokers and not changes_brokers:
            continue
        told = f"Watch it with `ingestune attach {other.name}`, or end it with `ingestune stop {other.name}`."
        if other.owner is not None and not is_here(other.owner):
            told = (
                f"It belongs to {other.owner.host}, where `attach` and `stop` find it; if its process there is gone, "
                f"say so with `ingestune restore --study {other.name}`."
            )
        if other.changes_brokers:
            raise StudyError(f"study {other.name} is changing settings of the brokers at {where}", told)
        raise StudyError(
            f"the grid changes settings of the brokers at {where}, where study {other.name} is running", told
        )


def free_name(wanted: str, taken: set[str]) -> str:
    """`wanted`, or the first of wanted-2, wanted-3, ... that is not taken."""
    if wanted not in taken:
        return wanted
    number = 2
    while f"{wanted}-{number}" in taken:
        number += 1
    return f"{wanted}-{number}"


def _study(row: Row) -> Study:
    """A study under the name this database gives it."""
    name, body = row
    with readable(f"study {name}"):
        study = decode_study(body)
    return study if study.name == name else msgspec.structs.replace(study, name=name)


def _living(owned: Iterable[Row]) -> list[Study]:
    """Of the rows of `_OWNED`, the studies whose owner lives."""
    studies = [(_study((name, body)), _seconds_since(int(newest))) for name, body, newest in owned]
    return [study for study, silent_s in studies if study.owner is not None and lives(study.owner, silent_s)]


def _none_holds_trials(studies: Sequence[Study]) -> StudyError:
    """Why no study is the newest with results; `studies` are all there are, newest first."""
    if not studies:
        return StudyError("there is no study yet", "`ingestune run GRID` makes one.")
    newest = studies[0]
    why = f": {newest.message.splitlines()[0]}" if newest.message else ""
    many = "the only study" if len(studies) == 1 else f"none of the {len(studies)} studies"
    return StudyError(
        f"{many} holds {'no trial' if len(studies) == 1 else 'a trial'} yet",
        f"The newest, {newest.name}, is {newest.state}{why}. `ingestune run GRID` measures.",
    )


def _choose(key: str, studies: list[tuple[str, str]]) -> str:
    """The id meant by `key` among (name, id), newest first."""
    if exact := [study_id for name, study_id in studies if key in (name, study_id)]:
        return exact[0]
    near = [(name, study_id) for name, study_id in studies if name.startswith(key) or study_id.startswith(key)]
    if key and len(near) == 1:
        return near[0][1]
    if key and near:
        names = ", ".join(name for name, _ in near[:6]) + (" and others" if len(near) > 6 else "")
        raise StudyError(f"{key} could mean {len(near)} studies: {names}", "Give more of the name.")
    if not studies:
        raise StudyError(f"there is no study {key}", "There is none at all yet: `ingestune run GRID` makes one.")
    alike = difflib.get_close_matches(key, [name for name, _ in studies], n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(alike)}?" if alike else f"The newest is {studies[0][0]}."
    raise StudyError(f"there is no study {key}", f"{hint} `ingestune results` lists them all.")


async def _save_cluster(writer: Writer, cluster: Cluster) -> None:
    await writer.run(
        "insert into cluster (id, body, rev) values (?, ?, ?) on conflict (id) do update"
        " set body = excluded.body, rev = max(rev + 1, excluded.rev), problem = '' where body <> excluded.body",
        (cluster.id, text_of(cluster), revision()),
    )


async def _check_name(writer: Writer, name: str, but: str = "") -> None:
    if not name.strip() or len(name) > 200:
        raise StudyError("a study's name has 1 to 200 characters", "Choose one with --study NAME.")
    if await writer.one("select 1 from study where name = ? and id <> ?", (name, but)):
        raise StudyError(f"there is a study named {name} already", "Choose another name with --study NAME.")


async def _own_study(writer: Writer, study_id: str) -> Study:
    row = await writer.one("select body, origin from study where id = ?", (study_id,))
    if row is None:
        raise StudyError(f"there is no study {study_id}", "`ingestune results` lists them.")
    study = decode_study(row[0])
    if row[1]:
        raise StudyError(
            f"study {study.name} was made on {study.host or 'another computer'} and pulled from PostgreSQL",
            "It can be read and exported here, and run only there.",
        )
    return study


async def _put_study(writer: Writer, study: Study) -> Study:
    changed = await writer.run(
        "update study set cluster_id = ?, state = ?, created_at = ?, finished_at = ?, body = ?,"
        " rev = max(rev + 1, ?), problem = '' where id = ?",
        (study.cluster.id, study.state, study.created_at, study.finished_at, text_of(study), revision(), study.id),
    )
    if changed != 1:
        raise StoreError(f"study {study.name} could not be written")
    return study


async def _silent_s(writer: Writer, study_id: str) -> float:
    """Seconds since anything of the study changed; revisions are microseconds."""
    row = await writer.one(
        "select max(coalesce((select max(rev) from trial where study_id = ?), 0),"
        " (select rev from study where id = ?))",
        (study_id, study_id),
    )
    return _seconds_since(int(row[0])) if row and row[0] is not None else 0.0


def _seconds_since(moment: int) -> float:
    return max(0.0, (revision() - moment) / 1e6)


async def _interrupt_trials(writer: Writer, study_id: str) -> None:
    """A trial still marked as running has nobody who runs it."""
    await writer.run(
        "update trial set state = 'interrupted', finished_at = ?1, rev = max(rev + 1, ?2),"
        " body = json_set(body, '$.state', 'interrupted', '$.finished_at', ?1)"
        " where study_id = ?3 and state = 'running'",
        (now(), revision(), study_id),
    )
