"""Dynamic settings of brokers, changed so that they can always be put back, and the putting back itself.

Each change is tried dry, written in the journal, made in steps that the broker allows, and read back from every broker.
What somebody else has changed meanwhile is never overwritten. Called by tuning.broker_settings only.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from ingestune_tui.errors import ClusterUnreachable, IngestuneError, Refused, TrialError
from ingestune_tui.kafka.topics import Admin, BrokerSetting
from ingestune_tui.model.events import now
from ingestune_tui.model.ids import new_id
from ingestune_tui.model.journal import JournalEntry, PreviousSource

READ_BACK_S = 5.0
"""How long every broker has to show a change: for a moment it shows the new source with the old value."""
SETTLE_S = 1.0
"""How long somebody else's change must have stood before it is believed, for the same reason."""
_LOOK_S = 0.05
_ASK_S = 8.0

STEPPED = frozenset(
    {
        "num.io.threads",
        "num.network.threads",
        "num.replica.fetchers",
        "num.recovery.threads.per.data.dir",
        "background.threads",
        "log.cleaner.threads",
    }
)
"""Pools of threads: a broker lets them at most double or halve at a time."""

_SOURCES: Mapping[str, PreviousSource] = {
    "DEFAULT_CONFIG": "default",
    "STATIC_BROKER_CONFIG": "static",
    "DYNAMIC_DEFAULT_BROKER_CONFIG": "dynamic default",
    "DYNAMIC_BROKER_CONFIG": "dynamic broker",
}


class Journal(Protocol):
    """Where changes are written down before they are made; `Store` is one."""

    async def add_journal(self, entry: JournalEntry) -> None: ...

    async def remove_journal(self, entry_id: str) -> None: ...


class ConfigAdmin(Admin):
    """An `Admin` that also changes settings of brokers and reads those of topics."""

    async def alter_broker_configs(
        self, node_id: int, changes: Mapping[str, str | None], *, validate_only: bool = False
    ) -> None:
        """Set values of one broker at once; None deletes its own override. Raises TrialError with its reason.

        A broker is always named by its id: the client does not take the resource that stands for all of them.
        """
        set_, delete = AlterConfigOpType.SET, AlterConfigOpType.DELETE
        entries = [
            ConfigEntry(name, value, incremental_operation=delete if value is None else set_)
            for name, value in changes.items()
        ]
        resource = ConfigResource(ConfigResource.Type.BROKER, str(node_id), incremental_configs=entries)
        asked = self._admin.incremental_alter_configs([resource], request_timeout=_ASK_S, validate_only=validate_only)
        await self._ask(asked[resource], _ASK_S, f"Changing {', '.join(sorted(changes))} of broker {node_id}")

    async def describe_topic_configs(self, topic: str) -> dict[str, str | None]:
        """Every setting of one topic, as the cluster has it; waits for a new one until the node asked knows it."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)

        async def ask() -> dict[str, str | None]:
            asked = self._admin.describe_configs([resource], request_timeout=_ASK_S)
            said = await self._ask(asked[resource], _ASK_S, f"Reading the settings of topic {topic}")
            return {name: entry.value for name, entry in said.items()}

        return await self._once_known(ask, _ASK_S)


def same_value(left: str | None, right: str | None) -> bool:
    """Whether two texts mean the same value: brokers write 0.5 and 0.50 alike."""
    if left is None or right is None or left == right:
        return left == right
    try:
        return float(left) == float(right)
    except ValueError:
        return left.strip().lower() == right.strip().lower()


def steps(name: str, current: str | None, target: str) -> list[str]:
    """The values to set one after the other to get from `current` to `target`, which is the last."""
    way: list[str] = []
    if name in STEPPED and current is not None and current.isdecimal() and target.isdecimal():
        value, goal = max(int(current), 1), int(target)
        while value * 2 < goal:
            value *= 2
            way.append(str(value))
        while value > goal and -(-value // 2) > goal:
            value = -(-value // 2)
            way.append(str(value))
    return [*way, target]


def is_ours(entry: JournalEntry, value: str | None) -> bool:
    """Whether `value` is an override that this change, or its undoing, may have left on the broker.

    The undoing may begin at every step of the change. It sets the value of before only where that was an override too:
    else it deletes ours, and who pinned that value since is somebody else.
    """
    own = steps(entry.name, entry.previous_value, entry.applied_value)
    if entry.previous_value is not None:
        back = [steps(entry.name, each, entry.previous_value) for each in own]
        own += [each for way in back for each in (way if _was_override(entry) else way[:-1])]
    return any(same_value(value, each) for each in own)


def _was_override(entry: JournalEntry) -> bool:
    return entry.previous_source == "dynamic broker"


def source_of(setting: BrokerSetting) -> PreviousSource:
    """Where a value comes from, in the journal's words."""
    return _SOURCES.get(setting.source, "unknown")


class DynamicConfig:
    """Changes settings of the brokers of one cluster and puts them back."""

    def __init__(self, admin: ConfigAdmin, node_ids: Sequence[int], cluster_id: str, journal: Journal) -> None:
        self._admin = admin
        self._nodes = tuple(node_ids)
        self._cluster_id = cluster_id
        self._journal = journal

    # Asking first --------------------------------------------------------------------------------------------

    async def check(self, wanted: Mapping[str, str]) -> None:
        """Whether these names can be changed at all, and by us. Nothing is changed.

        Raises Refused for what the brokers do not have or only read at their start, TrialError where the right is
        missing, ClusterUnreachable. That a value is not to a broker's liking is no reason yet.
        """
        for node in self._nodes:
            have = await self._describe(node)
            for name in wanted:
                if name not in have:
                    raise Refused(
                        f"broker {node} knows no setting {name}",
                        "Its version may be older or newer; `[search] off` switches a parameter off.",
                    )
                if have[name].read_only:
                    raise Refused(
                        f"{name} is read only: broker {node} takes it from its own file when it starts",
                        "Use --cluster local and write it in [broker.static], or switch it off.",
                    )
            try:
                await self._dry_run(node, {name: (have[name], value) for name, value in wanted.items()})
            except TrialError as problem:
                if problem.code.endswith("AUTHORIZATION_FAILED"):
                    raise

    async def _dry_run(self, node: int, changes: Mapping[str, tuple[BrokerSetting, str]]) -> None:
        first = {name: steps(name, before.value, value)[0] for name, (before, value) in changes.items()}
        await self._reaching(node, self._admin.alter_broker_configs(node, first, validate_only=True))

    # Changing ------------------------------------------------------------------------------------------------

    async def apply(self, wanted: Mapping[str, str], study_id: str) -> list[JournalEntry]:
        """Set `wanted` on every broker; what is in force already is left alone. The journal entries that undo it.

        Everything is tried dry on all brokers before anything is written down or changed. Raises TrialError with the
        broker's own reason, ClusterUnreachable; the journal then knows what to put back.
        """
        changes: dict[int, dict[str, tuple[BrokerSetting, str]]] = {}
        for node in self._nodes:
            have = await self._describe(node)
            for name in wanted:
                if name not in have or have[name].read_only:
                    raise TrialError(f"broker {node} does not let {name} be changed while it runs", code="READ_ONLY")
            changes[node] = {
                name: (have[name], value) for name, value in wanted.items() if not same_value(have[name].value, value)
            }
        for node, changed in changes.items():
            if changed:
                await self._dry_run(node, changed)
        entries = [
            JournalEntry(
                id=new_id(),
                study_id=study_id,
                cluster_id=self._cluster_id,
                node_id=node,
                name=name,
                previous_value=before.value,
                previous_source=source_of(before),
                applied_value=value,
                at=now(),
            )
            for node, changed in changes.items()
            for name, (before, value) in changed.items()
        ]
        for entry in entries:
            await self._journal.add_journal(entry)
        await _all(self._walk(node, changed) for node, changed in changes.items() if changed)
        return entries

    async def _walk(self, node: int, changes: Mapping[str, tuple[BrokerSetting, str]]) -> None:
        ways = {name: steps(name, before.value, value) for name, (before, value) in changes.items()}
        for index in range(max(len(way) for way in ways.values())):
            await self._set(node, {name: way[index] for name, way in ways.items() if index < len(way)})

    async def _set(self, node: int, values: Mapping[str, str]) -> None:
        """One step, read back until the broker shows it."""
        await self._reaching(node, self._admin.alter_broker_configs(node, values))
        expected: Mapping[str, tuple[str | None, PreviousSource]]
        expected = {name: (value, "dynamic broker") for name, value in values.items()}
        if not await self._shown(node, expected):
            names = ", ".join(f"{name}={value}" for name, value in values.items())
            raise TrialError(f"broker {node} accepted {names} and does not show it after {READ_BACK_S:.0f} s")

    async def _shown(self, node: int, expected: Mapping[str, tuple[str | None, PreviousSource]]) -> bool:
        """Whether broker `node` comes to show these values from these sources in time."""
        until = time.monotonic() + READ_BACK_S
        while True:
            have = await self._describe(node)
            if all(
                same_value(have[name].value, value) and _comes_from(have[name], source)
                for name, (value, source) in expected.items()
            ):
                return True
            if time.monotonic() > until:
                return False
            await asyncio.sleep(_LOOK_S)

    # Putting back --------------------------------------------------------------------------------------------

    async def restore(self, entries: Sequence[JournalEntry], say: Callable[[str], None]) -> None:
        """Put back what the entries say; each is removed once that is done, or once `say` was told what is left alone.

        Every entry is tried. Then raises TrialError for what a broker refused, ClusterUnreachable for a broker that
        does not answer; their entries stay.
        """
        by_node: dict[int, list[JournalEntry]] = {}
        for entry in entries:
            by_node.setdefault(entry.node_id, []).append(entry)
        await _all(self._restore_node(node, mine, say) for node, mine in by_node.items())

    async def _restore_node(self, node: int, entries: Sequence[JournalEntry], say: Callable[[str], None]) -> None:
        """The newest first, as layers come off: what lies under one that stays is left too."""
        problems: list[IngestuneError] = []
        stuck: set[str] = set()
        for entry in reversed(entries):
            if entry.name in stuck:
                continue
            try:
                await self._restore_one(node, entry, say)
            except TrialError as problem:
                problems.append(problem)
                stuck.add(entry.name)
            except ClusterUnreachable as problem:  # it would not answer about the others either
                problems.append(problem)
                break
        if problems:
            raise problems[0]

    async def _restore_one(self, node: int, entry: JournalEntry, say: Callable[[str], None]) -> None:
        """Undone also where the value looks back: a change that nobody acknowledged may still be on its way."""
        current = await self._settled(node, entry)
        if current is None:
            say(f"broker {node} no longer has a setting {entry.name}")
        elif not _is_back(entry, current) and not _left_by_us(entry, current):
            say(
                f"{entry.name} of broker {node} is now {current.value} ({source_of(current)}): somebody else changed "
                f"it, so it is left; before this study it was {entry.previous_value} ({entry.previous_source})"
            )
        elif _was_override(entry):
            back = entry.previous_value
            for value in steps(entry.name, current.value, back) if back is not None else ():
                await self._set(node, {entry.name: value})
        else:
            entry = await self._delete(node, entry, current.value, say)
        await self._journal.remove_journal(entry.id)

    async def _delete(
        self, node: int, entry: JournalEntry, current: str | None, say: Callable[[str], None]
    ) -> JournalEntry:
        """Delete our override, in steps where the broker wants them. The entry that is done with now."""
        below = await self._out_of_reach(node, entry)
        if below is not None and not same_value(below, entry.previous_value):
            say(_changed_below(entry, below))
            changed = msgspec.structs.replace(entry, id=new_id(), previous_value=below, previous_source="unknown")
            await self._journal.add_journal(changed)  # what a kill on the way there leaves is then ours too
            await self._journal.remove_journal(entry.id)
            entry = changed
        for value in steps(entry.name, current, below)[:-1] if below is not None else ():
            await self._set(node, {entry.name: value})
        await self._reaching(node, self._admin.alter_broker_configs(node, {entry.name: None}))
        if await self._shown(node, {entry.name: (entry.previous_value, entry.previous_source)}):
            return entry
        left = (await self._describe(node))[entry.name]
        if source_of(left) == "dynamic broker":
            raise TrialError(f"broker {node} still shows {entry.name}={left.value} after its override was deleted")
        say(_changed_below(entry, f"{left.value} ({source_of(left)})"))
        return entry

    async def _out_of_reach(self, node: int, entry: JournalEntry) -> str | None:
        """What would be in force without our override, if that is too far for one step; else None.

        It may be another value than before the study. The client keeps one of a setting's synonyms only, so that
        nobody but the broker knows: it names the value when it refuses to go there.
        """
        if entry.name not in STEPPED:
            return None
        try:
            await self._reaching(node, self._admin.alter_broker_configs(node, {entry.name: None}, validate_only=True))
        except TrialError as problem:
            named = re.search(rf"\b{re.escape(entry.name)}=(\d+)", problem.what)
            return named[1] if named else entry.previous_value
        return None

    async def _settled(self, node: int, entry: JournalEntry) -> BrokerSetting | None:
        """What the broker shows; what is neither of before nor ours only once it has stood for a moment."""
        until = time.monotonic() + SETTLE_S
        while True:
            current = (await self._describe(node)).get(entry.name)
            known = current is None or _is_back(entry, current) or _left_by_us(entry, current)
            if known or time.monotonic() > until:
                return current
            await asyncio.sleep(_LOOK_S)

    # Asking --------------------------------------------------------------------------------------------------

    async def _describe(self, node: int) -> dict[str, BrokerSetting]:
        have: dict[str, BrokerSetting] = {}

        async def ask() -> None:
            have.update(await self._admin.describe_broker_configs(node, _ASK_S))

        await self._reaching(node, ask())
        return have

    async def _reaching(self, node: int, asked: Awaitable[None]) -> None:
        """Says which broker it was that did not answer."""
        try:
            await asked
        except ClusterUnreachable as problem:
            raise ClusterUnreachable(
                f"broker {node} does not answer when asked about its settings: {problem.what}", problem.hint
            ) from None


def _is_back(entry: JournalEntry, shown: BrokerSetting) -> bool:
    return _comes_from(shown, entry.previous_source) and same_value(shown.value, entry.previous_value)


def _comes_from(shown: BrokerSetting, source: PreviousSource) -> bool:
    """An unknown source may be any but an override of the broker's own."""
    found = source_of(shown)
    return found == source or (source == "unknown" and found != "dynamic broker")


def _changed_below(entry: JournalEntry, value: str) -> str:
    return (
        f"{entry.name} of broker {entry.node_id} is {value} without our override; before this study it was "
        f"{entry.previous_value} ({entry.previous_source}): somebody else changed it"
    )


def _left_by_us(entry: JournalEntry, shown: BrokerSetting) -> bool:
    return source_of(shown) == "dynamic broker" and is_ours(entry, shown.value)


async def _all(work: Iterable[Awaitable[None]]) -> None:
    """All of it, at once; then the first problem, a broker's no before a broker's silence."""
    results = await asyncio.gather(*work, return_exceptions=True)
    problems = [each for each in results if isinstance(each, BaseException)]
    if problems:
        raise next((each for each in problems if isinstance(each, TrialError)), problems[0])
