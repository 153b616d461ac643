"""What the five places have in common: two rows on top, one below, and a body that is drawn from the state.

A place overrides `body()` and `refresh_from(state)`. The app calls `refresh_from` only for the screen in front: at
once after a key, and at the refresh rate while events stream in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import DescendantFocus
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from ingestune_tui.tui.editing import Editing
from ingestune_tui.tui.status import Part, status_parts
from ingestune_tui.tui.widgets.key_footer import KeyFooter
from ingestune_tui.tui.widgets.places_bar import PlacesBar
from ingestune_tui.tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from ingestune_tui.tui.state import AppState


class Place(Screen[None]):
    """One of the five places, or a screen that looks like one (a trial)."""

    PLACE: ClassVar[str] = ""
    """Its mode in the app, marked on the places bar."""
    HELP: ClassVar[str] = ""
    """What this screen is for, in a sentence or two, shown by `?`."""

    _focused_last: Widget | None = None

    @property
    def ingestune(self) -> Editing:
        """The app, as far as its screens ask something of it; the app itself knows what a place is."""
        assert isinstance(self.app, Editing)
        return self.app

    def compose(self) -> ComposeResult:
        yield from self.head()
        with Vertical(id="body"):
            yield from self.body()
        yield Static("", id="too-small", markup=False)
        yield KeyFooter()

    def head(self) -> ComposeResult:
        """The fixed rows on top."""
        yield PlacesBar(self.PLACE)
        yield StatusLine()

    def body(self) -> ComposeResult:
        """The widgets between the fixed rows."""
        yield from ()

    def refresh_from(self, state: AppState) -> None:
        """Bring the body up to date with the state; called often, so change only what differs."""

    def status(self, state: AppState) -> list[Part]:
        """What the status line says: the study if there is one, else the grid."""
        return status_parts(state)

    @property
    def half_typed(self) -> bool:
        """True while something was typed that the state does not know of yet."""
        return False

    def redraw(self) -> None:
        """The fixed rows and the body, from the app's state as it is now."""
        if self.is_attached and self.is_mounted:
            state = self.ingestune.state
            for line in self.query(StatusLine):
                line.show_parts(self.status(state))
            self.refresh_from(state)
            for footer in self.query(KeyFooter):
                footer.follow()

    def on_screen_resume(self) -> None:
        """In front again: catch up with what happened meanwhile."""
        self.redraw()

    def on_resize(self) -> None:
        """Below 60x16 a notice takes the place of the body; else what depends on the width is drawn anew."""
        size = self.app.size
        self.query_one("#too-small", Static).update(
            f"{size.width}x{size.height} is too small.\nMake it 60x16 or larger.\nThe study goes on."
        )
        self.call_after_refresh(self.redraw)
        self.call_after_refresh(self._focus_again)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Kept in mind: a body that gives way to the notice loses its focus."""
        self._focused_last = event.widget

    def _focus_again(self) -> None:
        if self.focused is None and self._focused_last in self.focus_chain:
            self.set_focus(self._focused_last)
