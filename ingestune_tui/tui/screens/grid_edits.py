"""What the person does to the rows of the grid: type values, add, delete, switch off, undo.

The document does the editing (`grid_document.py`) and says what cannot be done; here a row is chosen, a question asked,
and the focus put where the person goes on.
"""

from __future__ import annotations

from textual import on, work

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import IngestuneError
from ingestune_tui.tui.grid_rows import SCOPE_ROWS, Row, client_of
from ingestune_tui.tui.messages import DocumentChanged
from ingestune_tui.tui.row_value import value_of
from ingestune_tui.tui.screens.grid_view import GridView
from ingestune_tui.tui.widgets.grid_row import GridRow


def deletable(row: Row) -> bool:
    """True for what stands in the file and can be taken out of it."""
    return row.kind in ("parameter", "baseline") or (row.kind == "field" and bool(row.chips))


class GridEdits(GridView):
    """The rows, and the edits that can be made to them."""

    @on(GridRow.Edited)
    def _edited(self, message: GridRow.Edited) -> None:
        document, row = self._document, message.row
        assert document is not None
        value = value_of(row, message.text)
        widget = self._current
        if widget is not None:
            widget.close(focus=not message.step)
            if message.step:
                self._step(widget, message.step)
        if isinstance(value, list) and row.kind in ("parameter", "baseline"):
            self._change(lambda: document.set_values(row.keys, value))
        else:
            self._change(lambda: document.set_field(row.keys, value))

    def _change(self, edit: object) -> bool:
        """Do one edit; what cannot be done is said and changes nothing."""
        assert callable(edit)
        try:
            changed = bool(edit())
        except IngestuneError as error:
            self.ingestune.say_error(error)
            return False
        if changed:
            self.post_message(DocumentChanged())
        return changed

    def action_edit(self) -> None:
        current = self._current
        if current is None:
            return
        row = current.row
        if row.kind == "section":
            self._fold(row, not row.opened)
        elif row.kind == "scope":
            self.action_add()
        else:
            current.edit()

    def action_toggle_row(self) -> None:
        document, current = self._document, self._current
        if document is not None and current is not None and current.row.kind == "parameter":
            row = current.row
            self._change(lambda: document.toggle(row.parameter))

    @work
    async def action_delete(self) -> None:
        from ingestune_tui.tui.screens.dialogs import ask

        document, current = self._document, self._current
        if document is None or current is None or not deletable(current.row):
            return
        row = current.row
        question = ask(f"Delete {row.label}?", f"Its values {row.typed} leave the grid. u brings them back.", "Delete")
        if await self.app.push_screen_wait(question) == "yes":
            able = [widget for widget in self._row_widgets() if widget.can_focus]
            at = able.index(current) if current in able else 0
            name = row.parameter if row.kind == "parameter" else ""
            if self._change(lambda: document.delete(row.keys, name)):
                self.set_focus(able[at - 1 if at + 1 >= len(able) else at + 1])

    def action_undo(self) -> None:
        if self._document is not None and self._change(self._document.undo) is False:
            self.ingestune.say("nothing to undo")

    def action_redo(self) -> None:
        if self._document is not None and self._change(self._document.redo) is False:
            self.ingestune.say("nothing to redo")

    @work
    async def action_add(self) -> None:
        from ingestune_tui.tui.screens.pick_property import PickProperty

        document, current = self._document, self._current
        if document is None:
            return
        row = current.row if current is not None else None
        for_baseline = row is not None and (
            row.kind == "baseline" or row.key == "section:baseline" or row.section == "baseline"
        )
        scope = row.scope if row is not None and row.scope is not None else Scope.PRODUCER
        here = {
            (each.row.scope, each.row.name)
            for each in self._row_widgets()
            if each.row.kind == ("baseline" if for_baseline else "parameter")
        }
        client = client_of(document.plain)
        found = await self.app.push_screen_wait(PickProperty(scope, frozenset(here), client))
        if found is None:
            return
        table = ("baseline", found.scope.value) if for_baseline else dict(SCOPE_ROWS)[found.scope]
        if self._change(lambda: document.add(table, found.written, [found.value])):
            if for_baseline:
                self._opened |= {"baseline"}
            prefix = "baseline:" if for_baseline else ""
            self.refresh_from(self.ingestune.state)
            self.call_after_refresh(self._focus_key, f"{prefix}{found.scope.value}.{found.written}", edit=True)
