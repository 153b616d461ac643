"""The catalogue as a list to pick from: a filter over names and meanings, with the help of the one in focus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Property, Scope
from ingestune_tui.model.grid_reader import TOPIC_SHAPE
from ingestune_tui.tui.grid_help import property_text
from ingestune_tui.tui.widgets.choice_list import ChoiceList


@dataclass(frozen=True, slots=True)
class Picked:
    """A property to add, with a first value for its row."""

    scope: Scope
    written: str
    """The name as it goes into the file: the client's own."""
    value: Any
    """Its default, or the lowest value it takes."""


def offered(scope: Scope, present: frozenset[tuple[Scope | None, str]], client: str) -> list[tuple[Scope, str]]:
    """(scope, canonical name) of everything not in the grid yet, the given scope first."""
    order = [scope, *(each for each in Scope if each is not scope)]
    found: list[tuple[Scope, str]] = []
    for each in order:
        if each is Scope.TOPIC:
            found += [(each, name) for name in TOPIC_SHAPE if (each, name) not in present]
        for prop in catalogue.all_properties():
            mine = prop.scope is each and (prop.scope, prop.name) not in present
            if mine and (prop.scope not in catalogue.CLIENT_SCOPES or _own_name(prop, client)):
                found.append((each, prop.name))
    return found


def filtered(entries: list[tuple[Scope, str]], words: str) -> list[tuple[Scope, str]]:
    """Those whose scope, names or meaning hold every word; where the name itself does, first."""
    wanted = words.lower().split()
    result: list[tuple[int, tuple[Scope, str]]] = []
    for scope, name in entries:
        prop = catalogue.find(scope, name)
        about = f"{scope.value} {name}".lower()
        more = f"{prop.librdkafka} {prop.java} {' '.join(prop.aliases)} {prop.meaning}".lower() if prop else ""
        if all(word in about or word in more for word in wanted):
            result.append((0 if all(word in about for word in wanted) else 1, (scope, name)))
    return [entry for _, entry in sorted(result, key=lambda pair: pair[0])]


def first_value(scope: Scope, name: str, client: str) -> Any:
    """What a new row begins with."""
    prop = catalogue.find(scope, name)
    if prop is None:
        return TOPIC_SHAPE[name][0]
    default = prop.default(catalogue.client_of(scope, client))
    if default is not None:
        return default
    if prop.kind == "bool":
        return False
    if prop.choices:
        return prop.choices[0]
    low = prop.low if prop.low is not None else 0
    return int(low) if prop.kind == "int" else low


def _own_name(prop: Property, client: str) -> str | None:
    return prop.java if catalogue.client_of(prop.scope, client) == "java" else prop.librdkafka


class PickProperty(ModalScreen[Picked | None]):
    """Type to filter, up and down to choose, enter to add."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="dialog.cancel"),
        Binding("down", "step(1)", "Next", show=False, priority=True),
        Binding("up", "step(-1)", "Previous", show=False, priority=True),
        Binding("pagedown", "step(10)", "Ten down", show=False, priority=True),
        Binding("pageup", "step(-10)", "Ten up", show=False, priority=True),
    ]

    def __init__(self, scope: Scope, present: frozenset[tuple[Scope | None, str]], client: str) -> None:
        super().__init__()
        self._client = client
        self._entries = offered(scope, present, client)
        self._shown: list[tuple[Scope, str]] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="picker"):
            yield Static("Add a parameter", classes="heading", markup=False)
            yield Input(placeholder="type to filter: name, client or meaning", id="picker-filter")
            yield ChoiceList(id="picker-list")
            with VerticalScroll(id="picker-help", can_focus=False):
                yield Static("", id="picker-text")
            yield Static("enter add   ↑↓ choose   esc cancel", classes="quiet", markup=False)

    def on_mount(self) -> None:
        self.query_one("#picker-list", ChoiceList).can_focus = False
        self._filter("")
        self.query_one("#picker-filter", Input).focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._filter(event.value)

    def _filter(self, words: str) -> None:
        self._shown = filtered(self._entries, words)
        room = max((len(scope.value) for scope, _ in self._shown), default=0)
        lines = [
            (f"{scope.value}/{name}", Content.assemble((scope.value.ljust(room + 2), "$quiet"), name))
            for scope, name in self._shown
        ]
        self.query_one("#picker-list", ChoiceList).show_lines(lines, lines[0][0] if lines else None)
        self._show_help()

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        self._show_help()

    @on(OptionList.OptionSelected)
    def _clicked(self) -> None:
        self._pick()

    @on(Input.Submitted)
    def _entered(self) -> None:
        self._pick()

    def _show_help(self) -> None:
        entry = self._entry
        text: Content
        if entry is None:
            text = Content("Nothing in the catalogue matches.")
        elif (prop := catalogue.find(*entry)) is not None:
            text = property_text(prop, self._client)
        else:
            text = Content("What the trial's topic is created with; varied instead of [workload]'s.")
        self.query_one("#picker-text", Static).update(text)

    @property
    def _entry(self) -> tuple[Scope, str] | None:
        at = self.query_one("#picker-list", ChoiceList).highlighted
        return self._shown[at] if at is not None and at < len(self._shown) else None

    def action_step(self, by: int) -> None:
        listed = self.query_one("#picker-list", ChoiceList)
        if self._shown:
            listed.highlighted = max(0, min((listed.highlighted or 0) + by, len(self._shown) - 1))

    def _pick(self) -> None:
        if (entry := self._entry) is not None:
            scope, name = entry
            prop = catalogue.find(scope, name)
            written = (_own_name(prop, self._client) if prop and scope in catalogue.CLIENT_SCOPES else None) or name
            self.dismiss(Picked(scope, written, first_value(scope, name, self._client)))

    def action_cancel(self) -> None:
        self.dismiss(None)
