"""`v`: everything the app said in toasts, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from ingestune_tui.tui.state import Said

_MARKS: Final = {"info": ("·", "$quiet"), "warning": ("⚠", "$flag"), "error": ("✗", "$bad")}


class EventsScreen(ModalScreen[None]):
    """The event list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,v,q,enter", "dismiss", "Close", id="events.close"),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, said: list[Said]) -> None:
        super().__init__()
        self._said = said

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog events"):
            yield Static("What was said, newest first", classes="heading", markup=False)
            with VerticalScroll(can_focus=False):
                yield Static(self._lines())
            yield Static("esc closes", classes="quiet", markup=False)

    def _lines(self) -> Content:
        if not self._said:
            return Content("Nothing yet.")
        lines = []
        for said in reversed(self._said):
            mark, style = _MARKS[said.level]
            lines.append(
                Content.assemble((f"{said.at.astimezone():%H:%M:%S} ", "$quiet"), (f"{mark} ", style), said.text)
            )
        return Content("\n").join(lines)

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
