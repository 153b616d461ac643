"""A real terminal of 80x24 with a shell in it, held by tmux: keys go in, and the screen is read back as text.

Each one has a tmux server of its own. Whatever is waited for has a deadline; a miss shows the whole screen.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

_LOOK_S = 0.1


class Terminal:
    """One tmux session; made by `terminal`."""

    def __init__(self, tmux: str, name: str, environment: Mapping[str, str]) -> None:
        self._command = [tmux, "-L", name, "-f", os.devnull, "-u"]
        self._environment = dict(environment)

    def tmux(self, *arguments: str) -> str:
        """One tmux command; returns what it printed."""
        done = subprocess.run(
            [*self._command, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        assert done.returncode == 0, f"tmux {arguments[0]}: {done.stderr}"
        return done.stdout

    def screen(self) -> str:
        """The screen as plain text, a line per row."""
        return self.tmux("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Keys by tmux's names for them: `Enter`, `Down`, `C-s`, or a letter.

        A key that is bound to something may be taken after letters that were typed behind it: wait for what it does.
        """
        self.tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Text, letter by letter as it is."""
        self.tmux("send-keys", "-l", text)

    def until(self, pattern: str, within_s: float = 10.0) -> str:
        """The first screen that a regular expression is found on."""
        return self.when(lambda text: re.search(pattern, text) is not None, pattern, within_s)

    def when(self, wanted: Callable[[str], bool], what: str, within_s: float = 10.0) -> str:
        """The first screen that is wanted; an AssertionError with the last one when none comes in time."""
        deadline = time.monotonic() + within_s
        while not wanted(text := self.screen()):
            assert time.monotonic() < deadline, f"no {what!r} within {within_s:g} s; the screen is\n{text}"
            time.sleep(_LOOK_S)
        return text


@contextmanager
def terminal(environment: Mapping[str, str], folder: Path, size: tuple[int, int] = (80, 24)) -> Iterator[Terminal]:
    """A shell in `folder`, ended with everything that still sits in its terminal.

    Skips where there is no tmux; with CI=true that fails instead.
    """
    tmux = shutil.which("tmux")
    if tmux is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no tmux here, and CI skips no test in a real terminal")
        pytest.skip("no tmux here")
    plain = {name: value for name, value in environment.items() if name not in ("TMUX", "TMUX_PANE", "NO_COLOR")}
    held = Terminal(tmux, f"ingestune-{os.getpid()}-{os.urandom(3).hex()}", plain | {"LC_ALL": "C.UTF-8"})
    width, height = (str(each) for each in size)
    try:
        shell = "exec env TERM=screen-256color sh"
        held.tmux("new-session", "-d", "-x", width, "-y", height, "-c", str(folder), shell)
        held.until(r"^[$#]")
        yield held
    finally:
        subprocess.run([*held._command, "kill-server"], env=held._environment, capture_output=True, check=False)
