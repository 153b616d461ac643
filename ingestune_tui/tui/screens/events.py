"""`v`: everything the app said in toasts and what the study on the screens told, newest first."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from ingestune_tui.tui.state import Said

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestune_tui.tui.study_view import Told

_UNKNOWN: Final = datetime.min.replace(tzinfo=UTC)
_MARKS: Final = {"info": ("·", "$quiet"), "warning": ("⚠", "$flag"), "error": ("✗", "$bad")}


class EventsScreen(ModalScreen[None]):
    """The event list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,v,q,enter", "dismiss", "Close", id="events.close"),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, said: list[Said], today: date) -> None:
        """`said` is in the order of time; what was said on another day than `today` carries its date."""
        super().__init__()
        self._said = said
        self._today = today

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
                Content.assemble((f"{when_text(said.at, self._today)} ", "$quiet"), (f"{mark} ", style), said.text)
            )
        return Content("\n").join(lines)

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)


def together(said: Iterable[Said], told: Iterable[Told]) -> list[Said]:
    """Toasts and the study's own events in the order of time; what was told as a toast, too, stands there once."""
    own = [Said(_moment(each.time), each.level, each.text) for each in told]
    known = {(each.level, each.text) for each in own}
    return sorted([*own, *(each for each in said if (each.level, each.text) not in known)], key=lambda each: each.at)


def when_text(at: datetime, today: date) -> str:
    """HH:MM:SS of this machine's day, the date before it on another day than `today`; blank where it is not known."""
    if at == _UNKNOWN:
        return " " * 8
    here = at.astimezone()
    return f"{here:%H:%M:%S}" if here.date() == today else f"{here:%Y-%m-%d %H:%M:%S}"


def _moment(iso: str) -> datetime:
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return _UNKNOWN
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
