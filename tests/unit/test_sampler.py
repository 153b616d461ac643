"""The half-second rhythm of samples, at the edges of stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ingestune_tui.bench.sampler import INTERVAL_NS, Mark, Sampler, mark
from ingestune_tui.bench.statistics import Statistics
from ingestune_tui.model.sample import Sample

MILLISECOND_NS = 1_000_000


@dataclass
class Books:
    """Nothing was sent; only the clock counts here."""

    sent: int = 0
    acknowledged: int = 0
    failed_total: int = 0
    outstanding: int = 0
    statistics: Statistics | None = None


@dataclass
class Kept:
    """Keeps what was said."""

    said: list[Any] = field(default_factory=list)

    def send(self, event: object) -> None:
        self.said.append(event)


def at(start: Mark, after_ns: int, acknowledged: int = 0) -> Mark:
    return Mark(start.time_ns + after_ns, acknowledged, acknowledged, 0, start.process_cpu_ns, start.thread_cpu_ns)


def test_a_stage_that_begins_just_after_a_sample_has_its_own_rhythm_from_its_edge() -> None:
    kept = Kept()
    sampler = Sampler(Books(), kept, 100.0)  # type: ignore[arg-type]
    sampler.begin()
    zero = sampler._last or mark(Books())
    sampler.emit("warmup", at=at(zero, INTERVAL_NS, 10))
    edge = INTERVAL_NS + MILLISECOND_NS // 2
    sampler.emit("warmup", at=at(zero, edge, 11))
    assert sampler.due_ns == zero.time_ns + edge + INTERVAL_NS
    sampler.emit("saturated", at=at(zero, edge + INTERVAL_NS, 31))
    samples = [event for event in kept.said if isinstance(event, Sample)]
    assert [(sample.stage, sample.messages) for sample in samples] == [("warmup", 10), ("saturated", 20)]
    assert samples[1].interval_s == INTERVAL_NS / 1e9
