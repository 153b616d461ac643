"""Text from outside without what a terminal would obey: a broker's errors and pulled rows may hold escape sequences.

Called where text becomes rows, cells, the status line and toasts, so that no screen has to think of it.
"""

from __future__ import annotations

import re
from typing import Final

_SEQUENCE: Final = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?")
"""Colours and moves of the cursor (CSI), and what sets titles and clipboards (OSC), to its end."""
_ALONE: Final = dict.fromkeys((*range(32), *range(127, 160)))
_LINES: Final = _ALONE | {ord("\n"): "\n", ord("\t"): " "}
_ONE_LINE: Final = _ALONE | {ord("\n"): " ", ord("\t"): " "}


def plain(text: str) -> str:
    """One line of it; a line's end is a space."""
    return text if text.isprintable() else _SEQUENCE.sub("", text).translate(_ONE_LINE)


def plain_lines(text: str) -> str:
    """The same with its lines kept."""
    return text if text.isprintable() else _SEQUENCE.sub("", text).translate(_LINES)
