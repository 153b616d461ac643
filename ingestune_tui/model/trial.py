"""A trial: one measurement of one configuration under one workload, as it is stored, ranked and shown.

A study has thousands, which hold no cycle: `gc=False` spares the garbage collector looking through them all.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.workload import Workload

Role = Literal["preflight", "search", "confirm", "again"]
"""`again` is one that the person asked for: shown and ranked, and read by neither planner nor confirmation."""
TrialState = Literal["running", "done", "failed", "infeasible", "interrupted"]
Flag = Literal[
    "client-bound",
    "unsteady",
    "disk-bound",
    "throttled",
    "overloaded",
    "consumer-behind",
    "consumer-bound",
    "lossy",
    "byte-capped",
]
FLAGS: Final[frozenset[str]] = frozenset(get_args(Flag))

REMEDIES: dict[Flag, str] = {
    "client-bound": "the sending thread was full, not the broker: raise [workload] producers",
    "unsteady": "the rate still moved by more than 10 %: raise [trial] warmup or saturated",
    "disk-bound": "the rate fell when the page cache was full: lower [limits] bytes_per_trial or bytes_per_s",
    "throttled": "the broker throttled this client: check its quotas",
    "overloaded": "it cannot hold the paced rate, so it has no latency: lower [objective] rate",
    "consumer-behind": "the consumers did not keep up with the paced rate, so there is no end-to-end latency: "
    "lower [objective] rate, or raise [workload] consumers",
    "consumer-bound": "the reading thread was full, not the broker: raise [workload] consumers",
    "lossy": "messages failed or were lost: see the error codes",
    "byte-capped": "a stage ended early at [limits] bytes_per_trial: raise it if the disks allow",
}


class Latency(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Percentiles of due-to-acknowledged time in milliseconds; None where too few messages were timed."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    p999: float | None = None
    max: float | None = None
    count: int = 0
    """Messages timed."""
    approximate: tuple[str, ...] = ()
    """Names of percentiles with only 10 to 100 messages beyond them: shown grey, with `~`."""


class Why(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why a trial was fast or slow: means over the saturated stage, None where the client does not say."""

    batch_bytes: float | None = None
    batch_messages: float | None = None
    compression: float | None = None
    round_trip_ms: float | None = None
    queue_ms: float | None = None
    throttle_ms: float | None = None
    retries: int = 0
    client_cpu: float | None = None
    """Cores used by the sending thread."""


class Audit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Every message accounted for, warm-up included."""

    sent: int = 0
    acknowledged: int = 0
    failed: dict[str, int] = {}
    """Kafka's error name to the number of messages."""
    topic_growth: int | None = None
    """End minus start offsets over all partitions; None when it could not be read."""
    lost: int = 0
    """Acknowledged and not in the topic."""
    surplus: int = 0
    """Written though never acknowledged (timed out)."""
    bytes_written: int = 0
    """Message bytes sent, before replication."""

    @property
    def exact(self) -> bool:
        """Nothing failed, nothing lost, nothing left over."""
        return not self.failed and self.lost == 0 and self.surplus == 0


class Trial(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of the database. Figures are None until the trial is done."""

    id: str
    study_id: str
    number: int
    """Counts from 1 within the study, in the order in which trials were started."""
    workload: Workload
    role: Role
    baseline: bool
    discarded: bool = False
    """The throw-away trial: stored and shown, counted nowhere."""
    configuration: Configuration
    cell: int
    """Index of the cell in the workload's space; -1 is a baseline outside the grid."""
    block: int = 0
    pair: int | None = None
    """Number of the confirmation pair, from 0."""
    state: TrialState = "running"
    cached_from: str | None = None
    """Id of the stored trial that stands in for this one."""
    started_at: str = ""
    """ISO 8601, UTC; of one that stands in, when the stored one was measured."""
    finished_at: str = ""
    duration_s: float = 0.0
    waited_s: float = 0.0
    """From the end of the trial before it, or the start of its process, to its own beginning; pauses do not count."""
    messages_per_s: float | None = None
    mb_per_s: float | None = None
    window_s: float | None = None
    """Length of the counted saturated window."""
    latency: Latency | None = None
    due_to_sent_p99_ms: float | None = None
    end_to_end: Latency | None = None
    """Due to consumed; only with consumers that kept up with the paced rate."""
    consumer_messages_per_s: float | None = None
    rate: float | None = None
    """Messages/s of the paced stage; None when there was none."""
    flags: tuple[Flag, ...] = ()
    error: str = ""
    """The broker's or client's own words."""
    error_code: str = ""
    permanent: bool = False
    """The same configuration would fail again."""
    why: Why | None = None
    audit: Audit | None = None
    config_hash: str = ""
    env_hash: str = ""
    method_hash: str = ""
    client_version: str = ""

    @property
    def cached(self) -> bool:
        """True when a stored trial stands in for a measurement."""
        return self.cached_from is not None

    @property
    def counts(self) -> bool:
        """True when its figures may be used by search or confirmation."""
        return self.state == "done" and not self.discarded
