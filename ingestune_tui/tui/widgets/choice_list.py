"""A short list to choose from. The chosen line carries a mark, so that it is seen without colour.

Enter does different things on different lines; whoever owns the list says which, and the footer says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.widgets import OptionList
from textual.widgets.option_list import Option

Enter = Literal["run", "watch", "choose", "type"]
"""What enter does on a line."""


class ChoiceList(OptionList):
    """Lines with ids; replaces only the lines that differ."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter('run')", "run", id="run.choice", tooltip="Run this grid on this cluster"),
        Binding("enter", "enter('watch')", "watch", id="watch.choice", tooltip="Watch the study that is at work"),
        Binding("enter", "enter('choose')", "choose a grid", id="grid.choice", tooltip="Choose what to run there"),
        Binding("enter", "enter('type')", "type it in", id="type.choice", tooltip="Type in an address or a path"),
        Binding("tab,right,left", "app.focus_next", "other list", key_display="tab", id="start.other"),
    ]

    def __init__(self, *, id: str, enter: Callable[[str], Enter] = lambda _: "run") -> None:
        """`enter` tells what enter does on the line with an id; it is posted as `OptionSelected` whatever it is."""
        super().__init__(id=id, compact=True, markup=False)
        self._enter = enter
        self._choices: list[tuple[str, Content]] = []

    def show_lines(self, lines: Sequence[tuple[str, Content]], chosen: str | None = None) -> None:
        """(id, line) pairs. `chosen` is highlighted; without it the highlight stays on its id."""
        keep = chosen if chosen is not None else self.chosen
        if [key for key, _ in lines] != [key for key, _ in self._choices]:
            self._choices = list(lines)
            self.clear_options()
            self.add_options([Option(self._marked(key, line, keep), id=key) for key, line in lines])
            self.highlighted = next((number for number, (key, _) in enumerate(lines) if key == keep), 0)
            return
        self._choices = list(lines)
        if chosen is not None:
            self.highlighted = next((number for number, (key, _) in enumerate(lines) if key == chosen), 0)
        self._remark()

    @property
    def chosen(self) -> str | None:
        """Id of the highlighted line."""
        if self.highlighted is None or self.highlighted >= len(self._choices):
            return None
        return self._choices[self.highlighted][0]

    def watch_highlighted(self, highlighted: int | None) -> None:
        super().watch_highlighted(highlighted)
        self._remark()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Of what enter may do, only what it does on the chosen line."""
        return action != "enter" or parameters == (self._enter(self.chosen or ""),)

    async def _on_click(self, event: Click) -> None:
        """A click chooses and a double click is enter: one click is too little to start a study with."""
        event.prevent_default()
        line: int | None = event.style.meta.get("option")
        if line is not None:
            self.highlighted = line
            if event.chain == 2:
                self.action_select()

    def action_enter(self, does: Enter) -> None:
        """Enter, whatever it does here."""
        self.action_select()

    def _remark(self) -> None:
        for number, (key, line) in enumerate(self._choices):
            if number < self.option_count:
                marked = self._marked(key, line, self.chosen)
                if self.get_option_at_index(number).prompt != marked:
                    self.replace_option_prompt_at_index(number, marked)

    @staticmethod
    def _marked(key: str, line: Content, chosen: str | None) -> Content:
        return Content.assemble(("▸ ", "bold $tuned"), line) if key == chosen else Content("  ") + line
