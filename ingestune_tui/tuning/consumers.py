"""The consuming side of one trial: all its consumers read the backlog together, then the paced messages as they come.

A consumer knows its own partitions only, so when the topic is at rest is found here, once for all of them. Called by
the runner, which owns the children.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ingestune_tui.bench.protocol import AllSent, Command, Finish, Finished, Pace, Saturate, StageDone
from ingestune_tui.tuning import merge
from ingestune_tui.tuning.load_child import LoadChild

REST_S = 0.3
"""A topic that has not grown for so long is at rest."""
LONGEST_UNREST_S = 10.0
"""A stage begins, or ends, after so long even if somebody still writes."""


@dataclass(slots=True)
class Consumed:
    """What the consumers of one trial did; all empty where there were none."""

    messages_per_s: float | None = None
    """Of the backlog, all consumers together."""
    thread_cpu: float = 0.0
    """Of the busiest reading thread while it caught up, in cores."""
    end_to_end: str = ""
    """HDR histogram (V2, base64) of due-to-consumed microseconds; empty where they were left behind."""
    behind: bool = False
    """Not all that was sent in the paced stage was consumed soon after it."""
    failed: Mapping[str, int] = field(default_factory=dict)
    """Kafka error name to how often reading failed, over the whole trial."""


class Consumers:
    """The consuming children of one trial; without any, every stage is over at once."""

    def __init__(
        self, children: Sequence[LoadChild], end_offsets: Callable[[], Awaitable[Mapping[int, int]]], slack_s: float
    ) -> None:
        """`end_offsets` asks the cluster for those of the trial's topic; `slack_s` is how late an answer may be."""
        self.children = children
        self._end_offsets = end_offsets
        self._slack_s = slack_s
        self.consumed = Consumed()

    async def catch_up(self, seconds: float) -> None:
        """Read the backlog, from a common start, for at most `seconds`."""
        if not self.children:
            return
        await self._at_rest()
        parts = await self._stage(Saturate(seconds), seconds)
        self.consumed.messages_per_s = merge.common_rate(parts)
        self.consumed.thread_cpu = max(part.thread_cpu for part in parts)

    async def follow(self, pace: Pace) -> None:
        """From now on take the time of what is sent."""
        await self._send(pace)

    async def all_sent(self, *, wait: bool) -> None:
        """The producers are done: read what is left. `wait` until the topic is at rest, where it will come to rest."""
        if not self.children:
            return
        if wait:
            await self._at_rest()
        parts = await self._stage(AllSent(), LONGEST_UNREST_S)
        self.consumed.behind = any(part.backlog_end for part in parts)
        if not self.consumed.behind:
            self.consumed.end_to_end = merge.merge_histograms(part.latency for part in parts)

    async def finish(self) -> None:
        """End them, and take in what went wrong."""
        await self._send(Finish())
        finished = await asyncio.gather(
            *(child.expect(Finished, self._slack_s, "the consumers' count") for child in self.children)
        )
        self.consumed.failed = merge.add_counts(each.failed for each in finished)

    async def _stage(self, command: Command, seconds: float) -> list[StageDone]:
        await self._send(command)
        what = f"the consumers to read what was sent, in {seconds:g} s"
        within_s = seconds + self._slack_s
        return await asyncio.gather(*(child.expect(StageDone, within_s, what) for child in self.children))

    async def _send(self, command: Command) -> None:
        await asyncio.gather(*(child.send(command) for child in self.children))

    async def _at_rest(self) -> None:
        """Return when nobody has written for REST_S, or after LONGEST_UNREST_S."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LONGEST_UNREST_S
        before = await self._end_offsets()
        while loop.time() < until:
            await asyncio.sleep(REST_S)
            now = await self._end_offsets()
            if now == before:
                return
            before = now
