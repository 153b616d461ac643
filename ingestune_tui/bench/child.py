"""A load child: `python -m ingestune_tui.bench.child`, one per trial and shard.

Takes a spec and commands on stdin, answers with events on stdout (see `protocol`), and ends when stdin closes.
It decides nothing but how to keep the stage it was told to run.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

import msgspec

from ingestune_tui.bench.consume import consume
from ingestune_tui.bench.failure import LoadFailed
from ingestune_tui.bench.pipes import Inbox, Outbox
from ingestune_tui.bench.produce import produce
from ingestune_tui.bench.protocol import ConsumerSpec, Failed, ProducerSpec, decode_spec


def main() -> None:
    """Run one child to its end; never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-c reaches the whole group; the parent decides
    inbox, outbox = Inbox(), Outbox()
    config: dict[str, str] = {}
    try:
        line = inbox.line()
        if line is None:
            os._exit(1)
        spec = decode_spec(line)
        config = spec.config
        inbox.listen()
        _run(spec, inbox, outbox)
        code = 0
    except LoadFailed as failure:
        outbox.send(failure.event(config))
        code = 1
    except msgspec.MsgspecError as error:
        outbox.send(Failed(code="INTERNAL", reason=f"unreadable spec: {error}", permanent=True))
        code = 1
    except Exception as error:  # noqa: BLE001 - the edge of the process: the parent must hear of it
        outbox.send(LoadFailed("INTERNAL", f"{type(error).__name__}: {error}").event(config))
        code = 1
    outbox.flush()
    sys.stderr.flush()
    os._exit(code)  # without waiting for the client's threads: what matters has been flushed and told


def _run(spec: ProducerSpec | ConsumerSpec, inbox: Inbox, outbox: Outbox) -> None:
    gc.disable()
    if isinstance(spec, ConsumerSpec):
        consume(spec, inbox, outbox)
    else:
        produce(spec, inbox, outbox)


if __name__ == "__main__":
    main()
