"""The life of a consuming child: read the backlog that the saturated stage left, then what the paced stage sends.

Saturate: read everything that is in the topic, which is at rest, as fast as it comes, at most `seconds`.
Pace: read on from the end of the topic; the stage ends with the next command (AllSent), when everything sent by then
has been read. Between stages the reader stays at the end, so that nothing is missed. How long the producers write,
and when the topic is at rest, only the parent knows: a consumer whose partitions stay empty could not tell.
"""

from __future__ import annotations

import gc
import os
import time
from array import array
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import Final, Literal

from ingestune_tui.bench import librdkafka as rd
from ingestune_tui.bench.failure import LoadFailed
from ingestune_tui.bench.latency import encode, histogram_of, percentiles_of
from ingestune_tui.bench.pipes import Inbox, Outbox
from ingestune_tui.bench.protocol import (
    AllSent,
    ConsumerSpec,
    Finish,
    Finished,
    Pace,
    Ready,
    Saturate,
    StageDone,
    Stop,
    Warm,
)
from ingestune_tui.bench.reader import Reader
from ingestune_tui.bench.sampler import Mark, Sampler, mark

GRACE_S: Final = 10.0
"""How long the paced stage waits for its last messages to be read."""
SILENT_S: Final = 1.0
"""After so long without a message of the backlog, what retention has deleted of it is looked for."""
WAIT_MS: Final = 5
"""The longest sleep while nothing comes: so soon are commands heard."""


def consume(spec: ConsumerSpec, inbox: Inbox, outbox: Outbox) -> None:
    """Serve the parent until Finish or Stop. Raises LoadFailed."""
    reader = Reader(spec.config, spec.topic, spec.partitions)
    reader.await_topic(max(spec.partitions, default=0) + 1)
    reader.offsets()  # opens the connection to every leader
    sampler = Sampler(reader, outbox, spec.message_bytes)
    gc.collect()
    gc.freeze()
    outbox.send(Ready(pid=os.getpid(), client=rd.version()))
    early_us: list[int] = []
    while True:
        while not inbox.commands:
            inbox.arrived.clear()
            reader.serve(0)
            reader.check()
            outbox.push()
            if reader.started:
                reader.read_timed(WAIT_MS, early_us)
            elif not inbox.commands:
                inbox.arrived.wait(0.01)
        match inbox.commands.popleft():
            case Warm():
                sampler.begin()
            case Saturate(seconds=seconds):
                outbox.send(_catch_up(reader, sampler, inbox, spec, seconds))
            case Pace():
                outbox.send(_follow(reader, sampler, inbox, spec, early_us))
                early_us = []
            case AllSent():
                pass  # what it ended has been reported
            case Finish():
                outbox.send(
                    Finished(
                        sent=0,
                        acknowledged=reader.acknowledged,
                        failed=dict(reader.failed),
                        bytes=reader.acknowledged * spec.message_bytes,
                        log=list(reader.log),
                    )
                )
                return
            case Stop():
                return


def _catch_up(reader: Reader, sampler: Sampler, inbox: Inbox, spec: ConsumerSpec, seconds: float) -> StageDone:
    """Consume the backlog. The window ends with the last message that is left of it, or after `seconds`."""
    sampler.begin()
    found = reader.offsets()
    failed_before = Counter(reader.failed)
    start = mark(reader)
    sampler.emit("warmup", at=start)
    reader.start([low for low, _ in found], sum(high - low for low, high in found))
    end_ns = start.time_ns + int(seconds * 1e9)
    silent: Mark | None = None
    look_ns = end_ns
    while reader.outstanding and (now_ns := time.monotonic_ns()) < end_ns and not inbox.stopped:
        if reader.read(WAIT_MS):
            silent = None
        elif silent is None:
            silent, look_ns = mark(reader), now_ns + int(SILENT_S * 1e9)
        elif now_ns >= look_ns:
            reader.check()
            with suppress(LoadFailed):  # who does not answer now is asked again, and `check` gives up on who is gone
                reader.leave_out_deleted()
            look_ns = time.monotonic_ns() + int(SILENT_S * 1e9)
        if now_ns >= sampler.due_ns:
            reader.serve(0)
            reader.check()
            sampler.emit("saturated")
    left = reader.outstanding
    end = mark(reader) if left or silent is None else silent
    sampler.emit("saturated", at=end)
    _go_to_the_end(reader, [])
    return _done("saturated", start, end, spec, failed=dict(reader.failed - failed_before), backlog_end=left)


def _go_to_the_end(reader: Reader, early_us: list[int]) -> None:
    """Stand at the end of every partition, dropping what was not read; the ages of what is due already are kept.

    Also after a whole backlog: the fetchers begin anew, without the back-off (1 s) of their full queue.
    """
    reader.start([high for _, high in reader.offsets()], 0)
    while reader.read_timed(1, early_us):
        pass


def _follow(reader: Reader, sampler: Sampler, inbox: Inbox, spec: ConsumerSpec, early_us: list[int]) -> StageDone:
    """Consume what is sent until the next command, timing what carries its due time.

    `early_us` are the ages of messages of this stage that came before the word that it begins: they count in it.
    """
    sampler.begin()
    if not reader.started:
        _go_to_the_end(reader, early_us)
    failed_before = Counter(reader.failed)
    now = mark(reader)
    start = replace(now, acknowledged=now.acknowledged - len(early_us))
    sampler.emit("drain", at=start)
    took_us, interval_us = array("Q", early_us), list(early_us)
    until_ns: int | None = None
    while True:
        before = len(interval_us)
        if reader.read_timed(WAIT_MS, interval_us):
            took_us.extend(interval_us[before:])
        now_ns = time.monotonic_ns()
        if now_ns >= sampler.due_ns:
            reader.serve(0)
            reader.check()
            sampler.emit("paced", latency=percentiles_of(interval_us))
            interval_us = []
        if until_ns is None:
            if inbox.commands:
                reader.expect_all()
                until_ns = time.monotonic_ns() + int(GRACE_S * 1e9)
        elif not reader.outstanding or now_ns >= until_ns or inbox.stopped:
            break
    return _done(
        "paced",
        start,
        mark(reader),
        spec,
        failed=dict(reader.failed - failed_before),
        backlog_end=reader.outstanding,
        latency=encode(histogram_of(took_us)),
    )


def _done(
    stage: Literal["saturated", "paced"],
    start: Mark,
    end: Mark,
    spec: ConsumerSpec,
    *,
    failed: dict[str, int],
    backlog_end: int,
    latency: str = "",
) -> StageDone:
    span_ns = max(end.time_ns - start.time_ns, 1)
    messages = end.acknowledged - start.acknowledged
    return StageDone(
        stage=stage,
        window_s=span_ns / 1e9,
        messages=messages,
        bytes=messages * spec.message_bytes,
        failed=failed,
        latency=latency,
        backlog_end=backlog_end,
        cpu=(end.process_cpu_ns - start.process_cpu_ns) / span_ns,
        thread_cpu=(end.thread_cpu_ns - start.thread_cpu_ns) / span_ns,
    )
