"""A study: one run of a grid against one cluster, and what came of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.workload import Workload

StudyState = Literal["running", "paused", "interrupted", "stopped", "finished", "failed"]
VerdictKind = Literal["faster", "no measurable difference", "slower", "unstable", "unconfirmed", "infeasible"]
ClusterKind = Literal["local", "simulated", "external"]


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """Where a study ran. Holds no secret."""

    id: str
    """Kafka's cluster id; for `local` its version and node count, since every start has a new one."""
    label: str
    """What the person typed: `local`, `simulated` or an address."""
    kind: ClusterKind
    version: str
    """Kafka's version as far as it can be told."""
    nodes: int
    security_protocol: str = "PLAINTEXT"

    @property
    def simulated(self) -> bool:
        """True when no figure from here says anything about Kafka."""
        return self.kind == "simulated"


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """The one process that may run a study's trials."""

    host: str
    pid: int
    process_started_at: float
    """Its creation time (seconds since the epoch), so that a reused pid is told apart."""
    socket: str = ""
    """Path of its Unix socket on `host`; empty when it has none."""


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How many times the baseline, with a 95 % interval. For latency, below 1 is better."""

    ratio: float
    low: float
    high: float


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What one parameter did."""

    parameter: str
    """Scope and name: `producer linger.ms`."""
    share: float
    """Of the explained variance, 0 to 1."""
    best: str
    """Its best level, formatted; empty when no effect was seen."""
    interaction: str = ""
    """The parameter it interacts with most, when that is worth saying."""


class Predicted(msgspec.Struct, frozen=True, kw_only=True):
    """What the model expects of a configuration that was not measured. Never a result, and never ranked."""

    configuration: Configuration
    value: float
    """The objective's figure in its own unit: messages/s or milliseconds."""
    low: float
    """Lower end of its 95 % interval, without the noise of one trial."""
    high: float


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one workload: the only place a claim is made."""

    workload: Workload
    objective: str
    verdict: VerdictKind
    reason: str = ""
    """Why it is `unconfirmed`, `unstable` or `infeasible`; else empty."""
    ratio: Ratio | None = None
    """Winner over baseline in the objective; None unless confirmed."""
    latency: Ratio | None = None
    """Winner's p99 over the baseline's at the same rate; None unless every pair has both."""
    latency_reason: str = ""
    """Why `latency` is None although the pairs were run; else empty."""
    throughput: Ratio | None = None
    """Winner's throughput over the baseline's in the same pairs; None where that is the objective, or unconfirmed."""
    compared: str = ""
    """How pairs were compared of which a byte cap ended one half early; empty where none was."""
    winner: Configuration | None = None
    """The confirmed winner, or the unconfirmed leader."""
    baseline: Configuration
    pairs: int = 0
    trials: int = 0
    noise: float | None = None
    """Relative standard deviation of one trial."""
    unstable_spread: float | None = None
    """(max - min) / mean of the preflight's baseline trials, where it calls the machine unstable; else None."""
    effects: tuple[Effect, ...] = ()
    stop_reason: str = ""
    """Why the search ended."""
    predicted: tuple[Predicted, ...] = ()
    """The most promising of what was not measured, best first; a few at most."""


class SizeShare(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration for all message sizes does at one of them, as that size's model expects it."""

    message_bytes: int
    ratio: float
    """Times the baseline, in the objective."""
    cost: float
    """What it gives up against this size's own best, as a share; 0 where it is the best."""
    trials: int
    """How often the search measured it at this size: at 0 the figures are the model's alone."""


class Overall(msgspec.Struct, frozen=True, kw_only=True):
    """One configuration for every message size: expected by the models of the searches, and never a claim."""

    configuration: Configuration
    ratio: float
    """Geometric mean over the sizes of `per_size.ratio`."""
    per_size: tuple[SizeShare, ...]


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the database."""

    id: str
    name: str
    """Unique; made from the grid's file name when the person gives none."""
    grid_text: str
    """The grid file as it was, comments included."""
    grid_name: str
    """File name of the grid."""
    grid_hash: str
    cluster: Cluster
    state: StudyState
    strategy: str
    seed: int
    created_at: str
    finished_at: str = ""
    owner: Owner | None = None
    outcomes: tuple[Outcome, ...] = ()
    overall: Overall | None = None
    """One configuration for all message sizes; None with a single one, and before each was searched."""
    message: str = ""
    """What a person should know about its state; may be empty."""
    rates: dict[str, float] = {}
    """Message bytes (as text) to the paced rate that the baseline fixed."""
    host: str = ""
    """Host that generated the load."""
    changes_brokers: bool = False
    """Whether its grid changes settings of the brokers while they run: no other study may run on that cluster then."""
    options: dict[str, str] = {}
    """What the command line said beyond the grid: confirm_pairs, budget_s, and so on."""
