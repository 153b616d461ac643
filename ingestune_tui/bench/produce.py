"""The life of a producing child: prepare, connect, then one stage after another as the parent says."""

from __future__ import annotations

import gc
import os

from ingestune_tui.bench import librdkafka as rd
from ingestune_tui.bench.client import Client
from ingestune_tui.bench.paced import pace
from ingestune_tui.bench.payload import prepare_keys, prepare_values
from ingestune_tui.bench.pipes import Inbox, Outbox
from ingestune_tui.bench.protocol import Finish, Finished, Pace, ProducerSpec, Ready, Saturate, Stop, Warm
from ingestune_tui.bench.ring import Ring
from ingestune_tui.bench.sampler import Sampler
from ingestune_tui.bench.saturated import Flood, drain, saturate, warm_up


def produce(spec: ProducerSpec, inbox: Inbox, outbox: Outbox) -> None:
    """Serve the parent until Finish or Stop. Raises LoadFailed."""
    client = Client(spec.config, spec.topic)
    ring = Ring(prepare_values(spec.payload, spec.message_bytes, spec.seed), prepare_keys(spec.keys, spec.seed))
    client.connect(spec.partitions, ring)
    flood = Flood(client, ring, spec.bytes_cap, spec.bytes_per_s)
    sampler = Sampler(client, outbox, ring.mean_bytes)
    gc.collect()
    gc.freeze()
    outbox.send(Ready(pid=os.getpid(), client=rd.version()))
    while True:
        if not inbox.commands:
            _idle(client, inbox, outbox)
        match inbox.commands.popleft():
            case Warm(limit_s=limit_s):
                warm_up(flood, client, sampler, inbox, outbox, limit_s)
            case Saturate(seconds=seconds):
                outbox.send(saturate(flood, client, sampler, inbox, seconds, ring.mean_bytes))
                drain(client, sampler, inbox)
                sampler.emit("drain")
            case Pace(rate=rate, seconds=seconds):
                drain(client, sampler, inbox)
                outbox.send(pace(client, ring, sampler, inbox, spec, rate, seconds))
            case Finish(within_s=within_s):
                client.flush(within_s)
                outbox.send(_finished(client, ring.mean_bytes))
                return
            case Stop():
                client.purge()
                return


def _idle(client: Client, inbox: Inbox, outbox: Outbox) -> None:
    """Serve the client until a command comes."""
    while not inbox.commands:
        inbox.arrived.clear()
        client.serve(0)
        client.check()
        outbox.push()
        if not inbox.commands:
            inbox.arrived.wait(0.01)


def _finished(client: Client, mean_bytes: float) -> Finished:
    return Finished(
        sent=client.sent,
        acknowledged=client.acknowledged,
        failed=dict(client.failed),
        timed_out=client.timed_out,
        unacknowledged=client.outstanding,
        bytes=round(client.acknowledged * mean_bytes),
        log=list(client.log),
    )
