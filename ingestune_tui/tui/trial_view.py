"""One trial as Live shows it: its bands on the time axis, its tiles, its two lines. Pure; filled by `study_view`.

Time comes from the samples alone, so that a view never depends on when it is looked at.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field

from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import TrialFinished, TrialStarted
from ingestune_tui.model.sample import Sample, Stage
from ingestune_tui.model.trial import Role, Trial
from ingestune_tui.model.workload import Workload

Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class StageBand:
    """A stage's place on the time axis."""

    stage: Stage
    start_s: float
    end_s: float
    planned: bool
    """It has not begun: where it will be if all goes as planned."""


@dataclass(frozen=True, slots=True)
class Detail:
    """What the database keeps of a trial beside its figures."""

    samples: tuple[Sample, ...]
    histogram: str
    """Of its latencies, as in `TrialView`; empty when there is none."""
    earlier: str = ""
    """Name of the earlier study that measured it; empty for a trial of its own study, and where that study is gone."""


@dataclass(slots=True)
class TrialView:
    """A trial from its start to its end."""

    number: int
    trial_id: str
    workload: Workload
    role: Role
    baseline: bool
    discarded: bool
    configuration: Configuration
    pair: int | None = None
    planned_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Planned warm-up, saturated and paced seconds."""
    stage: Stage | None = None
    """The stage it is in; None before the first."""
    stage_s: float = 0.0
    """Planned length of that stage; 0 where none is planned."""
    stage_from_s: float = 0.0
    """When that stage began, in seconds since the warm-up began."""
    samples: list[Sample] = field(default_factory=list)
    histogram: str = ""
    """HDR histogram (V2, base64) of its latencies in microseconds, once it was read from the database."""
    earlier: str = ""
    """Name of the earlier study that measured it, once that was read; else empty."""
    read: bool = False
    """The view holds what the database keeps of its samples and latencies."""
    finished: Trial | None = None
    """What came of it, as the database has it."""

    @classmethod
    def of(cls, event: TrialStarted) -> TrialView:
        """The trial that begins."""
        return cls(
            number=event.trial,
            trial_id=event.trial_id,
            workload=event.workload,
            role=event.role,
            baseline=event.baseline,
            discarded=event.discarded,
            configuration=event.configuration,
            pair=event.pair,
            planned_s=event.stages_s,
        )

    @classmethod
    def stored(cls, trial: Trial) -> TrialView:
        """A trial of which nothing was seen before its end."""
        return cls(
            number=trial.number,
            trial_id=trial.id,
            workload=trial.workload,
            role=trial.role,
            baseline=trial.baseline,
            discarded=trial.discarded,
            configuration=trial.configuration,
            pair=trial.pair,
        )

    def enter(self, stage: Stage, seconds: float) -> None:
        """A stage begins."""
        self.stage, self.stage_s, self.stage_from_s = stage, seconds, self.now_s

    @property
    def state(self) -> str:
        """`running` until it is finished."""
        return self.finished.state if self.finished else "running"

    @property
    def now_s(self) -> float:
        """Seconds since the warm-up began, at the newest sample."""
        return self.samples[-1].t_s if self.samples else 0.0

    def bands(self) -> list[StageBand]:
        """Warm-up, saturated and paced, as they were and as far as they are still to come."""
        found: dict[Stage, tuple[float, float]] = {}
        for sample in self.samples:
            start = found[sample.stage][0] if sample.stage in found else sample.t_s - sample.interval_s
            found[sample.stage] = (max(0.0, start), sample.t_s)
        bands = []
        at = 0.0
        for stage, seconds in zip(_COUNTED, self.planned_s, strict=True):
            if stage in found:
                start, end = found[stage]
                if self.finished is None and stage == _COUNTED[self._reached()]:
                    end = max(end, start + seconds)
                bands.append(StageBand(stage, start, end, planned=False))
                at = end
            elif self.finished is None and seconds > 0:
                bands.append(StageBand(stage, at, at + seconds, planned=True))
                at += seconds
        return bands

    def _reached(self) -> int:
        stages = [_COUNTED.index(sample.stage) for sample in self.samples if sample.stage in _COUNTED]
        return max(stages, default=0)

    @property
    def length_s(self) -> float:
        """Right end of the time axis: where the last stage will end or ended."""
        return max([band.end_s for band in self.bands()] + [self.now_s, sum(self.planned_s), 1.0])

    @property
    def incomplete(self) -> bool:
        """Samples or latencies are missing that the database may have."""
        return not self.read and not (self.samples and self.histogram)

    # Lines ---------------------------------------------------------------------------------------------------

    def throughput(self, *stages: Stage) -> Points:
        """(seconds, MB/s) of the samples in `stages`, all of them when none is named.

        A stage ends when it ends, and leaves a rump of a few ms whose rate says nothing: it is added to its neighbour.
        """
        counted = [each for each in self.samples if each.interval_s > 0 and (not stages or each.stage in stages)]
        if not counted:
            return []
        short_s = statistics.median(each.interval_s for each in counted) / 2
        merged: list[tuple[float, float, float]] = []
        rump: Sample | None = None
        for sample in counted:
            seconds, sent = sample.interval_s, float(sample.bytes)
            if rump is not None:
                seconds, sent, rump = seconds + rump.interval_s, sent + rump.bytes, None
            elif seconds < short_s and merged:
                _, before_s, before = merged.pop()
                seconds, sent = seconds + before_s, sent + before
            elif seconds < short_s and len(counted) > 1:
                rump = sample
                continue
            merged.append((sample.t_s, seconds, sent))
        return [(at, sent / seconds / 1e6) for at, seconds, sent in merged]

    def latency(self, name: str) -> Points:
        """(seconds, ms) of one percentile in the paced stage."""
        points = []
        for sample in self.samples:
            value = getattr(sample.latency_ms, name) if sample.latency_ms is not None else None
            if value is not None and sample.stage == "paced":
                points.append((sample.t_s, value))
        return points

    # Tiles ---------------------------------------------------------------------------------------------------

    @property
    def rate(self) -> tuple[float, float] | None:
        """(messages/s, MB/s): the newest sample's in the warm-up, then the mean of the saturated stage, which stays."""
        if self.finished and self.finished.messages_per_s is not None:
            return self.finished.messages_per_s, self.finished.mb_per_s or 0.0
        counted = [sample for sample in self.samples if sample.stage == "saturated"] or self.samples[-1:]
        seconds = sum(sample.interval_s for sample in counted)
        if seconds <= 0:
            return None
        return sum(sample.messages for sample in counted) / seconds, sum(
            sample.bytes for sample in counted
        ) / seconds / 1e6

    @property
    def rate_counts(self) -> bool:
        """False while the rate is only that of the warm-up."""
        return any(sample.stage == "saturated" for sample in self.samples) or self.finished is not None

    @property
    def p99_ms(self) -> float | None:
        """Of the whole paced stage once finished, else of its newest half second."""
        if self.finished is not None:
            return self.finished.latency.p99 if self.finished.latency else None
        points = self.latency("p99")
        return points[-1][1] if points else None

    @property
    def p99_in_s(self) -> float | None:
        """Seconds until there will be latencies; None when there are some, or none are planned."""
        if self.finished is not None or self.planned_s[2] <= 0:
            return None
        paced = next((band for band in self.bands() if band.stage == "paced"), None)
        if paced is None or not paced.planned:
            return None
        return math.ceil(max(0.0, paced.start_s - self.now_s) + 0.5)

    @property
    def backlog(self) -> int:
        """Messages not yet acknowledged, at the newest sample."""
        return self.samples[-1].backlog if self.samples else 0

    @property
    def errors(self) -> int:
        """Messages failed so far."""
        return sum(sample.errors for sample in self.samples)


_COUNTED: tuple[Stage, ...] = ("warmup", "saturated", "paced")


def trial_of(event: TrialFinished, study_id: str) -> Trial:
    """The trial an event tells of, as far as it tells; what only the database knows is left out."""
    return Trial(
        id=event.trial_id,
        study_id=study_id,
        number=event.trial,
        workload=event.workload,
        role=event.role,
        baseline=event.baseline,
        discarded=event.discarded,
        configuration=event.configuration,
        cell=-1,
        pair=event.pair,
        state=event.state,
        cached_from="" if event.cached else None,
        finished_at=event.time,
        messages_per_s=event.messages_per_s,
        mb_per_s=event.mb_per_s,
        latency=event.latency_ms,
        end_to_end=event.end_to_end_ms,
        consumer_messages_per_s=event.consumer_messages_per_s,
        rate=event.rate,
        flags=event.flags,
        error=event.error,
        why=event.why,
    )
