"""What a person sees when the app itself fails: one sentence, where, and how to go on. Never the values at hand.

Textual's own report prints every local variable, so passwords too. This one prints names and line numbers only.
"""

from __future__ import annotations

import os
import re
import traceback
from pathlib import Path
from typing import Final

from ingestune_tui.errors import IngestuneError

_HIDDEN: Final = "***"
_SECRETS: Final = (
    re.compile(r"(?P<keep>[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s@]+(?=@)", re.IGNORECASE),
    re.compile(
        r"(?P<keep>\b[\w.-]*(?:password|passwd|secret|token|jaas|credential|apikey|api_key|key\.pem)[\w.-]*[\"']?\s*[=:]\s*)"
        r"(?:\"[^\"]*\"|'[^']*'|[^\s,;)}\]]+)",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<keep>-----BEGIN [A-Z ]+-----)[\s\S]*?(?:-----END [A-Z ]+-----|\Z)"),
)


def redact(text: str) -> str:
    """Text without what looks like a secret: passwords in addresses, `password=...`, keys in PEM."""
    for pattern in _SECRETS:
        text = pattern.sub(lambda match: f"{match['keep']}{_HIDDEN}", text)
    return text


def in_words(error: IngestuneError) -> str:
    """What happened, and below it what to do about it; redacted."""
    return redact("\n".join(part for part in (f"{error.title}: {error.what}", error.hint) if part))


def frames(error: BaseException) -> list[str]:
    """Where it happened, outermost first: `screens/grid.py:120 in action_add`. No values."""
    here = Path(__file__).parent.parent
    result = []
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        name = path.relative_to(here) if path.is_relative_to(here) else Path(*path.parts[-2:])
        result.append(f"{name}:{frame.lineno} in {frame.name}")
    return result


def report(error: BaseException) -> str:
    """The whole report that goes to a file: the chain of errors and their frames, redacted."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(f"{type(current).__name__}: {redact(str(current))[:2000]}")
        lines.extend(f"  {frame}" for frame in frames(current))
        current = current.__cause__ or current.__context__
    return "\n".join(lines) + "\n"


def write_report(error: BaseException, directory: Path) -> Path | None:
    """Keep the report where only this user reads it; None when that is not possible."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = directory / f"crash-{os.getpid()}.txt"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(report(error))
    except OSError:
        return None
    return path


def describe(error: BaseException, kept: Path | None) -> str:
    """What the terminal shows after a crash."""
    if isinstance(error, IngestuneError):
        return in_words(error)
    where = next((frame for frame in reversed(frames(error)) if not frame.startswith("textual")), "an unknown place")
    lines = [
        f"The app stopped over a mistake of its own: {type(error).__name__} at {where}.",
        "A study that was running goes on. To see it again: ingestune attach",
    ]
    if kept is not None:
        lines.append(f"What happened, without any value in it: {kept}")
    return "\n".join(lines)
