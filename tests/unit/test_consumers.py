"""The consuming side of a trial, with children that only write down what they are told and answer as they should."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ingestune_tui.bench.protocol import Command, Finished, Pace, StageDone
from ingestune_tui.tuning import consumers as module
from ingestune_tui.tuning import merge
from ingestune_tui.tuning.consumers import Consumers
from tests.unit.test_merge import encoded


class Child:
    """Answers each stage with what it was given."""

    def __init__(self, story: list[str], *answers: Any) -> None:
        self._story = story
        self._answers = list(answers)

    async def send(self, command: Command) -> None:
        self._story.append(type(command).__name__)

    async def expect(self, kind: type[Any], within_s: float, waited_for: str) -> Any:
        answer = self._answers.pop(0)
        assert isinstance(answer, kind)
        return answer


class Topic:
    """End offsets that grow for a while."""

    def __init__(self, story: list[str], *ends: int) -> None:
        self._story = story
        self._ends: Iterator[int] = iter(ends)
        self._last = 0

    async def __call__(self) -> Mapping[int, int]:
        self._story.append("look")
        self._last = next(self._ends, self._last)
        return {0: self._last}


def caught_up(messages: int, window_s: float, thread_cpu: float = 0.1) -> StageDone:
    return StageDone(stage="saturated", window_s=window_s, messages=messages, bytes=messages, thread_cpu=thread_cpu)


def followed(*ages_us: int, backlog_end: int = 0) -> StageDone:
    return StageDone(
        stage="paced", window_s=1.0, messages=len(ages_us), bytes=1, latency=encoded(*ages_us), backlog_end=backlog_end
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST_S", 0.0)


def some(children: list[Child], topic: Topic) -> Consumers:
    return Consumers(children, topic, 1.0)  # type: ignore[arg-type]


async def test_all_begin_together_once_the_topic_is_at_rest() -> None:
    story: list[str] = []
    children = [Child(story, caught_up(9000, 3.0, 0.96)), Child(story, caught_up(0, 0.0))]
    consumers = some(children, Topic(story, 10, 20, 30, 30))
    await consumers.catch_up(5.0)
    assert story == ["look"] * 4 + ["Saturate"] * 2
    assert consumers.consumed.messages_per_s == 3000
    assert consumers.consumed.thread_cpu == 0.96


async def test_a_topic_that_never_rests_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_UNREST_S", 0.05)
    monkeypatch.setattr(module, "REST_S", 0.01)
    story: list[str] = []
    await asyncio.wait_for(some([Child(story, caught_up(1, 1.0))], Topic(story, *range(10_000))).catch_up(5.0), 5)
    assert story[-1] == "Saturate"


async def test_what_was_sent_is_read_to_its_end_and_timed() -> None:
    story: list[str] = []
    children = [Child(story, followed(1000, 3000), Finished(sent=0, acknowledged=2)), Child(story, followed(2000))]
    children[1]._answers.append(Finished(sent=0, acknowledged=1, failed={"_BAD_MSG": 2}))
    consumers = some(children, Topic(story, 5))
    await consumers.follow(Pace(rate=100, seconds=1))
    await consumers.all_sent(wait=True)
    await consumers.finish()
    assert story == ["Pace", "Pace", "look", "look", "AllSent", "AllSent", "Finish", "Finish"]
    assert not consumers.consumed.behind
    assert merge.percentile_ms(consumers.consumed.end_to_end, 100) == pytest.approx(3.0, rel=0.001)
    assert consumers.consumed.failed == {"_BAD_MSG": 2}


async def test_where_one_was_left_behind_there_is_no_end_to_end_time() -> None:
    story: list[str] = []
    consumers = some([Child(story, followed(1000)), Child(story, followed(5, backlog_end=7))], Topic(story))
    await consumers.all_sent(wait=False)
    assert story == ["AllSent", "AllSent"], "a topic that will not come to rest is not waited for"
    assert consumers.consumed.behind
    assert consumers.consumed.end_to_end == ""


async def test_without_consumers_nobody_is_asked_anything() -> None:
    story: list[str] = []
    consumers = some([], Topic(story))
    await consumers.catch_up(1.0)
    await consumers.follow(Pace(rate=1, seconds=1))
    await consumers.all_sent(wait=True)
    await consumers.finish()
    assert story == []
    assert consumers.consumed.messages_per_s is None
