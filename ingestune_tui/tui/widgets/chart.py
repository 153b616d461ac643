"""A small chart over plotext. `show(plot)` is all there is to call; showing what is already there costs nothing."""

from __future__ import annotations

from ingestune_tui.tui.widgets.plot import Plot, draw
from ingestune_tui.tui.widgets.rows import Row, Rows


class Chart(Rows):
    """One chart with its y ticks, its labels at the right and, if asked for, its x axis."""

    DEFAULT_CSS = "Chart { height: 1fr; min-height: 2; }"

    def __init__(self, plot: Plot | None = None, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._plot = plot or Plot()

    @property
    def plot(self) -> Plot:
        """What is shown."""
        return self._plot

    def show(self, plot: Plot) -> None:
        """Draw `plot`; nothing happens when it is what is already there."""
        if plot != self._plot:
            self._plot = plot
            self.update_rows()

    def compose_rows(self, width: int, height: int) -> tuple[Row, ...]:
        return draw(self._plot, width, height)
