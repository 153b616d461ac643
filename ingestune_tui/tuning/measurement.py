"""What is asked of one trial and what comes back, between the engine that plans and the runner that measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.sample import Sample
from ingestune_tui.model.trial import Audit, Flag, Latency, Why
from ingestune_tui.model.workload import Limits, Timings, Workload


@dataclass(frozen=True, slots=True)
class TrialOrder:
    """One measurement to make."""

    number: int
    """The trial's number in its study, for its topic's name and its events."""
    topic: str
    workload: Workload
    configuration: Configuration
    timings: Timings
    limits: Limits
    rate: float | None
    """Messages/s of the paced stage; None takes `rate_share` of this trial's own throughput."""
    rate_share: float
    seed: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """Everything one trial measured."""

    messages_per_s: float
    mb_per_s: float
    """Message bytes, 1 MB = 10^6."""
    window_s: float
    latency: Latency | None
    """None where there was no paced stage or its rate could not be held."""
    due_to_sent_p99_ms: float | None
    end_to_end: Latency | None
    consumer_messages_per_s: float | None
    rate: float | None
    flags: tuple[Flag, ...]
    why: Why
    audit: Audit
    samples: tuple[Sample, ...]
    client_version: str
    histograms: Mapping[str, str] = field(default_factory=dict)
    """`latency`, `due_to_sent`, `end_to_end`: HDR V2 in base64, microseconds."""
