"""What killed studies left changed: put back at a start and by `ingestune restore`, kept for brokers that are away, and
forgotten on a person's word. Brokers are scripted, the journal is real."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from ingestune_tui.cli.main import run as command_line
from ingestune_tui.errors import ClusterUnreachable, StudyError
from ingestune_tui.kafka import dynamic_config
from ingestune_tui.model.events import Event, Notice
from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.journal import JournalEntry
from ingestune_tui.model.study import Owner, Study
from ingestune_tui.storage.owner import SILENT_S, lives, this_process
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.leftovers import Restored, restore_journal
from ingestune_tui.tuning.study_process import prepare_brokers
from tests.unit.scripted_brokers import Brokers, entry
from tests.unit.scripted_cluster import CLUSTER
from tests.unit.store_values import make_study

ELSEWHERE = Owner(host="yesterdays-name", pid=2**22 + 5, process_started_at=1.0)
LEFT = ("32", "DYNAMIC_BROKER_CONFIG")
BEFORE = ("8", "DEFAULT_CONFIG")


@pytest.fixture(autouse=True)
def nothing_settles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamic_config, "SETTLE_S", 0.0)


def cluster_of(brokers: Brokers, **changes: Any) -> Any:
    info = msgspec.structs.replace(CLUSTER, **changes)
    return SimpleNamespace(admin=brokers, node_ids=tuple(brokers.values), info=info)


async def put_back(cluster: Any, store: Store, **named: str) -> tuple[Restored, list[str]]:
    """What came of it, and what was said."""
    said: list[str] = []
    return await restore_journal(cluster, store, said.append, **named), said


async def left_by(store: Store, brokers: Brokers, owner: Owner | None, *, silent_s: float = 0.0) -> Study:
    """A study of this owner, not heard of for a while, that has broker 1 changed."""
    study = make_study("killed", cluster=CLUSTER, owner=owner)
    await store.create_study(study)

    async def wait(writer: Any) -> None:
        await writer.run("update study set rev = rev - ? where id = ?", (int(silent_s * 1e6), study.id))

    await store._database.write(wait)
    brokers.values[1]["num.io.threads"] = LEFT
    await store.add_journal(entry(study_id=study.id))
    return study


# At a start ------------------------------------------------------------------------------------------------------


async def test_the_next_start_puts_back_what_a_killed_study_left(store: Store) -> None:
    brokers = Brokers()
    brokers.values[1]["num.io.threads"] = LEFT
    await store.add_journal(entry())
    restored, said = await put_back(cluster_of(brokers), store)
    assert (restored.count, said, restored.kept) == (1, [], 0)
    assert brokers.values[1]["num.io.threads"] == BEFORE
    assert await store.journal_entries() == []


async def test_what_somebody_else_set_meanwhile_is_said_left_and_forgotten(store: Store) -> None:
    brokers = Brokers()
    brokers.values[1]["num.io.threads"] = ("12", "DYNAMIC_BROKER_CONFIG")
    await store.add_journal(entry())
    restored, said = await put_back(cluster_of(brokers), store)
    (note,) = said
    assert (restored.count, restored.kept) == (0, 0)
    assert "somebody else changed it" in note
    assert brokers.values[1]["num.io.threads"][0] == "12"
    assert await store.journal_entries() == []


async def test_a_broker_that_left_the_cluster_is_said_and_the_others_are_put_back(store: Store) -> None:
    brokers = Brokers()
    brokers.values[1]["num.io.threads"] = LEFT
    brokers.gone.add(2)
    await store.add_journal(entry())
    await store.add_journal(entry(id="2", node_id=2))
    restored, said = await put_back(cluster_of(brokers), store)
    (note,) = said
    assert "broker 2 is not in the cluster" in note
    assert "--forget 2" in note
    assert (restored.count, restored.away, restored.kept) == (1, (2,), 1)
    assert [each.node_id for each in await store.journal_entries()] == [2]


async def test_only_a_study_that_changes_brokers_waits_for_one_that_left_the_cluster(store: Store) -> None:
    brokers = Brokers()
    brokers.gone.add(2)
    await store.add_journal(entry(node_id=2))
    cluster, study, said = cluster_of(brokers), make_study(), list[Event]()
    cluster.node_ids = (1,)
    await prepare_brokers(cluster, study, read_grid("[producer]\n'linger.ms' = [0, 5]\n"), store, said.append)
    assert ["broker 2 is not in the cluster" in event.text for event in said if isinstance(event, Notice)] == [True]
    changing = read_grid("[broker]\n'num.io.threads' = [8, 16]\n")
    with pytest.raises(StudyError, match="settings of broker 2, which is not in the cluster"):
        await prepare_brokers(cluster, study, changing, store, said.append)
    await store.remove_journal("1")
    await prepare_brokers(cluster, study, changing, store, said.append)


async def test_what_a_living_study_has_in_force_is_left_to_it(store: Store) -> None:
    brokers = Brokers()
    study = await left_by(store, brokers, this_process())
    restored, said = await put_back(cluster_of(brokers), store)
    assert (restored.count, restored.kept) == (0, 1)
    assert "study killed is running" in said[0]
    assert brokers.values[1]["num.io.threads"] == LEFT
    assert (await put_back(cluster_of(brokers), store, own=study.id))[0].count == 1, "its own leftovers it may"


async def test_a_local_cluster_takes_its_entries_with_it(store: Store) -> None:
    await store.add_journal(entry())
    assert (await put_back(cluster_of(Brokers(), kind="local"), store))[0].kept == 0
    assert await store.journal_entries() == []


# Whose process lives ---------------------------------------------------------------------------------------------


async def test_a_study_of_another_host_counts_as_dead_after_a_day_of_silence(store: Store) -> None:
    brokers = Brokers()
    await left_by(store, brokers, ELSEWHERE, silent_s=SILENT_S + 1)
    assert (await put_back(cluster_of(brokers), store))[0].count == 1
    assert brokers.values[1]["num.io.threads"] == BEFORE


async def test_until_then_it_is_left_to_that_host_and_the_way_to_say_otherwise_is_named(store: Store) -> None:
    brokers = Brokers()
    study = await left_by(store, brokers, ELSEWHERE, silent_s=SILENT_S - 60)
    _, (note,) = await put_back(cluster_of(brokers), store)
    assert "yesterdays-name" in note
    assert "ingestune restore --study killed" in note
    dead = await store.declare_dead(study.id)
    assert (dead.owner, dead.state) == (None, "interrupted")
    assert (await put_back(cluster_of(brokers), store))[0].count == 1


async def test_nobody_can_say_that_a_process_of_this_host_is_dead_that_lives(store: Store) -> None:
    study = await left_by(store, Brokers(), this_process())
    with pytest.raises(StudyError, match="is not dead"):
        await store.declare_dead(study.id)


def test_a_process_is_the_same_under_a_new_name_of_its_host() -> None:
    renamed = msgspec.structs.replace(this_process(), host="yesterdays-name")
    assert lives(renamed, SILENT_S + 1)
    assert not lives(msgspec.structs.replace(renamed, process_started_at=1.0), SILENT_S + 1)
    assert not lives(msgspec.structs.replace(this_process(), process_started_at=1.0), 0.0)


# `ingestune restore` ---------------------------------------------------------------------------------------------

Restore = Callable[..., int]


class Places:
    """Clusters by their address; what is not here does not answer."""

    def __init__(self, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = database
        self.brokers: dict[str, Brokers] = {}
        monkeypatch.setattr("ingestune_tui.tuning.cluster.open_cluster", self.open)

    @contextlib.asynccontextmanager
    async def open(self, choice: Any, *_: Any, **__: Any) -> AsyncIterator[Any]:
        if choice.bootstrap not in self.brokers:
            raise ClusterUnreachable(f"{choice.bootstrap} does not answer", "Is it up?")
        yield cluster_of(self.brokers[choice.bootstrap], id=choice.bootstrap, label=choice.bootstrap)

    def left(self, address: str, *, owner: Owner | None = None, nodes: tuple[int, ...] = (1,)) -> None:
        """A study there was killed, with these brokers changed."""

        async def write() -> None:
            async with await Store.open(self.database) as store:
                info = msgspec.structs.replace(CLUSTER, id=address, label=address)
                study = make_study(f"study-of-{address[:2]}", cluster=info, owner=owner)
                await store.create_study(study)
                for node in nodes:
                    await store.add_journal(
                        entry(id=f"{address}-{node}", study_id=study.id, cluster_id=address, node_id=node)
                    )

        asyncio.run(write())

    def journal(self) -> list[JournalEntry]:
        async def read() -> list[JournalEntry]:
            async with await Store.open(self.database) as store:
                return await store.journal_entries()

        return asyncio.run(read())

    def restore(self, *arguments: str) -> int:
        return command_line(["restore", "--database", str(self.database), *arguments])


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    return Places(tmp_path / "results.db", monkeypatch)


def test_restore_says_that_there_is_nothing_to_put_back(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert places.journal() == []
    assert places.restore() == 0
    assert "nothing to put back" in capsys.readouterr().err


def test_a_local_cluster_has_nothing_to_restore(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert places.journal() == []
    assert places.restore("--cluster", "local") == 2
    assert "ends with its study" in capsys.readouterr().err


def test_restore_goes_to_every_place_and_fails_when_something_is_left(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    places.left("k1:9092")
    places.left("k2:9092")
    places.brokers["k2:9092"] = Brokers()
    places.brokers["k2:9092"].values[1]["num.io.threads"] = LEFT
    assert places.restore() == 1
    said = capsys.readouterr().err
    assert "k1:9092: k1:9092 does not answer" in said
    assert "k2:9092: 1 broker setting put back" in said
    assert places.brokers["k2:9092"].values[1]["num.io.threads"] == BEFORE
    assert [each.cluster_id for each in places.journal()] == ["k1:9092"]
    places.brokers["k1:9092"] = Brokers()
    assert places.restore() == 0


def test_restore_without_the_study_goes_by_what_is_known_of_the_cluster(places: Places) -> None:
    places.left("k1:9092")
    places.brokers["k1:9092"] = Brokers()

    async def delete() -> None:
        async with await Store.open(places.database) as store:
            await store.delete_study((await store.studies())[0].id)

    asyncio.run(delete())
    assert places.restore() == 0
    assert places.journal() == []


def test_restore_is_told_that_a_study_of_another_host_is_dead(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    places.left("k1:9092", owner=ELSEWHERE)
    places.brokers["k1:9092"] = Brokers()
    places.brokers["k1:9092"].values[1]["num.io.threads"] = LEFT
    assert places.restore() == 1
    assert "1 left in the journal" in capsys.readouterr().err
    assert places.restore("--study", "study-of-k1") == 0
    assert "study study-of-k1 is interrupted" in capsys.readouterr().err
    assert places.brokers["k1:9092"].values[1]["num.io.threads"] == BEFORE


def test_a_broker_that_is_gone_for_good_is_forgotten_once_that_is_agreed_to(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    places.left("k1:9092", nodes=(1, 2))
    places.brokers["k1:9092"] = Brokers()
    places.brokers["k1:9092"].gone.add(2)
    assert places.restore() == 1
    assert places.restore("--forget", "2") == 2
    assert "num.io.threads of broker 2: 8 (default) before the study, 33 in it" in capsys.readouterr().err
    assert [each.node_id for each in places.journal()] == [2]
    assert places.restore("--forget", "2", "--yes") == 0
    assert places.journal() == []


def test_a_broker_to_forget_is_named_by_its_cluster_where_several_have_one(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    places.left("k1:9092")
    places.left("k2:9092")
    assert places.restore("--forget", "1", "--yes") == 2
    assert "k1:9092, k2:9092" in capsys.readouterr().err
    assert places.restore("--forget", "1", "--yes", "--cluster", "k2:9092") == 0
    assert [each.cluster_id for each in places.journal()] == ["k1:9092"]
    assert places.restore("--forget", "7", "--yes") == 2


def test_what_a_living_study_will_put_back_is_not_forgotten(places: Places) -> None:
    places.left("k1:9092", owner=this_process())
    assert places.restore("--forget", "1", "--yes") == 1
    assert len(places.journal()) == 1
