"""Dynamic broker settings on a real broker: asked for, tried dry, changed in steps, read back and put back exactly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import Refused, TrialError
from ingestune_tui.kafka.dynamic_config import READ_BACK_S, ConfigAdmin, DynamicConfig
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.kafka.topics import BrokerSetting
from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.journal import JournalEntry
from ingestune_tui.tuning.cluster import ClusterChoice, open_cluster
from ingestune_tui.tuning.cluster_values import cluster_values
from tests.unit.scripted_brokers import put_back

pytestmark = [pytest.mark.kafka]


class Notebook:
    """A journal in memory, that also remembers what was changed when an entry was written."""

    def __init__(self, admin: ConfigAdmin) -> None:
        self.entries: dict[str, JournalEntry] = {}
        self.seen: list[BrokerSetting] = []
        self._admin = admin

    async def add_journal(self, entry: JournalEntry) -> None:
        self.entries[entry.id] = entry
        self.seen.append((await self._admin.describe_broker_configs(entry.node_id))[entry.name])

    async def remove_journal(self, entry_id: str) -> None:
        del self.entries[entry_id]


async def by_hand(admin: ConfigAdmin, node: int, name: str, value: str | None) -> None:
    """As another person would with Kafka's own tool; returns when the broker shows it."""
    await admin.alter_broker_configs(node, {name: value})
    until = time.monotonic() + READ_BACK_S
    while True:
        now = (await admin.describe_broker_configs(node))[name]
        if now.value == value or (value is None and now.source != "DYNAMIC_BROKER_CONFIG"):
            return
        assert time.monotonic() < until, f"the broker does not show {name}={value} after {READ_BACK_S:.0f} s"
        await asyncio.sleep(0.05)


@pytest.fixture
async def admin(local_broker: LocalKafka) -> AsyncIterator[ConfigAdmin]:
    async with ConfigAdmin(local_broker.connection) as opened:
        yield opened


@pytest.fixture
async def node(admin: ConfigAdmin) -> int:
    return (await admin.describe_cluster()).nodes[0].id


@pytest.fixture
async def journal(admin: ConfigAdmin) -> Notebook:
    return Notebook(admin)


@pytest.fixture
async def config(admin: ConfigAdmin, node: int, journal: Notebook) -> AsyncIterator[DynamicConfig]:
    before = await admin.describe_broker_configs(node)
    yield DynamicConfig(admin, (node,), "test", journal)
    assert await admin.describe_broker_configs(node) == before, "a test left the shared broker changed"


async def test_settings_are_changed_in_steps_and_put_back_with_value_and_source(
    admin: ConfigAdmin, config: DynamicConfig, journal: Notebook, node: int
) -> None:
    wanted = {"num.io.threads": "33", "log.segment.bytes": "2097152", "compression.type": "producer"}
    entries = await config.apply(wanted, "study")
    now = await admin.describe_broker_configs(node)
    assert (now["num.io.threads"].value, now["log.segment.bytes"].value) == ("33", "2097152")
    assert now["num.io.threads"].source == "DYNAMIC_BROKER_CONFIG"
    assert {entry.name for entry in entries} == {"num.io.threads", "log.segment.bytes"}, (
        "what is in force needs nothing"
    )
    assert all(seen.source == "DEFAULT_CONFIG" for seen in journal.seen), "the journal comes before the change"
    assert await put_back(config, list(journal.entries.values())) == []
    assert journal.entries == {}


async def test_the_broker_itself_refuses_a_jump_that_the_steps_avoid_and_names_where_it_would_go(
    admin: ConfigAdmin, config: DynamicConfig, journal: Notebook, node: int
) -> None:
    with pytest.raises(TrialError, match=r"\bnum\.io\.threads=33\b"):
        await admin.alter_broker_configs(node, {"num.io.threads": "33"}, validate_only=True)
    await config.apply({"num.io.threads": "33"}, "study")
    with pytest.raises(TrialError, match=r"\bnum\.io\.threads=8\b"):
        await admin.alter_broker_configs(node, {"num.io.threads": None}, validate_only=True)
    assert await put_back(config, list(journal.entries.values())) == []


async def test_an_override_that_was_there_before_is_put_back_as_an_override(
    admin: ConfigAdmin, config: DynamicConfig, journal: Notebook, node: int
) -> None:
    await by_hand(admin, node, "background.threads", "12")
    await config.apply({"background.threads": "40"}, "study")
    await put_back(config, list(journal.entries.values()))
    now = (await admin.describe_broker_configs(node))["background.threads"]
    await by_hand(admin, node, "background.threads", None)
    assert (now.value, now.source) == ("12", "DYNAMIC_BROKER_CONFIG")


async def test_a_change_left_half_way_through_its_steps_is_put_back(
    admin: ConfigAdmin, config: DynamicConfig, journal: Notebook, node: int
) -> None:
    await config.apply({"num.io.threads": "16"}, "study")
    half = next(iter(journal.entries.values()))
    meant = JournalEntry(**{name: getattr(half, name) for name in half.__struct_fields__} | {"applied_value": "40"})
    journal.entries[half.id] = meant
    assert await put_back(config, [meant]) == []


async def test_what_somebody_else_changed_meanwhile_is_said_and_left(
    admin: ConfigAdmin, config: DynamicConfig, journal: Notebook, node: int
) -> None:
    await config.apply({"log.index.interval.bytes": "8192"}, "study")
    await by_hand(admin, node, "log.index.interval.bytes", "5000")
    (note,) = await put_back(config, list(journal.entries.values()))
    now = (await admin.describe_broker_configs(node))["log.index.interval.bytes"]
    await by_hand(admin, node, "log.index.interval.bytes", None)
    assert now.value == "5000"
    assert "somebody else changed it" in note
    assert "5000" in note
    assert journal.entries == {}


async def test_a_read_only_setting_is_refused_before_anything_is_changed(config: DynamicConfig) -> None:
    with pytest.raises(Refused, match=r"queued\.max\.requests is read only"):
        await config.check({"queued.max.requests": "100"})


async def test_a_setting_that_the_brokers_do_not_know_is_refused(config: DynamicConfig) -> None:
    with pytest.raises(Refused, match=r"knows no setting no\.such\.thing"):
        await config.check({"no.such.thing": "1"})


async def test_a_value_the_broker_rejects_comes_with_its_own_words_and_changes_nothing(
    config: DynamicConfig, journal: Notebook
) -> None:
    with pytest.raises(TrialError, match=r"log\.cleaner\.io\.buffer\.load\.factor") as raised:
        await config.apply({"num.io.threads": "16", "log.cleaner.io.buffer.load.factor": "nothing"}, "study")
    assert raised.value.code == "INVALID_REQUEST"
    assert journal.entries == {}


@pytest.mark.usefixtures("config")
async def test_the_baseline_has_what_the_cluster_runs_with(
    local_broker: LocalKafka, admin: ConfigAdmin, node: int
) -> None:
    grid = read_grid('[topic]\n"index.interval.bytes" = [4096, 8192]\n[broker]\n"num.io.threads" = [8, 16]\n')
    choice = ClusterChoice("external", bootstrap=local_broker.bootstrap)
    async with open_cluster(choice, lambda _: None, topic_prefix="ingestune") as cluster:
        assert await cluster_values(cluster, grid, "ingestune-values") == {}
        await by_hand(admin, node, "num.io.threads", "16")
        await by_hand(admin, node, "log.index.interval.bytes", "8192")
        try:
            found = await cluster_values(cluster, grid, "ingestune-values")
        finally:
            await by_hand(admin, node, "num.io.threads", None)
            await by_hand(admin, node, "log.index.interval.bytes", None)
    assert found == {Scope.TOPIC: {"index.interval.bytes": 8192}, Scope.BROKER: {"num.io.threads": 16}}
    assert "ingestune-values" not in await admin.list_topics()


async def test_a_topic_that_the_node_asked_does_not_know_yet_is_waited_for(admin: ConfigAdmin) -> None:
    asked = asyncio.create_task(admin.describe_topic_configs("ingestune-late"))
    await asyncio.sleep(0.3)
    assert not asked.done()
    async with ConfigAdmin(admin.connection) as other:
        await other.create_topic("ingestune-late", 1, 1, {"segment.bytes": "2097152"})
    assert (await asked)["segment.bytes"] == "2097152"
    await admin.delete_topic("ingestune-late")
