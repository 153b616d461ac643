"""The last row: the keys that work now, at most six, `?` always among them. Made from the bindings themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.events import Click
from textual.widget import Widget

from ingestune_tui.tui.widgets.clicked import Spans, clicked

if TYPE_CHECKING:
    from textual.screen import Screen

MOST_KEYS: Final = 6


class KeyFooter(Widget):
    """Shows what the active bindings say, enter first, then what is urgent, and leaves out what does not fit."""

    DEFAULT_CSS = "KeyFooter { height: 1; dock: bottom; padding: 0 1; }"

    _spans: Spans
    """The keys as they are shown."""
    _shown: list[tuple[str, str, str]] | None = None

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        self.refresh()

    def follow(self) -> None:
        """Drawn again if other keys work now: which do depends on the study, too, and that moves on by itself."""
        if self._shown is not None and self.keys() != self._shown:
            self.refresh()

    def keys(self) -> list[tuple[str, str, str]]:
        """(key as the app names it, key as shown, what it does): those that fit, `?` last."""
        found: list[tuple[str, str, str]] = []
        help_key: tuple[str, str, str] | None = None
        seen: set[str] = set()
        urgent: tuple[str, ...] = getattr(self.screen, "urgent_actions", ())
        waiting: dict[str, tuple[str, str, str]] = {}
        for key, (_, binding, enabled, _) in self.screen.active_bindings.items():
            shown = binding.show or binding.action in urgent
            if not shown or not enabled or not binding.description or binding.action in seen:
                continue
            seen.add(binding.action)
            item = (key, self.app.get_key_display(binding), binding.description)
            if binding.action in ("help", "app.help"):
                help_key = item
            elif binding.action in urgent:
                waiting[binding.action] = item
            else:
                found.append(item)
        found = [waiting[action] for action in urgent if action in waiting] + found
        found.sort(key=lambda item: item[0] != "enter")
        tail = [help_key] if help_key else []
        room = self.content_size.width
        while found and (len(found) + len(tail) > MOST_KEYS or self._width(found + tail) > room):
            found.pop()
        return found + tail

    @staticmethod
    def _width(keys: list[tuple[str, str, str]]) -> int:
        return sum(len(shown) + 1 + len(what) for _, shown, what in keys) + 2 * (len(keys) - 1)

    def render(self) -> Content:
        line = Content("")
        self._spans = []
        self._shown = self.keys()
        for number, (key, shown, what) in enumerate(self._shown):
            label = Content.assemble((shown, "bold $tuned"), (f" {what}", "$quiet"))
            gap = "  " if number else ""
            line += Content(gap)
            self._spans.append((line.cell_length, line.cell_length + label.cell_length, key))
            line += label
        return line

    async def on_click(self, event: Click) -> None:
        """A click on a key is the key."""
        key = clicked(self, event, self._spans)
        if key is not None:
            await self.app.action_simulate_key(key)
