"""Place: Grid, the editor. Rows by scope, then workload, objective, method and baseline; edited in place.

Here are its keys, the file and the run; `grid_view.py` draws the rows and `grid_edits.py` changes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType

from ingestune_tui.errors import IngestuneError
from ingestune_tui.tui.messages import RunAsked
from ingestune_tui.tui.screens.grid_edits import GridEdits, deletable

if TYPE_CHECKING:
    from ingestune_tui.tui.grid_document import GridDocument

_WHILE_READING = frozenset(
    (
        "edit",
        "add",
        "delete",
        "toggle_row",
        "undo",
        "redo",
        "run_or_jump",
        "fold",
        "unfold",
        "move",
        "edge",
        "save_as",
        "text",
    )
)
"""Actions of letters and arrows, which belong to the input while one is open."""


class GridScreen(GridEdits):
    """The editor: the rows of the grid and the help of the row in focus."""

    PLACE = "grid"
    HELP = "Edit what is tried: every row is a setting of the grid file. Comments in the file stay where they are."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "edit", id="grid.edit", tooltip="Edit this row in place; open or close a section"),
        Binding("a", "add", "add", id="grid.add", tooltip="Add a parameter from the catalogue"),
        Binding("r", "run_or_jump", "run", id="grid.run", tooltip="Run the grid, or go to the first problem"),
        Binding("D", "delete", "delete", id="grid.delete", tooltip="Delete this row from the file (asks)"),
        Binding("space", "toggle_row", "off", id="grid.toggle", tooltip="Switch this parameter off, or on again"),
        Binding("u", "undo", "undo", show=False, id="grid.undo", tooltip="Take the last edit back"),
        Binding("U", "redo", "redo", show=False, id="grid.redo", tooltip="Make the edit again that was taken back"),
        Binding("ctrl+s", "save", "save", show=False, id="grid.save", tooltip="Save the file, comments and all"),
        Binding("f2", "save_as", "save as", show=False, id="grid.save-as", tooltip="Save under another name"),
        Binding("ctrl+e", "text", "as text", show=False, id="grid.text", tooltip="Edit the file as text in $EDITOR"),
        Binding("down", "move(1)", "Row below", show=False, id="grid.down"),
        Binding("up", "move(-1)", "Row above", show=False, id="grid.up"),
        Binding("right", "unfold", "Open section", show=False, id="grid.open"),
        Binding("left", "fold", "Close section", show=False, id="grid.close"),
        Binding("home", "edge(0)", "First row", show=False),
        Binding("end", "edge(-1)", "Last row", show=False),
    ]

    @property
    def urgent_actions(self) -> tuple[str, ...]:
        """What the footer shows first: a changed grid can be saved, and its edits taken back."""
        changed = self._document is not None and self._document.changed and not self._editing
        return ("save", "undo") if changed else ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _WHILE_READING:
            if self._document is None or self._editing:
                return False
            current = self._current
            if action == "toggle_row":
                return current is not None and current.row.kind == "parameter"
            if action == "delete":
                return current is not None and deletable(current.row)
        return True

    # The file.

    def action_save(self) -> None:
        if (current := self._current) is not None and current.editing:
            if (edited := current.edited()) is None:
                return
            self._edited(edited)  # at once: a message would come after the file was written
        self._save()

    @work
    async def _save(self) -> None:
        document = self._document
        if document is None:
            return
        if document.path is None:
            self.action_save_as()
            return
        if await self._agreed_to_overwrite(document):
            self._write(None)

    async def _agreed_to_overwrite(self, document: GridDocument) -> bool:
        """Whether the text may go where it came from; asks when somebody else changed the file meanwhile."""
        from ingestune_tui.tui.screens.dialogs import ask

        if not document.changed_on_disk():
            return True
        question = ask(
            f"{document.name} was changed by someone else",
            "Saving puts your text in place of theirs.",
            "Overwrite",
            destroys=True,
        )
        return await self.app.push_screen_wait(question) == "yes"

    @work
    async def action_save_as(self) -> None:
        from pathlib import Path

        from ingestune_tui.tui.screens.ask_path import PathDialog
        from ingestune_tui.tui.screens.dialogs import ask

        document = self._document
        if document is None:
            return
        proposal = str(document.path or document.name)
        typed = await self.app.push_screen_wait(PathDialog("Save the grid as", proposal, "Save", ending=".toml"))
        if typed is None:
            return
        path = Path(typed)
        if document.path is not None and document.is_from(path):
            if not await self._agreed_to_overwrite(document):
                return
        elif path.exists():
            question = ask(f"{path.name} exists", f"{path} will be replaced.", "Replace", destroys=True)
            if await self.app.push_screen_wait(question) != "yes":
                return
        self._write(typed)

    def _write(self, path: str | None) -> None:
        from pathlib import Path

        assert self._document is not None
        try:
            written = self._document.save(Path(path) if path else None)
        except IngestuneError as error:
            self.ingestune.say_error(error)
        else:
            self.ingestune.grid_saved(written)

    def action_text(self) -> None:
        if self._document is not None:
            self.ingestune.edit_as_text(self._document)

    # Running.

    def action_run_or_jump(self) -> None:
        """Run, or go to the first problem: what cannot be run says why."""
        wrong = next((widget for widget in self._row_widgets() if widget.row.problem), None)
        if wrong is None:
            self.post_message(RunAsked())
            return
        if wrong.can_focus:
            self.set_focus(wrong)
        else:
            wrong.scroll_visible()
        self.ingestune.say(wrong.row.problem, "warning")
