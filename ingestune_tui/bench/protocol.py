"""What a study process and its load children say to each other: one JSON object a line, over pipes.

The parent writes a `ProducerSpec` (or `ConsumerSpec`), then commands; the child answers with events. A child
decides nothing about time but the length of the stage it was told to run: whoever adds up several children
(`producers` on one machine, or one day several hosts) starts each stage in all of them. A spec names no host but
the brokers', and a child trusts no clock but its own. Imported by tuning and by every child: no Kafka, no numpy.

    parent                                child
    spec line                       ->
                                    <-    Ready      topic known, connections warm
    Warm(limit_s)                   ->    saturated sending starts; a Sample each half second, until told otherwise
    Saturate(seconds)               ->    the counted window begins now, without a break in sending
                                    <-    StageDone("saturated")      then it stops sending and waits for its backlog
    Pace(rate, seconds)             ->    on a fixed schedule
                                    <-    StageDone("paced")
    AllSent                         ->    (to a consumer, which reads on until then)
    Finish                          ->    flush, count
                                    <-    Finished                    and exits 0
    Stop                            ->    at any time: stop sending, purge, exit
                                    <-    Failed                      at any time: what went wrong; exits 1

A child exits as soon as its stdin closes. Unknown lines from a child are an error of ours, never of the person's.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from ingestune_tui.model.sample import Percentiles, Sample, Stage

__all__ = ["Percentiles", "Sample", "Stage"]

SAMPLE_INTERVAL_S: Final = 0.5
METHOD_VERSION: Final = 4
"""Raised whenever a change of the generator makes old figures incomparable; part of the method hash."""

MAX_TIMED_PER_S: Final = 20_000
"""At most so many messages a second are timed in the paced stage, chosen by schedule position."""


class ProducerSpec(msgspec.Struct, frozen=True, tag="producer", tag_field="role", kw_only=True):
    """What one producing child needs to know. Sent on stdin only: it may hold passwords."""

    config: dict[str, str]
    """Client properties in the client's own dialect, connection and security included."""
    topic: str
    partitions: int
    message_bytes: int
    payload: str
    """`json`, `random`, `zeros` or `file:PATH`."""
    keys: str
    """`none`, `uniform:N` or `zipf:N`."""
    seed: int
    """Differs between the shards of one trial, so that they do not send the same bytes."""
    bytes_cap: int
    """Message bytes this child may send in the whole trial; a stage ends early at it."""
    bytes_per_s: int | None = None
    """Caps the saturated rate; None is no cap."""
    due_time_header: bool = False
    """Each paced message carries its due time (wall clock, ns) in the header `due`, for a consumer."""


class ConsumerSpec(msgspec.Struct, frozen=True, tag="consumer", tag_field="role", kw_only=True):
    """What one consuming child needs to know."""

    config: dict[str, str]
    topic: str
    partitions: list[int]
    """The partitions this child assigns to itself, from their start offsets."""
    message_bytes: int


Spec = ProducerSpec | ConsumerSpec


# Parent to child ---------------------------------------------------------------------------------------------


class Warm(msgspec.Struct, frozen=True, tag="warm", tag_field="do"):
    """Send as fast as the client accepts, uncounted, for at most `limit_s`."""

    limit_s: float


class Saturate(msgspec.Struct, frozen=True, tag="saturate", tag_field="do"):
    """Count what is acknowledged in the next `seconds`, then stop sending and wait for the backlog to empty.

    To a consumer: read all that is in the topic, which is at rest, for at most `seconds`.
    """

    seconds: float


class Pace(msgspec.Struct, frozen=True, tag="pace", tag_field="do"):
    """Send `rate` messages/s on a fixed schedule for `seconds`. To a consumer: read what comes until `AllSent`."""

    rate: float
    seconds: float


class AllSent(msgspec.Struct, frozen=True, tag="all_sent", tag_field="do"):
    """To a consumer: nothing more is sent in the paced stage, which ends when what is there by now has been read."""


class Finish(msgspec.Struct, frozen=True, tag="finish", tag_field="do"):
    """Wait for what is outstanding, at most `within_s`, report and exit."""

    within_s: float = 30.0


class Stop(msgspec.Struct, frozen=True, tag="stop", tag_field="do"):
    """Drop everything and exit."""


Command = Warm | Saturate | Pace | AllSent | Finish | Stop


# Child to parent ---------------------------------------------------------------------------------------------


class Ready(msgspec.Struct, frozen=True, tag="ready", tag_field="event"):
    """Metadata is known and connections are open."""

    pid: int
    client: str
    """Name and version, such as `librdkafka 2.16.1`."""


class CapReached(msgspec.Struct, frozen=True, tag="cap_reached", tag_field="event"):
    """The warm-up has used its share of the byte cap and stopped sending: waiting for it to settle is in vain."""

    messages: int
    """Sent so far."""


class StageDone(msgspec.Struct, frozen=True, tag="stage_done", tag_field="event", kw_only=True):
    """A stage's whole result. Of a consumer: what was consumed."""

    stage: Literal["saturated", "paced"]
    window_s: float
    """The counted window by this child's monotonic clock."""
    messages: int
    """Acknowledged inside the window."""
    bytes: int
    failed: dict[str, int] = {}
    """Kafka error name to messages that failed inside the window."""
    latency: str = ""
    """HDR histogram (V2, base64) of due-to-acknowledged microseconds; paced only."""
    due_to_sent: str = ""
    """HDR histogram of due-to-sent microseconds; paced only."""
    sent: int = 0
    """Handed to the client inside the window; of a paced stage, what fell due inside it, if late."""
    scheduled: int = 0
    """Fell due inside the window, the byte cap permitting; paced only."""
    backlog_end: int = 0
    """Not acknowledged when the window closed; of a paced stage, sent by then or not."""
    ended_early: str = ""
    """Why the stage ended before its time: `bytes_cap` or empty."""
    cpu: float = 0.0
    thread_cpu: float = 0.0
    """CPU over the window, in cores."""


class Finished(msgspec.Struct, frozen=True, tag="finished", tag_field="event", kw_only=True):
    """The audit's counts over the whole life of the child, warm-up and connection messages included."""

    sent: int
    acknowledged: int
    failed: dict[str, int] = {}
    timed_out: int = 0
    """Failures that may have been written all the same (timeouts in flight)."""
    unacknowledged: int = 0
    """Still outstanding when `within_s` ran out."""
    bytes: int = 0
    log: list[str] = []
    """The client's last warnings, for the person; at most 20 lines."""


class Failed(msgspec.Struct, frozen=True, tag="failed", tag_field="event", kw_only=True):
    """The child could not go on."""

    code: str
    """Kafka's error name (`UNKNOWN_TOPIC_OR_PART`), or `CONFIG`, `PAYLOAD`, `INTERNAL`."""
    reason: str
    """The broker's or client's own words."""
    permanent: bool
    """True when the same configuration would fail again (bad codec, message too large, rejected property)."""
    broker_gone: bool = False
    """True when no broker answers: the study waits rather than blaming the configuration."""


Event = Ready | Sample | CapReached | StageDone | Finished | Failed

encode_line = msgspec.json.Encoder().encode
decode_spec = msgspec.json.Decoder(Spec).decode
decode_command = msgspec.json.Decoder(Command).decode
decode_event = msgspec.json.Decoder(Event).decode
