"""What a study does when its cluster, not a configuration, is the trouble. Brokers and measurements are scripted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ingestune_tui.bench.protocol import Failed
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import ClusterUnreachable, LocalBrokerError, StudyInterrupted, TrialError
from ingestune_tui.model.events import Event, StudyFinished, StudyPaused
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.cluster import OpenCluster
from ingestune_tui.tuning.disk import DiskBudget
from ingestune_tui.tuning.estimate import FREE_DISK_FLOOR
from ingestune_tui.tuning.load_child import ChildFailed
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from ingestune_tui.tuning.runner import DISK_LOW, DiskLow, TrialRunner
from tests.unit import scripted_cluster
from tests.unit.scripted_cluster import CLUSTER, Heard, Script, by_linger, scripted

SMALL = """
[search]
confirm_pairs = 4
[producer]
"linger.ms" = [5, 20, 50]
acks = "all"
"""
LAST_WORDS = "Kafka ended with code 137: There is insufficient memory for the Java Runtime"


class Own:
    """A cluster of our own, as far as it can die."""

    has_ended = False

    async def wait_failed(self) -> LocalBrokerError:
        return LocalBrokerError(LAST_WORDS)


def open_cluster(own: Any) -> OpenCluster:
    """All of a cluster that dying takes."""
    nothing: Any = None
    return OpenCluster(info=CLUSTER, connection=nothing, admin=nothing, delete_delay_s=0.0, node_ids=(1,), local=own)


def on(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Any:
    """Engines of this test meet this one cluster."""
    cluster = scripted_cluster.fake_cluster()
    for name, value in changes.items():
        setattr(cluster, name, value)
    monkeypatch.setattr(scripted_cluster, "fake_cluster", lambda: cluster)
    return cluster


# A cluster of our own that dies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "met", [ClusterUnreachable("connection refused"), TrialError("no answer"), LocalBrokerError("it is gone")]
)
async def test_when_our_own_cluster_dies_the_study_ends_and_can_be_gone_on_with(
    monkeypatch: pytest.MonkeyPatch, store: Store, met: Exception
) -> None:
    own = Own()
    ours = open_cluster(own)
    cluster = on(monkeypatch, refuse_ended=ours.refuse_ended)

    def script(order: TrialOrder) -> Measurement:
        if order.number == 7:
            own.has_ended = cluster.has_ended = True
            raise met
        return by_linger()(order)

    world = scripted(monkeypatch, store, SMALL, script)
    study = await world.run(await world.study())
    words = "it is gone" if isinstance(met, LocalBrokerError) else LAST_WORDS
    assert (study.state, words in study.message) == ("interrupted", True)
    assert "The same command goes on with the study" in study.message
    trials = await world.trials(study)
    assert (trials[-1].number, trials[-1].state) == (7, "interrupted")
    assert not any(trial.state in ("failed", "infeasible") for trial in trials)
    assert not any(isinstance(event, StudyPaused) for event in world.events), "nobody to wait for"
    (end,) = (event for event in world.events if isinstance(event, StudyFinished))
    assert (end.study, end.state) == (study.name, "interrupted")

    own.has_ended = cluster.has_ended = False
    world.script = by_linger()
    await store.update_study(study.id, state="running")
    last = await world.run(study)
    assert last.state == "finished"
    assert last.outcomes[0].verdict == "faster"


async def test_our_own_cluster_that_dies_while_it_is_waited_for_ends_the_waiting(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr("ingestune_tui.tuning.waits._RETRIES_S", (0.0,))
    own = Own()

    async def answer() -> None:
        own.has_ended = cluster.has_ended = True
        raise ClusterUnreachable("connection refused")

    cluster = on(monkeypatch, refuse_ended=open_cluster(own).refuse_ended, answer=answer)

    def script(order: TrialOrder) -> Measurement:
        raise ClusterUnreachable("connection refused")

    world = scripted(monkeypatch, store, SMALL, script)
    study = await world.run(await world.study())
    assert (study.state, LAST_WORDS in study.message) == ("interrupted", True)


async def test_a_trial_does_not_outlast_our_own_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestune_tui.tuning.runner._CLUSTER_LOOK_S", 0.001)
    own = Own()
    runner = TrialRunner(open_cluster(own), DiskBudget(10, 0.0), lambda *_: None, lambda *_: None)
    own.free_bytes = lambda: 10**12  # type: ignore[attr-defined]
    ended = asyncio.Event()

    async def endless() -> Measurement:
        own.has_ended = True
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    with pytest.raises(StudyInterrupted, match="insufficient memory"):
        await asyncio.wait_for(runner._watching_the_cluster(endless()), 30)
    assert ended.is_set(), "its clean-up has run"


async def test_somebody_elses_cluster_is_never_called_dead() -> None:
    theirs = open_cluster(None)
    assert not theirs.has_ended
    await theirs.refuse_ended()


# A configuration that the brokers go from --------------------------------------------------------------------------


async def test_a_cell_that_loses_its_brokers_each_time_is_infeasible_where_the_cluster_answers(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr("ingestune_tui.tuning.waits._RETRIES_S", (0.0,))

    def script(order: TrialOrder) -> Measurement:
        if order.configuration.get(Scope.PRODUCER, "linger.ms") == 50:
            raise ChildFailed(Failed(code="_TRANSPORT", reason="Disconnected", permanent=False, broker_gone=True))
        return by_linger()(order)

    world = scripted(monkeypatch, store, SMALL, script)
    study = await world.run(await world.study())
    lost = [trial for trial in await world.trials(study) if trial.error_code == "_TRANSPORT"]
    assert [trial.state for trial in lost] == ["interrupted", "interrupted", "infeasible"]
    assert (lost[-1].error, lost[-1].permanent) == ("Disconnected", False)
    assert study.state == "finished"
    assert study.outcomes[0].winner is not None
    assert study.outcomes[0].winner.get(Scope.PRODUCER, "linger.ms") == 20


async def test_a_cell_is_not_to_blame_while_the_cluster_does_not_answer_either(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr("ingestune_tui.tuning.waits._RETRIES_S", (0.0,))
    away = 5
    asked = 0

    async def answer() -> None:
        """Never at the first question after a failure, always at the second."""
        nonlocal asked
        asked += 1
        if asked % 2:
            raise ClusterUnreachable("connection refused")

    on(monkeypatch, answer=answer)

    def script(order: TrialOrder) -> Measurement:
        nonlocal away
        if order.number > 6 and away:
            away -= 1
            raise ClusterUnreachable("connection refused")
        return by_linger()(order)

    world = scripted(monkeypatch, store, SMALL, script)
    study = await world.run(await world.study())
    trials = await world.trials(study)
    assert study.state == "finished"
    assert sum(trial.state == "interrupted" for trial in trials) == 5
    assert not any(trial.state == "infeasible" for trial in trials)


# A disk that runs low ----------------------------------------------------------------------------------------------


def low_at(*numbers: int) -> Script:
    """The disk runs low in these trials."""

    def script(order: TrialOrder) -> Measurement:
        if order.number in numbers:
            raise DiskLow("stopped: only 4.9 GB are free on the broker's disk", code=DISK_LOW)
        return by_linger()(order)

    return script


async def test_a_trial_that_met_a_low_disk_is_run_again_and_no_cell_is_to_blame(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    world = scripted(monkeypatch, store, SMALL, low_at(3, 7, 12))
    study = await world.run(await world.study())
    low = [(trial.number, trial.state) for trial in await world.trials(study) if trial.error]
    assert study.state == "finished"
    assert low == [(3, "interrupted"), (7, "interrupted"), (12, "interrupted")]


async def test_a_disk_that_cannot_hold_one_trial_ends_the_study_which_can_be_gone_on_with(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    world = scripted(monkeypatch, store, SMALL, low_at(7, 8))
    study = await world.run(await world.study())
    assert study.state == "interrupted"
    assert "the disk cannot hold a trial: stopped: only 4.9 GB are free" in study.message
    assert "bytes_per_trial" in study.message
    assert not any(trial.state in ("failed", "infeasible") for trial in await world.trials(study))


async def test_where_others_fill_the_disk_no_trial_is_begun(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    world = scripted(monkeypatch, store, SMALL)
    on(monkeypatch, free_bytes=lambda: 9 * 10**9 if len(world.runs) < 6 else 10**9)
    study = await world.run(await world.study())
    assert (study.state, len(world.runs)) == ("interrupted", 6)
    assert "GB are free on the broker's disk, and below 5.00 GB no trial is run" in study.message
    assert len(await world.trials(study)) == 6


async def test_where_the_disk_is_low_what_was_deleted_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr("ingestune_tui.tuning.disk._LOOK_S", 0.0)
    on_disk = {"an old topic"}

    def topic_gone(topic: str) -> bool:
        if paused:
            on_disk.clear()
        return topic not in on_disk

    budgets: list[DiskBudget] = []
    paused: list[str] = []

    def budget(*arguments: Any) -> DiskBudget:
        budgets.append(DiskBudget(*arguments))
        budgets[0].deleted("an old topic", 10**9)
        return budgets[0]

    on(monkeypatch, free_bytes=lambda: 10**9 if on_disk else 9 * 10**9, topic_gone=topic_gone)
    monkeypatch.setattr("ingestune_tui.tuning.engine.DiskBudget", budget)
    world = scripted(monkeypatch, store, SMALL)
    world.events = Heard(lambda event: paused.append(event.reason) if isinstance(event, StudyPaused) else None)
    study = await world.run(await world.study())
    assert study.state == "finished"
    assert paused == ["waiting for the broker to free 1.00 GB of deleted topics"]


async def test_a_trial_is_stopped_before_it_fills_the_disk_under_our_own_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingestune_tui.tuning.runner._CLUSTER_LOOK_S", 0.001)
    own: Any = Own()
    free = [6 * 10**9, FREE_DISK_FLOOR, 10**9]
    own.free_bytes = lambda: free.pop(0)
    runner = TrialRunner(open_cluster(own), DiskBudget(10, 0.0), lambda *_: None, lambda *_: None)
    ended = asyncio.Event()

    async def endless() -> Measurement:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    with pytest.raises(DiskLow, match=r"only 1\.00 GB are free on the broker's disk") as raised:
        await asyncio.wait_for(runner._watching_the_cluster(endless()), 30)
    assert raised.value.code == DISK_LOW
    assert free == [], "at the floor itself it still ran"
    assert ended.is_set(), "its clean-up, which ends the load processes, has run"


async def test_a_study_that_goes_on_waits_for_what_its_earlier_process_left_on_the_disks(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    on(monkeypatch, topic_gone=None, delete_delay_s=1e6)
    world = scripted(monkeypatch, store, SMALL)
    world.stop_after = 5
    study = await world.run(await world.study())
    assert len(world.runs) == 6
    await store.update_study(study.id, state="running")
    world.stop_after = None
    reasons: list[str] = []

    def leave(event: Event) -> None:
        if isinstance(event, StudyPaused):
            reasons.append(event.reason)
            assert world.engine is not None
            world.engine.stop()

    world.events = Heard(leave)
    await world.run(study)
    assert reasons == ["waiting for the broker to free 10.0 GB of deleted topics"]
    assert len(world.runs) == 6
