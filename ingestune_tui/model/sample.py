"""Half a second of a trial, as a chart draws it and the database keeps it. Made by a load child, merged by tuning."""

from __future__ import annotations

from typing import Literal

import msgspec

Stage = Literal["warmup", "saturated", "drain", "paced", "finish"]


class Percentiles(msgspec.Struct, frozen=True):
    """Latencies in milliseconds; None where too few were timed to say."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    p999: float | None = None
    max: float | None = None


class Sample(msgspec.Struct, frozen=True, tag="sample", tag_field="event", kw_only=True):
    """One interval of a trial."""

    stage: Stage
    t_s: float
    """End of the interval, seconds since the warm-up began."""
    interval_s: float
    messages: int
    """Acknowledged in the interval (consumed, for a consumer)."""
    bytes: int
    latency_ms: Percentiles | None = None
    """Of the interval; only in the paced stage."""
    backlog: int = 0
    """Messages handed to the client and not yet acknowledged, at the end of the interval."""
    errors: int = 0
    """Failed in the interval."""
    cpu: float = 0.0
    """CPU of the child over the interval, in cores."""
    thread_cpu: float = 0.0
    """CPU of the sending thread alone, in cores."""
    round_trip_ms: float | None = None
    """Broker round trip (mean over the last statistics interval), as the client's own statistics give it."""
    queue_ms: float | None = None
    """Time in the client's queue before a request carries the message (mean)."""
    batch_bytes: float | None = None
    """Mean batch size before compression."""
    batch_messages: float | None = None
    compression: float | None = None
    """Uncompressed over compressed bytes; 1.0 is none."""
    throttle_ms: float | None = None
    retries: int = 0
