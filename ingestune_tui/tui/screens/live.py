"""Place: Live."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from ingestune_tui.tui.screens.place import Place


class LiveScreen(Place):
    """Says what to do while there is nothing to show."""

    PLACE = "live"

    def body(self) -> ComposeResult:
        yield Static("Nothing runs yet.\n\n1 goes to the grid, r there runs it.", classes="empty", markup=False)
