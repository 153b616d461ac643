"""Broker settings in a study: changed and put back, few restarts, throw-away trials, and what a study does when
brokers refuse, restart or go away. Brokers and measurements are scripted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.cli.run import _ask_first
from ingestune_tui.errors import GridError, LocalBrokerError, Refused, TrialError
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import Event, Notice, StudyPaused, TrialFinished
from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.space import expand
from ingestune_tui.model.study import Study
from ingestune_tui.model.trial import Trial
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.cluster import ClusterChoice
from ingestune_tui.tuning.estimate import estimate
from ingestune_tui.tuning.grid_file import resolve
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from ingestune_tui.tuning.pairs import complete_pairs
from ingestune_tui.tuning.price import RESTART_S
from ingestune_tui.tuning.restarts import in_few_restarts, static_settings
from ingestune_tui.tuning.search import SKIPPED, observations
from tests.unit import scripted_cluster
from tests.unit.hand_clock import HandClock
from tests.unit.scripted_brokers import Brokers
from tests.unit.scripted_cluster import Heard, measured, scripted

STATIC = """
[search]
confirm_pairs = 4
[producer]
acks = "all"
"linger.ms" = [5, 50]
[broker.static]
"queued.max.requests" = [500, 50]
"""
DYNAMIC = """
[search]
confirm_pairs = 4
[producer]
acks = "all"
[broker]
"num.io.threads" = [8, 33]
"""


class Local:
    """A local Kafka that counts its restarts and may refuse one kind of settings, for ever or so many times."""

    def __init__(
        self, refuses: str = "", words: str = "Invalid value for queued.max.requests", times: int = 99
    ) -> None:
        self.restarts: list[dict[str, str]] = []
        self.refuses = refuses
        self.words = words
        self.times = times

    async def restart(self, settings: Mapping[str, str]) -> None:
        self.restarts.append(dict(settings))
        if self.refuses in settings.values() and self.times:
            self.times -= 1
            raise LocalBrokerError(f"Kafka ended with code 1: {self.words}")


def on(monkeypatch: pytest.MonkeyPatch, brokers: Brokers | None = None, local: Local | None = None) -> None:
    """Engines of this test meet these brokers."""
    plain = scripted_cluster.fake_cluster

    def cluster() -> Any:
        made = plain()
        made.local, made.node_ids = local, (1, 2)
        if brokers is not None:
            made.admin = brokers
        return made

    monkeypatch.setattr(scripted_cluster, "fake_cluster", cluster)


def by_queue(order: TrialOrder) -> Measurement:
    """A short request queue is twice as fast here."""
    fast = order.configuration.get(Scope.BROKER_STATIC, "queued.max.requests") == 50
    return measured(2000.0 + order.number if fast else 1000.0 + order.number)


# Dynamic settings in a study ---------------------------------------------------------------------------------------


async def test_every_trial_begins_on_the_original_settings_and_ends_on_them(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    brokers = Brokers()
    on(monkeypatch, brokers)
    seen: list[tuple[object, str]] = []

    def script(order: TrialOrder) -> Measurement:
        seen.append((order.configuration.get(Scope.BROKER, "num.io.threads"), brokers.values[2]["num.io.threads"][0]))
        return measured(1000.0 + order.number)

    world = scripted(monkeypatch, store, DYNAMIC, script)
    after: set[str] = set()

    def look(event: Event) -> None:
        if isinstance(event, TrialFinished):
            after.add(brokers.values[2]["num.io.threads"][0])

    world.events = Heard(look)
    study = await world.run(await world.study())
    assert study.state == "finished"
    assert after == {"8"}
    assert {pair for pair in seen if pair[0] == 33} == {(33, "33")}
    assert {pair[1] for pair in seen if pair[0] != 33} == {"8"}
    assert brokers.values[1]["num.io.threads"] == ("8", "DEFAULT_CONFIG")
    assert await store.journal_entries() == []
    assert [value for node, value in brokers.changes if node == 1][:6] == ["16", "32", "33", "17", "9", None]


async def test_settings_are_put_back_after_a_failure_and_after_a_stop(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    brokers = Brokers()
    on(monkeypatch, brokers)

    def script(order: TrialOrder) -> Measurement:
        if order.configuration.get(Scope.BROKER, "num.io.threads") == 33:
            assert world.engine is not None
            world.engine.stop()
            raise TrialError("it broke")
        return measured(1000.0)

    world = scripted(monkeypatch, store, DYNAMIC, script)
    study = await world.run(await world.study())
    assert study.state == "stopped"
    assert brokers.values[1]["num.io.threads"] == ("8", "DEFAULT_CONFIG")
    assert await store.journal_entries() == []


async def test_a_value_the_brokers_reject_makes_the_cell_infeasible_with_their_own_words(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    brokers = Brokers()
    brokers.refusal = TrialError("value should be at least half", code="INVALID_REQUEST")
    on(monkeypatch, brokers)
    world = scripted(monkeypatch, store, DYNAMIC)
    study = await world.run(await world.study())
    refused = [trial for trial in await world.trials(study) if trial.state == "infeasible"]
    assert [trial.error for trial in refused] == ["value should be at least half"]
    assert refused[0].permanent
    assert await store.journal_entries() == []


async def test_a_no_of_the_moment_is_tried_again_and_the_cell_is_measured(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    class Moving(Brokers):
        """Says once that another broker is the controller now."""

        said = False

        async def alter_broker_configs(self, *arguments: Any, **named: Any) -> None:
            if not self.said:
                self.said = True
                raise TrialError("this is not the controller", code="NOT_CONTROLLER")
            await super().alter_broker_configs(*arguments, **named)

    on(monkeypatch, Moving())
    world = scripted(monkeypatch, store, DYNAMIC)
    study = await world.run(await world.study())
    trials = await world.trials(study)
    assert [trial.error_code for trial in trials if trial.error] == ["NOT_CONTROLLER"]
    assert study.state == "finished"
    assert not any(trial.permanent for trial in trials)


async def test_a_right_that_is_taken_away_ends_the_study_and_makes_no_cell_infeasible(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    brokers = Brokers()
    brokers.refusal = TrialError("not authorized", code="CLUSTER_AUTHORIZATION_FAILED")
    on(monkeypatch, brokers)
    world = scripted(monkeypatch, store, DYNAMIC)
    study = await world.run(await world.study())
    assert study.state == "failed"
    assert "not authorized" in study.message
    assert not [trial for trial in await world.trials(study) if trial.state == "infeasible" or trial.permanent]


async def test_a_broker_that_comes_during_a_study_is_changed_and_put_back_like_the_others(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    brokers = Brokers(1, 2, 3)
    brokers.gone.add(3)
    on(monkeypatch, brokers)
    seen: list[str] = []

    def script(order: TrialOrder) -> Measurement:
        if order.configuration.get(Scope.BROKER, "num.io.threads") == 33:
            seen.append(brokers.values[3]["num.io.threads"][0])
            brokers.gone.clear()
        return measured(1000.0 + order.number)

    world = scripted(monkeypatch, store, DYNAMIC, script)
    await world.run(await world.study())
    assert seen[0] == "8", "it was not there yet"
    assert set(seen[1:]) == {"33"}
    assert brokers.values[3]["num.io.threads"] == ("8", "DEFAULT_CONFIG")
    notices = [event.text for event in world.events if isinstance(event, Notice)]
    assert sum("broker 3 has joined the cluster" in text for text in notices) == 1


async def test_a_node_that_goes_down_while_it_is_read_back_pauses_the_study_and_the_journal_stays(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    brokers = Brokers()
    on(monkeypatch, brokers)
    monkeypatch.setattr("ingestune_tui.tuning.waits._RETRIES_S", (0.0,))
    kept: list[int] = []

    def script(order: TrialOrder) -> Measurement:
        if order.configuration.get(Scope.BROKER, "num.io.threads") == 33 and not kept:
            brokers.away.add(2)
        return measured(1000.0 + order.number)

    world = scripted(monkeypatch, store, DYNAMIC, script)

    def come_back(event: Event) -> None:
        if isinstance(event, StudyPaused) and event.attempt == 2:
            kept.append(event.attempt)
            brokers.away.clear()

    world.events = Heard(come_back)
    study = await world.run(await world.study())
    assert kept, "it asked again while the node was away"
    assert study.state == "finished"
    assert brokers.values[2]["num.io.threads"] == ("8", "DEFAULT_CONFIG")
    assert await store.journal_entries() == []


async def test_a_study_that_may_no_longer_put_settings_back_fails_and_leaves_the_journal(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    brokers = Brokers()
    on(monkeypatch, brokers)

    def script(order: TrialOrder) -> Measurement:
        if order.configuration.get(Scope.BROKER, "num.io.threads") == 33:
            brokers.refusal = TrialError("not authorized", code="CLUSTER_AUTHORIZATION_FAILED")
        return measured(1000.0)

    world = scripted(monkeypatch, store, DYNAMIC, script)
    study = await world.run(await world.study())
    assert study.state == "failed"
    assert "could not be put back" in study.message
    assert "ingestune restore" in study.message
    assert len(await store.journal_entries()) == 2


# Static settings in a study ----------------------------------------------------------------------------------------


def test_trials_with_equal_static_settings_run_together_beginning_with_what_runs() -> None:
    kinds = {0: {"a": "1"}, 1: {}, 2: {"a": "1"}, 3: {"a": "2"}, 4: {}}
    assert in_few_restarts([0, 1, 2, 3, 4, 0], kinds.__getitem__, {}) == [1, 4, 0, 2, 0, 3]
    assert in_few_restarts([0, 1, 2, 3, 4], kinds.__getitem__, None) == [0, 2, 1, 4, 3]


def test_a_static_setting_that_is_the_default_anyway_needs_no_restart() -> None:
    default = Configuration.of({Scope.BROKER_STATIC: {"queued.max.requests": 500}})
    assert static_settings(default) == {}


async def test_brokers_restart_seldom_and_the_first_trial_after_it_counts_nowhere(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    local = Local()
    on(monkeypatch, local=local)
    world = scripted(monkeypatch, store, STATIC, by_queue)
    study = await world.run(await world.study())
    trials = await world.trials(study)
    (outcome,) = study.outcomes
    assert outcome.verdict == "faster"
    search = "".join("ft"[trial.discarded] + kind(trial) for trial in trials if trial.role == "search")
    assert search == "f-f-t+f+f+f+f+t-f-f-", "four cells twice, in two rounds, with one restart each"
    confirm = [trial for trial in trials if trial.role == "confirm" and not trial.discarded]
    assert "".join("A" if trial.baseline else "B" for trial in confirm) == "ABBABAAB"
    thrown = [trial for trial in trials if trial.discarded and trial.role != "preflight"]
    assert len(local.restarts) == len(thrown) == 2 + 5
    assert len(complete_pairs(trials)) == 4
    space = expand(world.grid_file.grid, world.grid_file.grid.workloads[0])
    assert len(observations(trials, world.grid_file.grid.objective, space)) == 4 + 8


def kind(trial: Trial) -> str:
    return "+" if static_settings(trial.configuration) else "-"


async def test_a_static_value_the_broker_does_not_start_with_is_infeasible_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    local = Local(refuses="50")
    on(monkeypatch, local=local)
    world = scripted(monkeypatch, store, STATIC)
    study = await world.run(await world.study())
    trials = await world.trials(study)
    refused = [trial for trial in trials if trial.state == "infeasible" and not trial.discarded]
    assert study.state == "finished"
    assert refused
    assert all("Invalid value for queued.max.requests" in trial.error for trial in refused)
    assert local.restarts == [{"queued.max.requests": "50"}, {}], "tried once, then back to what ran"
    after = [trial for trial in trials if trial.number > refused[0].number and not trial.error]
    assert "".join("ft"[trial.discarded] for trial in after).startswith("tf"), "what ran before is cold again too"
    assert sum(trial.discarded for trial in after) == 1


async def test_skipping_a_throw_away_trial_skips_the_configuration_that_it_is_for(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    on(monkeypatch, local=Local())
    skipped: list[int] = []

    def script(order: TrialOrder) -> Measurement:
        if order.configuration.get(Scope.BROKER_STATIC, "queued.max.requests") == 50 and not skipped:
            skipped.append(order.number)
            assert world.engine is not None
            world.engine.skip(order.number)
        return by_queue(order)

    world = scripted(monkeypatch, store, STATIC, script)
    study = await world.run(await world.study())
    trials = await world.trials(study)
    (dropped,) = [trial for trial in trials if trial.error_code == SKIPPED]
    assert dropped.number == skipped[0], "the first on the brokers that were restarted"
    assert [trial for trial in trials if trial.cell == dropped.cell and trial.number > dropped.number] == []
    (following,) = [trial for trial in trials if trial.number == dropped.number + 1]
    assert following.discarded, "and the brokers are as cold as before"


async def test_a_start_that_failed_for_something_of_the_moment_is_tried_again_and_no_cell_is_to_blame(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    local = Local(refuses="50", words="Address already in use", times=1)
    on(monkeypatch, local=local)
    world = scripted(monkeypatch, store, STATIC, by_queue)
    study = await world.run(await world.study())
    assert study.outcomes[0].verdict == "faster"
    assert local.restarts[:2] == [{"queued.max.requests": "50"}, {"queued.max.requests": "50"}]
    assert not any(trial.error for trial in await world.trials(study))


async def test_a_start_that_keeps_failing_without_naming_a_setting_is_no_refusal_for_good(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    local = Local(refuses="50", words="insufficient memory")
    on(monkeypatch, local=local)
    world = scripted(monkeypatch, store, STATIC)
    study = await world.run(await world.study())
    failed = [trial for trial in await world.trials(study) if trial.error]
    assert study.state == "finished"
    assert {trial.error_code for trial in failed} == {"BROKER_DID_NOT_START"}
    assert {trial.state for trial in failed} == {"failed", "infeasible"}
    assert not any(trial.permanent for trial in failed)
    assert local.restarts[:3] == [{"queued.max.requests": "50"}, {"queued.max.requests": "50"}, {}]


async def test_a_local_kafka_that_does_not_come_back_interrupts_the_study(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    class Dying(Local):
        async def restart(self, settings: Mapping[str, str]) -> None:
            await super().restart(settings)
            raise LocalBrokerError("Kafka ended with code 1: No space left on device")

    on(monkeypatch, local=Dying())
    world = scripted(monkeypatch, store, STATIC)
    study = await world.run(await world.study())
    assert study.state == "interrupted"
    assert "No space left on device" in study.message
    assert not any(trial.state == "infeasible" for trial in await world.trials(study))


async def test_a_stopped_static_study_goes_on_as_one_that_was_not_stopped(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    on(monkeypatch, local=Local())
    world = scripted(monkeypatch, store, STATIC, by_queue)
    study: Study = await world.study()
    for stop_after in (7, 10, 16, None):
        world.runs.clear()
        world.stop_after = stop_after
        await store.update_study(study.id, state="running")
        last = await world.run(study)
    assert last.state == "finished"
    assert last.outcomes[0].verdict == "faster"
    assert len(complete_pairs(await world.trials(study))) == 4


async def test_a_budget_keeps_time_for_the_pairs_with_the_restarts_between_them(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    local, clock = Local(), HandClock(monkeypatch)
    trial_s, budget_s = 10.0, 300.0
    on(monkeypatch, local=local)
    grid = STATIC.replace("confirm_pairs = 4", f"confirm_pairs = 4\nbudget = '{budget_s}s'")
    world = scripted(monkeypatch, store, grid, clock.timed(by_queue, trial_s))
    study = await world.run(await world.study())
    (outcome,) = study.outcomes
    assert (outcome.verdict, outcome.pairs) == ("faster", 4)
    assert clock.now_s + len(local.restarts) * RESTART_S <= budget_s


def test_the_estimate_counts_restarts_and_their_throw_away_trials() -> None:
    grid, plain = read_grid(STATIC), read_grid(STATIC.replace("[500, 50]", "[500]"))
    dear = estimate(grid, [expand(grid, grid.workloads[0])])
    cheap = estimate(plain, [expand(plain, plain.workloads[0])])
    assert dear.trials == 5 + 8 + 8 + 2 + 6
    assert cheap.trials == 5 + 4 + 8
    assert dear.seconds / dear.trials > cheap.seconds / cheap.trials


# Bad input ---------------------------------------------------------------------------------------------------------


def test_more_in_sync_replicas_than_replicas_cannot_be_run() -> None:
    grid = read_grid("[topic]\n'min.insync.replicas' = [1, 2]\n")
    (invalid,) = expand(grid, grid.workloads[0]).invalid
    assert "min.insync.replicas 2 is more than the topic's replication factor of 1" in invalid[1]


def test_thousands_of_partitions_are_asked_about_even_on_our_own_broker(tmp_path: Path) -> None:
    grid = resolve("[topic]\npartitions = [1, 3000]\n", tmp_path / "grid.toml")
    spaces = [expand(grid.grid, workload) for workload in grid.grid.workloads]
    with pytest.raises(Refused, match="3000 partitions") as raised:
        _ask_first(grid, spaces, ClusterChoice("local"), yes=False)
    assert "--yes" in raised.value.hint
    _ask_first(grid, spaces, ClusterChoice("local"), yes=True)


def test_a_setting_only_a_restart_changes_is_no_dynamic_one() -> None:
    with pytest.raises(GridError, match=r"\[broker\.static\]"):
        read_grid("[broker]\n'queued.max.requests' = [100, 500]\n")
