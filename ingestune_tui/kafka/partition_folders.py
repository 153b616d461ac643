"""What the partition folders of a broker's data directory take, and which topics they belong to.

Kafka names them `TOPIC-NUMBER`, and `TOPIC-NUMBER.ID-delete` from a topic's deletion until its files are gone.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path


def allocated_bytes(data_dirs: Iterable[Path]) -> int:
    """Disk taken by all partition folders, those being deleted included."""
    return sum(_allocated_bytes(entry) for data in data_dirs for entry in _entries(data) if _is_partition(entry.name))


def holds_topic(data_dirs: Iterable[Path], topic: str) -> bool:
    """Whether any folder of `topic` is left, be it one that is being deleted."""
    return any(
        entry.name.startswith(f"{topic}-") and _is_partition_of(entry.name, topic)
        for data in data_dirs
        for entry in _entries(data)
    )


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return [entry for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _is_partition(name: str) -> bool:
    topic, _, rest = name.removesuffix("-delete").rpartition("-")
    return bool(topic) and (name.endswith("-delete") or rest.isdigit())


def _is_partition_of(name: str, topic: str) -> bool:
    rest = name[len(topic) + 1 :]
    return rest.isdigit() or (rest.partition(".")[0].isdigit() and name.endswith("-delete"))


def _allocated_bytes(folder: os.DirEntry[str]) -> int:
    """What the files really take: Kafka's index files are longer than their blocks."""
    total = 0
    with contextlib.suppress(FileNotFoundError):  # deleted while we look
        for file in os.scandir(folder):
            with contextlib.suppress(FileNotFoundError):
                total += file.stat(follow_symlinks=False).st_blocks * 512
    return total
