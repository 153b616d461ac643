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
from ingestune_tui.model.trial import Trial
from ingestune_tui.settings import SharedCopy
from ingestune_tui.storage.allowlist import why_not_allowed
from ingestune_tui.storage.database import Database, Row, Writer
from ingestune_tui.storage.outbox import Outbox
from ingestune_tui.storage.rows import (
    TRIAL_COLUMNS,
    configuration_body,
    configuration_of,
    decode_histograms,
    decode_study,
    pack_text,
    trial_of,
    trial_row,
)
from ingestune_tui.storage.session import Session
from ingestune_tui.storage.studies import free_name

CHUNK: Final = 200
MAX_BODY_BYTES: Final = 8_000_000
_PUT_TRIAL: Final = f"insert or replace into trial ({TRIAL_COLUMNS}, synced_rev) values ({', '.join('?' * 22)})"
_PUT_STUDY: Final = (
    "insert into study (id, name, cluster_id, state, created_at, finished_at, origin, body, rev, synced_rev)"
    " values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9) on conflict (id) do update set state = excluded.state,"
    " finished_at = excluded.finished_at, body = excluded.body, rev = excluded.rev, synced_rev = excluded.synced_rev"
)
_SHARED: Final = (
    "select id, rev, origin, body from ingestune.study"
    " where cluster_id = any($1) and origin <> $2 and octet_length(body) <= $3"
    " and id not in (select id from ingestune.tombstone) order by created_at, id"
)


class Refusal(Exception):
    """Why one row from outside is not taken."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one pull brought."""

    studies: tuple[str, ...]
    """Names, as they are called here, of those that were new or had changed."""
    trials: int
    """New or changed."""
    removed: int
    """Studies that their owners deleted."""
    refused: tuple[str, ...]
    """What was not taken, each with its reason."""


async def pull(path: Path, shared: SharedCopy) -> Pulled:
    """Fetch into the database at `path`. Raises SharedCopyError."""
    database = await Database.open(path)
    try:
        outbox = Outbox(database)
        session = await Session.open(outbox, shared, program="ingestune pull")
        try:
            return await _Pull(database, session, await outbox.identity()).run()
        finally:
            await session.close()
    finally:
        await database.close()


class _Pull:
    def __init__(self, database: Database, session: Session, identity: str) -> None:
        self._database = database
        self._session = session
        self._identity = identity
        self._refused: list[str] = []
        self._configurations: dict[str, Configuration | Refusal] = {}

    async def run(self) -> Pulled:
        clusters = [row[0] for row in await self._database.all("select id from cluster where id <> ''")]
        hidden = {row[0] for row in await self._database.all("select id from tombstone")}
        names, trials = [], 0
        for row in await self._session.fetch(_SHARED, clusters, self._identity, MAX_BODY_BYTES):
            if row["id"] in hidden:
                continue
            try:
                if not row["origin"]:
                    raise Refusal("it was made by hand: it names no database that sent it")
                study, changed = await self._keep_study(row)
            except Refusal as refusal:
                self._refused.append(f"study {_shown(row['id'])}: {refusal}")
                continue
            kept = await self._keep_trials(study)
            if changed or kept:
                names.append(study.name)
            trials += kept
        return Pulled(tuple(names), trials, await self._remove_deleted(), tuple(self._refused))

    async def _keep_study(self, row: Any) -> tuple[Study, bool]:
        """The study under the name it has here, and whether it was new or had changed."""
        study = _checked_study(row["id"], row["body"])

        async def unit(writer: Writer) -> tuple[str, bool]:
            known = await writer.one("select name, rev, origin from study where id = ?", (study.id,))
            if known is not None and (known[2] == "" or known[1] >= row["rev"]):
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
        """Fetch the trials that are new or have changed, with their samples and histograms; how many."""
        there = await self._session.fetch(
            "select id, rev from ingestune.trial where study_id = $1 order by number", study.id
        )
        rows = await self._database.all("select id, rev from trial where study_id = ?", (study.id,))
        here: dict[str, int] = dict(rows)
        wanted = [row["id"] for row in there if here.get(row["id"], -1) < row["rev"]]
        kept = 0
        for first in range(0, len(wanted), CHUNK):
            kept += await self._keep_chunk(study, wanted[first : first + CHUNK])
        return kept

    async def _keep_chunk(self, study: Study, ids: Sequence[str]) -> int:
        trials: list[tuple[Any, ...]] = []
        configurations: dict[str, str] = {}
        for row in await self._session.fetch(
            "select t.id, t.number, t.rev, t.body, t.configuration_id, c.body as settings from ingestune.trial t"
            " join ingestune.configuration c on c.id = t.configuration_id where t.id = any($1) order by t.number",
            list(ids),
        ):
            try:
                configuration = self._configuration(row["configuration_id"], row["settings"])
                trial = _checked_trial(row, study, configuration)
            except Refusal as refusal:
                self._refused.append(f"trial {row['number']} of {_shown(study.name)}: {refusal}")
                continue
            configurations[row["configuration_id"]] = configuration_body(configuration)
            trials.append((*trial_row(trial, row["configuration_id"], row["body"], row["rev"]), row["rev"]))
        taken = [values[0] for values in trials]
        series = await self._extra("series", taken)
        histograms = await self._extra("histogram", taken)

        async def unit(writer: Writer) -> None:
            await writer.many(
                "insert into configuration (id, body, rev, synced_rev) values (?, ?, 1, 1) on conflict do nothing",
                configurations.items(),
            )
            await writer.many(_PUT_TRIAL, trials)
            for table, rows in (("series", series), ("histogram", histograms)):
                await writer.many(
                    f"insert or replace into {table} (id, body, rev, synced_rev) values (?1, ?2, ?3, ?3)", rows
                )

        if trials:
            await self._database.write(unit)
        return len(trials)

    def _configuration(self, identity: str, body: str) -> Configuration:
        """Checked once for each; raises Refusal each time."""
        if identity not in self._configurations:
            try:
                self._configurations[identity] = _checked_configuration(identity, body)
            except Refusal as refusal:
                self._configurations[identity] = refusal
        found = self._configurations[identity]
        if isinstance(found, Refusal):
            raise Refusal(*found.args)
        return found

    async def _extra(self, table: str, ids: Sequence[str]) -> list[Row]:
        """(trial id, body as kept here, rev) of samples or histograms; what cannot be read is named and left out."""
        rows = []
        for row in await self._session.fetch(
            f"select id, rev, body from ingestune.{table} where id = any($1)", list(ids)
        ):
            try:
                rows.append((row["id"], _checked_extra(table, row["body"]), row["rev"]))
            except Refusal as refusal:
                self._refused.append(f"{table} of trial {_shown(row['id'])}: {refusal}")
        return rows

    async def _remove_deleted(self) -> int:
        pulled = [row[0] for row in await self._database.all("select id from study where origin <> ''")]
        gone = await self._session.fetch("select id from ingestune.tombstone where id = any($1)", pulled)

        async def unit(writer: Writer) -> None:
            await writer.many("delete from study where id = ? and origin <> ''", [(row["id"],) for row in gone])

        if gone:
            await self._database.write(unit)
        return len(gone)


def _checked_study(identity: str, body: str) -> Study:
    try:
        study = decode_study(body)
    except msgspec.MsgspecError as problem:
        raise Refusal(f"it is not a study: {problem}") from None
    if study.id != identity:
        raise Refusal("its id was changed")
    if not study.name.isprintable() or not 0 < len(study.name) <= 200:
        raise Refusal("its name cannot be shown")
    for outcome in study.outcomes:
        expected = (each.configuration for each in outcome.predicted)
        for configuration in (outcome.winner, outcome.baseline, *expected):
            if configuration is not None and (why := why_not_allowed(configuration)):
                raise Refusal(why)
    return study


def _checked_configuration(identity: str, body: str) -> Configuration:
    try:
        configuration = configuration_of(body)
    except msgspec.MsgspecError as problem:
        raise Refusal(f"its configuration is none: {problem}") from None
    if why := why_not_allowed(configuration):
        raise Refusal(why)
    if configuration.hash != identity:
        raise Refusal("its configuration was changed: the checksum is another one")
    return configuration


def _checked_trial(row: Any, study: Study, configuration: Configuration) -> Trial:
    if len(row["body"]) > MAX_BODY_BYTES:
        raise Refusal("it is too large")
    try:
        trial = trial_of(row["body"], configuration)
    except msgspec.MsgspecError as problem:
        raise Refusal(f"it is not a trial: {problem}") from None
    if (trial.id, trial.study_id) != (row["id"], study.id):
        raise Refusal("its id was changed")
    if trial.config_hash not in ("", configuration.hash):
        raise Refusal("it claims to have measured another configuration")
    return trial


def _checked_extra(table: str, body: str) -> str | bytes:
    if len(body) > MAX_BODY_BYTES:
        raise Refusal("it is too large")
    try:
        if table == "series":
            return pack_text(body)
        decode_histograms(body)
    except msgspec.MsgspecError as problem:
        raise Refusal(f"it cannot be read: {problem}") from None
    return body


def _free_name(study: Study, taken: set[str]) -> str:
    """Its own name; with `@host` when there is one of that name here."""
    if study.name not in taken:
        return study.name
    host = study.host if study.host.isprintable() else ""
    return free_name(f"{study.name}@{host or 'elsewhere'}", taken)


def _shown(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:60])
