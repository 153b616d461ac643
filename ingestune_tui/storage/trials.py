"""Trials in the store, with their samples and histograms, and which of them may stand in. A part of `store.Store`.

A finished trial is one transaction: when `finish_trial` returns, a power cut does not lose it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from ingestune_tui.errors import StoreError
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.sample import Sample
from ingestune_tui.model.trial import Trial
from ingestune_tui.storage.database import Database, Row, Writer
from ingestune_tui.storage.rows import (
    TRIAL_COLUMNS,
    configuration_body,
    configuration_of,
    decode_histograms,
    histograms_body,
    pack_samples,
    readable,
    revision,
    trial_body,
    trial_of,
    trial_row,
    unpack_samples,
)

_COLUMNS: Final = [name.strip() for name in TRIAL_COLUMNS.split(",")]
_CHANGES: Final = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in ("id", "rev"))
_PUT: Final = (
    f"insert into trial ({TRIAL_COLUMNS}) values ({', '.join('?' * len(_COLUMNS))})"
    f" on conflict (id) do update set {_CHANGES}, rev = max(rev + 1, excluded.rev), problem = ''"
)
_SELECT: Final = (
    "select t.body, t.configuration_id, c.body from trial t join configuration c on c.id = t.configuration_id"
)
_STANDS_IN: Final = (
    "t.method_hash = ? and t.cached_from is null and t.discarded = 0 and t.finished_at >= ?"
    " and ((t.state = 'done' and t.flags = '') or (t.state = 'infeasible' and t.permanent = 1))"
)
"""What the cache asks of a trial, its configuration and its environment apart."""


class Trials:
    """The part of the store that knows trials."""

    _database: Database

    async def begin_trial(self, trial: Trial) -> None:
        """Write down that a trial runs now, durably: whoever finds it without a living owner runs it again."""
        await self.finish_trial(trial)

    async def finish_trial(
        self, trial: Trial, samples: Sequence[Sample] = (), histograms: Mapping[str, str] | None = None
    ) -> None:
        """Write a trial whole, begun or not, in one transaction that a cancellation does not cut short.

        `histograms` maps `latency`, `due_to_sent` and `end_to_end` to HDR V2 in base64.
        """

        async def unit(writer: Writer) -> None:
            rev = revision()
            await writer.run(
                "insert into configuration (id, body, rev) values (?, ?, ?) on conflict do nothing",
                (configuration_id, configuration, rev),
            )
            await writer.run(_PUT, trial_row(trial, configuration_id, body, rev))
            for table, content in (("series", series), ("histogram", histogram)):
                if content is not None:
                    await writer.run(
                        f"insert into {table} (id, body, rev) values (?, ?, ?) on conflict (id) do update"
                        " set body = excluded.body, rev = max(rev + 1, excluded.rev), problem = ''",
                        (trial.id, content, rev),
                    )

        configuration_id = trial.configuration.hash
        configuration, body = configuration_body(trial.configuration), trial_body(trial)
        series = pack_samples(samples) if samples else None
        histogram = histograms_body(histograms) if histograms else None
        await self._database.write(unit)

    async def trials(self, study_id: str) -> list[Trial]:
        """The trials of a study, by number."""
        return _trials(await self._database.all(f"{_SELECT} where t.study_id = ? order by t.number", (study_id,)))

    async def trial_counts(self) -> dict[str, int]:
        """Study id to the number of its trials."""
        return dict(await self._database.all("select study_id, count(*) from trial group by study_id"))

    async def trial(self, trial_id: str) -> Trial:
        """One trial. Raises StoreError when there is none of that id."""
        rows = await self._database.all(f"{_SELECT} where t.id = ?", (trial_id,))
        if not rows:
            raise StoreError(f"there is no trial {trial_id}")
        return _trials(rows)[0]

    async def study_of(self, trial_id: str) -> str:
        """Name of the study that a trial belongs to; empty when that trial is no more."""
        row = await self._database.one(
            "select s.name from study s join trial t on t.study_id = s.id where t.id = ?", (trial_id,)
        )
        return str(row[0]) if row else ""

    async def samples(self, trial_id: str) -> list[Sample]:
        """The samples of a trial; none for one that has none."""
        row = await self._database.one("select body from series where id = ?", (trial_id,))
        return unpack_samples(row[0]) if row else []

    async def histograms(self, trial_id: str) -> dict[str, str]:
        """Name to HDR V2 in base64."""
        row = await self._database.one("select body from histogram where id = ?", (trial_id,))
        return decode_histograms(row[0]) if row else {}

    async def find_cached(
        self, config_hash: str, env_hash: str, method_hash: str, *, younger_than_s: float, not_in_study: str
    ) -> list[Trial]:
        """Trials of other studies that may stand in for one of `not_in_study`, newest first.

        Done and without a flag, or infeasible for good; never a stand-in itself, never one that is in use there.
        """
        rows = await self._database.all(
            f"{_SELECT} where t.env_hash = ? and {_STANDS_IN} and t.config_hash = ? and t.study_id <> ? and t.id not in"
            " (select cached_from from trial where study_id = ? and cached_from is not null)"
            " order by t.finished_at desc, t.id desc",
            (env_hash, method_hash, _since(younger_than_s), config_hash, not_in_study, not_in_study),
        )
        return _trials(rows)

    async def measured_alike(self, method_hash: str, *, younger_than_s: float) -> list[Trial]:
        """Trials of any environment that `find_cached` would take, if the environment were the same; newest first."""
        rows = await self._database.all(
            f"{_SELECT} where {_STANDS_IN} order by t.finished_at desc, t.id desc",
            (method_hash, _since(younger_than_s)),
        )
        return _trials(rows)


def _since(age_s: float) -> str:
    """The moment `age_s` ago, written as trials write theirs, so that it compares as text."""
    try:
        moment = datetime.now(UTC) - timedelta(seconds=age_s)
    except OverflowError:
        return ""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trials(rows: list[Row]) -> list[Trial]:
    configurations: dict[str, Configuration] = {}
    found = []
    with readable("a trial"):
        for body, configuration_id, settings in rows:
            if (configuration := configurations.get(configuration_id)) is None:
                configuration = configurations[configuration_id] = configuration_of(settings)
            found.append(trial_of(body, configuration))
    return found
