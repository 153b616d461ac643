"""A grid file from disk, with the baseline files it names. The one place that reads them."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ingestune_tui.catalogue import catalogue, dialect
from ingestune_tui.errors import GridError, Problem, UsageError
from ingestune_tui.model.configuration import Setting, canonical_hash
from ingestune_tui.model.grid import MAX_GRID_BYTES, Grid
from ingestune_tui.model.grid_reader import read_draft
from ingestune_tui.model.space import Space, why_unrunnable
from ingestune_tui.model.workload import Workload


@dataclass(frozen=True, slots=True)
class GridFile:
    """A grid as it was read."""

    path: Path
    text: str
    """As it stands in the file, comments included."""
    grid: Grid
    """With the settings of its baseline files filled in."""
    notes: tuple[str, ...]
    """What was left out of a baseline file, and why."""
    hash: str
    """Of everything that decides what is run: equal for files that differ in comments, title and layout only."""


def load_grid(path: Path) -> GridFile:
    """Read and check. Raises UsageError when there is no such file, GridError with every problem."""
    return resolve(_read(path), path)


def resolve(text: str, path: Path) -> GridFile:
    """A grid's text as if it stood in `path`: baseline files are looked for beside it."""
    grid, wrong = read_draft(text, str(path))
    settings = list(grid.baseline.settings)
    notes: list[str] = []
    problems = list(wrong)
    client = grid.workloads[0].client
    for scope, name in grid.baseline.files:
        file = path.parent / os.path.expanduser(name)
        where = f"baseline.{scope.value}"
        try:
            text_of_file = _at_most(file)
            if text_of_file is None:
                problems.append(Problem(where, f"{file} is larger than 1 MB"))
                continue
            whose = catalogue.client_of(scope, client)
            found, said = dialect.baseline_settings(text_of_file.decode("utf-8-sig"), scope, whose)
        except OSError as problem:
            reason = f"{file} cannot be read: {problem.strerror or problem}"
            problems.append(Problem(where, reason, "paths are relative to the grid's file"))
            continue
        except UnicodeDecodeError as problem:
            problems.append(Problem(where, f"{file} is not UTF-8 text (byte {problem.start})", "save it as UTF-8"))
            continue
        except ValueError as problem:
            problems.append(Problem(where, f"{file}: {problem}"))
            continue
        settings += [Setting(scope, key, value) for key, value in found.items()]
        notes += [f"{file.name}: {note}" for note in said]
    notes += _overruled(grid, settings)
    if reason := _no_payload(grid.workloads[0], path.parent):
        problems.append(Problem("workload.payload", reason, "paths are relative to the grid's file"))
    if problems:
        raise GridError(tuple(problems), str(path))
    resolved = msgspec.structs.replace(
        grid, baseline=msgspec.structs.replace(grid.baseline, files=(), settings=tuple(settings))
    )
    named = msgspec.structs.replace(
        resolved, baseline=msgspec.structs.replace(resolved.baseline, files=grid.baseline.files)
    )
    return GridFile(path, text, named, tuple(notes), grid_hash(resolved))


def _overruled(grid: Grid, baseline: Sequence[Setting]) -> list[str]:
    """The baseline's settings that the grid pins to another value."""
    pinned = {(each.scope, each.name): each.levels[0] for each in grid.active if each.pinned}
    return [
        f"baseline {own.name}={own.value} is not used: the grid's one value, {pinned[key]}, holds for the baseline too"
        for own in baseline
        if (key := (own.scope, own.name)) in pinned and pinned[key] != own.value
    ]


def refuse_unrunnable(grid_file: GridFile, spaces: Sequence[Space]) -> None:
    """Raises GridError with the reasons where none of the grid's workloads, expanded to `spaces`, can be run."""
    reasons = [why_unrunnable(space) for space in spaces]
    if all(reasons):
        problems = tuple(Problem("", reason) for reason in dict.fromkeys(reasons))
        raise GridError(problems, str(grid_file.path))


def grid_hash(grid: Grid) -> str:
    """sha256 of what the grid asks for; its title plays no part."""
    return canonical_hash(msgspec.to_builtins(msgspec.structs.replace(grid, title="")))


def payload_fingerprint(workload: Workload, base: Path) -> str:
    """What is sent, so that cached results of another content are not taken: the kind, or a file's sha256."""
    if not workload.payload.startswith("file:"):
        return workload.payload
    path = payload_path(workload, base)
    try:
        with path.open("rb") as file:
            return "file:" + hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        where = "workload.payload"
        reason = f"{path} cannot be read: {problem.strerror}"
        raise GridError((Problem(where, reason, "paths are relative to the grid's file"),)) from problem


def payload_path(workload: Workload, base: Path) -> Path:
    """The file of a `file:` payload; relative paths start at the grid's directory."""
    return base / os.path.expanduser(workload.payload.removeprefix("file:"))


def _no_payload(workload: Workload, base: Path) -> str:
    """Why the payload's file cannot be read; empty when it can, or when there is none."""
    if not workload.payload.startswith("file:"):
        return ""
    file = payload_path(workload, base)
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return f"{file} is no ordinary file"
        return "" if os.access(file, os.R_OK) else f"{file} cannot be read: Permission denied"
    except OSError as problem:
        return f"{file} cannot be read: {problem.strerror}"


def for_children(workload: Workload, base: Path) -> Workload:
    """The workload as a load child is told it: a payload file by its whole path, since a child knows no grid."""
    if not workload.payload.startswith("file:"):
        return workload
    return msgspec.structs.replace(workload, payload=f"file:{payload_path(workload, base).absolute()}")


def _read(path: Path) -> str:
    try:
        content = _at_most(path)
        if content is None:
            raise GridError((Problem("", "the file is larger than 1 MB", "a grid is a few dozen lines"),), str(path))
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise GridError(
            (Problem("", f"not UTF-8 text (byte {problem.start})", "save it as UTF-8"),), str(path)
        ) from problem
    except OSError as problem:
        raise UsageError(f"{path} cannot be read: {problem.strerror}") from problem


def _at_most(path: Path) -> bytes | None:
    """A file's content, or None when it is larger than a grid may be; a pipe or a device is read no further either."""
    with path.open("rb") as file:
        content = file.read(MAX_GRID_BYTES + 1)
    return content if len(content) <= MAX_GRID_BYTES else None
