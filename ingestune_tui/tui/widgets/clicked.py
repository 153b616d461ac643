"""Which part of a widget of one row was clicked."""

from __future__ import annotations

from textual.events import Click
from textual.widget import Widget

Spans = list[tuple[int, int, str]]
"""(first column, column after, what stands there) of the content of a row."""


def clicked(widget: Widget, event: Click, spans: Spans) -> str | None:
    """What stands under the mouse; None beside all of it."""
    place = event.get_content_offset(widget)
    if place is None:  # on the padding; (0, 0) is a place, though it counts as false
        return None
    return next((what for left, right, what in spans if left <= place.x < right), None)
