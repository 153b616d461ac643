"""Where the files of ingestune's own brokers live, whose they are, and the reaping of what a killed run left behind.

A process is only ever ended if it is provably ours: its id and start time are those its supervisor wrote down, and
its command line names the very folder that the record lies in.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from ingestune_tui.errors import LocalBrokerError
from ingestune_tui.kafka.temporary_place import candidates, choose, look_at

_OWNER = "owner.json"
JVM_RECORD = "jvm.json"
_CLOCK_SLACK_S = 5.0
_FOREIGN_AGE_S = 3600.0


def temporary_home(roomy_bytes: int = 0, say: Callable[[str], None] = lambda _: None) -> Path:
    """A new private folder for one cluster; stale ones of this user are reaped first.

    It lies where `roomy_bytes` are free, if there is such a place; `say` is told where that is not the usual one.
    """
    try:
        for folder in candidates():
            if _is_private(old := folder / _root_name()):
                reap_stale(old)
        place, remark = choose([look_at(folder) for folder in candidates()], roomy_bytes)
        root = place.folder / _root_name()
        root.mkdir(mode=0o700, exist_ok=True)
        if not _is_private(root):
            raise LocalBrokerError(f"{root} is not a private folder of yours.", "Remove it, or set TMPDIR.")
        home = Path(tempfile.mkdtemp(prefix="kafka-", dir=root))
    except OSError as problem:
        raise LocalBrokerError(
            f"No temporary folder for the broker: {problem}.", "Set TMPDIR, or give --data-dir."
        ) from problem
    if remark:
        say(remark)
    _claim(home)
    return home


def kept_home(data_dir: Path) -> Path:
    """`data_dir`, claimed for this process. Raises LocalBrokerError if it is in use or holds anything else."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        owned = (data_dir / _OWNER).exists()
        if not owned and any(data_dir.iterdir()):
            raise LocalBrokerError(
                f"{data_dir} holds files that are not of an ingestune broker.", "Give --data-dir an empty folder."
            )
        if owned and _is_owned_by_someone_alive(data_dir):
            raise LocalBrokerError(
                f"A broker that is running uses {data_dir}.", "End it first, or give another --data-dir."
            )
        kill_processes(data_dir)
        _claim(data_dir)
    except OSError as error:
        raise LocalBrokerError(
            f"{data_dir} cannot be used for the broker's data: {error.strerror}.", "Give another --data-dir."
        ) from error
    return data_dir


def release(home: Path) -> None:
    """Give a kept folder up, for whoever comes next."""
    with contextlib.suppress(OSError):
        (home / _OWNER).write_text("{}", encoding="utf-8")


def reap_stale(root: Path) -> None:
    """End the brokers and remove the folders under `root` whose owner is gone."""
    for home in root.glob("kafka-*"):
        if not (home / _OWNER).exists():
            # Between mkdtemp and the claim of a start that runs right now, or damaged.
            with contextlib.suppress(OSError):
                if time.time() - home.stat().st_mtime > _FOREIGN_AGE_S:
                    shutil.rmtree(home, ignore_errors=True)
        elif not _is_owned_by_someone_alive(home):
            kill_processes(home)
            shutil.rmtree(home, ignore_errors=True)


def _root_name() -> str:
    return f"ingestune-kafka-{os.getuid()}"


def _is_private(root: Path) -> bool:
    """Whether it is there, and nobody else could have put anything in it."""
    try:
        state = root.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & 0o022


def _claim(home: Path) -> None:
    record = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    new = home / f"{_OWNER}.new"
    new.write_text(json.dumps(record), encoding="utf-8")
    new.replace(home / _OWNER)


def _is_owned_by_someone_alive(home: Path) -> bool:
    return _recorded_process(home / _OWNER) is not None


def _recorded_process(record: Path) -> psutil.Process | None:
    """The running process that `record` speaks of, or None: an id that was given to another one does not count."""
    try:
        said: Any = json.loads(record.read_text(encoding="utf-8"))
        process = psutil.Process(int(said["pid"]))
        same = abs(process.create_time() - float(said["started"])) < _CLOCK_SLACK_S
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None


def kill_processes(home: Path) -> None:
    """Kill the brokers whose data is in `home`, and wait until they are gone."""
    for record in home.glob(f"*/{JVM_RECORD}"):
        process = _recorded_process(record)
        if process is None:
            continue
        with contextlib.suppress(psutil.Error):
            if any(str(record.parent) in word for word in process.cmdline()):
                process.kill()
                process.wait(10)
