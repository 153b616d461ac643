"""Where the data of a broker that is thrown away lies: a disk with room, not a small file system kept in memory.

Many systems keep /tmp in memory: a broker that writes gigabytes there takes the memory that it is measured with.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from ingestune_tui.units import about_bytes

_IN_MEMORY = ("tmpfs", "ramfs")
_LARGE = Path("/var/tmp")
"""For temporary files that are large or outlast a restart, by the Filesystem Hierarchy Standard."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for temporary files."""

    folder: Path
    free_bytes: int
    in_memory: bool
    """Its files take memory, not disk."""

    @property
    def trouble(self) -> str:
        """What speaks against it, to go behind its name."""
        kind = ", which is kept in memory," if self.in_memory else ""
        return f"{self.folder}{kind} has {about_bytes(self.free_bytes)} free"


def candidates() -> list[Path]:
    """The system's folder for temporary files, then its larger one; only the person's own, where TMPDIR names it."""
    first = Path(tempfile.gettempdir())
    if os.environ.get("TMPDIR") or not os.access(_LARGE, os.W_OK | os.X_OK):
        return [first]
    return [first, _LARGE]


def look_at(folder: Path) -> Place:
    """Raises OSError where there is no such folder."""
    return Place(folder, shutil.disk_usage(folder).free, _file_system(folder) in _IN_MEMORY)


def choose(places: Sequence[Place], roomy_bytes: int) -> tuple[Place, str]:
    """The first one on a disk with `roomy_bytes` free, else the roomiest, and a sentence where that is remarkable."""
    good = [each for each in places if not each.in_memory and each.free_bytes >= roomy_bytes]
    chosen = good[0] if good else max(places, key=lambda each: each.free_bytes)
    if chosen != places[0]:
        return chosen, f"the broker's data goes to {chosen.folder}: {places[0].trouble}"
    if chosen.in_memory:
        return chosen, f"the broker's data is kept in memory: {chosen.trouble}. TMPDIR names another place"
    return chosen, ""


def _file_system(folder: Path) -> str:
    """Its kind, such as `ext4`; empty where the system does not tell."""
    inside = folder.resolve()
    mounts = [each for each in psutil.disk_partitions(all=True) if inside.is_relative_to(each.mountpoint)]
    return max(mounts, key=lambda each: len(each.mountpoint)).fstype if mounts else ""
