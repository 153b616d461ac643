"""What ingestune's topics hold on the brokers' disks, and how long the next trial must wait. One per study.

A deleted topic's bytes count until the broker has surely unlinked them: its `log.segment.delete.delay.ms` plus 5 s, or,
on `local`, the moment its directories are gone. Nothing here deletes anything; the runner does, and says so here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ingestune_tui.model.grid import Grid
from ingestune_tui.model.space import Space
from ingestune_tui.tuning.estimate import FREE_DISK_FLOOR, estimate
from ingestune_tui.units import about_bytes

SETTLE_S = 5.0
_LOOK_S = 0.25


@dataclass(slots=True)
class _Held:
    """Bytes of one topic, per node."""

    topic: str
    node_bytes: int
    free_at: float | None
    """Monotonic seconds; None while the topic exists."""


def tight_disk(grid: Grid, spaces: Sequence[Space], nodes: int, free_bytes: int | None) -> str:
    """What may happen where the one disk under all nodes of a local cluster cannot hold the study; else empty.

    `free_bytes` is None where the disks are somebody else's.
    """
    if free_bytes is None:
        return ""
    peak_bytes = nodes * estimate(grid, spaces, nodes=nodes).peak_bytes
    if free_bytes - peak_bytes >= FREE_DISK_FLOOR:
        return ""
    free, peak, floor = (about_bytes(each) for each in (free_bytes, peak_bytes, FREE_DISK_FLOOR))
    return (
        f"the local cluster's disk has {free} free, and the study may hold {peak} at once: below {floor} a trial is "
        "stopped. Lower [limits] bytes_per_trial, or let TMPDIR name a folder with more"
    )


class DiskBudget:
    """Keeps the sum of what is held below `bytes_on_disk`, per node."""

    def __init__(
        self,
        bytes_on_disk: int,
        delete_delay_s: float,
        topic_gone: Callable[[str], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`topic_gone` says whether a deleted topic's directories are gone; None where the disk cannot be seen."""
        self.bytes_on_disk = bytes_on_disk
        self.delete_delay_s = delete_delay_s
        self._topic_gone = topic_gone
        self._clock = clock
        self._held: list[_Held] = []

    def writing(self, topic: str, node_bytes: int) -> None:
        """`topic` may come to hold `node_bytes` on each node."""
        self._held.append(_Held(topic, node_bytes, None))

    @property
    def kept_s(self) -> float:
        """How long a deleted topic's bytes count."""
        return self.delete_delay_s + SETTLE_S

    def deleted(self, topic: str, node_bytes: int, age_s: float = 0.0) -> None:
        """The cluster agreed, `age_s` ago, to delete `topic`, which held `node_bytes` on each node."""
        self._held = [held for held in self._held if held.topic != topic]
        self._held.append(_Held(topic, node_bytes, self._clock() + self.kept_s - max(age_s, 0.0)))

    def held(self) -> int:
        """Bytes per node that are, or may still be, on disk."""
        now = self._clock()
        self._held = [held for held in self._held if not self._is_free(held, now)]
        return sum(held.node_bytes for held in self._held)

    def _is_free(self, held: _Held, now: float) -> bool:
        if held.free_at is None:
            return False
        if self._topic_gone is not None:
            return self._topic_gone(held.topic)
        return now >= held.free_at

    def room_for(self, node_bytes: int) -> bool:
        """True when a trial that writes `node_bytes` may start. One alone always may: its own cap bounds it."""
        held = self.held()
        return held == 0 or held + node_bytes <= self.bytes_on_disk

    async def wait_for_room(self, node_bytes: int, waiting: Callable[[int, float], Awaitable[None]]) -> None:
        """Return when there is room; `waiting(held bytes, seconds to go)` is told once when it has to wait."""
        told = False
        while not self.room_for(node_bytes):
            if not told:
                now = self._clock()
                ends = [held.free_at - now for held in self._held if held.free_at is not None]
                await waiting(self.held(), max(0.0, min(ends, default=0.0)))
                told = True
            await asyncio.sleep(_LOOK_S)
