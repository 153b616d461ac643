"""Writes a result into a file, whole or not at all, readable by this person only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ingestune_tui.errors import ExportError


def write_text(path: Path, text: str) -> None:
    """Put `text` where `path` is, replacing what was there only when all of it is on the disk. Raises ExportError."""
    path = path.expanduser()
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as problem:
        raise ExportError(f"{path} cannot be written: {problem.strerror}", "Choose another place.") from problem
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as problem:
        Path(temporary).unlink(missing_ok=True)
        raise ExportError(f"{path} cannot be written: {problem.strerror}", "Choose another place.") from problem
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
