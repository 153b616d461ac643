"""The first screen: where to run and what."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from ingestune_tui.tui.screens.place import Place


class StartScreen(Place):
    """Two lists; enter runs."""

    def body(self) -> ComposeResult:
        yield Static("Where and what", classes="empty", markup=False)
