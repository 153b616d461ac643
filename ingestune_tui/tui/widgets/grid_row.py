"""One row of the grid editor. Enter swaps its values for an input; what is wrong is said below it while typing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click, DescendantBlur, Key
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from ingestune_tui.tui.grid_rows import Row
from ingestune_tui.tui.widgets.eager_input import EagerInput, run_binding


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths of the editor's columns, the same for every row."""

    label: int
    values: int
    default: int
    note: int

    @classmethod
    def fit(cls, rows: list[Row], width: int) -> Columns:
        """Labels as wide as they need, values the rest; the default goes first when it is narrow."""
        names = [row for row in rows if row.kind in ("parameter", "field", "baseline")]
        label = min(max((len(row.label) for row in names), default=12) + 4, max(14, width * 2 // 5))
        default = 0 if width < 56 else min(max(9, *(len(row.default) + 1 for row in names)) if names else 9, 16)
        note = 8
        return cls(label, max(8, width - label - default - note - 4), default, note)


class RowInput(EagerInput):
    """The input inside a row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "keep", id="edit.keep", tooltip="Keep what was typed"),
        Binding("escape", "leave", "cancel", id="edit.cancel", tooltip="Leave the row as it was"),
        Binding("up", "leave_to(-1)", "Keep, row above", show=False),
        Binding("down", "leave_to(1)", "Keep, row below", show=False),
    ]

    class Left(Message):
        """esc."""

    class Stepped(Message):
        """Up or down: keep and go on with the row beside."""

        def __init__(self, by: int) -> None:
            self.by = by
            super().__init__()

    seen: Key | None = None
    """The last key that came here, so that the row above knows it when it bubbles up."""

    async def _on_key(self, event: Key) -> None:  # Textual calls each class's own, one after the other
        self.seen = event

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def action_leave_to(self, by: int) -> None:
        self.post_message(self.Stepped(by))


class GridRow(Widget, can_focus=True):
    """Draws a `Row`; sends `Edited` with what was typed."""

    DEFAULT_CSS = """
    GridRow { height: auto; min-height: 1; layout: vertical; }
    GridRow:focus { background: $chosen; }
    GridRow > RowInput { background: $chosen; }
    GridRow > .row-problem { color: $bad; height: auto; }
    """

    class Edited(Message):
        """The person typed new values and nothing was wrong with them."""

        def __init__(self, row: Row, text: str, step: int = 0) -> None:
            self.row = row
            self.text = text
            self.step = step
            """Which row has the focus next: 0 this one, 1 the one below."""
            super().__init__()

    class EditingChanged(Message):
        """An input opened or closed."""

    def __init__(self, row: Row, check: Callable[[Row, str], str]) -> None:
        """`check` says what is wrong with a text for a row; empty when nothing is."""
        super().__init__()
        self._row = row
        self._check = check
        self._columns = Columns(24, 24, 10, 8)
        self._adopt()

    @property
    def row(self) -> Row:
        """What it shows."""
        return self._row

    @property
    def editing(self) -> bool:
        """True while its input is open."""
        return bool(self.query(RowInput))

    @property
    def half_typed(self) -> bool:
        """True while its input holds something else than the row."""
        return self.editing and self.query_one(RowInput).value != self._row.typed

    def show_row(self, row: Row, columns: Columns) -> None:
        """Take new contents; nothing is drawn when they are the same."""
        if row != self._row or columns != self._columns:
            self._row, self._columns = row, columns
            self._adopt()
            self.refresh()

    def _adopt(self) -> None:
        row = self._row
        self.can_focus = row.kind not in ("scope", "problem") or (row.kind == "scope" and not row.opened)
        self.set_class(row.kind == "scope" and row.opened, "-scope")
        self.set_class(row.key == "section:workload", "-sections")

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1 if not self.editing else super().get_content_height(container, viewport, width)

    def render(self) -> Content:
        row, width = self._row, self.content_size.width
        if row.kind == "problem":
            return Content.assemble(("⚠ ", "bold $bad"), (row.label or row.problem, "$bad"))
        mark = ("▸ ", "bold $tuned") if self.has_focus or self.editing else ("  ", "")
        if row.problem:
            mark = ("⚠ ", "bold $bad")
        if row.kind == "scope":
            return self._scope_line(mark, width)
        if row.kind == "section":
            return self._section_line(mark, width)
        return self._value_line(mark, width)

    def _scope_line(self, mark: tuple[str, str], width: int) -> Content:
        row, columns = self._row, self._columns
        if not row.opened:
            line = Content.assemble(mark, (row.label.ljust(columns.label), "$quiet"), (" + add", "$quiet"))
            return self._with_problem(line, width)
        line = Content.assemble(
            mark,
            (row.label.ljust(columns.label), "bold"),
            (" values".ljust(columns.values), "$quiet"),
            ("default"[: max(0, columns.default - 1)].ljust(columns.default), "$quiet"),
            ("  cells" if row.label == "producer" or columns.default else "", "$quiet"),
        )
        return line.truncate(width)

    def _section_line(self, mark: tuple[str, str], width: int) -> Content:
        row = self._row
        arrow = "▾ " if row.opened else ""
        line = Content.assemble(mark, (f"{arrow}{row.label}".ljust(13), "bold" if row.opened else ""), *row.chips[:1])
        return self._with_problem(line, width)

    def _value_line(self, mark: tuple[str, str], width: int) -> Content:
        row, columns = self._row, self._columns
        indent = "" if row.kind == "parameter" else "  "
        label = _cut(indent + row.label, columns.label - 2).ljust(columns.label)
        quiet = row.off or (not row.chips)
        line = Content.assemble(mark, (label, "$quiet" if quiet else ""))
        if self.editing:
            return line
        values = self._values(columns.values - 2)
        if row.problem:
            return self._with_problem(line + values, width)
        line += values.pad_right(max(0, columns.values - values.cell_length))
        default = row.default if row.chips or row.kind == "parameter" else ""
        line += Content.assemble((_cut(default, columns.default).ljust(columns.default), "$quiet"))
        style = "$flag" if row.off else "$quiet"
        return (line + Content.assemble((f"  {row.note}", style))).truncate(width)

    def _values(self, room: int) -> Content:
        """Values side by side; what does not fit is counted."""
        row = self._row
        if not row.chips:
            return Content.assemble((_cut(row.default, room), "$quiet"))
        style = "strike $quiet" if row.off else "bold on $panel" if len(row.chips) > 1 else "on $panel"
        style = style if row.kind == "parameter" else ""
        chips = [f" {chip} " if row.kind == "parameter" and not row.off else chip for chip in row.chips]
        gap = 1 if row.kind == "parameter" and not row.off else 2
        line = Content("")
        for number, chip in enumerate(chips):
            rest = len(chips) - number
            more = f" +{rest}"
            chip = _cut(chip, max(6, room - len(more)))
            if number and line.cell_length + gap + len(chip) + (len(more) if rest > 1 else 0) > room:
                return line + Content.assemble((more, "$quiet"))
            line += Content(" " * gap if number else "") + Content.assemble((chip, style))
        return line

    def _with_problem(self, line: Content, width: int) -> Content:
        if self._row.problem:
            line += Content.assemble((f"  {self._row.problem}", "$bad"))
        return line.truncate(width, ellipsis=True)

    # Editing in place.

    def edit(self, text: str | None = None) -> None:
        """Open the input, with `text` or with what stands there."""
        if self.editing or not self._row.editable:
            return
        field = RowInput(self._row.typed if text is None else text, compact=True, select_on_focus=False)
        field.styles.margin = (0, 0, 0, self._columns.label + 2)
        problem = Static("", classes="row-problem", markup=False)
        problem.styles.margin = (0, 0, 0, self._columns.label + 2)
        problem.display = False
        self.mount(field, problem)
        self.screen.set_focus(field)  # now, so that a fast typist's next key is already the input's
        self.refresh(layout=True)
        self.post_message(self.EditingChanged())

    async def _on_key(self, event: Key) -> None:
        """Enter works at once, and what a burst of keys brings after it belongs to the input it opened."""
        if self.editing:
            field = self.query_one(RowInput)
            if event is not field.seen:
                event.stop()
                field.post_message(Key(event.key, event.character))
        elif event.key == "enter" and await run_binding(self, self.screen, event.key):
            event.stop()

    def close(self, *, focus: bool = True) -> None:
        """Put the values back in place of the input."""
        if self.editing:
            self.query("RowInput, .row-problem").remove()
            self.call_after_refresh(self._after_close, focus)

    def _after_close(self, focus: bool) -> None:
        if focus:
            self.focus()
        self.refresh(layout=True)
        self.post_message(self.EditingChanged())

    def keep(self, step: int = 0) -> None:
        """Send what was typed, if it can stand."""
        if (edited := self.edited(step)) is not None:
            self.post_message(edited)

    def edited(self, step: int = 0) -> GridRow.Edited | None:
        """What was typed; None, and the reason is shown, while something is wrong with it."""
        field = self.query_one(RowInput)
        return None if self._show_problem(field.value) else self.Edited(self._row, field.value, step)

    def _show_problem(self, text: str) -> str:
        problem = self._check(self._row, text)
        line = self.query_one(".row-problem", Static)
        line.update(f"✗ {problem}" if problem else "")
        line.display = bool(problem)
        return problem

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.editing:
            self._show_problem(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.keep()

    @on(RowInput.Left)
    def _left(self, event: RowInput.Left) -> None:
        event.stop()
        self.close()

    @on(RowInput.Stepped)
    def _stepped(self, event: RowInput.Stepped) -> None:
        event.stop()
        self.keep(event.by)

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        """Going on elsewhere leaves the row as it was. While nothing has the focus, the terminal lost it or is too
        small, and what was typed waits for it to come back."""
        if self.is_attached and self.editing and self.screen.focused is not None and not self.has_focus_within:
            self.close(focus=False)

    def take_focus(self) -> None:
        """Have the focus where the person goes on: in the input while it is open, else on the row."""
        self.screen.set_focus(self.query_one(RowInput) if self.editing else self)

    def on_click(self, event: Click) -> None:
        if event.chain == 2 and self._row.editable:
            self.edit()

    def watch_has_focus(self, value: bool) -> None:
        super().watch_has_focus(value)
        self.refresh()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
