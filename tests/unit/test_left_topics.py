"""Topics that the cluster will not delete, and a stage of failures: what a runner does about them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ingestune_tui.bench.protocol import StageDone
from ingestune_tui.errors import ClusterUnreachable, StudyError, TrialError
from ingestune_tui.tuning.audit import refuse_unacknowledged
from ingestune_tui.tuning.disk import DiskBudget
from ingestune_tui.tuning.runner import TrialRunner


def runner(answers: list[Exception | None], disk: DiskBudget) -> TrialRunner:
    """On a cluster that answers deletions in turn."""

    async def delete_topic(topic: str) -> None:
        if (answer := answers.pop(0)) is not None:
            raise answer

    cluster: Any = SimpleNamespace(admin=SimpleNamespace(delete_topic=delete_topic))
    return TrialRunner(cluster, disk, lambda *_: None, lambda *_: None)


async def test_a_topic_that_may_not_be_deleted_ends_the_study_before_the_disk_fills() -> None:
    no = TrialError("Deleting topic ingestune-1 failed: not allowed", code="TOPIC_AUTHORIZATION_FAILED")
    made = runner([no, no], DiskBudget(10, 1.0))
    await made._delete("ingestune-1", 7)
    with pytest.raises(StudyError, match="its disks would fill: Deleting topic ingestune-1 failed"):
        await made.delete_left()


async def test_a_topic_left_by_an_outage_is_deleted_before_the_next_trial_and_its_bytes_are_freed() -> None:
    disk = DiskBudget(10, 0.0, lambda _: True)
    disk.writing("ingestune-1", 7)
    made = runner([ClusterUnreachable("nobody answers"), None], disk)
    await made._delete("ingestune-1", 7)
    assert disk.held() == 7
    await made.delete_left()
    assert made.undeleted == {}
    assert disk.held() == 0


def test_a_stage_in_which_every_message_failed_is_a_failure_with_its_reason() -> None:
    def done(messages: int, failed: dict[str, int]) -> StageDone:
        return StageDone(stage="saturated", window_s=1.0, messages=messages, bytes=0, failed=failed)

    with pytest.raises(TrialError, match="5,000 x MSG_SIZE_TOO_LARGE") as refused:
        refuse_unacknowledged(done(0, {"MSG_SIZE_TOO_LARGE": 5000, "_TIMED_OUT": 3}))
    assert refused.value.code == "MSG_SIZE_TOO_LARGE"
    refuse_unacknowledged(done(1, {"_TIMED_OUT": 3}))
    refuse_unacknowledged(done(0, {}))


async def test_an_outage_after_a_refusal_is_an_outage_and_no_end_of_the_study() -> None:
    no = TrialError("Deleting topic ingestune-1 failed: not now", code="NOT_CONTROLLER")
    made = runner([no, ClusterUnreachable("nobody answers"), None], DiskBudget(10, 1.0))
    await made._delete("ingestune-1", 7)
    await made.delete_left()
    assert made.undeleted == {"ingestune-1": "nobody answers"}
    await made.delete_left()
    assert made.undeleted == {}
