"""Small dialogs that need an answer. The safe choice has the focus, esc is always the safe choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from ingestune_tui.tui.plain import plain, plain_lines


@dataclass(frozen=True, slots=True)
class Answer:
    """One button of a dialog."""

    id: str
    label: str
    safe: bool = False
    """Focused first, and what esc means. Exactly one answer is safe."""
    destroys: bool = False


class AnswerButton(Button):
    """Carries a mark while it has the focus, so that it is seen without colour."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        super().__init__(
            Content(answer.label), id=answer.id, variant="error" if answer.destroys else "default", compact=True
        )

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return super().get_content_width(container, viewport) + len("▸ ")

    def render(self) -> Content:
        return Content.assemble("▸ " if self.has_focus else "  ", self._answer.label)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


class Dialog(ModalScreen[str]):
    """A question and its answers; dismissed with the id of the one chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "safe", "Cancel", id="dialog.cancel"),
        Binding("left,up", "app.focus_previous", "Previous", show=False),
        Binding("right,down", "app.focus_next", "Next", show=False),
    ]

    def __init__(self, title: str, text: str, answers: tuple[Answer, ...]) -> None:
        super().__init__()
        self._heading = plain(title)
        self._text = plain_lines(text)
        self._answers = answers
        self._safe = next(answer for answer in answers if answer.safe)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._heading, classes="heading", markup=False)
            yield Static(self._text, classes="text", markup=False)
            with Horizontal(classes="buttons"):
                for answer in self._answers:
                    yield AnswerButton(answer)

    def on_mount(self) -> None:
        self.query_one(f"#{self._safe.id}", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id or self._safe.id)

    def action_safe(self) -> None:
        self.dismiss(self._safe.id)


def ask(title: str, text: str, yes: str, *, destroys: bool = False) -> Dialog:
    """Yes or no; dismissed with `yes` or `no`, and no is the safe one."""
    return Dialog(title, text, (Answer("no", "Cancel", safe=True), Answer("yes", yes, destroys=destroys)))


def ask_to_quit(study: str) -> Dialog:
    """Quitting while a study runs, whose name may not be known yet; dismissed with `leave`, `stop` or `cancel`."""
    attach = f"ingestune attach {study}".strip()
    return Dialog(
        f"{study or 'A study'} is running",
        f"Leave it running, and come back with `{attach}`? Or stop it, and go on with it another day?",
        (
            Answer("cancel", "Cancel", safe=True),
            Answer("leave", "Leave it running"),
            Answer("stop", "Stop it", destroys=True),
        ),
    )
