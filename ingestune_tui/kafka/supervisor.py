"""Holds one JVM and ends it when our own parent goes away: a JVM does not notice that by itself.

Run as a script with nothing but the standard library, so it starts fast: `supervisor.py --record FILE --log FILE
--grace SECONDS [--remove DIR] -- COMMAND...`. It ends the JVM (SIGTERM, SIGKILL after the grace) when its stdin closes
or on SIGTERM; if stdin closed without the word `keep`, the parent died and DIR is removed too, and with the last node's
the folder around it.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Run the command after `--` and return its exit code (128 + signal if one ended it)."""
    options, command = _parse(arguments)
    wake_read, wake_write = os.pipe()
    for end in (wake_read, wake_write):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake_write)
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: asked.append(number))
    signal.signal(signal.SIGCHLD, lambda number, frame: None)

    with open(options.log, "ab", buffering=0) as log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent()
        )
    _record(options.record, child.pid)
    print(child.pid, flush=True)

    said = b""
    orphaned = False
    while child.poll() is None and not asked and not orphaned:
        ready, _, _ = select.select([0, wake_read], [], [])
        if wake_read in ready:
            os.read(wake_read, 4096)
        if 0 in ready:
            words = os.read(0, 4096)
            said += words
            orphaned = not words
    if orphaned and b"keep" not in said and options.remove:
        _end(child, 0)  # nobody will read its data again
        _remove(options.remove)
    else:
        _end(child, options.grace)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(prog="supervisor")
    parser.add_argument("--record", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--grace", type=float, required=True)
    parser.add_argument("--remove", default="")
    split = arguments.index("--")
    return parser.parse_args(arguments[:split]), arguments[split + 1 :]


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux the kernel itself kills the JVM if this supervisor is killed; elsewhere the next start reaps it."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    us = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != us:
            os.kill(os.getpid(), signal.SIGKILL)

    return in_child


def _record(path: str, pid: int) -> None:
    """Who it is and when it started: what the next start needs to prove that a process is ours."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump({"pid": pid, "started": time.time()}, file)
    os.replace(path + ".new", path)


def _remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    around = os.path.dirname(folder)
    with contextlib.suppress(OSError):
        if not any(entry.is_dir() for entry in os.scandir(around)):
            shutil.rmtree(around, ignore_errors=True)


def _end(child: subprocess.Popen[bytes], grace_s: float) -> None:
    if child.poll() is not None:
        return
    try:
        if grace_s:
            child.send_signal(signal.SIGTERM)
        child.wait(grace_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
