"""A load child held by a test or a benchmark, and topics that are gone afterwards."""

from __future__ import annotations

import select
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self, TypeVar

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ingestune_tui.bench.protocol import (
    Command,
    ConsumerSpec,
    Event,
    Failed,
    Finish,
    Finished,
    Pace,
    ProducerSpec,
    Ready,
    Saturate,
    StageDone,
    Warm,
    decode_event,
    encode_line,
)
from ingestune_tui.model.sample import Sample

E = TypeVar("E", bound=Event)

PATIENCE_S = 60.0


class LoadChild:
    """One child process: say commands, wait for events. Killed on leaving."""

    def __init__(self, spec: ProducerSpec | ConsumerSpec, command: Sequence[str] | None = None) -> None:
        self.spec = spec
        self.events: list[Event] = []
        self._command = list(command or (sys.executable, "-m", "ingestune_tui.bench.child"))
        self._rest = b""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._write(encode_line(self.spec))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe and not pipe.closed:
                with suppress(BrokenPipeError):
                    pipe.close()

    def _write(self, line: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def say(self, command: Command) -> None:
        self._write(encode_line(command))

    def next_event(self, within_s: float = PATIENCE_S) -> Event | None:
        """The next event; None when stdout is closed. Fails when nothing comes in time."""
        assert self.process.stdout
        descriptor = self.process.stdout.fileno()
        until = time.monotonic() + within_s
        while b"\n" not in self._rest:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise AssertionError(f"the child said nothing for {within_s} s; so far: {self.events[-3:]}")
            piece = self.process.stdout.read1(65536)  # type: ignore[attr-defined]
            if not piece:
                return None
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        event: Event = decode_event(line)
        self.events.append(event)
        return event

    def until(self, kind: type[E], within_s: float = PATIENCE_S) -> E:
        """The next event of this kind; everything before it is kept in `events`. A failure is an error."""
        while (event := self.next_event(within_s)) is not None:
            if isinstance(event, kind):
                return event
            assert not isinstance(event, Failed), event
        assert self.process.stderr
        raise AssertionError(f"the child ended without {kind.__name__}: {self.process.stderr.read().decode()}")

    def samples(self, stage: str) -> list[Sample]:
        return [event for event in self.events if isinstance(event, Sample) and event.stage == stage]

    def ready(self) -> Ready:
        return self.until(Ready)

    def saturate(self, seconds: float, warm_s: float = 0.0) -> StageDone:
        """Warm up for `warm_s`, then count for `seconds`."""
        if warm_s:
            self.say(Warm(limit_s=30))
            until = time.monotonic() + warm_s
            while time.monotonic() < until:
                self.until(Sample)
        self.say(Saturate(seconds=seconds))
        return self.until(StageDone)

    def pace(self, rate: float, seconds: float) -> StageDone:
        self.say(Pace(rate=rate, seconds=seconds))
        return self.until(StageDone)

    def finish(self, within_s: float = 30.0) -> Finished:
        self.say(Finish(within_s=within_s))
        return self.until(Finished)


def until_quiet(stage: Callable[[], StageDone], quiet: Callable[[StageDone], bool], tries: int = 8) -> list[StageDone]:
    """Stages up to the first that `quiet` accepts, or all `tries`; whoever calls judges the last one.

    Whatever else runs on the machine makes a stage late and never early: a lower bound holds in every stage, an upper
    bound only in one that was left alone.
    """
    done = [stage()]
    while not quiet(done[-1]) and len(done) < tries:
        done.append(stage())
    return done


def producer_spec(bootstrap: str, topic: str, message_bytes: int = 100, **changes: object) -> ProducerSpec:
    """A spec with the defaults of a test; `changes` are fields, or client properties under `config`."""
    given = changes.pop("config", None)
    config = {"bootstrap.servers": bootstrap, **(given if isinstance(given, dict) else {})}
    fields: dict[str, object] = {
        "partitions": 3,
        "payload": "json",
        "keys": "none",
        "seed": 1,
        "bytes_cap": 2_000_000_000,
        **changes,
    }
    return ProducerSpec(config=config, topic=topic, message_bytes=message_bytes, **fields)  # type: ignore[arg-type]


@contextmanager
def fresh_topic(bootstrap: str, partitions: int = 3, config: Mapping[str, str] | None = None) -> Iterator[str]:
    """A topic of its own, deleted on leaving."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 3})
    name = f"ingestune-test-{uuid.uuid4().hex[:12]}"
    admin.create_topics([NewTopic(name, partitions, 1, config=dict(config or {}))])[name].result(30)
    try:
        yield name
    finally:
        admin.delete_topics([name])[name].result(30)


def messages_in(bootstrap: str, topic: str, partitions: int = 3) -> int:
    """How many offsets the topic holds: its growth since it was made."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "ingestune-test"})
    try:
        marks = [consumer.get_watermark_offsets(TopicPartition(topic, number), 15) for number in range(partitions)]
    finally:
        consumer.close()
    return sum(high - low for low, high in marks)
