"""Asks for a cluster's address and its properties file, as Kafka's own tools take them."""

from __future__ import annotations

import re
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from ingestune_tui.tui.state import ClusterChoice
from ingestune_tui.tui.typed_path import typed_path, why_unusable
from ingestune_tui.tui.widgets.path_input import PathInput

_SERVER = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})\Z")


def wrong_with_address(text: str) -> str:
    """What is wrong with `HOST:PORT,...`; empty when nothing is."""
    servers = [server.strip() for server in text.split(",")]
    if not text.strip():
        return "type an address, like kafka1:9092"
    for server in servers:
        match = _SERVER.match(server)
        if not match or not 0 < int(match[2]) < 65536:
            return f"{server[:40] or 'an empty entry'} is not HOST:PORT"
    return ""


class AddressDialog(ModalScreen[ClusterChoice | None]):
    """Dismissed with the choice, or None after esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", id="dialog.cancel")]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static("A cluster of yours", classes="heading", markup=False)
            yield Static("address (bootstrap servers)", classes="quiet", markup=False)
            yield Input(placeholder="kafka1:9092,kafka2:9092", id="address")
            yield Static("properties file for TLS and login, if it needs one", classes="quiet", markup=False)
            yield PathInput(ending=".properties", placeholder="~/client.properties", id="config")
            yield Static("", id="address-problem", classes="problem", markup=False)
            yield Static("enter next, then use   tab completes   esc cancel", classes="quiet", markup=False)

    def on_mount(self) -> None:
        self.query_one("#address", Input).focus()

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one("#address-problem", Static).update("")

    @on(Input.Submitted, "#address")
    def _address_entered(self, event: Input.Submitted) -> None:
        if problem := wrong_with_address(event.value):
            self._complain(problem)
        else:
            self.query_one("#config", PathInput).focus()

    @on(Input.Submitted, "#config")
    def _config_entered(self, event: Input.Submitted) -> None:
        address = ",".join(part.strip() for part in self.query_one("#address", Input).value.split(","))
        try:
            config = typed_path(event.value).absolute() if event.value.strip() else None
            missing = config is not None and not config.is_file()
        except OSError as error:
            self._complain(why_unusable(error))
            return
        if problem := wrong_with_address(address):
            self._complain(problem)
            self.query_one("#address", Input).focus()
        elif missing:
            self._complain("there is no such file; leave it empty for a cluster without TLS and login")
        else:
            self.dismiss(ClusterChoice(address, config))

    def _complain(self, problem: str) -> None:
        self.query_one("#address-problem", Static).update(f"✗ {problem}")

    def action_cancel(self) -> None:
        self.dismiss(None)
