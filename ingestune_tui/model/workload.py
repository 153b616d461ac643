"""What is sent: the workload, and how long each stage of a trial takes. Frozen values."""

from __future__ import annotations

from typing import Literal

import msgspec

Client = Literal["librdkafka", "java"]


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """One workload: one search is made for each."""

    client: Client = "librdkafka"
    message_bytes: int = 1000
    payload: str = "json"
    """`json`, `random`, `zeros` or `file:PATH`."""
    keys: str = "none"
    """`none`, `uniform:N` or `zipf:N`."""
    partitions: int = 6
    """Of the trial's topic, unless the grid varies it by `[topic] partitions`."""
    replication: int = 1
    producers: int = 1
    consumers: int = 0


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """How long a trial measures, in seconds."""

    warmup_s: float = 3.0
    """At least; it goes on until the rate is steady."""
    saturated_s: float = 8.0
    paced_s: float = 5.0
    """0 leaves the paced stage, and so every latency figure, out."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a study may cost the brokers."""

    bytes_per_trial: int = 10_000_000_000
    """Per node, replication counted; a stage ends early at it."""
    bytes_on_disk: int = 20_000_000_000
    """Per node: the next trial waits while deleted topics still hold more."""
    bytes_per_s: int | None = None
    """Caps the saturated rate of one trial; None is no cap."""
