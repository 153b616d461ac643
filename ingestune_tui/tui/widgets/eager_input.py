"""An input whose own keys work at once, in the order typed.

Textual inserts a letter where it arrives but lets a control key climb to the app first. Over a slow line keys come in
bursts, and a letter would overtake the `ctrl+u` or `enter` before it. Every input of the app is one of these.
"""

from __future__ import annotations

from textual.dom import DOMNode
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Input


class EagerInput(Input):
    """Runs its bindings where its letters are inserted."""

    async def _on_key(self, event: Key) -> None:
        if not event.is_printable and await run_binding(self, self, event.key):
            event.stop()
            event.prevent_default()  # else Textual goes on to Input's own handler


async def run_binding(widget: Widget, owner: DOMNode, key: str) -> bool:
    """Run what `key` is bound to on `owner`, now; False when it is bound to nothing there. Key maps are honoured."""
    found = widget.screen.active_bindings.get(key)
    if found is None or found.node is not owner or not found.enabled:
        return False
    return await widget.app.run_action(found.binding.action, owner)
