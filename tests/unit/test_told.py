"""A study's stream begins and ends as scripts rely on, whenever the shared copy speaks."""

from __future__ import annotations

from ingestune_tui.model.events import Event, Notice, StudyFinished, StudyStarted, SyncState
from ingestune_tui.tuning.told import InOrder
from tests.unit.store_values import CLUSTER

STARTED = StudyStarted(
    study="s", study_id="1", grid="g", cluster=CLUSTER, simulated=False, strategy="race", objective="throughput",
    workloads=(), cells=2,
)  # fmt: skip
FINISHED = StudyFinished(study="s", state="finished")
STARTING = Notice(level="info", text="starting a broker")


def heard(*events: Event) -> list[Event]:
    told: list[Event] = []
    say = InOrder(told.append)
    for event in events:
        say(event)
    return told


def test_the_shared_copy_is_heard_after_the_study_has_begun_and_then_at_once() -> None:
    sending, done = SyncState(state="sending", waiting=12), SyncState(state="up to date")
    again = SyncState(state="sending", waiting=1)
    assert heard(sending, STARTING, done, STARTED, again) == [STARTING, STARTED, done, again]


def test_nothing_follows_the_end() -> None:
    assert heard(STARTED, FINISHED, STARTING, FINISHED, SyncState(state="up to date")) == [STARTED, FINISHED]


def test_a_study_that_never_began_says_only_why() -> None:
    never = StudyFinished(study="", state="failed", message="no cluster")
    assert heard(SyncState(state="waiting", waiting=3), never) == [never]
