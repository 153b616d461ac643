"""Place: Compare."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from ingestune_tui.tui.screens.place import Place


class CompareScreen(Place):
    """Says what to do while there is nothing to show."""

    PLACE = "compare"

    def body(self) -> ComposeResult:
        yield Static(
            "Nothing to compare yet.\n\nThe two plots come with the first finished workload.",
            classes="empty",
            markup=False,
        )
