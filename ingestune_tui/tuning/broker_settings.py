"""The brokers' settings during a study: what a trial needs is put in force before it and put back after it.

Dynamic ones by `kafka.dynamic_config` and the journal; static ones by restarting a local Kafka. Owned by the trial
loop; what a killed study left is the business of `tuning.leftovers`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from ingestune_tui.catalogue import dialect
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import ClusterUnreachable, LocalBrokerError, StudyError, TrialError
from ingestune_tui.kafka.dynamic_config import DynamicConfig
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.grid import Grid
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.cluster import OpenCluster
from ingestune_tui.tuning.restarts import key_of, static_settings

_T = TypeVar("_T")
_PERMANENT = frozenset(("INVALID_REQUEST", "INVALID_CONFIG", "POLICY_VIOLATION", "READ_ONLY"))
"""What a broker answers to a setting that it will never take; another no may be one of the moment."""


class SettingsRefused(TrialError):
    """The brokers do not take a configuration's settings, and would not the next time either."""

    permanent = True
    broker_gone = False


def dynamic_settings(configuration: Configuration) -> dict[str, str]:
    """What the brokers are told while they run."""
    return dialect.to_java(Scope.BROKER, configuration.scope(Scope.BROKER))


async def uninterrupted(work: Coroutine[Any, Any, _T]) -> _T:
    """Await it to its end even when cancelled; the cancellation follows. A half-made change helps nobody."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as asked:
            cancelled = asked
    if cancelled is not None:
        task.exception()
        raise cancelled
    return task.result()


class BrokerSettings:
    """Puts a configuration's broker settings in force, one trial at a time."""

    def __init__(self, cluster: OpenCluster, store: Store, study_id: str, say: Callable[[str], None]) -> None:
        self._cluster = cluster
        self._store = store
        self._study_id = study_id
        self._say = say
        self.running: Mapping[str, str] | None = {}
        """The static settings that the local brokers run with; None when they do not run."""
        self.restarted = False
        """Whether they were started anew since a throw-away trial was last done on them."""
        self._refused: dict[tuple[tuple[str, str], ...], SettingsRefused] = {}
        self._touched = False
        self._nodes: Sequence[int] = cluster.node_ids

    def needs_restart(self, configuration: Configuration) -> bool:
        """Whether the brokers have to be started anew for it."""
        wanted = static_settings(configuration)
        return wanted != self.running and key_of(wanted) not in self._refused

    @contextlib.asynccontextmanager
    async def applied(self, configuration: Configuration) -> AsyncIterator[None]:
        """In force inside, put back at the end however it comes.

        Raises SettingsRefused with the broker's own words, TrialError for a no that may be one of the moment,
        ClusterUnreachable for a broker that is away, StudyError when the right to change settings is missing or one
        cannot be put back, LocalBrokerError when a local Kafka no longer starts with what it ran with before.
        """
        await self.restore_left()
        if static := self._refused.get(key_of(static_settings(configuration))):
            raise static
        if self.needs_restart(configuration):
            await uninterrupted(self._restart(static_settings(configuration)))
        wanted = dynamic_settings(configuration)
        if not wanted:
            yield
            return
        try:
            await uninterrupted(self._apply(wanted))
            yield
        finally:
            await uninterrupted(self.restore_left())

    async def _apply(self, wanted: Mapping[str, str]) -> None:
        await self._look_for_nodes()
        self._touched = True
        try:
            await dynamic_config(self._cluster, self._store, self._nodes).apply(wanted, self._study_id)
        except TrialError as problem:
            if problem.code.endswith("AUTHORIZATION_FAILED"):
                raise StudyError(problem.what, problem.hint) from problem
            if problem.code not in _PERMANENT:
                raise
            raise SettingsRefused(problem.what, problem.hint, code=problem.code) from problem

    async def _look_for_nodes(self) -> None:
        """Brokers come and go during a study: those that are there now are told, and the person is told of a change."""
        before, self._nodes = self._nodes, await self._cluster.admin.node_ids()
        for node in sorted(set(self._nodes) - set(before)):
            self._say(f"broker {node} has joined the cluster: its settings are changed like the others' from now on")
        for node in sorted(set(before) - set(self._nodes)):
            self._say(f"broker {node} has left the cluster: trials from now on run without it")

    async def restore_left(self) -> None:
        """Put back what this study has changed and not put back yet. Raises ClusterUnreachable, StudyError."""
        if not self._touched:
            return
        entries = await self._store.journal_entries(self._cluster.info.id)
        mine = [entry for entry in entries if entry.study_id == self._study_id]
        try:
            await dynamic_config(self._cluster, self._store).restore(mine, self._say)
        except TrialError as problem:
            raise StudyError(
                f"settings of the brokers could not be put back: {problem.what}",
                "They are in the journal: `ingestune restore` tries again.",
            ) from problem
        self._touched = False

    async def _restart(self, wanted: Mapping[str, str]) -> None:
        local = self._cluster.local
        if local is None:
            raise SettingsRefused("these brokers are not ours to restart", "Use --cluster local.")
        before, self.running = self.running, None
        try:
            self.restarted = True
            await _restart_twice(local, wanted)
        except LocalBrokerError as problem:
            if before is not None:
                await local.restart(before)
                self.running = before
            if not _names_any(problem, wanted):
                raise TrialError(problem.what, problem.hint, code="BROKER_DID_NOT_START") from problem
            refused = SettingsRefused(problem.what, problem.hint, code="BROKER_REFUSED")
            self._refused[key_of(wanted)] = refused
            raise refused from problem
        self.running = dict(wanted)

    async def close(self) -> str:
        """What could not be put back, in a sentence; empty when all is as it was."""
        try:
            await uninterrupted(self.restore_left())
        except (ClusterUnreachable, StudyError) as problem:
            return f"{problem.what}; `ingestune restore` puts back what the journal holds"
        return ""


async def _restart_twice(local: LocalKafka, wanted: Mapping[str, str]) -> None:
    """A start that failed without a word on what is wanted failed for something of the moment: a port, memory, time."""
    try:
        await local.restart(wanted)
    except LocalBrokerError as problem:
        if _names_any(problem, wanted):
            raise
        await local.restart(wanted)


def _names_any(problem: LocalBrokerError, settings: Mapping[str, str]) -> bool:
    """Whether the broker's own words name one of these: then it will never start with them."""
    return any(name in problem.what for name in settings)


def dynamic_config(cluster: OpenCluster, store: Store, nodes: Sequence[int] | None = None) -> DynamicConfig:
    """The changer of this cluster's settings; on the nodes that were there when it was opened, if none are named."""
    return DynamicConfig(cluster.admin, cluster.node_ids if nodes is None else nodes, cluster.info.id, store)


async def check_settings(cluster: OpenCluster, grid: Grid, store: Store) -> None:
    """Before anything runs: whether these brokers let the grid's dynamic settings be changed, and us change them.

    Raises Refused, TrialError (a missing right), ClusterUnreachable.
    """
    wanted: dict[str, str] = {}
    values = [(each.scope, each.name, each.value) for each in grid.baseline.settings]
    values += [(each.scope, each.name, each.levels[0]) for each in grid.active]
    for scope, name, value in values:
        if scope is Scope.BROKER:
            wanted |= dialect.to_java(Scope.BROKER, {name: value})
    if wanted:
        await dynamic_config(cluster, store).check(wanted)
