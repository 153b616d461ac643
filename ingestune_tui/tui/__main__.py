"""The app without the command line around it, for trying screens: `python -m ingestune_tui.tui [GRID]`."""

from __future__ import annotations

import sys
from pathlib import Path

from ingestune_tui import settings
from ingestune_tui.tui.app import run_app

if __name__ == "__main__":
    sys.exit(run_app(settings.load(), Path(sys.argv[1]) if sys.argv[1:] else None))
