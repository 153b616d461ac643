"""The first fixed row: the five places and the key that goes to each."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.style import Style
from textual.widget import Widget

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
        for key, mode, title in PLACES:
            here = mode == self._current
            shown = title if width >= 52 or here else title[:4]
            label = Content.assemble(
                (f"{key} ", "$quiet" if not here else "bold $tuned"),
                (shown, "bold underline $tuned" if here else "$foreground"),
            )
            line += label.stylize(Style.from_meta({"@click": f"app.switch_place('{mode}')"})) + Content("  ")
        help_key = Content.assemble(("? ", "bold $tuned"), ("help", "$quiet"))
        help_key = help_key.stylize(Style.from_meta({"@click": "app.help"}))
        gap = width - line.cell_length - help_key.cell_length
        return line.pad_right(gap) + help_key if gap >= 0 else line.truncate(width)
