"""The two pipes of a load child: commands in, events out. Neither ever holds up the sending thread.

A reader thread takes commands as they come and ends the process the moment stdin closes, so that no child outlives
its study. Events are written without blocking: what a slow parent has not read yet waits here, samples first to go.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from ingestune_tui.bench.protocol import Command, Event, Stop, decode_command, encode_line
from ingestune_tui.model.sample import Sample

MAX_WAITING_BYTES: Final = 256 * 1024
"""Above this, samples are dropped rather than kept for a parent that does not read."""

FLUSH_S: Final = 5.0
"""How long a child that ends waits for its parent to read the last events."""


class Inbox:
    """The lines of stdin: the spec, then commands."""

    def __init__(self, descriptor: int = 0, end: Callable[[int], object] = os._exit) -> None:
        self._descriptor = descriptor
        self._end = end
        self._rest = b""
        self.commands: deque[Command] = deque()
        """What has come and was not taken yet; its truth value is the cheapest question a sending loop can ask."""
        self.stopped = False
        """Stop has come: a loop ends at once and nothing more is taken."""
        self.arrived = threading.Event()

    def line(self) -> bytes | None:
        """The next line without its end, blocking; None once stdin is closed."""
        while b"\n" not in self._rest:
            piece = os.read(self._descriptor, 65536)
            if not piece:
                return None
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def listen(self) -> None:
        """Start the reader thread. From here on a closed stdin ends the process."""
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    def _read(self) -> None:
        while (line := self.line()) is not None:
            if not line.strip():
                continue
            try:
                command = decode_command(line)
            except msgspec.MsgspecError:
                self._end(2)
                return
            if isinstance(command, Stop):
                self.stopped = True
            self.commands.append(command)
            self.arrived.set()
        self._end(1)


class Outbox:
    """Event lines towards stdout, written as far as the pipe takes them."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._waiting = bytearray()
        os.set_blocking(descriptor, False)

    def send(self, event: Event) -> None:
        """Queue one event and write what fits. A sample is dropped when the parent is far behind."""
        if isinstance(event, Sample) and len(self._waiting) > MAX_WAITING_BYTES:
            return
        self._waiting += encode_line(event)
        self._waiting += b"\n"
        self.push()

    def push(self) -> None:
        """Write without blocking."""
        try:
            while self._waiting:
                written = os.write(self._descriptor, self._waiting[:65536])
                del self._waiting[:written]
        except BlockingIOError:
            return
        except BrokenPipeError:
            os._exit(1)

    def flush(self) -> None:
        """Write everything, waiting up to FLUSH_S for the parent to read."""
        until = time.monotonic() + FLUSH_S
        self.push()
        while self._waiting and (left := until - time.monotonic()) > 0:
            select.select([], [self._descriptor], [], left)
            self.push()
