"""Asks for a study's new name."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

MOST = 80


def wrong_with(name: str) -> str:
    """Why `name` cannot be a study's; empty when it can."""
    if not name:
        return "type a name"
    if len(name) > MOST:
        return f"at most {MOST} characters"
    if not all(letter.isalnum() or letter in "-_." for letter in name):
        return "letters, digits, dots, dashes and underscores only"
    return ""


class NameDialog(ModalScreen[str | None]):
    """Dismissed with the new name, or None after esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", id="dialog.cancel")]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._before = name

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(f"Rename {self._before}", classes="heading", markup=False)
            yield Input(self._before, id="name")
            yield Static("", id="name-problem", classes="problem", markup=False)
            yield Static("enter rename   esc cancel", classes="quiet", markup=False)

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one("#name-problem", Static).update("")

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if problem := wrong_with(name):
            self.query_one("#name-problem", Static).update(f"✗ {problem}")
        else:
            self.dismiss(name if name != self._before else None)

    def action_cancel(self) -> None:
        self.dismiss(None)
