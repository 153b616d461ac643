"""What kind of terminal this is, and how text gets onto the person's clipboard from it."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Final

from ingestune_tui.errors import NeedsTerminal

_MOST_CLIPBOARD_BYTES: Final = 74_000
"""What terminals accept in one OSC 52 sequence; longer ones are dropped silently by many."""
_TMUX_WAIT_S: Final = 3.0
"""How long a key may take while tmux is handed the text."""


def require_terminal() -> None:
    """Raises NeedsTerminal unless keyboard and screen are a terminal."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
        raise NeedsTerminal(
            "standard input and output are not a terminal",
            "Without one: ingestune run GRID --cluster ...",
        )
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise NeedsTerminal(
            f"the terminal calls itself {os.environ.get('TERM') or 'nothing'} and cannot place text",
            "Set TERM, for example to xterm-256color; or use: ingestune run GRID --cluster ...",
        )


def size() -> tuple[int, int] | None:
    """Columns and rows of the terminal, as the system knows them now; None where it does not."""
    try:
        columns, rows = os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ is not None else -1)
    except (ValueError, OSError):  # closed, or no terminal
        return None
    return (columns, rows) if columns and rows else None


def over_ssh(environment: Mapping[str, str] = os.environ) -> bool:
    """True when the screen is at the other end of an SSH line."""
    return bool(environment.get("SSH_CONNECTION") or environment.get("SSH_TTY") or environment.get("SSH_CLIENT"))


def refresh_hz(wanted: float | None, environment: Mapping[str, str] = os.environ) -> float:
    """Redraws a second: what was asked for, else 2, or 1 over SSH."""
    return wanted if wanted is not None else 1.0 if over_ssh(environment) else 2.0


def few_colours(environment: Mapping[str, str] = os.environ) -> bool:
    """True for terminals of sixteen colours or fewer, and where NO_COLOR asks for none."""
    if "NO_COLOR" in environment:
        return True
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return False
    term = environment.get("TERM", "")
    return not any(name in term for name in ("256color", "kitty", "alacritty", "ghostty", "wezterm", "direct", "foot"))


def copy(text: str, write: Callable[[str], None], environment: Mapping[str, str] = os.environ) -> str:
    """Put `text` on the clipboard of the terminal; returns in a few words how, for a toast.

    OSC 52 reaches the person's own machine through SSH. Inside tmux the text goes to tmux, which passes it on (`-w`).
    """
    data = text.encode()
    if len(data) > _MOST_CLIPBOARD_BYTES:
        return f"not copied: {len(data)} bytes are more than a terminal takes; write a file instead"
    if environment.get("TMUX") and (tmux := shutil.which("tmux")):
        try:
            command = [tmux, "load-buffer", "-w", "-"]
            done = subprocess.run(command, input=data, capture_output=True, timeout=_TMUX_WAIT_S, check=False)
        except (OSError, subprocess.TimeoutExpired):
            taken = False  # tmux hangs or cannot be started; the terminal itself may still take the text
        else:
            taken = done.returncode == 0
        if taken:
            return "copied, through tmux"
    write(f"\x1b]52;c;{base64.b64encode(data).decode('ascii')}\a")
    return "copied, if the terminal allows it (OSC 52)"
