"""What a running study says: the one stream that `run --json` prints, the socket carries and the app draws.

`PUBLIC` names those that `--json` prints: a contract for scripts. Commands go the other way, over the socket.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.sample import Sample, Stage
from ingestune_tui.model.study import Cluster, Outcome, Overall, Predicted, Ratio, StudyState
from ingestune_tui.model.trial import Flag, Latency, Role, Trial, TrialState, Why
from ingestune_tui.model.workload import Workload

Phase = Literal["starting", "preflight", "racing", "measuring", "confirming", "finished"]


def now() -> str:
    """The present moment, ISO 8601 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class StudyStarted(msgspec.Struct, frozen=True, tag="study_started", tag_field="event", kw_only=True):
    """First event of every stream."""

    v: int = 1
    time: str = msgspec.field(default_factory=now)
    study: str
    study_id: str
    grid: str
    cluster: Cluster
    host: str = ""
    """Host that generates the load; empty where nobody said."""
    simulated: bool
    strategy: str
    objective: str
    workloads: tuple[Workload, ...]
    cells: int
    """Cells to search, per workload."""
    cached: int = 0
    resumed: bool = False


class TrialStarted(msgspec.Struct, frozen=True, tag="trial_started", tag_field="event", kw_only=True):
    v: int = 1
    time: str = msgspec.field(default_factory=now)
    trial: int
    trial_id: str
    study: str
    workload: Workload
    role: Role
    baseline: bool
    discarded: bool = False
    configuration: Configuration
    pair: int | None = None
    stages_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Planned warm-up, saturated and paced seconds."""


class TrialStaged(msgspec.Struct, frozen=True, tag="trial_staged", tag_field="event", kw_only=True):
    """A trial entered a stage."""

    trial: int
    stage: Stage
    seconds: float
    """Planned length; 0 where none is planned."""


class TrialSampled(msgspec.Struct, frozen=True, tag="trial_sampled", tag_field="event", kw_only=True):
    """Half a second of the running trial, all its producers together."""

    trial: int
    sample: Sample


class TrialFinished(msgspec.Struct, frozen=True, tag="trial_finished", tag_field="event", kw_only=True):
    v: int = 1
    time: str = msgspec.field(default_factory=now)
    trial: int
    trial_id: str
    study: str
    workload: Workload
    role: Role
    baseline: bool
    discarded: bool = False
    configuration: Configuration
    pair: int | None = None
    state: TrialState
    cached: bool
    messages_per_s: float | None
    mb_per_s: float | None
    latency_ms: Latency | None
    rate: float | None
    flags: tuple[Flag, ...]
    error: str
    why: Why | None = None
    consumer_messages_per_s: float | None = None
    end_to_end_ms: Latency | None = None

    @classmethod
    def of(cls, trial: Trial, study: str) -> TrialFinished:
        """The event that says what `trial` came to."""
        return cls(
            trial=trial.number,
            trial_id=trial.id,
            study=study,
            workload=trial.workload,
            role=trial.role,
            baseline=trial.baseline,
            discarded=trial.discarded,
            configuration=trial.configuration,
            pair=trial.pair,
            state=trial.state,
            cached=trial.cached,
            messages_per_s=trial.messages_per_s,
            mb_per_s=trial.mb_per_s,
            latency_ms=trial.latency,
            rate=trial.rate,
            flags=trial.flags,
            error=trial.error,
            why=trial.why,
            consumer_messages_per_s=trial.consumer_messages_per_s,
            end_to_end_ms=trial.end_to_end,
        )


class Progress(msgspec.Struct, frozen=True, tag="progress", tag_field="event", kw_only=True):
    """Where the study stands; sent whenever it changes."""

    phase: Phase
    message_bytes: int
    """Of the workload at work."""
    done: int
    """Trials finished for this workload in this phase's plan."""
    expected: int
    """As far as can be told now."""
    p_leader: float | None = None
    """P(leader within tolerance of the best)."""
    leader: Configuration | None = None
    leader_ratio: float | None = None
    """Leader over baseline so far; never a claim."""
    noise: float | None = None
    eta_s: float | None = None
    said: str = ""
    """What last changed, in one sentence: `leader changed at 14, +9 %: lz4`."""
    next: tuple[Configuration, ...] = ()
    """The queue, as far as it is planned."""
    pairs_done: int = 0
    pairs_planned: int = 0
    ratio_so_far: Ratio | None = None
    """Interval over the pairs confirmed so far, for the ruler; the verdict waits for the last pair."""
    baseline: Configuration | None = None
    predicted: tuple[Predicted, ...] = ()
    """The most promising of what was not measured yet."""


class SearchStopped(msgspec.Struct, frozen=True, tag="search_stopped", tag_field="event", kw_only=True):
    v: int = 1
    time: str = msgspec.field(default_factory=now)
    study: str
    workload: Workload
    reason: str
    leader: Configuration | None
    trials: int


class WorkloadFinished(msgspec.Struct, frozen=True, tag="workload_finished", tag_field="event", kw_only=True):
    """One message size is searched and confirmed: its verdict, before the study as a whole ends.

    A resumed study says again what it had found out. `study_finished` repeats it with the others.
    """

    v: int = 1
    time: str = msgspec.field(default_factory=now)
    study: str
    outcome: Outcome


class StudyPaused(msgspec.Struct, frozen=True, tag="study_paused", tag_field="event", kw_only=True):
    """Paused by the person, or waiting: for a broker, for disk."""

    v: int = 1
    time: str = msgspec.field(default_factory=now)
    study: str
    reason: str
    attempt: int = 0
    retry_in_s: float | None = None


class StudyResumed(msgspec.Struct, frozen=True, tag="study_resumed", tag_field="event", kw_only=True):
    v: int = 1
    time: str = msgspec.field(default_factory=now)
    study: str


class Notice(msgspec.Struct, frozen=True, tag="notice", tag_field="event", kw_only=True):
    """Something a person should read once."""

    v: int = 1
    time: str = msgspec.field(default_factory=now)
    level: Literal["info", "warning", "error"]
    text: str


class SyncState(msgspec.Struct, frozen=True, tag="sync_state", tag_field="event", kw_only=True):
    """How far the shared copy is behind."""

    v: int = 1
    time: str = msgspec.field(default_factory=now)
    state: Literal["off", "up to date", "sending", "waiting", "needs attention"]
    waiting: int = 0
    """Rows not yet in PostgreSQL."""
    retry_in_s: float | None = None
    reason: str = ""


class StudyFinished(msgspec.Struct, frozen=True, tag="study_finished", tag_field="event", kw_only=True):
    """Last event of every stream."""

    v: int = 1
    time: str = msgspec.field(default_factory=now)
    study: str
    state: StudyState
    outcomes: tuple[Outcome, ...] = ()
    overall: Overall | None = None
    """One configuration for all message sizes, of several."""
    message: str = ""


Event = (
    StudyStarted
    | TrialStarted
    | TrialStaged
    | TrialSampled
    | TrialFinished
    | Progress
    | SearchStopped
    | WorkloadFinished
    | StudyPaused
    | StudyResumed
    | Notice
    | SyncState
    | StudyFinished
)

PUBLIC = (
    StudyStarted,
    TrialStarted,
    TrialFinished,
    SearchStopped,
    WorkloadFinished,
    StudyPaused,
    StudyResumed,
    Notice,
    SyncState,
    StudyFinished,
)


class Pause(msgspec.Struct, frozen=True, tag="pause", tag_field="do"):
    """Pause after the running trial."""


class Resume(msgspec.Struct, frozen=True, tag="resume", tag_field="do"):
    """Go on."""


class Skip(msgspec.Struct, frozen=True, tag="skip", tag_field="do"):
    """Drop a trial while it runs; its configuration is not tried again in the search."""

    trial: int
    """The one that the person saw running; any other is left alone."""


class StopAndConfirm(msgspec.Struct, frozen=True, tag="confirm", tag_field="do"):
    """End a search now and confirm its leader."""

    message_bytes: int
    """Whose search: that over another size, which may have begun meanwhile, goes on."""


class RunAgain(msgspec.Struct, frozen=True, tag="again", tag_field="do"):
    """Measure the configuration of a finished trial once more, when the trial or pair at work is over."""

    trial: int


class StopStudy(msgspec.Struct, frozen=True, tag="stop", tag_field="do"):
    """End the study as soon as the running trial is cleaned up."""


Command = Pause | Resume | Skip | StopAndConfirm | RunAgain | StopStudy

_event_encoder = msgspec.json.Encoder()
encode = _event_encoder.encode
decode_event = msgspec.json.Decoder(Event).decode
decode_command = msgspec.json.Decoder(Command).decode


def public_json(event: Event) -> bytes:
    """The line `--json` prints: configurations as {scope: {name: value}}, outcomes flat."""
    return msgspec.json.encode(_public(event))


def _public(value: Any) -> Any:
    match value:
        case Configuration():
            return value.as_dict()
        case Outcome(ratio=ratio):
            plain = {name: _public(getattr(value, name)) for name in value.__struct_fields__ if name != "ratio"}
            return plain | {
                "ratio": ratio.ratio if ratio else None,
                "low": ratio.low if ratio else None,
                "high": ratio.high if ratio else None,
            }
        case msgspec.Struct():
            tag = type(value).__struct_config__.tag
            head = {"event": tag} if tag else {}
            return head | {name: _public(getattr(value, name)) for name in value.__struct_fields__}
        case tuple() | list():
            return [_public(each) for each in value]
        case _:
            return value
