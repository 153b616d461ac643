"""Rows of styled text that someone else composed; as many rows as were given."""

from __future__ import annotations

from textual.geometry import Size

from ingestune_tui.tui.widgets.rows import Row, Rows


class TextRows(Rows):
    """Draws the rows it is given, repainting only what differs."""

    DEFAULT_CSS = "TextRows { height: auto; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._given: tuple[Row, ...] = ()

    def show(self, rows: tuple[Row, ...]) -> None:
        """Take new rows."""
        if rows == self._given:
            return
        resized = len(rows) != len(self._given)
        self._given = rows
        if resized:
            self.refresh(layout=True)
        self.update_rows()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._given)

    def compose_rows(self, width: int, height: int) -> tuple[Row, ...]:
        return self._given
