"""An input for a file's path: tab completes as a shell does, the rest of the only match is shown while typing."""

from __future__ import annotations

import os
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester

from ingestune_tui.tui.typed_path import typed_path
from ingestune_tui.tui.widgets.eager_input import EagerInput

_MOST_ENTRIES = 5_000


def matches(typed: str, ending: str = "") -> list[str]:
    """Paths that begin with what was typed, as typed, directories with a slash. `ending` filters files (`.toml`)."""
    head, _, tail = typed.rpartition("/")
    shown = f"{head}/" if head or typed.startswith("/") else ""
    found: list[str] = []
    try:
        with os.scandir(typed_path(shown or ".")) as entries:
            for number, entry in enumerate(entries):
                if number >= _MOST_ENTRIES:
                    break
                if not entry.name.startswith(tail) or (entry.name.startswith(".") and not tail.startswith(".")):
                    continue
                if entry.is_dir():
                    found.append(f"{shown}{entry.name}/")
                elif entry.name.endswith(ending):
                    found.append(f"{shown}{entry.name}")
    except OSError:
        return []
    return sorted(found)


def complete(typed: str, ending: str = "") -> str:
    """What was typed, as far as all matches agree."""
    if typed == "~":
        return "~/"
    found = matches(typed, ending)
    if not found:
        return typed
    first, last = found[0], found[-1]  # sorted: what these two share, all share
    shared = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), None)
    return first[: len(min(first, last, key=len)) if shared is None else shared]


class _PathSuggester(Suggester):
    def __init__(self, ending: str) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._ending = ending

    async def get_suggestion(self, value: str) -> str | None:
        found = matches(value, self._ending) if value else []
        return found[0] if found else None


class PathInput(EagerInput):
    """Completes with tab; right at the end takes the suggestion."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "complete", id="path.complete", tooltip="Complete the path")
    ]

    def __init__(self, value: str = "", *, ending: str = "", placeholder: str = "", id: str | None = None) -> None:
        super().__init__(value, placeholder=placeholder, id=id, suggester=_PathSuggester(ending), select_on_focus=False)
        self._ending = ending

    def action_complete(self) -> None:
        """Tab: as far as all matches agree; where nothing is left to complete, to the next widget."""
        longer = complete(self.value, self._ending)
        if longer != self.value:
            self.value = longer
            self.cursor_position = len(longer)
        else:
            self.app.action_focus_next()
