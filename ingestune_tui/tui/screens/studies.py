"""Place: Studies."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from ingestune_tui.tui.screens.place import Place


class StudiesScreen(Place):
    """Says what to do while there is nothing to show."""

    PLACE = "studies"

    def body(self) -> ComposeResult:
        yield Static("No study yet.\n\n1 goes to the grid, r there runs it.", classes="empty", markup=False)
