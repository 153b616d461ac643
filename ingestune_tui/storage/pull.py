"""`sync --pull`: the studies that colleagues made on clusters this database knows, fetched to be read and compared.

Everything is checked before it is kept, as anybody who may write to PostgreSQL may have made it: shapes, checksums of
configurations, and the allowlist. What is refused is named; the rest is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.study import Study
from ingestune_tui.settings import SharedCopy
from ingestune_tui.storage.database import Database, Row, Writer
from ingestune_tui.storage.foreign_rows import (
    MAX_BODY_BYTES,
    Refusal,
    checked_configuration,
    checked_extra,
    checked_study,
    checked_trial,
    shown,
)
from ingestune_tui.storage.outbox import Outbox
from ingestune_tui.storage.rows import TRIAL_COLUMNS, configuration_body, trial_row
from ingestune_tui.storage.session import Session
from ingestune_tui.storage.studies import free_name

CHUNK: Final = 200
_TRIAL_VALUES: Final = (*TRIAL_COLUMNS.split(", "), "synced_rev")
_PUT_TRIAL: Final = (
    f"insert into trial ({', '.join(_TRIAL_VALUES)}) values ({', '.join('?' * len(_TRIAL_VALUES))})"
    f" on conflict (id) do update set {', '.join(f'{name} = excluded.{name}' for name in _TRIAL_VALUES)}"
)
_PUT_STUDY: Final = (
    "insert into study (id, name, cluster_id, state, created_at, finished_at, origin, body, rev, synced_rev)"
    " values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9) on conflict (id) do update set state = excluded.state,"
    " finished_at = excluded.finished_at, body = excluded.body, rev = excluded.rev, synced_rev = excluded.synced_rev"
)
_BODY: Final = f"case when octet_length({{0}}.body) <= {MAX_BODY_BYTES} then {{0}}.body end"
_SHARED: Final = (
    f"select s.id, s.rev, s.origin, {_BODY.format('s')} as body from ingestune.study s"
    " where s.cluster_id = any($1) and s.id <> all($2) and s.id not in (select id from ingestune.tombstone)"
    " order by s.created_at, s.id"
)
_TRIALS: Final = (
    f"select t.id, t.number, t.rev, {_BODY.format('t')} as body, t.configuration_id, {_BODY.format('c')} as settings"
    " from ingestune.trial t join ingestune.configuration c on c.id = t.configuration_id"
    " where t.id = any($1) order by t.number"
)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one pull brought."""

    studies: tuple[str, ...]
    """Names, as they are called here, of those that were new or had changed."""
    trials: int
    """New or changed, their samples and histograms counted in."""
    removed: int
    """Studies that their owners deleted."""
    refused: tuple[str, ...]
    """What was not taken, each with its reason."""


async def pull(path: Path, shared: SharedCopy) -> Pulled:
    """Fetch into the database at `path`. Raises SharedCopyError."""
    database = await Database.open(path)
    try:
        session = await Session.open(Outbox(database), shared, program="ingestune pull")
        try:
            return await _Pull(database, session).run()
        finally:
            await session.close()
    finally:
        await database.close()


class _Pull:
    def __init__(self, database: Database, session: Session) -> None:
        self._database = database
        self._session = session
        self._refused = list(session.refused)
        self._configurations: dict[str, Configuration | Refusal] = {}

    async def run(self) -> Pulled:
        clusters = [row[0] for row in await self._database.all("select id from cluster where id <> ''")]
        there = await self._session.fetch(_SHARED, clusters, list(await self._not_wanted()))
        hidden = await self._not_wanted()  # again: another process may have made a study and sent it meanwhile
        names, trials = [], 0
        for row in there:
            if row["id"] in hidden:
                continue
            try:
                if not row["origin"]:
                    raise Refusal("it was made by hand: it names no database that sent it")
                study, changed = await self._keep_study(row)
            except Refusal as refusal:
                self._refused.append(f"study {shown(row['id'])}: {refusal}")
                continue
            kept = await self._keep_trials(study)
            if changed or kept:
                names.append(study.name)
            trials += kept
        return Pulled(tuple(names), trials, await self._remove_deleted(), tuple(self._refused))

    async def _not_wanted(self) -> set[str]:
        """Studies that were deleted here, and our own: of those our own rows are the truth.

        What this database sent and does not hold comes as a colleague's does: a copy of it made the study, or this is
        an older file, put back from a backup.
        """
        rows = await self._database.all("select id from tombstone union all select id from study where origin = ''")
        return {row[0] for row in rows}

    async def _keep_study(self, row: Any) -> tuple[Study, bool]:
        """The study under the name it has here, and whether it was new or had changed."""
        study = checked_study(row["id"], row["rev"], row["body"])

        async def unit(writer: Writer) -> tuple[str, bool]:
            known = await writer.one("select name, rev from study where id = ?", (study.id,))
            if known is not None and known[1] >= row["rev"]:
                return str(known[0]), False
            taken = {each[0] for each in await writer.all("select name from study where id <> ?", (study.id,))}
            name = str(known[0]) if known else _free_name(study, taken)
            await writer.run(
                _PUT_STUDY,
                (study.id, name, study.cluster.id, study.state, study.created_at, study.finished_at, row["origin"],
                 row["body"], row["rev"]),
            )  # fmt: skip
            return name, True

        name, changed = await self._database.write(unit)
        return msgspec.structs.replace(study, name=name), changed

    async def _keep_trials(self, study: Study) -> int:
        """Fetch what is new or has changed of its trials; how many trials that was.

        Samples and histograms go by revisions of their own: they may reach PostgreSQL long after their trial.
        """
        brought = await self._keep("trial", study, await self._wanted_trials(study))
        for table in ("series", "histogram"):
            brought |= await self._keep(table, study, await self._wanted_extras(table, study))
        return len(brought)

    async def _wanted_trials(self, study: Study) -> list[str]:
        there = await self._session.fetch(
            "select id, rev from ingestune.trial where study_id = $1 order by number", study.id
        )
        here: dict[str, int] = dict(
            await self._database.all("select id, rev from trial where study_id = ?", (study.id,))
        )
        return [row["id"] for row in there if _older(here.get(row["id"]), row["rev"])]

    async def _wanted_extras(self, table: str, study: Study) -> list[str]:
        """Trials that are kept here, and whose samples or histograms are missing or older here."""
        there = await self._session.fetch(
            f"select e.id, e.rev from ingestune.{table} e join ingestune.trial t on t.id = e.id"
            " where t.study_id = $1 order by t.number",
            study.id,
        )
        here: dict[str, int | None] = dict(
            await self._database.all(
                f"select t.id, e.rev from trial t left join {table} e on e.id = t.id where t.study_id = ?", (study.id,)
            )
        )
        return [row["id"] for row in there if row["id"] in here and _older(here[row["id"]], row["rev"])]

    async def _keep(self, table: str, study: Study, wanted: Sequence[str]) -> set[str]:
        """Fetch these in chunks; the ids of those that were taken."""
        taken: set[str] = set()
        for first in range(0, len(wanted), CHUNK):
            chunk = wanted[first : first + CHUNK]
            taken |= await (
                self._keep_trial_rows(study, chunk) if table == "trial" else self._keep_extras(table, chunk)
            )
        return taken

    async def _keep_trial_rows(self, study: Study, ids: Sequence[str]) -> set[str]:
        trials: list[tuple[Any, ...]] = []
        configurations: dict[str, str] = {}
        elsewhere = {
            row[0]
            for row in await self._database.all(
                "select id from trial where id in (select value from json_each(?)) and study_id <> ?",
                (msgspec.json.encode(list(ids)).decode(), study.id),
            )
        }
        for row in await self._session.fetch(_TRIALS, list(ids)):
            try:
                if row["id"] in elsewhere:
                    raise Refusal("its id is that of another study's trial")
                configuration = self._configuration(row["configuration_id"], row["settings"])
                trial = checked_trial(row, study, configuration)
            except Refusal as refusal:
                self._refused.append(f"trial {row['number']} of {shown(study.name)}: {refusal}")
                continue
            configurations[row["configuration_id"]] = configuration_body(configuration)
            trials.append((*trial_row(trial, row["configuration_id"], row["body"], row["rev"]), row["rev"]))

        async def unit(writer: Writer) -> None:
            await writer.many(
                "insert into configuration (id, body, rev, synced_rev) values (?, ?, 1, 1) on conflict do nothing",
                configurations.items(),
            )
            # A number has one trial there; who has it now may not be who had it at the last pull.
            await writer.many(
                "delete from trial where study_id = ? and number = ? and id <> ?",
                [(study.id, values[2], values[0]) for values in trials],
            )
            await writer.many(_PUT_TRIAL, trials)

        if trials:
            await self._database.write(unit)
        return {values[0] for values in trials}

    def _configuration(self, identity: str, body: str | None) -> Configuration:
        """Checked once for each; raises Refusal each time."""
        if identity not in self._configurations:
            try:
                self._configurations[identity] = checked_configuration(identity, body)
            except Refusal as refusal:
                self._configurations[identity] = refusal
        found = self._configurations[identity]
        if isinstance(found, Refusal):
            raise Refusal(*found.args)
        return found

    async def _keep_extras(self, table: str, ids: Sequence[str]) -> set[str]:
        """Samples or histograms of these trials; what cannot be read is named and left out."""
        rows: list[Row] = []
        for row in await self._session.fetch(
            f"select e.id, e.rev, {_BODY.format('e')} as body from ingestune.{table} e where e.id = any($1)", list(ids)
        ):
            try:
                rows.append((row["id"], checked_extra(table, row["rev"], row["body"]), row["rev"]))
            except Refusal as refusal:
                self._refused.append(f"{table} of trial {shown(row['id'])}: {refusal}")

        async def unit(writer: Writer) -> None:
            await writer.many(
                f"insert into {table} (id, body, rev, synced_rev)"
                " select ?1, ?2, ?3, ?3 where exists (select 1 from trial where id = ?1)"
                " on conflict (id) do update set body = excluded.body, rev = excluded.rev,"
                " synced_rev = excluded.synced_rev, problem = ''",
                rows,
            )

        if rows:
            await self._database.write(unit)
        return {row[0] for row in rows}

    async def _remove_deleted(self) -> int:
        pulled = [row[0] for row in await self._database.all("select id from study where origin <> ''")]
        gone = await self._session.fetch("select id from ingestune.tombstone where id = any($1)", pulled)

        async def unit(writer: Writer) -> None:
            await writer.many("delete from study where id = ? and origin <> ''", [(row["id"],) for row in gone])

        if gone:
            await self._database.write(unit)
        return len(gone)


def _older(here: int | None, there: int) -> bool:
    """True when a row is missing here, or has an earlier revision."""
    return here is None or here < there


def _free_name(study: Study, taken: set[str]) -> str:
    """Its own name; with `@host` when there is one of that name here."""
    if study.name not in taken:
        return study.name
    host = study.host if study.host.isprintable() else ""
    return free_name(f"{study.name}@{host or 'elsewhere'}", taken)
