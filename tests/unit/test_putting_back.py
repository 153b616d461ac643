"""Putting settings of brokers back where something is in the way: a broker that refuses, one that does not answer, a
change that comes late, somebody who changed what lies below."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping

import pytest

from ingestune_tui.errors import ClusterUnreachable, TrialError
from ingestune_tui.kafka import dynamic_config
from ingestune_tui.kafka.dynamic_config import DynamicConfig
from ingestune_tui.storage.store import Store
from tests.unit.scripted_brokers import Brokers, entry, put_back
from tests.unit.test_dynamic_config import Killed, Mortal

IO, NETWORK = "num.io.threads", "num.network.threads"
OURS = ("12", "DYNAMIC_BROKER_CONFIG")
CLUSTER_WIDE = ("64", "DYNAMIC_DEFAULT_BROKER_CONFIG")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamic_config, "SETTLE_S", 0.0)
    monkeypatch.setattr(dynamic_config, "READ_BACK_S", 0.0)


def config_of(brokers: Brokers, store: Store) -> DynamicConfig:
    return DynamicConfig(brokers, tuple(brokers.values), "c", store)  # type: ignore[arg-type]


class Picky(Brokers):
    """Will not have these settings changed."""

    def __init__(self, *names: str) -> None:
        super().__init__(1)
        self.names = names
        self.below = dict.fromkeys((IO, NETWORK), ("8", "DEFAULT_CONFIG"))
        self.values[1] = dict.fromkeys(self.below, OURS)

    async def alter_broker_configs(
        self, node: int, changes: Mapping[str, str | None], *, validate_only: bool = False
    ) -> None:
        if not changes.keys().isdisjoint(self.names):
            raise TrialError("not this one", code="POLICY_VIOLATION")
        await super().alter_broker_configs(node, changes, validate_only=validate_only)


async def test_a_setting_that_the_broker_will_not_have_back_keeps_no_other_from_it(store: Store) -> None:
    brokers = Picky(NETWORK)
    await store.add_journal(entry("8", "12", IO))
    await store.add_journal(entry("8", "12", NETWORK, id="2"))
    with pytest.raises(TrialError, match="not this one"):
        await put_back(config_of(brokers, store), await store.journal_entries())
    assert brokers.values[1] == {IO: ("8", "DEFAULT_CONFIG"), NETWORK: OURS}
    assert [each.name for each in await store.journal_entries()] == [NETWORK]


async def test_what_lies_under_a_change_that_stays_is_not_taken_for_somebody_elses(store: Store) -> None:
    brokers = Picky(IO)
    layers = [entry("8", "6", IO), entry("6", "12", IO, id="2", previous_source="dynamic broker")]
    for each in layers:
        await store.add_journal(each)
    with pytest.raises(TrialError, match="not this one"):
        await put_back(config_of(brokers, store), layers)
    assert await store.journal_entries() == layers


async def test_an_override_is_walked_to_what_somebody_set_for_the_whole_cluster_meanwhile(store: Store) -> None:
    brokers = Brokers(1)
    brokers.values[1][IO] = OURS
    brokers.below[IO] = CLUSTER_WIDE
    await store.add_journal(entry("8", "12", IO))
    (note,) = await put_back(config_of(brokers, store), await store.journal_entries())
    assert [value for _, value in brokers.changes] == ["24", "48", None]
    assert brokers.values[1][IO] == CLUSTER_WIDE
    assert "is 64" in note
    assert "before this study it was 8 (default): somebody else changed it" in note
    assert await store.journal_entries() == []


async def test_a_kill_on_the_way_there_leaves_no_value_that_nobody_puts_back() -> None:
    deaths = 0
    for moment in itertools.count(1):
        world = Mortal("8", "DEFAULT_CONFIG")
        world.values = {1: {IO: OURS}}
        world.below[IO] = CLUSTER_WIDE
        world.entries = {"1": entry("8", "12", IO)}
        world.last = moment
        config = DynamicConfig(world, (1,), "c", world)  # type: ignore[arg-type]
        try:
            await put_back(config, list(world.entries.values()))
            break
        except Killed:
            deaths += 1
        world.last = None
        await put_back(config, list(world.entries.values()))
        assert (world.values[1][IO], world.entries) == (CLUSTER_WIDE, {}), f"killed at {moment}"
    assert deaths > 2 * 3, "an entry that changes, two steps and a deletion"


async def test_what_is_left_alone_on_one_broker_is_said_though_another_does_not_answer(store: Store) -> None:
    brokers = Brokers(1, 2)
    brokers.values[1][IO] = ("11", "DYNAMIC_BROKER_CONFIG")
    brokers.away.add(2)
    await store.add_journal(entry("8", "12", IO))
    await store.add_journal(entry("8", "12", IO, id="2", node_id=2))
    said: list[str] = []
    with pytest.raises(ClusterUnreachable, match="broker 2"):
        await config_of(brokers, store).restore(await store.journal_entries(), said.append)
    (note,) = said
    assert "broker 1 is now 11" in note
    assert [each.node_id for each in await store.journal_entries()] == [2]


async def test_nothing_is_struck_from_the_journal_before_it_is_said(store: Store) -> None:
    brokers = Brokers(1)
    brokers.values[1][IO] = ("11", "DYNAMIC_BROKER_CONFIG")
    await store.add_journal(entry("8", "12", IO))

    def fail(_: str) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        await config_of(brokers, store).restore(await store.journal_entries(), fail)
    assert len(await store.journal_entries()) == 1


class Queueing(Brokers):
    """Brokers whose controller is being elected: changes wait in a line, and nobody acknowledges them meanwhile."""

    def __init__(self) -> None:
        super().__init__(1)
        self.electing = True
        self.line: list[Mapping[str, str | None]] = []

    async def alter_broker_configs(
        self, node: int, changes: Mapping[str, str | None], *, validate_only: bool = False
    ) -> None:
        if validate_only:
            await super().alter_broker_configs(node, changes, validate_only=True)
            return
        self.line.append(changes)
        if self.electing:
            raise ClusterUnreachable("timed out")
        await self.arrive()

    async def arrive(self) -> None:
        """The line in its order."""
        for changes in self.line:
            await super().alter_broker_configs(1, changes)
        self.line = []


@pytest.mark.parametrize("source", ["DEFAULT_CONFIG", "DYNAMIC_BROKER_CONFIG"])
async def test_a_change_that_comes_after_it_was_given_up_is_undone_too(store: Store, source: str) -> None:
    brokers = Queueing()
    brokers.values[1][IO] = ("8", source)
    before = copy.deepcopy(brokers.values)
    config = config_of(brokers, store)
    with pytest.raises(ClusterUnreachable):
        await config.apply({IO: "12"}, "study")
    assert brokers.values == before, "it looks as if nothing had happened"
    with pytest.raises(ClusterUnreachable):
        await put_back(config, await store.journal_entries())
    assert len(await store.journal_entries()) == 1, "until the undoing is acknowledged"
    brokers.electing = False
    assert await put_back(config, await store.journal_entries()) == []
    await brokers.arrive()
    assert (brokers.values, await store.journal_entries()) == (before, [])


class Falling(Brokers):
    """Broker 2 goes down the moment it has made a change, so many times, and nobody knows whether it did."""

    falls = 2

    async def alter_broker_configs(
        self, node: int, changes: Mapping[str, str | None], *, validate_only: bool = False
    ) -> None:
        await super().alter_broker_configs(node, changes, validate_only=validate_only)
        if node == 2 and not validate_only and self.falls:
            self.falls -= 1
            self.away.add(2)


async def test_a_node_that_goes_down_while_a_change_is_read_back_is_named_and_put_back_later(store: Store) -> None:
    brokers = Falling()
    before = copy.deepcopy(brokers.values)
    config = config_of(brokers, store)
    with pytest.raises(ClusterUnreachable, match="broker 2 does not answer"):
        await config.apply({IO: "12"}, "study")
    assert brokers.values[1][IO] == OURS, "the other is changed to the end, so that it can be undone"
    with pytest.raises(ClusterUnreachable, match="broker 2 does not answer"):
        await put_back(config, await store.journal_entries())
    assert [each.node_id for each in await store.journal_entries()] == [2]
    brokers.away.clear()
    with pytest.raises(ClusterUnreachable, match="broker 2 does not answer"):
        await put_back(config, await store.journal_entries())  # its undoing is not seen either
    brokers.away.clear()
    assert await put_back(config, await store.journal_entries()) == []
    assert (brokers.values, await store.journal_entries()) == (before, [])
