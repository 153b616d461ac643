"""A path as the person types it, letter by letter: half of one may name nobody, or a place that may not be looked into.

The dialogs and inputs that take a path ask here; nothing is written.
"""

from __future__ import annotations

from pathlib import Path


def typed_path(typed: str) -> Path:
    """The path, with `~` and `~somebody` replaced. Raises OSError when there is no such home directory."""
    path = Path(typed.strip())
    try:
        return path.expanduser()
    except RuntimeError as problem:
        raise OSError(f"{path.parts[0]} is nobody's home directory") from problem


def why_unusable(problem: OSError) -> str:
    """Why the system refuses a path, in a few words: `permission denied`."""
    reason = problem.strerror or str(problem)
    return reason[:1].lower() + reason[1:]
