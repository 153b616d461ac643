"""`?`: what this screen is for and every key that works on it, from the same bindings as the footer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.binding import ActiveBinding


class HelpScreen(ModalScreen[None]):
    """Our own keys, which have an id each; what every list and input does is left out. esc, ?, q and enter close it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter,f1", "dismiss", "Close", id="help.close"),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, purpose: str, bindings: dict[str, ActiveBinding]) -> None:
        super().__init__()
        self._purpose = purpose
        self._active = bindings

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog help"):
            yield Static(self._purpose, classes="heading", markup=False)
            with VerticalScroll(can_focus=False):
                yield Static(self._keys())
            yield Static("esc closes", classes="quiet", markup=False)

    def _keys(self) -> Content:
        rows: dict[tuple[str, str], list[str]] = {}
        for _, binding, enabled, tooltip in self._active.values():
            if binding.id and binding.description and enabled:
                keys = rows.setdefault((binding.action, tooltip or binding.description), [])
                if (key := self.app.get_key_display(binding)) not in keys:
                    keys.append(key)
        width = max((len(" ".join(keys)) for keys in rows.values()), default=0)
        return Content("\n").join(
            Content.assemble((" ".join(keys).rjust(width), "bold $tuned"), f"  {what}")
            for (_, what), keys in rows.items()
        )

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
