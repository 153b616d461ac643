"""Place: Grid, the editor."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from ingestune_tui.tui.screens.place import Place


class GridScreen(Place):
    """The rows of the grid."""

    PLACE = "grid"

    def body(self) -> ComposeResult:
        yield Static("No grid yet.\n\no opens one.", classes="empty", markup=False)
