"""What a study looks like, folded from its events: everything Live shows. Pure: no clock, no Textual, no database.

`apply` takes the next event; the same events always give the same view, so attaching late shows all of it again.
Only the newest trials and the leader keep their samples; older ones are read from the database when looked at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, Self

import msgspec

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import (
    Event,
    Notice,
    Progress,
    SearchStopped,
    StudyFinished,
    StudyPaused,
    StudyResumed,
    StudyStarted,
    SyncState,
    TrialFinished,
    TrialSampled,
    TrialStaged,
    TrialStarted,
    WorkloadFinished,
)
from ingestune_tui.model.study import Outcome, Predicted
from ingestune_tui.model.trial import Trial
from ingestune_tui.model.workload import Workload
from ingestune_tui.report.wording import size_text, verdict_text
from ingestune_tui.tui.plain import plain_lines
from ingestune_tui.tui.trial_view import Detail, TrialView, trial_of
from ingestune_tui.tui.waiting import reason_text

KEPT_SAMPLES: Final = 60
KEPT_EVENTS: Final = 500

Level = Literal["info", "warning", "error"]
Key = tuple[Scope, str]
"""A parameter: its scope and canonical name."""


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the event list."""

    time: str
    """ISO 8601, UTC."""
    level: Level
    text: str


@dataclass(slots=True)
class PairView:
    """One confirmation pair."""

    number: int
    """From 0."""
    trials: dict[bool, TrialView] = field(default_factory=dict)
    """By `baseline`: the newest try of each half."""
    baseline_first: bool = True
    """Which half was started first (ABBA)."""

    def ratio(self, score: Scoring) -> float | None:
        """Tuned over baseline in the objective; None until both halves are done."""
        halves = [score.of(self.trials[which]) if which in self.trials else None for which in (False, True)]
        tuned, baseline = halves
        return tuned / baseline if tuned is not None and baseline else None


@dataclass(frozen=True, slots=True)
class Scoring:
    """Reads the figure that ranks trials, from the objective's label."""

    objective: str = "throughput"
    """As `Objective.label` says it: `throughput, p99 < 20 ms`, `p99.9`."""

    @property
    def maximize(self) -> bool:
        """True when more is better."""
        return "throughput" in self.objective.split(",")[0]

    def of(self, trial: TrialView) -> float | None:
        """The figure of a finished trial in its own unit; None while it has none."""
        done = trial.finished
        if done is None or done.state != "done":
            return None
        figure = self.objective.split(",")[0]
        if figure == "throughput":
            return done.messages_per_s
        if figure == "consumer throughput":
            return done.consumer_messages_per_s
        latency = done.end_to_end if figure.startswith("end to end") else done.latency
        if latency is None:
            return None
        return {"p50": latency.p50, "p99.9": latency.p999}.get(figure, latency.p99)

    def gain(self, trial: TrialView) -> float | None:
        """Higher is better, whatever the objective: the figure or its inverse."""
        figure = self.of(trial)
        if figure is None or figure <= 0:
            return None
        return figure if self.maximize else 1.0 / figure


@dataclass(slots=True)
class StudyView:
    """A study from its first event to its newest."""

    elsewhere: str = ""
    """The other host that alone can go on with it; empty where this one can."""
    started: StudyStarted | None = None
    trials: dict[int, TrialView] = field(default_factory=dict)
    """By number, in the order they were started."""
    running: TrialView | None = None
    """The trial at work, or the last one until the next begins."""
    progress: Progress | None = None
    paused: StudyPaused | None = None
    sync: SyncState | None = None
    stopped: dict[int, SearchStopped] = field(default_factory=dict)
    """By message bytes: why the search of that workload ended."""
    verdicts: dict[int, Outcome] = field(default_factory=dict)
    """By message bytes: the sizes that are searched and confirmed, while others may still be at work."""
    finished: StudyFinished | None = None
    told: deque[Told] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))
    finished_trials: int = 0
    """Counts them, so that a screen knows when nothing new was measured."""
    _time: str = ""
    _sampled: deque[TrialView] = field(default_factory=deque)
    _values: dict[Key, set[Value | None]] = field(default_factory=dict)

    def apply(self, event: Event) -> Self:
        """Take in the next event. Returns itself, so that folds read as folds."""
        self._time = getattr(event, "time", self._time)
        match event:
            case StudyStarted():
                self.started = event
                verb = "resumed" if event.resumed else "started"
                self._tell(
                    event.time, "info", f"study {event.study} {verb}: {event.cells} cells on {event.cluster.label}"
                )
            case TrialStarted():
                self._start(event)
            case TrialStaged(trial=number):
                if (trial := self.trials.get(number)) is not None:
                    trial.enter(event.stage, event.seconds)
            case TrialSampled(trial=number):
                if (trial := self.trials.get(number)) is not None:
                    trial.samples.append(event.sample)
            case TrialFinished():
                self.add(trial_of(event, self.started.study_id if self.started else ""))
            case Progress():
                self._advance(event)
            case SearchStopped():
                self.stopped[event.workload.message_bytes] = event
                self._tell(event.time, "info", f"search ended after {event.trials} trials: {event.reason}")
            case WorkloadFinished(outcome=outcome):
                size = outcome.workload.message_bytes
                if self.verdicts.get(size) != outcome:
                    self._tell(event.time, "info", f"{size_text(size)}: {verdict_text(outcome)}")
                self.verdicts[size] = outcome
            case StudyPaused():
                if self.paused is None or self.paused.reason != event.reason:
                    self._tell(event.time, "warning", reason_text(event))
                self.paused = event
            case StudyResumed():
                self.paused = None
                self._tell(event.time, "info", "going on")
            case Notice():
                self._tell(event.time, event.level, event.text)
            case SyncState():
                self.sync = event
            case StudyFinished():
                self.finished = event
                self.paused = None
                level: Level = "error" if event.state in ("failed", "interrupted") else "info"
                started = self.started
                what = f"study {started.study} {event.state}" if started is not None else "the study did not begin"
                self._tell(event.time, level, f"{what}: {event.message}" if event.message else what)
        return self

    def add(self, done: Trial) -> None:
        """Take in a trial that has ended: as its event tells it, or whole, as the database has it."""
        trial = self.trials.get(done.number)
        if trial is None:
            trial = TrialView.stored(done)
            self.trials[done.number] = self.running = trial
            self._note_values(trial)
        self.finished_trials += 1
        trial.finished = done
        if done.state in ("failed", "infeasible"):
            told_at = done.finished_at or done.started_at
            self._tell(told_at, "error", f"trial {done.number} {done.state}: {done.error or 'no reason given'}")

    def fold(self, events: Iterable[Event]) -> Self:
        """Take in all of `events`."""
        for event in events:
            self.apply(event)
        return self

    @classmethod
    def of(cls, events: Iterable[Event]) -> StudyView:
        """All of `events`, folded."""
        return cls().fold(events)

    def rename(self, name: str) -> None:
        """The study has another name now; what was told of it keeps the old one."""
        if self.started is not None:
            self.started = msgspec.structs.replace(self.started, study=name)

    # What the screens ask ------------------------------------------------------------------------------------

    @property
    def scoring(self) -> Scoring:
        """How trials of this study are ranked."""
        return Scoring(self.started.objective) if self.started else Scoring()

    @property
    def active(self) -> TrialView | None:
        """The trial that is being measured now; None between trials."""
        return self.running if self.running is not None and self.running.finished is None else None

    @property
    def workload(self) -> Workload | None:
        """The workload at work, or the only one."""
        if self.running is not None:
            return self.running.workload
        return self.started.workloads[0] if self.started and self.started.workloads else None

    @property
    def varied(self) -> tuple[Key, ...]:
        """The parameters whose value differs between the trials of the search so far."""
        return tuple(key for key, values in self._values.items() if len(values) > 1)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The message sizes, in the order of the grid."""
        return tuple(workload.message_bytes for workload in self.started.workloads) if self.started else ()

    def of_workload(self, message_bytes: int) -> list[TrialView]:
        """Trials of one message size, oldest first."""
        return [trial for trial in self.trials.values() if trial.workload.message_bytes == message_bytes]

    def pairs(self, message_bytes: int) -> list[PairView]:
        """The confirmation pairs of one message size, in order."""
        pairs: dict[int, PairView] = {}
        for trial in self.of_workload(message_bytes):
            if trial.role != "confirm" or trial.pair is None:
                continue
            pair = pairs.setdefault(trial.pair, PairView(trial.pair, baseline_first=trial.baseline))
            if trial.baseline not in pair.trials or trial.state != "interrupted":
                pair.trials[trial.baseline] = trial
        return [pairs[number] for number in sorted(pairs)]

    def leader(self) -> TrialView | None:
        """The best finished trial of the configuration that leads the search at work."""
        if self.workload is None or (leading := self.leading(self.workload.message_bytes)) is None:
            return None
        same = [
            trial
            for trial in self.of_workload(self.workload.message_bytes)
            if trial.configuration == leading and self.scoring.gain(trial) is not None
        ]
        return max(same, key=lambda trial: self.scoring.gain(trial) or 0.0, default=None)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The claims made so far; all of them once the study is finished."""
        return self.finished.outcomes if self.finished else tuple(self.verdicts.values())

    def outcome(self, message_bytes: int) -> Outcome | None:
        """The claim for one message size, once there is one."""
        return next((each for each in self.outcomes if each.workload.message_bytes == message_bytes), None)

    def baseline(self, message_bytes: int) -> Configuration | None:
        """The baseline's configuration, once a trial of it was started."""
        outcome = self.outcome(message_bytes)
        if outcome is not None:
            return outcome.baseline
        return next((each.configuration for each in self.of_workload(message_bytes) if each.baseline), None)

    def leading(self, message_bytes: int) -> Configuration | None:
        """What leads the search of one message size, or was taken into its confirmation. Never a claim."""
        progress = self.progress
        if progress is not None and progress.message_bytes == message_bytes and progress.leader is not None:
            return progress.leader
        confirmed = [each for each in self.of_workload(message_bytes) if each.role == "confirm" and not each.baseline]
        return confirmed[-1].configuration if confirmed else None

    def predicted(self, message_bytes: int) -> tuple[Predicted, ...]:
        """What the model expects of a few configurations of one message size that were not measured."""
        if (outcome := self.outcome(message_bytes)) is not None:
            return outcome.predicted
        progress = self.progress
        return progress.predicted if progress is not None and progress.message_bytes == message_bytes else ()

    def take_detail(self, stored: Trial, detail: Detail) -> None:
        """What the database kept of a trial, for looking at it closely."""
        trial = self.trials.get(stored.number)
        if trial is None or trial.trial_id != stored.id:
            return
        trial.finished = stored
        trial.read = True
        trial.histogram, trial.earlier = detail.histogram, detail.earlier
        if detail.samples and not trial.samples:
            trial.samples = list(detail.samples)
            self._sampled.append(trial)

    def neighbour(self, number: int | None, step: int) -> int | None:
        """The trial before (-1) or after (+1) `number`; None is the newest, and the way back to it."""
        numbers = list(self.trials)
        if not numbers:
            return None
        at = numbers.index(number) if number in self.trials else len(numbers) - 1
        at = max(0, at + step)
        return None if at >= len(numbers) - 1 else numbers[at]

    # Folding -------------------------------------------------------------------------------------------------

    def _start(self, event: TrialStarted) -> None:
        trial = TrialView.of(event)
        self.trials[event.trial] = self.running = trial
        self.paused = None
        self._note_values(trial)
        self._sampled.append(trial)
        leader = self.leader()
        while len(self._sampled) > KEPT_SAMPLES:
            oldest = self._sampled.popleft()
            if oldest is leader and len(self._sampled) >= KEPT_SAMPLES:
                self._sampled.append(oldest)
                oldest = self._sampled.popleft()
            oldest.samples, oldest.read = [], False

    def _note_values(self, trial: TrialView) -> None:
        if trial.role != "search":
            return
        for item in trial.configuration:
            self._values.setdefault((item.scope, item.name), set()).add(item.value)

    def _advance(self, event: Progress) -> None:
        before = self.progress
        self.progress = event
        if event.said and (before is None or before.said != event.said):
            self._tell(self._time, "info", event.said)

    def _tell(self, time: str, level: Level, text: str) -> None:
        self.told.append(Told(time, level, plain_lines(text)))
