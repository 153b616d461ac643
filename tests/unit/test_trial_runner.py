"""What the runner makes of a trial's load children and its topic. The children are scripted, nothing is sent."""

from __future__ import annotations

import asyncio

import pytest

from ingestune_tui.bench.protocol import Failed, Pace, ProducerSpec
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.sample import Sample
from ingestune_tui.model.workload import Limits, Timings, Workload
from ingestune_tui.tuning import runner
from ingestune_tui.tuning.disk import DiskBudget
from ingestune_tui.tuning.load_child import ChildFailed
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from ingestune_tui.tuning.runner import TrialRunner
from tests.unit.scripted_children import ScriptedChildren

PACED_S = 2.0


def order(number: int = 1, producers: int = 1, rate: float | None = 1000.0) -> TrialOrder:
    """A trial that would be capped in bytes and in bytes/s, and is paced."""
    return TrialOrder(
        number=number,
        topic=f"ingestune-scripted-{number}",
        workload=Workload(message_bytes=100, partitions=2, keys="uniform:100", producers=producers),
        configuration=Configuration.of({}),
        timings=Timings(warmup_s=1.0, saturated_s=2.0, paced_s=PACED_S),
        limits=Limits(bytes_per_trial=1_000_000_000, bytes_per_s=4_000_000),
        rate=rate,
        rate_share=0.3,
        seed=7,
    )


class Trials:
    """Runs trials over scripted children; what was heard of their samples is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.children = ScriptedChildren(monkeypatch)
        self.disk = DiskBudget(10**10, 0.0, lambda _: True)
        self.heard: list[tuple[int, Sample]] = []
        self.runner = TrialRunner(self.children.cluster(), self.disk, lambda *_: None, self._hear)

    def _hear(self, number: int, sample: Sample) -> None:
        self.heard.append((number, sample))

    async def run(self, what: TrialOrder) -> Measurement:
        return await asyncio.wait_for(self.runner.run(what), 30)


# Several producing processes ---------------------------------------------------------------------------------------


def specs(trials: Trials) -> list[ProducerSpec]:
    return [each for child in trials.children.made for each in child.told if isinstance(each, ProducerSpec)]


async def test_producers_share_the_caps_and_the_rate_and_send_different_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Trials(monkeypatch)
    await one.run(order(producers=1))
    await one.runner.close()
    two = Trials(monkeypatch)
    await two.run(order(producers=2))
    await two.runner.close()
    (alone,), shards = specs(one), specs(two)
    assert [shard.seed for shard in shards] == [7, 8]
    assert [shard.bytes_per_s for shard in shards] == [2_000_000, 2_000_000]
    for shard in shards:
        assert shard.bytes_cap == pytest.approx(alone.bytes_cap / 2, abs=1)
        assert (shard.topic, shard.partitions, shard.keys) == (alone.topic, alone.partitions, alone.keys)
    stages = [[type(each) for each in child.told] for child in two.children.made]
    assert stages[0] == stages[1] == [type(each) for each in one.children.made[0].told]
    paced = [each for child in two.children.made for each in child.told if isinstance(each, Pace)]
    assert paced == [Pace(500.0, PACED_S), Pace(500.0, PACED_S)]


async def test_producers_are_one_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = Trials(monkeypatch)
    measured = await trials.run(order(producers=3))
    assert [(each.stage, each.t_s, each.messages) for each in measured.samples] == [
        ("warmup", 0.5, 6000),
        ("warmup", 1.0, 6000),
        ("saturated", 1.5, 6000),
        ("saturated", 2.0, 6000),
        ("saturated", 2.5, 6000),
        ("saturated", 3.0, 6000),
    ]
    assert trials.heard == [(1, each) for each in measured.samples], "each half second was told once"
    assert measured.messages_per_s == 12_000
    assert measured.rate == 1000
    assert measured.latency is not None
    assert measured.latency.count == sum(round(1000 / 3 * PACED_S) for _ in range(3))
    assert measured.audit.exact
    assert measured.audit.acknowledged == measured.audit.topic_growth == 6 * 6000 + measured.latency.count
    assert all(child.ended for child in trials.children.made)
    await trials.runner.close()


async def test_producers_without_a_rate_are_paced_by_what_they_did_together(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = Trials(monkeypatch)
    measured = await trials.run(order(producers=2, rate=None))
    assert measured.messages_per_s == 6000
    assert measured.rate == 1800, "30 % of it"
    paced = [each.rate for child in trials.children.made for each in child.told if isinstance(each, Pace)]
    assert paced == [900.0, 900.0]
    await trials.runner.close()


async def test_a_producer_that_fails_ends_the_others_with_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = Trials(monkeypatch)
    trials.children.fails[1] = Failed(code="MSG_SIZE_TOO_LARGE", reason="Message size too large", permanent=True)
    with pytest.raises(ChildFailed, match="Message size too large") as raised:
        await trials.run(order(producers=2))
    assert (raised.value.code, raised.value.permanent) == ("MSG_SIZE_TOO_LARGE", True)
    assert [child.ended for child in trials.children.made] == [True, True]
    await trials.runner.close()
    assert trials.children.deleted == ["ingestune-scripted-1"]


@pytest.mark.parametrize(
    ("shown", "lost"),
    [([0.4, 0.4, 0.4, 0.8], 0.0), ([0.4] * 9, 0.6)],
    ids=["followers are behind, and wait a while", "nobody copies it"],
)
async def test_what_the_followers_are_still_copying_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, shown: list[float], lost: float
) -> None:
    monkeypatch.setattr(runner, "_COPYING_S", 0.0)
    trials = Trials(monkeypatch)
    trials.children.shown = shown
    measured = await trials.run(order())
    assert measured.audit.lost == round(lost * measured.audit.acknowledged)
    assert ("lossy" in measured.flags) is bool(lost)
    await trials.runner.close()


# The topic of a trial that is over ---------------------------------------------------------------------------------


async def test_a_topic_is_deleted_beside_the_next_trial_and_the_end_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trials = Trials(monkeypatch)
    story: list[str] = []
    agreed = asyncio.Event()

    async def delete_topic(name: str) -> None:
        await agreed.wait()
        story.append(f"{name} deleted")

    async def close() -> None:
        await trials.runner.close()
        story.append("closed")

    monkeypatch.setattr(trials.children, "delete_topic", delete_topic)
    for number in (1, 2):
        await trials.run(order(number))
        story.append(f"trial {number} measured")
        assert trials.disk.held() > 0, "a topic that is not deleted yet counts"
    closing = asyncio.create_task(close())
    agreed.set()
    await asyncio.wait_for(closing, 30)
    assert story == [
        "trial 1 measured",
        "trial 2 measured",
        "ingestune-scripted-1 deleted",
        "ingestune-scripted-2 deleted",
        "closed",
    ]
    assert trials.disk.held() == 0


async def test_what_retention_removed_during_the_trial_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = Trials(monkeypatch)

    async def moved_start(topic: str) -> dict[int, int]:
        return {0: 5000}

    monkeypatch.setattr(trials.children, "start_offsets", moved_start)
    measured = await trials.run(order())
    assert (measured.audit.lost, measured.audit.exact) == (0, True)
    await trials.runner.close()
