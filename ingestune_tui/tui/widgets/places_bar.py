"""The first fixed row: the five places and the key that goes to each."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.events import Click
from textual.widget import Widget

from ingestune_tui.tui.widgets.clicked import Spans, clicked

PLACES: Final = (
    ("1", "grid", "Grid"),
    ("2", "live", "Live"),
    ("3", "leaderboard", "Leaderboard"),
    ("4", "compare", "Compare"),
    ("5", "studies", "Studies"),
)
"""(key, mode of the app, title)."""


class PlacesBar(Widget):
    """The current place stands out by weight and underline, not by colour alone."""

    DEFAULT_CSS = "PlacesBar { height: 1; padding: 0 1; }"

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current = current

    def render(self) -> Content:
        width = self.content_size.width
        line = Content("")
        self._spans: Spans = []
        for key, mode, title in PLACES:
            here = mode == self._current
            shown = title if width >= 52 or here else title[:4]
            label = Content.assemble(
                (f"{key} ", "$quiet" if not here else "bold $tuned"),
                (shown, "bold underline $tuned" if here else "$foreground"),
            )
            self._spans.append((line.cell_length, line.cell_length + label.cell_length, f"switch_place('{mode}')"))
            line += label + Content("  ")
        help_key = Content.assemble(("? ", "bold $tuned"), ("help", "$quiet"))
        gap = width - line.cell_length - help_key.cell_length
        if gap < 0:
            return line.truncate(width)
        self._spans.append((width - help_key.cell_length, width, "help"))
        return line.pad_right(gap) + help_key

    async def on_click(self, event: Click) -> None:
        """A click on a place goes there."""
        action = clicked(self, event, self._spans)
        if action is not None:
            await self.run_action(f"app.{action}")
