"""From cells and trials to what the planners see; who may win; which clusters and scopes are accepted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingestune_tui.catalogue.constraints import DurabilityClass
from ingestune_tui.errors import Refused, UsageError
from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.objective import Objective
from ingestune_tui.model.space import Space, expand
from ingestune_tui.model.trial import Latency
from ingestune_tui.tuning.cluster import ClusterChoice, parse_cluster
from ingestune_tui.tuning.scopes import refuse_replication, refuse_scopes
from ingestune_tui.tuning.search import SKIPPED, observations, search_space, study_seed, target_class
from ingestune_tui.tuning.search_space import OUTSIDE, PREFLIGHT_BLOCK
from tests.unit.store_values import make_trial


def space(text: str) -> Space:
    grid = read_grid(text)
    return expand(grid, grid.workloads[0])


def winners(text: str) -> set[str]:
    """The durability classes among which the leader is sought."""
    found = space(text)
    return {str(found.durability(found.cells[cell].configuration)) for cell in search_space(found).targets}


# Who may win ------------------------------------------------------------------------------------------------


def durability(acks: int, in_sync: int = 1, idempotent: bool = False) -> DurabilityClass:
    return DurabilityClass(acks, in_sync, idempotent)


@pytest.mark.parametrize(
    ("baseline", "classes", "target"),
    [
        (durability(1), [durability(0), durability(1), durability(2)], durability(1)),  # its own
        (durability(1), [durability(0), durability(2), durability(2, 2)], durability(2)),  # the least strong above
        # By number alone min.insync 2 would do for an idempotent baseline; it lacks the idempotence.
        (
            durability(2, 1, idempotent=True),
            [durability(2, 2), durability(2, 2, idempotent=True), durability(2, 3, idempotent=True)],
            durability(2, 2, idempotent=True),
        ),
        (
            durability(2, 2),
            [durability(2, 1, idempotent=True), durability(2, 2, idempotent=True)],
            durability(2, 2, True),
        ),
        (durability(2), [durability(0), durability(1)], durability(2)),  # none: nobody may win
        (durability(2), [], durability(2)),
    ],
)
def test_the_target_is_the_least_strong_class_that_lacks_nothing_of_the_baselines(
    baseline: DurabilityClass, classes: list[DurabilityClass], target: DurabilityClass
) -> None:
    assert target_class(baseline, classes) == target
    assert target_class(baseline, classes[::-1]) == target


def test_the_leader_is_sought_in_the_baselines_class() -> None:
    assert winners('[producer]\nacks = ["0", "1", "all"]\n') == {"acks=all"}
    assert winners('[baseline.producer]\nacks = "1"\n[producer]\nacks = ["0", "1", "all"]\n') == {"acks=1"}


def test_an_idempotent_baseline_is_never_beaten_by_more_replicas_without_idempotence() -> None:
    text = """
    [workload]
    replication = 3
    [baseline.producer]
    "enable.idempotence" = true
    [baseline.topic]
    "min.insync.replicas" = 1
    [producer]
    "enable.idempotence" = [true, false]
    [topic]
    "min.insync.replicas" = [2, 3]
    """
    assert winners(text) == {"acks=all, idempotent, min.insync 2"}


def test_where_every_cell_promises_less_none_may_win() -> None:
    assert winners('[producer]\nacks = ["0", "1"]\n') == set()


def test_for_the_effects_every_class_counts() -> None:
    found = search_space(space('[producer]\nacks = ["0", "1", "all"]\n'), every_class=True)
    assert found.targets == (0, 1, 2)


def test_the_planners_see_levels_order_and_the_baseline() -> None:
    found = search_space(space('[producer]\n"linger.ms" = [0, 5]\n"compression.type" = ["none", "lz4"]\n'))
    assert [(factor.name, factor.levels, factor.ordered) for factor in found.factors] == [
        ("linger.ms", 2, True),
        ("compression.type", 2, False),
    ]
    assert found.cells == ((0, 0), (0, 1), (1, 0), (1, 1))
    assert found.baseline == 2
    assert search_space(space('[producer]\n"linger.ms" = [50, 60]\n')).baseline is None


# Observations -----------------------------------------------------------------------------------------------


def seen(objective: Objective | None = None, **trial: Any) -> list[tuple[int, float, bool]]:
    values = {"cell": 1, "messages_per_s": 1000.0, **trial}
    found = observations(
        [make_trial("s", **values)], objective or Objective(), space("[producer]\nlinger.ms = [0, 1]\n")
    )
    return [(each.cell, each.value, each.infeasible) for each in found]


def test_a_finished_trial_is_an_observation_of_its_cell() -> None:
    assert seen() == [(1, 1000.0, False)]
    assert seen(cell=-1, baseline=True) == [(OUTSIDE, 1000.0, False)]


@pytest.mark.parametrize(
    "trial",
    [
        {"role": "confirm"},
        {"discarded": True},
        {"state": "failed"},
        {"state": "interrupted"},
        {"state": "running"},
        {"state": "infeasible", "baseline": True},
    ],
)
def test_what_says_nothing_about_a_cell_is_left_out(trial: dict[str, Any]) -> None:
    assert seen(**trial) == []


@pytest.mark.parametrize(
    "trial",
    [
        {"state": "infeasible"},
        {"state": "interrupted", "error_code": SKIPPED},
        {"messages_per_s": None},
        {"messages_per_s": 0.0},
    ],
)
def test_a_cell_that_cannot_be_measured_is_infeasible_and_never_zero(trial: dict[str, Any]) -> None:
    assert seen(**trial) == [(1, 1.0, True)]


def test_a_latency_that_is_no_number_is_infeasible_where_latency_ranks() -> None:
    assert seen(Objective(figure="p99"), latency=Latency(p50=1.0)) == [(1, 1.0, True)]
    assert seen(Objective(figure="p99"), latency=Latency(p99=7.0)) == [(1, 7.0, False)]


def test_preflight_and_limits_are_told_to_the_planner() -> None:
    trial = make_trial("s", role="preflight", latency=Latency(p99=7.0), block=3)
    (found,) = observations([trial], Objective(p99_limit_ms=20), space("[producer]\nlinger.ms = [0, 1]\n"))
    assert (found.block, found.limit_value) == (PREFLIGHT_BLOCK, 7.0)


def test_the_order_hangs_on_study_workload_and_the_persons_seed() -> None:
    assert study_seed("a", 100, 0) == study_seed("a", 100, 0)
    assert len({study_seed("a", 100, 0), study_seed("b", 100, 0), study_seed("a", 10, 0), study_seed("a", 100, 7)}) == 4
    assert study_seed("a", 100, 7) == study_seed("b", 100, 7)


# Clusters ---------------------------------------------------------------------------------------------------


def test_a_cluster_is_local_simulated_or_an_address() -> None:
    assert parse_cluster(" local ", nodes=3) == ClusterChoice("local", nodes=3)
    assert parse_cluster("simulated").kind == "simulated"
    config = Path("client.properties")
    assert parse_cluster("a:1,b:65535", config) == ClusterChoice("external", "a:1,b:65535", config)
    assert parse_cluster("[::1]:9092").bootstrap == "[::1]:9092"


def test_a_clusters_label_is_what_was_typed() -> None:
    assert parse_cluster("local").label == "local"
    assert parse_cluster("local", nodes=3).label == "local (3 nodes)"
    assert parse_cluster("simulated").label == "simulated"
    assert parse_cluster("simulated", None, 3, 50).label == "simulated (3 nodes, round trip 50 ms)"
    assert parse_cluster("kafka:9092").label == "kafka:9092"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lokal",
        "kafka",
        "kafka:",
        ":9092",
        "kafka:0",
        "kafka:65536",
        "kafka:port",
        "a:1,",
        "a b:1",
        "kafka:²",
        "k:-1",
    ],
)
def test_anything_else_is_no_cluster(text: str) -> None:
    with pytest.raises(UsageError, match="is no cluster") as caught:
        parse_cluster(text)
    assert "simulated" in caught.value.hint


def test_a_port_of_thousands_of_digits_is_no_port() -> None:
    with pytest.raises(UsageError, match="is no cluster") as caught:
        parse_cluster("kafka:" + "9" * 5000)
    assert len(str(caught.value)) < 500


# Scopes -----------------------------------------------------------------------------------------------------

DYNAMIC = '[broker]\n"num.io.threads" = [4, 8]\n'
STATIC = '[broker.static]\n"socket.send.buffer.bytes" = [102400, 1048576]\n'
BASELINE = '[baseline.broker]\n"num.io.threads" = 4\n[producer]\n"linger.ms" = [0, 5]\n'
EXTERNAL = ClusterChoice("external", "kafka:9092")


@pytest.mark.parametrize(
    ("text", "cluster", "allowed", "words"),
    [
        (DYNAMIC, ClusterChoice("simulated"), True, "a simulated broker has no settings: num.io.threads"),
        (STATIC, EXTERNAL, True, "not ours to restart"),
        (STATIC, EXTERNAL, True, r"tune in \[broker\] what needs no restart: .*num.io.threads, num.network.threads"),
        (DYNAMIC, EXTERNAL, False, "changes settings of the brokers at kafka:9092: num.io.threads"),
        (BASELINE, EXTERNAL, False, "changes settings of the brokers at kafka:9092: num.io.threads"),
    ],
)
def test_brokers_are_not_changed_where_they_must_not_be(
    text: str, cluster: ClusterChoice, allowed: bool, words: str
) -> None:
    with pytest.raises(Refused, match=words) as caught:
        refuse_scopes(read_grid(text), cluster, allow_broker_changes=allowed)
    assert caught.value.exit_code == 2
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "cluster", "allowed"),
    [
        (DYNAMIC, EXTERNAL, True),
        (DYNAMIC, ClusterChoice("local"), False),
        (STATIC, ClusterChoice("local"), False),
        (BASELINE, EXTERNAL, True),
        ('[producer]\n"linger.ms" = [0, 5]\n', EXTERNAL, False),
        ('[search]\noff = ["broker.num.io.threads"]\n' + DYNAMIC, EXTERNAL, False),
    ],
)
def test_what_was_agreed_to_or_is_our_own_is_allowed(text: str, cluster: ClusterChoice, allowed: bool) -> None:
    refuse_scopes(read_grid(text), cluster, allow_broker_changes=allowed)


@pytest.mark.parametrize("text", ["[workload]\nreplication = 3\n", "[topic]\nreplication = [2, 3]\n"])
def test_more_copies_than_brokers_of_our_own_are_refused_before_they_are_started(text: str) -> None:
    grid = read_grid(text)
    for kind in ("local", "simulated"):
        with pytest.raises(Refused, match=rf"needs . brokers, and {kind} has 1 broker\nAdd --nodes 3"):
            refuse_replication(grid, ClusterChoice(kind))
        refuse_replication(grid, ClusterChoice(kind, nodes=3))
    refuse_replication(grid, EXTERNAL)


def test_a_grid_with_one_replication_that_fits_is_run() -> None:
    refuse_replication(read_grid("[topic]\nreplication = [1, 3]\n"), ClusterChoice("local"))
