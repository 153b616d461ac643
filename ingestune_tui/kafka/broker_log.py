"""Why a broker of ours ended: its own last error, read from the two files it wrote. Pure reading."""

from __future__ import annotations

import re
from pathlib import Path

_TAIL_BYTES = 256 * 1024
_ENTRY = re.compile(r"^\d\d:\d\d:\d\d\.\d{3} (?P<level>ERROR|FATAL|WARN|INFO) (?P<where>[^:]*): (?P<text>.*)$")
_CONSOLE = re.compile(r"(Exception|Error)\b|^Error|^Unrecognized|^Invalid|insufficient memory", re.IGNORECASE)


def last_error(node_log: Path, console_log: Path) -> str:
    """One or two sentences in the broker's words, at most 500 characters; empty if it said nothing."""
    return (_from_node_log(_tail(node_log)) or _from_console(_tail(console_log)))[:500]


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _from_node_log(lines: list[str]) -> str:
    """The last ERROR with the innermost cause below it."""
    error = cause = ""
    collecting = False
    for line in lines:
        if entry := _ENTRY.match(line):
            collecting = entry["level"] in ("ERROR", "FATAL")
            if collecting:
                error, cause = entry["text"], ""
        elif collecting and line.startswith("Caused by: "):
            cause = line.removeprefix("Caused by: ")
        elif collecting and not cause and line and not line.startswith(("\t", " ")):
            cause = line
    return f"{error} ({_plain(cause)})" if cause and _plain(cause) not in error else error


def _from_console(lines: list[str]) -> str:
    words = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith(("at ", "WARNING:"))]
    telling = [line for line in words if _CONSOLE.search(line)]
    return _plain((telling or words or [""])[-1].removeprefix("Caused by: "))


def _plain(text: str) -> str:
    """Without the package in front of an exception's name."""
    return re.sub(r"\b(?:[a-z_][\w$]*\.)+(?=[A-Z])", "", text)
