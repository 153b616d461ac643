"""The baseline's topic and broker settings are what the cluster has in force, asked of scripted brokers."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import StudyError
from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.space import expand
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.cluster_values import cluster_values, in_words, keep_values
from tests.unit.scripted_brokers import Brokers
from tests.unit.scripted_cluster import CLUSTER
from tests.unit.store_values import make_study

GRID = """
[topic]
partitions = [6]
replication = [3]
"min.insync.replicas" = [1, 2]
[broker]
"num.io.threads" = [8, 16]
"""


class WithTopics(Brokers):
    """Brokers that also make topics, each with these settings of their own."""

    def __init__(self, threads: Mapping[int, str], **topic: str) -> None:
        super().__init__(*threads)
        for node, value in threads.items():
            self.values[node]["num.io.threads"] = (value, "STATIC_BROKER_CONFIG")
        self.topic = {name.replace("_", "."): value for name, value in topic.items()}
        self.topics: list[str] = []
        self.shapes: list[tuple[int, int, dict[str, str]]] = []

    async def create_topic(self, name: str, partitions: int, replication: int, settings: Mapping[str, str]) -> None:
        self.shapes.append((partitions, replication, dict(settings)))
        self.topics.append(name)

    async def describe_topic_configs(self, name: str) -> Mapping[str, str]:
        assert name in self.topics
        return self.topic

    async def delete_topic(self, *names: object) -> None:
        self.topics.remove(str(names[0]))


def cluster(brokers: Brokers) -> Any:
    return SimpleNamespace(info=CLUSTER, admin=brokers, node_ids=tuple(brokers.values))


async def test_the_baseline_is_what_the_brokers_run_with_and_the_promise_is_theirs() -> None:
    brokers = WithTopics({1: "16", 2: "16"}, min_insync_replicas="2")
    grid = read_grid(GRID)
    values = await cluster_values(cluster(brokers), grid, "ingestune-probe")
    assert values == {Scope.TOPIC: {"min.insync.replicas": 2}, Scope.BROKER: {"num.io.threads": 16}}
    assert in_words(values) == "min.insync.replicas 2, num.io.threads 16"
    assert (brokers.topics, brokers.shapes) == ([], [(6, 3, {})]), "made as the baseline's own topics are, and deleted"
    (workload,) = grid.workloads
    space = expand(grid, workload, values)
    cell = space.cells[space.baseline_cell].configuration
    assert cell.get(Scope.BROKER, "num.io.threads") == 16
    assert cell.get(Scope.TOPIC, "min.insync.replicas") == 2
    assert space.durability(space.cells[0].configuration).weaker_than(space.durability(space.baseline))


async def test_kafkas_own_defaults_are_nothing_to_tell_and_what_the_person_names_stands() -> None:
    brokers = WithTopics({1: "8"}, min_insync_replicas="1")
    assert await cluster_values(cluster(brokers), read_grid(GRID), "ingestune-probe") == {}
    said = '[baseline.broker]\n"num.io.threads" = 8\n[baseline.topic]\n"min.insync.replicas" = 1\n'
    grid = read_grid(GRID + said)
    other = WithTopics({1: "64", 2: "16"}, min_insync_replicas="2")
    assert await cluster_values(cluster(other), grid, "ingestune-probe") == {}


async def test_a_value_between_the_levels_stands_beside_the_cells() -> None:
    grid = read_grid('[broker]\n"num.io.threads" = [8, 16]\n')
    values = await cluster_values(cluster(WithTopics({1: "12"})), grid, "ingestune-probe")
    space = expand(grid, grid.workloads[0], values)
    assert space.baseline_cell == -1
    assert space.baseline.get(Scope.BROKER, "num.io.threads") == 12


async def test_brokers_that_differ_have_no_baseline_until_the_person_names_it() -> None:
    with pytest.raises(StudyError, match=r"broker 1: 16, broker 2: default") as refused:
        await cluster_values(cluster(WithTopics({1: "16", 2: "8"})), read_grid(GRID), "ingestune-probe")
    assert "[baseline.broker]" in refused.value.hint


async def test_a_study_goes_on_only_where_its_baseline_is_still_the_same(store: Store) -> None:
    study = make_study()
    await store.create_study(study)
    values = {Scope.BROKER: {"num.io.threads": 16}}
    study = await keep_values(store, study, values, begun=False)
    assert (await store.find_study(study.id)).options == study.options
    assert await keep_values(store, study, values, begun=True) == study
    for other in ({}, {Scope.BROKER: {"num.io.threads": 8}}):
        with pytest.raises(StudyError, match="its baseline is another one") as refused:
            await keep_values(store, study, other, begun=True)
        assert "--fresh" in refused.value.hint


async def test_a_value_that_no_grid_may_name_is_told() -> None:
    grid = read_grid('[topic]\n"compression.type" = ["producer", "lz4"]\n')
    with pytest.raises(StudyError, match=r"compression\.type=brotli"):
        await cluster_values(cluster(WithTopics({1: "8"}, compression_type="brotli")), grid, "ingestune-probe")
