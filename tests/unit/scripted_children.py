"""Load children that send nothing and answer at once, for tests of what the runner makes of one or several of them.

Shard 0 does 1000 messages in each half second, shard 1 does 2000, and so on; all that one says comes before the next
shard says anything.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import pytest

from ingestune_tui.bench.protocol import (
    Command,
    Failed,
    Finish,
    Finished,
    Pace,
    ProducerSpec,
    Ready,
    Sample,
    Saturate,
    Spec,
    StageDone,
    Warm,
)
from ingestune_tui.kafka.connection import Connection
from ingestune_tui.model.sample import Stage
from ingestune_tui.tuning import runner
from ingestune_tui.tuning.cluster import OpenCluster
from ingestune_tui.tuning.load_child import ChildFailed
from tests.unit.scripted_cluster import CLUSTER
from tests.unit.test_merge import same_values

HALF_S = 0.5
_E = TypeVar("_E")


class ScriptedChild:
    """One shard, with everything it was told."""

    capped = False

    def __init__(self, shard: int, on_sample: Callable[[Sample], None], fails: Failed | None) -> None:
        self.told: list[Spec | Command] = []
        self.ended = False
        self.acknowledged = 0
        self._per_sample = 1000 * (shard + 1)
        self._on_sample = on_sample
        self._fails = fails
        self._answers: deque[Any] = deque()
        self._t_s = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended = True

    async def send(self, message: Spec | Command) -> None:
        self.told.append(message)
        match message:
            case ProducerSpec():
                self._answers.append(Ready(pid=1, client="scripted 1.0"))
            case Warm():
                self._samples("warmup", 1.0)
            case Saturate(seconds=seconds):
                self._answers.append(self._fails or self._saturated(seconds))
            case Pace(rate=rate, seconds=seconds):
                self._answers.append(self._paced(round(rate * seconds), seconds))
            case Finish():
                self._answers.append(Finished(sent=self.acknowledged, acknowledged=self.acknowledged, bytes=10))
            case _:
                raise AssertionError(message)
        await asyncio.sleep(0)

    async def expect(self, kind: type[_E], within_s: float, waited_for: str) -> _E:
        answer = self._answers.popleft()
        if isinstance(answer, Failed):
            raise ChildFailed(answer)
        assert isinstance(answer, kind)
        return answer

    def raise_if_over(self) -> None:
        return None

    def _samples(self, stage: Stage, seconds: float) -> int:
        """Every half second of so many; the messages in all of them."""
        count = round(seconds / HALF_S)
        for _ in range(count):
            self._t_s += HALF_S
            each = self._per_sample
            self._on_sample(Sample(stage=stage, t_s=self._t_s, interval_s=HALF_S, messages=each, bytes=each))
        self.acknowledged += count * self._per_sample
        return count * self._per_sample

    def _saturated(self, seconds: float) -> StageDone:
        messages = self._samples("saturated", seconds)
        return StageDone(stage="saturated", window_s=seconds, messages=messages, bytes=messages, sent=messages)

    def _paced(self, messages: int, seconds: float) -> StageDone:
        self.acknowledged += messages
        took = same_values(messages)
        return StageDone(
            stage="paced",
            window_s=seconds,
            messages=messages,
            bytes=messages,
            latency=took,
            due_to_sent=took,
            sent=messages,
            scheduled=messages,
        )


class ScriptedChildren:
    """Makes the runner's load children, and is the topic that they fill."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[ScriptedChild] = []
        self.deleted: list[str] = []
        self.fails: dict[int, Failed] = {}
        """By shard: what it says instead of the saturated stage's result."""
        self.shown: list[float] = []
        """Shares of the topic that the followers have copied at the first looks at its end; all of it afterwards."""
        monkeypatch.setattr(runner, "LoadChild", self._make)

    def _make(
        self, command: Sequence[str], on_sample: Callable[[Sample], None], on_news: Callable[[], None]
    ) -> ScriptedChild:
        child = ScriptedChild(len(self.made), on_sample, self.fails.get(len(self.made)))
        self.made.append(child)
        return child

    async def create_topic(self, name: str, partitions: int, replication: int, settings: dict[str, str]) -> None:
        return None

    async def delete_topic(self, name: str) -> None:
        self.deleted.append(name)

    async def start_offsets(self, name: str) -> dict[int, int]:
        return {0: 0}

    async def end_offsets(self, name: str) -> dict[int, int]:
        share = self.shown.pop(0) if self.shown else 1.0
        return {0: round(share * sum(child.acknowledged for child in self.made))}

    def cluster(self) -> OpenCluster:
        """A cluster that is asked for nothing but this topic."""
        admin: Any = self
        return OpenCluster(
            info=CLUSTER, connection=Connection("127.0.0.1:9"), admin=admin, delete_delay_s=0.0, node_ids=(1,)
        )
