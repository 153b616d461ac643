"""`?`: what this screen is for and every key that works on it, from the same bindings as the footer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.binding import ActiveBinding


_COMMON: Final = ("Focus Next", "Focus Previous", "Copy selected text")
"""Textual's own, on every screen and known to everybody."""


class HelpScreen(ModalScreen[None]):
    """A list of keys; any of esc, ?, q and enter closes it."""

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
            if binding.description and enabled and not binding.system and binding.description not in _COMMON:
                rows.setdefault((binding.action, tooltip or binding.description), []).append(
                    self.app.get_key_display(binding)
                )
        width = max((len(" ".join(keys)) for keys in rows.values()), default=0)
        return Content("\n").join(
            Content.assemble((" ".join(keys).rjust(width), "bold $tuned"), f"  {what}")
            for (_, what), keys in rows.items()
        )

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
