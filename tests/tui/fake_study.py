"""A made-up study: the events it would send and the trials it would store. Seeded, for tests and pictures only.

The figures follow a small model (compression and lingering pay, big batches a little), so that pictures look as real
studies do: warm-up ramps, a step down to the paced rate, a codec that the broker refuses, a confirmation that narrows.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import (
    Event,
    Phase,
    Progress,
    SearchStopped,
    StudyFinished,
    StudyStarted,
    TrialFinished,
    TrialSampled,
    TrialStaged,
    TrialStarted,
    WorkloadFinished,
)
from ingestune_tui.model.sample import Percentiles, Sample, Stage
from ingestune_tui.model.study import Cluster, Effect, Outcome, Predicted, Ratio, Study, VerdictKind
from ingestune_tui.model.trial import Audit, Flag, Latency, Role, Trial, Why
from ingestune_tui.model.workload import Workload
from ingestune_tui.tui.study_view import StudyView

CLUSTER = Cluster(id="local-4.3.0-1", label="local", kind="local", version="4.3.0", nodes=1)
START = datetime(2026, 11, 23, 20, 57, tzinfo=UTC)
BASELINE = Configuration.of({Scope.PRODUCER: {"acks": "all"}})
LINGERS, BATCHES, CODECS = (0, 5, 20), (16384, 1048576), ("none", "lz4", "zstd")
STAGES_S = (3.0, 8.0, 5.0)


def cell(linger: float, batch: int, codec: str) -> Configuration:
    """One point of the made-up grid."""
    named: dict[str, Value] = {"acks": "all", "linger.ms": linger, "batch.size": batch, "compression.type": codec}
    return Configuration.of({Scope.PRODUCER: named})


CELLS = tuple(cell(linger, batch, codec) for linger in LINGERS for batch in BATCHES for codec in CODECS)
REFUSED = cell(0, 16384, "zstd")
BEST = cell(20, 1048576, "lz4")


def true_rate(configuration: Configuration, message_bytes: int) -> float:
    """Messages/s without noise."""
    linger = float(configuration.get(Scope.PRODUCER, "linger.ms") or (5 if configuration == BASELINE else 0))
    batch = configuration.get(Scope.PRODUCER, "batch.size") or 1_000_000
    codec = configuration.get(Scope.PRODUCER, "compression.type") or "none"
    gain = {0.0: 0.82, 5.0: 1.0, 20.0: 1.08}.get(linger, 1.0) * {16384: 0.86}.get(int(batch), 1.0)
    gain *= {"none": 1.0, "lz4": 1.36, "zstd": 1.2}[str(codec)]
    if message_bytes <= 10:
        gain = 1.0 + (gain - 1.0) * 0.1
    return {10: 1_450_000.0, 100: 1_050_000.0, 1000: 284_000.0, 10_000: 42_000.0}[message_bytes] * gain


def true_p99_ms(configuration: Configuration) -> float:
    """Milliseconds without noise."""
    linger = float(configuration.get(Scope.PRODUCER, "linger.ms") or (5 if configuration == BASELINE else 0))
    return 4.1 + 0.2 * linger + (0.0 if configuration.get(Scope.PRODUCER, "compression.type") == "none" else 0.6)


@dataclass
class FakeStudy:
    """One made-up study; `events()` plays it from the start."""

    seed: int = 7
    sizes: tuple[int, ...] = (1000,)
    pairs: int = 12
    searched: int = 22
    """Search trials per workload."""
    noise: float = 0.05
    name: str = "quick"
    id: str = "0193d000-0000-7000-8000-000000000001"
    trials: list[Trial] = field(default_factory=list)
    """What would be stored, filled while the events are played."""
    samples: dict[str, tuple[Sample, ...]] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    _now: datetime = START
    _number: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def events(self) -> Iterator[Event]:
        """Every event of the study, in order."""
        workloads = tuple(Workload(message_bytes=size) for size in self.sizes)
        yield StudyStarted(
            time=self._time(),
            study=self.name,
            study_id=self.id,
            grid=f"{self.name}.toml",
            cluster=CLUSTER,
            simulated=False,
            strategy="race",
            objective="throughput",
            workloads=workloads,
            cells=len(CELLS),
        )
        for workload in workloads:
            yield from self._search(workload)
            yield from self._confirm(workload)
            yield WorkloadFinished(time=self._time(), study=self.name, outcome=self.outcomes[-1])
        yield StudyFinished(time=self._time(), study=self.name, state="finished", outcomes=tuple(self.outcomes))

    def all(self) -> list[Event]:
        """The same as a list."""
        return list(self.events())

    def study(self) -> Study:
        """The row of the database once `events` has been played."""
        return Study(
            id=self.id,
            name=self.name,
            grid_text="",
            grid_name=f"{self.name}.toml",
            grid_hash="",
            cluster=CLUSTER,
            state="finished",
            strategy="race",
            seed=self.seed,
            created_at=START.isoformat(),
            finished_at=self._now.isoformat(),
            outcomes=tuple(self.outcomes),
            host="bench-1",
        )

    # The plan ------------------------------------------------------------------------------------------------

    def _search(self, workload: Workload) -> Iterator[Event]:
        for i in range(5):
            yield from self._trial(workload, "preflight", BASELINE, baseline=True, discarded=i == 0)
            yield self._progress("preflight", workload, i + 1, 5, noise=0.06 if i == 4 else None)
        plan = [*self._random.sample(CELLS, len(CELLS)), *(self._random.choice(CELLS) for _ in range(1000))][
            : self.searched
        ]
        best: Configuration | None = None
        rates: dict[Configuration, float] = {}
        base = true_rate(BASELINE, workload.message_bytes)
        for i, configuration in enumerate(plan):
            said = ""
            ratio = rates[best] / base if best else None
            queue = tuple(plan[i + 1 : i + 4])
            yield self._progress(
                "racing", workload, i, len(plan), leader=best, ratio=ratio, next=queue, noise=0.06,
                predicted=self._expected(workload, rates),
            )  # fmt: skip
            yield from self._trial(workload, "search", configuration, baseline=False)
            measured = self.trials[-1]
            if measured.messages_per_s is not None:
                rates[configuration] = measured.messages_per_s
                if best is None:
                    best = configuration
                elif measured.messages_per_s > rates[best]:
                    gain = measured.messages_per_s / rates[best] - 1
                    said = f"leader changed at {measured.number}: {_short(configuration)}, +{gain * 100:.0f} %"
                    best = configuration
            ratio = rates[best] / base if best else None
            sure = min(0.96, 0.2 + 0.8 * (i + 1) / len(plan))
            yield self._progress(
                "racing",
                workload,
                i + 1,
                len(plan),
                leader=best,
                ratio=ratio,
                next=queue,
                noise=0.06,
                said=said,
                sure=sure,
                predicted=self._expected(workload, rates),
            )
        yield SearchStopped(
            time=self._time(),
            study=self.name,
            workload=workload,
            reason="sure enough of the leader",
            leader=BEST,
            trials=len(plan),
        )

    def _confirm(self, workload: Workload) -> Iterator[Event]:
        logs: list[float] = []
        for pair in range(self.pairs):
            figures: dict[bool, float] = {}
            order = (True, False) if pair % 2 == 0 else (False, True)
            for baseline in order:
                yield self._progress(
                    "confirming",
                    workload,
                    pair,
                    self.pairs,
                    leader=BEST,
                    pairs=(pair, self.pairs),
                    so_far=_interval(logs),
                )
                yield from self._trial(
                    workload, "confirm", BASELINE if baseline else BEST, baseline=baseline, pair=pair
                )
                figures[baseline] = self.trials[-1].messages_per_s or 1.0
            logs.append(math.log(figures[False] / figures[True]))
        so_far = _interval(logs)
        yield self._progress(
            "confirming", workload, self.pairs, self.pairs, leader=BEST, pairs=(self.pairs, self.pairs), so_far=so_far
        )
        verdict: VerdictKind = "faster" if so_far and so_far.low > 1 else "no measurable difference"
        self.outcomes.append(
            Outcome(
                workload=workload,
                objective="throughput",
                verdict=verdict,
                ratio=so_far,
                latency=Ratio(ratio=1.02, low=0.9, high=1.1),
                winner=BEST,
                baseline=BASELINE,
                pairs=self.pairs,
                trials=self._number,
                noise=0.06,
                stop_reason="sure",
                effects=(
                    Effect(parameter="producer compression.type", share=0.71, best="lz4"),
                    Effect(parameter="producer linger.ms", share=0.18, best="20", interaction="producer batch.size"),
                    Effect(parameter="producer batch.size", share=0.02, best="1MiB"),
                ),
            )
        )

    def _progress(
        self,
        phase: Phase,
        workload: Workload,
        done: int,
        expected: int,
        *,
        leader: Configuration | None = None,
        ratio: float | None = None,
        next: tuple[Configuration, ...] = (),
        noise: float | None = 0.06,
        said: str = "",
        sure: float | None = None,
        predicted: tuple[Predicted, ...] = (),
        pairs: tuple[int, int] = (0, 0),
        so_far: Ratio | None = None,
    ) -> Progress:
        return Progress(
            phase=phase,
            message_bytes=workload.message_bytes,
            done=done,
            expected=expected,
            p_leader=sure,
            leader=leader,
            leader_ratio=ratio,
            noise=noise,
            eta_s=max(0.0, (expected - done) * 17.0),
            said=said,
            next=next,
            pairs_done=pairs[0],
            pairs_planned=pairs[1],
            ratio_so_far=so_far,
            baseline=BASELINE,
            predicted=predicted,
        )

    def _expected(self, workload: Workload, measured: Collection[Configuration]) -> tuple[Predicted, ...]:
        """The best three that nobody measured yet."""
        left = [each for each in CELLS if each not in measured and each != REFUSED] if len(measured) > 5 else []
        rates = {each: true_rate(each, workload.message_bytes) for each in left}
        best = sorted(left, key=lambda each: -rates[each])[:3]
        return tuple(
            Predicted(configuration=each, value=rates[each], low=rates[each] * 0.9, high=rates[each] * 1.1)
            for each in best
        )

    # One trial -----------------------------------------------------------------------------------------------

    def _trial(
        self,
        workload: Workload,
        role: Role,
        configuration: Configuration,
        *,
        baseline: bool,
        discarded: bool = False,
        pair: int | None = None,
    ) -> Iterator[Event]:
        self._number += 1
        number, trial_id = self._number, f"{self.id[:24]}{self.id[-2:]}{self._number:010d}"
        started = self._time()
        yield TrialStarted(
            time=started,
            trial=number,
            trial_id=trial_id,
            study=self.name,
            workload=workload,
            role=role,
            baseline=baseline,
            discarded=discarded,
            configuration=configuration,
            pair=pair,
            stages_s=STAGES_S,
        )
        if configuration == REFUSED:
            trial = Trial(
                id=trial_id,
                study_id=self.id,
                number=number,
                workload=workload,
                role=role,
                baseline=baseline,
                configuration=configuration,
                cell=CELLS.index(configuration),
                state="infeasible",
                started_at=started,
                error="broker: UNSUPPORTED_COMPRESSION_TYPE",
                error_code="UNSUPPORTED_COMPRESSION_TYPE",
                permanent=True,
            )
            self._now += timedelta(seconds=2)
            self.trials.append(trial)
            yield msgspec.structs.replace(TrialFinished.of(trial, self.name), time=self._time())
            return
        rate = true_rate(configuration, workload.message_bytes) * math.exp(self._random.gauss(0, self.noise))
        p99 = true_p99_ms(configuration) * math.exp(self._random.gauss(0, 0.08))
        taken: list[Sample] = []
        start = 0.0
        for stage, seconds in zip(("warmup", "saturated", "paced"), STAGES_S, strict=True):
            yield TrialStaged(trial=number, stage=stage, seconds=seconds)  # type: ignore[arg-type]
            for i in range(int(seconds * 2)):
                sample = self._sample(stage, start + (i + 1) / 2, i, rate, p99, workload)  # type: ignore[arg-type]
                taken.append(sample)
                yield TrialSampled(trial=number, sample=sample)
            start += seconds
        self._now += timedelta(seconds=17)
        flags: tuple[Flag, ...] = (
            ("client-bound",) if workload.message_bytes <= 10 else ("unsteady",) if number % 11 == 0 else ()
        )
        trial = Trial(
            id=trial_id,
            study_id=self.id,
            number=number,
            workload=workload,
            role=role,
            baseline=baseline,
            discarded=discarded,
            configuration=configuration,
            cell=CELLS.index(configuration) if configuration in CELLS else -1,
            pair=pair,
            state="done",
            started_at=started,
            finished_at=self._time(),
            duration_s=16.8,
            messages_per_s=rate,
            mb_per_s=rate * workload.message_bytes / 1e6,
            window_s=8.0,
            rate=85_000.0,
            flags=flags,
            due_to_sent_p99_ms=0.08,
            client_version="librdkafka 2.16.0",
            latency=Latency(
                p50=p99 * 0.48,
                p95=p99 * 0.8,
                p99=p99,
                p999=p99 * 1.7,
                max=p99 * 2.6,
                count=100_000,
                approximate=("p999",),
            ),
            why=Why(
                batch_bytes=812_000,
                batch_messages=780,
                compression=4.1,
                round_trip_ms=1.9,
                queue_ms=2.2,
                throttle_ms=0.0,
                client_cpu=0.71,
            ),
            audit=Audit(sent=3_000_000, acknowledged=3_000_000, topic_growth=3_000_000, bytes_written=3_000_000_000),
        )
        self.trials.append(trial)
        self.samples[trial_id] = tuple(taken)
        yield msgspec.structs.replace(TrialFinished.of(trial, self.name), time=self._time())

    def _sample(self, stage: Stage, t_s: float, i: int, rate: float, p99: float, workload: Workload) -> Sample:
        wobble = 1 + 0.04 * math.sin(t_s * 1.7) + self._random.gauss(0, 0.02)
        now = {"warmup": rate * min(1.0, 0.25 + 0.18 * i), "saturated": rate, "paced": 85_000.0}[stage] * wobble
        messages = int(now / 2)
        near = p99 * math.exp(self._random.gauss(0, 0.12))
        return Sample(
            stage=stage,
            t_s=t_s,
            interval_s=0.5,
            messages=messages,
            bytes=messages * workload.message_bytes,
            latency_ms=Percentiles(p50=near * 0.48, p95=near * 0.8, p99=near) if stage == "paced" else None,
            backlog=int(rate / 90) if stage != "paced" else 310,
            cpu=0.9,
            thread_cpu=0.7,
            round_trip_ms=1.9,
            queue_ms=2.2,
            batch_bytes=812_000,
            batch_messages=780,
            compression=4.1,
            throttle_ms=0.0,
        )

    def _time(self) -> str:
        return self._now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _interval(logs: list[float]) -> Ratio | None:
    if len(logs) < 2:
        return None
    mean = sum(logs) / len(logs)
    spread = math.sqrt(sum((each - mean) ** 2 for each in logs) / (len(logs) - 1))
    half = {2: 12.7, 3: 4.3, 4: 3.18, 5: 2.78, 6: 2.57}.get(len(logs), 2.25) * spread / math.sqrt(len(logs))
    return Ratio(ratio=math.exp(mean), low=math.exp(mean - half), high=math.exp(mean + half))


def _short(configuration: Configuration) -> str:
    return " · ".join(str(item.value) for item in configuration if item.name != "acks")


def many_trials(count: int) -> StudyView:
    """A finished study of `count` trials, each of a configuration of its own, folded."""
    fake = FakeStudy(searched=4, pairs=4, sizes=(1000,))
    events = fake.all()
    like = next(trial for trial in fake.trials if trial.role == "search" and trial.state == "done")
    chance = random.Random(3)
    view = StudyView()
    for event in events[:-1]:
        view.apply(event)
    for number in range(fake._number + 1, count + 1):
        rate = 200_000.0 + 200_000.0 * chance.random()
        settings: dict[str, Value] = {
            "acks": "all",
            "linger.ms": number % 100,
            "batch.size": 1024 * (number // 100 + 1),
        }
        trial = msgspec.structs.replace(
            like,
            id=f"0193d000-0000-7000-8000-{number:012d}",
            number=number,
            configuration=Configuration.of({Scope.PRODUCER: settings}),
            messages_per_s=rate,
            mb_per_s=rate / 1000,
        )
        view.apply(TrialFinished.of(trial, fake.name))
    return view.apply(events[-1])
