"""Asks for a file's path, with completion."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from ingestune_tui.tui.typed_path import typed_path, why_unusable
from ingestune_tui.tui.widgets.path_input import PathInput


class PathDialog(ModalScreen[str | None]):
    """Dismissed with an absolute path, or None after esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", id="dialog.cancel")]

    def __init__(self, title: str, value: str, verb: str, *, ending: str = "", must_exist: bool = False) -> None:
        super().__init__()
        self._heading = title
        self._value = value
        self._verb = verb
        self._ending = ending
        self._must_exist = must_exist

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._heading, classes="heading", markup=False)
            yield PathInput(self._value, ending=self._ending, placeholder="~/tuning/orders.toml", id="path")
            yield Static("", id="path-problem", classes="problem", markup=False)
            yield Static(f"enter {self._verb.lower()}   tab completes   esc cancel", classes="quiet", markup=False)

    def on_mount(self) -> None:
        field = self.query_one("#path", PathInput)
        field.focus()
        field.cursor_position = len(self._value)

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one("#path-problem", Static).update("")

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        problem = self._wrong_with(event.value.strip())
        if problem:
            self.query_one("#path-problem", Static).update(f"✗ {problem}")
        else:
            self.dismiss(str(typed_path(event.value).absolute()))

    def _wrong_with(self, typed: str) -> str:
        if not typed:
            return "type a path"
        try:
            path = typed_path(typed)
            if path.is_dir():
                return "that is a directory"
            if self._must_exist and not path.is_file():
                return "there is no such file"
            if not path.absolute().parent.is_dir():
                return f"there is no directory {path.parent}"
        except OSError as problem:
            return why_unusable(problem)
        return ""

    def action_cancel(self) -> None:
        self.dismiss(None)
