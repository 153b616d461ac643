"""Place: Leaderboard."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from ingestune_tui.tui.screens.place import Place


class LeaderboardScreen(Place):
    """Says what to do while there is nothing to show."""

    PLACE = "leaderboard"

    def body(self) -> ComposeResult:
        yield Static("No trial yet.\n\nRun a grid, or open a study from 5.", classes="empty", markup=False)
