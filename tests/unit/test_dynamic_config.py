"""Changing settings of brokers and putting them back: steps, whose value it is, and a kill at every moment."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest

from ingestune_tui.kafka import dynamic_config
from ingestune_tui.kafka.dynamic_config import DynamicConfig, is_ours, same_value, steps
from ingestune_tui.kafka.topics import BrokerSetting
from ingestune_tui.model.journal import JournalEntry
from ingestune_tui.storage.store import Store
from tests.unit.scripted_brokers import Brokers, entry, put_back

THREADS = "num.io.threads"


class Killed(BaseException):
    """What SIGKILL is to a process: nothing is caught, nothing is cleaned up."""


class Mortal(Brokers):
    """Brokers and a journal; whoever uses them dies right before or right after the nth time that anything changes."""

    def __init__(self, value: str, source: str) -> None:
        super().__init__()
        self.values = {node: {THREADS: (value, source)} for node in (1, 2)}
        self.entries: dict[str, JournalEntry] = {}
        self.moments = 0
        self.last: int | None = None

    def _moment(self) -> None:
        self.moments += 1
        if self.last is not None and self.moments >= self.last:
            raise Killed

    async def add_journal(self, entry: JournalEntry) -> None:
        self._moment()
        self.entries[entry.id] = entry
        self._moment()

    async def remove_journal(self, entry_id: str) -> None:
        self._moment()
        del self.entries[entry_id]
        self._moment()

    async def alter_broker_configs(
        self, node: int, changes: Mapping[str, str | None], *, validate_only: bool = False
    ) -> None:
        if validate_only:
            await super().alter_broker_configs(node, changes, validate_only=True)
            return
        self._moment()
        await super().alter_broker_configs(node, changes)
        self._moment()


async def put_back_or_die(config: DynamicConfig, world: Mortal, moments: int | None) -> list[str] | None:
    """What was noted, or None when it died after so many moments."""
    world.moments, world.last = 0, moments
    try:
        return await put_back(config, list(world.entries.values()))
    except Killed:
        return None


@pytest.mark.parametrize(
    ("value", "source", "goal"),
    [
        ("8", "DEFAULT_CONFIG", "33"),
        ("8", "DEFAULT_CONFIG", "3"),
        ("10", "DYNAMIC_BROKER_CONFIG", "3"),
        ("12", "DYNAMIC_BROKER_CONFIG", "40"),
        ("20", "DYNAMIC_BROKER_CONFIG", "2"),
    ],
)
async def test_after_a_kill_at_any_moment_and_another_while_putting_back_all_is_as_before(
    value: str, source: str, goal: str
) -> None:
    deaths = 0
    for moment in itertools.count(1):
        world = Mortal(value, source)
        before, world.last = copy.deepcopy(world.values), moment
        config = DynamicConfig(world, (1, 2), "c", world)  # type: ignore[arg-type]
        try:
            await put_back(config, await config.apply({THREADS: goal}, "study"))
            break
        except Killed:
            deaths += 1
        found = copy.deepcopy((world.values, world.entries))
        for second in itertools.count(1):
            world.values, world.entries = copy.deepcopy(found)
            survived = await put_back_or_die(config, world, second)
            notes = survived if survived is not None else await put_back_or_die(config, world, None)
            assert (notes, world.values, world.entries) == ([], before, {}), f"killed at {moment}, then at {second}"
            if survived is not None:
                break
    assert deaths > 2 * (2 + 2 + 2), "two entries, a step on each of two brokers, and their undoing"


# Steps and values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "current", "target", "expected"),
    [
        ("num.io.threads", "8", "33", ["16", "32", "33"]),
        ("num.io.threads", "33", "8", ["17", "9", "8"]),
        ("num.io.threads", "1", "1", ["1"]),
        ("num.io.threads", "8", "16", ["16"]),
        ("num.io.threads", None, "16", ["16"]),
        ("log.segment.bytes", "1000", "9000000", ["9000000"]),
    ],
)
def test_only_pools_of_threads_are_changed_in_steps(
    name: str, current: str | None, target: str, expected: list[str]
) -> None:
    assert steps(name, current, target) == expected


def test_whatever_a_change_and_its_undoing_may_leave_counts_as_ours() -> None:
    for previous, applied in itertools.product(range(1, 65), repeat=2):
        change = entry(str(previous), str(applied), previous_source="dynamic broker")
        for left in steps(THREADS, str(previous), str(applied)):
            for value in steps(THREADS, left, str(previous)):
                assert is_ours(change, value), f"{previous} -> {applied}, stopped at {left}, then at {value}"


@pytest.mark.parametrize("value", ["16", "32", "33", "17", "9"])
def test_every_step_of_a_change_and_of_its_undoing_counts_as_ours(value: str) -> None:
    assert is_ours(entry(), value)


@pytest.mark.parametrize("value", ["12", "7", "64", None])
def test_any_other_value_is_somebody_elses(value: str | None) -> None:
    assert not is_ours(entry(), value)


def test_an_override_of_the_former_default_is_somebody_elses_and_one_of_a_former_override_ours() -> None:
    assert not is_ours(entry(), "8")
    assert is_ours(entry(previous_source="dynamic broker"), "8")


async def test_who_pins_the_default_meanwhile_keeps_that_override(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamic_config, "SETTLE_S", 0.0)
    brokers = Brokers(1)
    async with await Store.open(tmp_path / "results.db") as store:
        config = DynamicConfig(brokers, (1,), "c", store)  # type: ignore[arg-type]
        entries = await config.apply({THREADS: "16"}, "study")
        brokers.values[1][THREADS] = ("8", "DYNAMIC_BROKER_CONFIG")
        (note,) = await put_back(config, entries)
        assert "somebody else changed it" in note
        assert brokers.values[1][THREADS] == ("8", "DYNAMIC_BROKER_CONFIG")
        assert await store.journal_entries() == []


async def test_a_new_source_with_the_old_value_is_a_change_on_its_way_and_nobody_elses(tmp_path: Path) -> None:
    class Slow(Brokers):
        """Shows for two looks what a broker shows that has heard of a change and not made it yet."""

        looks = 2

        async def describe_broker_configs(self, node: int, _: float = 0) -> dict[str, BrokerSetting]:
            shown = await super().describe_broker_configs(node)
            self.looks -= 1
            if self.looks >= 0:
                shown[THREADS] = BrokerSetting("8", "DYNAMIC_BROKER_CONFIG", False, False)
            return shown

    brokers = Slow(1)
    brokers.values[1][THREADS] = ("16", "DYNAMIC_BROKER_CONFIG")
    async with await Store.open(tmp_path / "results.db") as store:
        await store.add_journal(entry("8", "16"))
        config = DynamicConfig(brokers, (1,), "c", store)  # type: ignore[arg-type]
        assert await put_back(config, await store.journal_entries()) == []
    assert brokers.values[1][THREADS] == ("8", "DEFAULT_CONFIG")


def test_values_are_compared_as_kafka_means_them() -> None:
    assert same_value("0.5", "0.50")
    assert same_value("TRUE", "true")
    assert not same_value("lz4", "zstd")
    assert not same_value(None, "1")
