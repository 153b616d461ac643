"""What the cluster itself has in force for the topic and broker settings that a grid varies: the baseline's values.

The catalogue knows Kafka's defaults, and a cluster may run with others. Async: asks the brokers, and a topic made for
it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ingestune_tui.catalogue import catalogue, dialect
from ingestune_tui.catalogue.catalogue import Property, Scope, Value
from ingestune_tui.errors import StudyError
from ingestune_tui.model.configuration import settings_of
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.grid_reader import TOPIC_SHAPE
from ingestune_tui.model.space import expand, topic_settings, topic_shape
from ingestune_tui.model.study import Study
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.cluster import OpenCluster

_OPTION = "in_force"
_BROKER_SCOPES = (Scope.BROKER, Scope.BROKER_STATIC)


async def cluster_values(cluster: OpenCluster, grid: Grid, probe: str) -> dict[Scope, dict[str, Value]]:
    """By scope, what is in force and is not Kafka's default, of what the grid varies and the baseline leaves open.

    `probe` names a topic that is made and deleted where a topic setting is among these. Nothing of a simulated cluster.
    Raises StudyError where no one value can be told, TrialError for the brokers' no, ClusterUnreachable.
    """
    open_ = {scope: _left_open(grid, scope) for scope in (Scope.TOPIC, *_BROKER_SCOPES)}
    found: dict[Scope, dict[str, Value]] = {}
    if cluster.info.simulated:
        return found
    if open_[Scope.TOPIC]:
        shown_by_topic = await _of_a_topic(cluster, grid, probe)
        found[Scope.TOPIC] = _other_than_kafkas(Scope.TOPIC, open_[Scope.TOPIC], shown_by_topic)
    if any(open_[scope] for scope in _BROKER_SCOPES):
        shown = {
            node: {name: each.value for name, each in (await cluster.admin.describe_broker_configs(node)).items()}
            for node in cluster.node_ids
        }
        for scope in _BROKER_SCOPES:
            by_node = {node: _other_than_kafkas(scope, open_[scope], values) for node, values in shown.items()}
            found[scope] = _same_on_all(scope, by_node)
    return {scope: values for scope, values in found.items() if values}


async def keep_values(store: Store, study: Study, values: Mapping[Scope, Mapping[str, Value]], *, begun: bool) -> Study:
    """The study with these values written down. Raises StudyError for one that has `begun` with others."""
    text = msgspec.json.encode(values, order="sorted").decode() if values else ""
    kept = study.options.get(_OPTION, "")
    if text == kept:
        return study
    if begun:
        raise StudyError(
            f"the cluster has other settings now than when {study.name} was begun, so its baseline is another one: "
            f"{text or 'none but the defaults'} instead of {kept or 'none but the defaults'}",
            "Start a new study with --fresh.",
        )
    return await store.update_study(study.id, options=study.options | {_OPTION: text})


def in_words(values: Mapping[Scope, Mapping[str, Value]]) -> str:
    """`num.io.threads 16, min.insync.replicas 2`."""
    return ", ".join(
        f"{name} {catalogue.format_value(_property(scope, name), value)}"
        for scope, named in values.items()
        for name, value in named.items()
    )


def _left_open(grid: Grid, scope: Scope) -> list[str]:
    said = settings_of(grid.baseline.settings).get(scope, {})
    return [
        each.name
        for each in grid.active
        if each.scope is scope and not each.pinned and each.name not in TOPIC_SHAPE and each.name not in said
    ]


async def _of_a_topic(cluster: OpenCluster, grid: Grid, probe: str) -> Mapping[str, str | None]:
    """A new topic's settings, which only a topic tells: several broker settings stand behind some of them.

    It is made as the baseline's topics are, so that a cluster which takes those takes this one.
    """
    workload = grid.workloads[0]
    baseline = expand(grid, workload).baseline
    settings = dialect.to_java(Scope.TOPIC, topic_settings(baseline))
    try:
        await cluster.admin.create_topic(probe, *topic_shape(baseline, workload), settings)
        return await cluster.admin.describe_topic_configs(probe)
    finally:
        await cluster.admin.delete_topic(probe)


def _other_than_kafkas(scope: Scope, names: list[str], shown: Mapping[str, str | None]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name in names:
        prop, text = _property(scope, name), shown.get(name)
        if text is None:
            continue
        try:
            value = catalogue.parse_value(prop, text)
        except ValueError as problem:
            raise StudyError(
                f"the cluster runs with {name}={text}, which cannot be the baseline's: {problem}",
                f"Name the value to compare with in [baseline.{scope.value}], or switch {name} off.",
            ) from None
        if value != prop.default_java:
            found[name] = value
    return found


def _same_on_all(scope: Scope, by_node: Mapping[int, Mapping[str, Value]]) -> dict[str, Value]:
    for name in sorted({name for values in by_node.values() for name in values}):
        if len({values.get(name) for values in by_node.values()}) > 1:
            each = ", ".join(f"broker {node}: {values.get(name, 'default')}" for node, values in by_node.items())
            raise StudyError(
                f"the brokers run with different values of {name} ({each}), so none is the baseline's",
                f"Name the one to compare with in [baseline.{scope.value}].",
            )
    return dict(next(iter(by_node.values()), {}))


def _property(scope: Scope, name: str) -> Property:
    found = catalogue.find(scope, name)
    assert found is not None, "the grid was checked against the catalogue"
    return found
