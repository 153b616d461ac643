"""Whether the process that owns a study still lives.

On this host a process is told by its pid and the moment it started, whatever the host is called by now. Another host's
process cannot be seen: it counts as living until its study has not changed for a day, which no running study does.
"""

from __future__ import annotations

import os
import socket
from typing import Final

import msgspec
import psutil

from ingestune_tui.model.study import Owner, Study

SILENT_S: Final = 24 * 3600.0
_START_TOLERANCE_S: Final = 2.0


def this_process(unix_socket: str = "") -> Owner:
    """The owner that this process is."""
    return Owner(
        host=socket.gethostname(),
        pid=os.getpid(),
        process_started_at=psutil.Process().create_time(),
        socket=unix_socket,
    )


def lives(owner: Owner, silent_s: float) -> bool:
    """False when the owner is surely gone; `silent_s` is how long ago its study last changed."""
    return _runs_here(owner) or (not is_here(owner) and silent_s < SILENT_S)


def as_it_stands(study: Study, how_to_go_on: str) -> Study:
    """A study whose process went without a word is interrupted, whatever its row says. Another host's is believed.

    `how_to_go_on` names what resumes it, there where the study is shown.
    """
    if study.state not in ("running", "paused") or (study.owner is not None and lives(study.owner, 0.0)):
        return study
    message = f"its process ended without a word; {how_to_go_on} goes on with it"
    return msgspec.structs.replace(study, state="interrupted", owner=None, message=message)


def other_host(study: Study, *, pulled: bool) -> str:
    """The host that alone can go on with a study as it stands; empty where this one can."""
    if pulled:
        return study.host or "another computer"
    owner = study.owner
    return owner.host if owner is not None and not is_here(owner) and not _runs_here(owner) else ""


def is_here(owner: Owner) -> bool:
    """Whether its host is the one this is, by name."""
    return owner.host == socket.gethostname()


def _runs_here(owner: Owner) -> bool:
    """Whether that very process runs on this host."""
    try:
        process = psutil.Process(owner.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return bool(abs(process.create_time() - owner.process_started_at) < _START_TOLERANCE_S)
    except psutil.AccessDenied:
        return is_here(owner)
    except psutil.NoSuchProcess:
        return False
