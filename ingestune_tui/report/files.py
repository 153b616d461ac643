"""Writes a result into a file, whole or not at all, readable by this person only."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from ingestune_tui.errors import ExportError

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


def write_text(path: Path, text: str) -> None:
    """Put `text` where `path` is, replacing what was there only when all of it is on the disk. Raises ExportError."""
    _write(path.expanduser(), text, os.replace)


def write_new_text(path: Path, text: str) -> None:
    """The same for a file that is not there yet; one that appears in the meantime is kept. Raises ExportError."""
    _write(path.expanduser(), text, _place_new)


def _write(path: Path, text: str, place: Callable[[str, Path], None]) -> None:
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    except OSError as problem:
        raise _unwritable(path, problem) from problem
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        place(temporary, path)
    except FileExistsError as problem:
        raise ExportError(f"{path} exists", "--force replaces it.") from problem
    except OSError as problem:
        raise _unwritable(path, problem) from problem
    finally:
        Path(temporary).unlink(missing_ok=True)


def _place_new(temporary: str, path: Path) -> None:
    """A link never replaces; where the file system knows none, an empty file of ours holds the place first."""
    try:
        os.link(temporary, path)
    except OSError as problem:
        if problem.errno not in _NO_LINKS:
            raise
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.replace(temporary, path)


def _unwritable(path: Path, problem: OSError) -> ExportError:
    return ExportError(f"{path} cannot be written: {problem.strerror}", "Choose another place.")
