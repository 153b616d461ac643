"""The second fixed row: where the study stands, fitted to the width."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from ingestune_tui.tui.plain import plain
from ingestune_tui.tui.status import Part, fit


class StatusLine(Widget):
    """Draws the parts it is given; drops the least important first when narrow."""

    DEFAULT_CSS = "StatusLine { height: 1; padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[Part] = []

    def show_parts(self, parts: list[Part]) -> None:
        """Take a new line; nothing is drawn when it says the same."""
        if parts != self._parts:
            self._parts = parts
            self.refresh()

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def render(self) -> Content:
        pieces: list[tuple[str, str]] = []
        for number, part in enumerate(fit(self._parts, self.content_size.width)):
            if number:
                pieces.append((" │ ", "$rule"))
            weight = "bold " if part.kind in ("phase", "problem") else ""
            pieces.append((plain(part.text), f"{weight}{part.style or '$foreground'}"))
        return Content.assemble(*pieces).truncate(self.content_size.width, ellipsis=True)
