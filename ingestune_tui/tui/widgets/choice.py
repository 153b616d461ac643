"""One of a few words, chosen with left and right: `(•) java   ( ) librdkafka`."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from ingestune_tui.tui.widgets.clicked import Spans, clicked


class Choice(Widget, can_focus=True):
    """A labelled row of options; `value` is the chosen one."""

    DEFAULT_CSS = "Choice { height: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "step(1)", "choose", key_display="←→", id="choice.next"),
        Binding("left", "step(-1)", "Choose", show=False, id="choice.previous"),
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
    ]

    _spans: Spans
    """The options as they are shown."""

    class Changed(Message):
        """Another option was chosen."""

        def __init__(self, choice: Choice) -> None:
            self.choice = choice
            super().__init__()

    def __init__(self, label: str, options: tuple[str, ...], value: str, *, id: str) -> None:
        super().__init__(id=id)
        self._label = label
        self._options = options
        self.value = value

    def render(self) -> Content:
        focused = self.has_focus
        line = Content.assemble((f"{self._label:<8}", "$quiet"), ("▸ " if focused else "  ", "bold $tuned"))
        self._spans = []
        for option in self._options:
            chosen = option == self.value
            style = "bold $tuned" if chosen and focused else "bold" if chosen else "$quiet"
            shown = f"({'•' if chosen else ' '}) {option}"
            self._spans.append((line.cell_length, line.cell_length + len(shown), option))
            line += Content.assemble((f"{shown}   ", style))
        return line

    def action_step(self, by: int) -> None:
        self._choose(self._options[(self._options.index(self.value) + by) % len(self._options)])

    def on_click(self, event: Click) -> None:
        """A click on an option chooses it."""
        option = clicked(self, event, self._spans)
        if option is not None and option != self.value:
            self._choose(option)

    def _choose(self, option: str) -> None:
        self.value = option
        self.refresh()
        self.post_message(self.Changed(self))

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
