"""The person's own editor on a text: $VISUAL, else $EDITOR, else vi or nano. Blocks until it ends."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from ingestune_tui.errors import UsageError


def edit(text: str, name: str) -> str:
    """The text as the editor left it. Raises UsageError when there is no editor or it failed."""
    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR") or shutil.which("vi") or shutil.which("nano")
    if not wanted:
        raise UsageError("no text editor was found", "Set EDITOR to one.")
    with tempfile.TemporaryDirectory(prefix="ingestune-") as folder:
        path = Path(folder) / Path(name).name
        path.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(wanted), str(path)], check=False)
        except (OSError, ValueError) as problem:
            raise UsageError(f"the editor {wanted!r} could not be started: {problem}", "Set EDITOR.") from problem
        if done.returncode != 0:
            raise UsageError(f"the editor ended with code {done.returncode}, so the grid stays as it was")
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise UsageError("what the editor left cannot be read, so the grid stays as it was") from problem
