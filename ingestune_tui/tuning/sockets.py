"""Sockets that killed studies left in the runtime directory: found and removed, never one that a process holds.

Called when a study starts and when one is looked for. Whether a socket is held is asked without connecting to it: a
running study would send its whole past to who connects, in the middle of a measurement.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import stat
import time
from pathlib import Path
from typing import Final

_BINDING_S: Final = 60.0
"""A socket's file is there a moment before the system knows who holds it: one so young is left alone."""


def remove_stale_sockets(directory: Path) -> None:
    """Remove every `*.sock` of `directory` that no process holds any more. What cannot be looked at stays."""
    for path in sorted(directory.glob("*.sock")):
        with contextlib.suppress(OSError):  # its owner may remove it at this very moment
            status = path.lstat()
            old = time.time() - status.st_mtime > _BINDING_S
            if stat.S_ISSOCK(status.st_mode) and old and not _is_held(path):
                path.unlink()


def _is_held(path: Path) -> bool:
    """Whether a process has bound it. A datagram cannot be sent to a stream's socket, which only a held one says."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        return probe.connect_ex(str(path)) != errno.ECONNREFUSED
