"""Rows of styled text that someone else composed; as many rows as were given."""

from __future__ import annotations

from ingestune_tui.tui.widgets.rows import Row, Rows


class TextRows(Rows):
    """Draws the rows it is given, repainting only what differs."""

    DEFAULT_CSS = "TextRows { height: 0; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._given: tuple[Row, ...] = ()

    def show(self, rows: tuple[Row, ...]) -> None:
        """Take new rows."""
        if rows != self._given:
            self._given = rows
            self.styles.height = len(rows)
            self.update_rows()

    def compose_rows(self, width: int, height: int) -> tuple[Row, ...]:
        return self._given
