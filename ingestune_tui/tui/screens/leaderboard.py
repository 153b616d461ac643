"""Place: Leaderboard. Configurations ranked with their intervals; filter, sort, mark and compare, and the Pareto front.

The unconfirmed leader (△, grey words) and the confirmed winner (◆, its interval on top) never look alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from ingestune_tui.report.filter import Filter, FilterError, parse_filter
from ingestune_tui.report.leaderboard import Board, BoardRow, pareto
from ingestune_tui.report.wording import size_text
from ingestune_tui.tui.screens.study_place import StudyPlace
from ingestune_tui.tui.study_board import board_of
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.board_table import SORTS, cells_of, columns_of, sorted_rows, summary_of
from ingestune_tui.tui.widgets.chart import Chart
from ingestune_tui.tui.widgets.eager_input import EagerInput
from ingestune_tui.tui.widgets.pareto_plot import pareto_plot
from ingestune_tui.tui.widgets.row_table import RowTable
from ingestune_tui.tui.widgets.rows import Row, Run, columns, flowed, spread
from ingestune_tui.tui.widgets.text_rows import TextRows
from ingestune_tui.tui.widgets.verdict import doubts, verdict_parts

if TYPE_CHECKING:
    from ingestune_tui.tui.state import AppState

_TIED = "= cannot be told from the row above.  "
_ENDED = {"failed": "it failed", "stopped": "it was stopped", "interrupted": "it was interrupted"}


class FilterInput(EagerInput):
    """The filter's own line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "keep the filter"),
        Binding("escape,down,tab", "screen.leave_filter", "to the rows"),
    ]


class LeaderboardScreen(StudyPlace):
    """Who leads, and how surely."""

    PLACE = "leaderboard"
    AUTO_FOCUS = "#board"
    HELP = (
        "One row per configuration, with what was measured: ± is the 95 % half-width. Filter with terms such as "
        "acks=all p99<20 linger.ms>=5 !client-bound; names are parameters, p50, p99, mb/s, msg/s, n and rank. "
        "Space marks rows, c compares them (or the row with the baseline). What stands in brackets was not measured."
    )
    CSS = """
    LeaderboardScreen {
        & #nothing { display: none; }
        & #title { height: 1; }
        & #board { height: 1fr; }
        & #pareto { height: 1fr; display: none; margin: 1 0; }
        & .-pareto #pareto { display: block; }
        & .-pareto #board { height: 9; }
        & #filter-row { height: 1; }
        & #filter-mark { width: 2; color: $quiet; }
        & #filter { width: 1fr; background: $background; }
        & #filter:focus { background: $chosen; }
        & #count { width: auto; color: $quiet; }
        & #filter-error { color: $bad; height: auto; display: none; }
        & #filter-error.-shown { display: block; }
        & #legend { color: $quiet; height: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", id="board.mark", tooltip="Mark this row for comparing"),
        Binding("c", "compare", "compare", id="board.compare", tooltip="Compare marked rows, or this one with ◇"),
        Binding("s", "sort", "sort", id="board.sort", tooltip="Sort by the next column"),
        Binding("slash", "filter", "filter", key_display="/", id="board.filter", tooltip="Filter rows"),
        Binding("e", "export", "export", show=False, id="board.export", tooltip="Write a .properties file of this row"),
        Binding(
            "p", "pareto", "pareto", show=False, id="board.pareto", tooltip="Only rows no other beats in both figures"
        ),
        Binding("escape", "leave_filter", "Clear the filter", show=False, id="board.clear", tooltip="Show all rows"),
        Binding("tab", "size(1)", "Next message size", show=False, id="board.size", tooltip="Next message size"),
        Binding("shift+tab", "size(-1)", "Previous message size", show=False, id="board.size.back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._board: Board | None = None
        self._made_of: tuple[object, ...] = ()
        self._message_bytes: int | None = None
        self._sort = SORTS[0]
        self._filter = Filter("", ())
        self._marked: set[str] = set()
        self._pareto = False
        self._shown: list[BoardRow] = []

    def body(self) -> ComposeResult:
        yield Static(
            "No trial is finished yet.\n\nRun a grid (1, then r), or open a study (5).",
            id="nothing", classes="empty", markup=False,
        )  # fmt: skip
        with Vertical(id="full"):
            yield TextRows(id="title")
            yield Chart(id="pareto")
            yield RowTable(id="board")
            with Horizontal(id="filter-row"):
                yield Static("/", id="filter-mark", markup=False)
                yield FilterInput(placeholder="acks=all p99<20 !flag", id="filter", select_on_focus=False)
                yield Static("", id="count", markup=False)
            yield Static("", id="filter-error", markup=False)
            yield Static("", id="legend", markup=False)

    def another_study(self) -> None:
        self._made_of = ()
        self._message_bytes = None
        self._filter = Filter("", ())
        self.query_one("#filter", Input).value = ""
        self._marked.clear()
        self._pareto = False

    # Drawing -------------------------------------------------------------------------------------------------

    def refresh_from(self, state: AppState) -> None:
        view = self.view
        board = self._make(view) if view is not None else None
        self.query_one("#nothing").display = board is None
        self.query_one("#full").display = board is not None
        if view is None or board is None:
            self._board, self._shown = None, []  # no key may act on the study shown before
            self._marked.clear()
            return
        rows = self._filter.kept(board.rows)
        if self._pareto:
            front = pareto(board.rows)
            rows = [row for row in rows if row.id in front]
        self._shown = sorted_rows(rows, self._sort)
        self.query_one("#title", TextRows).show(self._title(view, board))
        self.query_one("#full").set_class(self._pareto, "-pareto")
        rows, marked = self._shown, frozenset(self._marked)
        columns = columns_of(board, board.rows, self._sort, self.size.width - 2)
        ids = [row.id for row in rows]
        self.query_one("#board", RowTable).show(columns, ids, lambda place: cells_of(board, rows[place], marked))
        self._show_front()
        self.query_one("#count", Static).update(summary_of(board, sum(bool(row.trials) for row in rows)))
        self.query_one("#legend", Static).update(_legend(view, board))

    def _make(self, view: StudyView) -> Board | None:
        """The board of the chosen message size; made again only when a trial more is finished."""
        sizes = view.sizes
        if not sizes:
            return None
        if self._message_bytes not in sizes:
            self._message_bytes = view.workload.message_bytes if view.workload is not None else sizes[0]
        size = self._message_bytes or 0
        leading, predicted = view.leading(size), view.predicted(size)
        key = (id(view), size, view.finished_trials, view.outcome(size) is not None, leading, predicted)
        if key != self._made_of:
            self._made_of = key
            self._board = board_of(view, size)
        return self._board

    def _title(self, view: StudyView, board: Board) -> tuple[Row, ...]:
        assert view.started is not None
        workload = next(
            (each for each in view.started.workloads if each.message_bytes == self._message_bytes), view.workload
        )
        payload = workload.payload if workload is not None else ""
        left: list[Run] = [(view.started.study, "strong")]
        if len(view.sizes) > 1:
            for size in view.sizes:
                left += [("  ", ""), (f" {size_text(size)} ", "chosen" if size == self._message_bytes else "label")]
            left.append((f"  {payload}", "label"))
        else:
            left.append((f" · {size_text(self._message_bytes or 0)} {payload} · {view.scoring.objective}", "label"))
        width = self.size.width - 2
        said = flowed(_standing(view, board), width)
        fits = len(said) == 1 and columns(left) + columns(said[0]) + 2 <= width
        rows = (spread(left, said[0], width),) if fits else (tuple(left), *said)
        return (*rows, *doubts(board.outcome, width)) if board.outcome is not None else rows

    def _chosen_id(self) -> str | None:
        return self.query_one("#board", RowTable).chosen_id

    @property
    def chosen(self) -> BoardRow | None:
        """The row under the cursor."""
        row_id = self._chosen_id()
        return next((row for row in self._shown if row.id == row_id), None)

    # Keys ----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "filter" and self.query_one("#filter").has_focus:
            return False
        if action in ("mark", "compare", "sort", "filter", "export", "pareto"):
            return self._board is not None
        return True

    @on(RowTable.RowEntered)
    def _row_entered(self) -> None:
        self.action_detail()

    @on(RowTable.RowReached)
    def _show_front(self) -> None:
        """The plot marks the row under the cursor."""
        if self._pareto and self._board is not None:
            self.query_one("#pareto", Chart).show(pareto_plot(self._board, pareto(self._board.rows), self._chosen_id()))

    def action_detail(self) -> None:
        from ingestune_tui.tui.screens.trial import TrialScreen

        if (row := self._chosen_if_measured()) is not None:
            self.app.push_screen(TrialScreen(row.trials, self._board))

    def _chosen_if_measured(self) -> BoardRow | None:
        """The row under the cursor; None, and a sentence, where only the model speaks of it."""
        row = self.chosen
        if row is not None and not row.trials:
            self.ingestune.say("this configuration was not measured: its figure is what the model expects")
            return None
        return row

    def action_mark(self) -> None:
        if (row := self._chosen_if_measured()) is not None:
            self._marked ^= {row.id}
            self.query_one("#board", RowTable).action_cursor_down()
            self.redraw()

    def action_compare(self) -> None:
        from ingestune_tui.tui.screens.compare_rows import MOST, CompareRowsScreen

        assert self._board is not None
        rows = [row for row in self._board.rows if row.id in self._marked]
        if not rows:
            if (chosen := self._chosen_if_measured()) is None:
                return
            rows = [chosen, *(row for row in self._board.rows if row.standing == "baseline" and row.id != chosen.id)]
        if len(rows) < 2:
            self.ingestune.say("mark two rows or more with space, then c compares them")
        else:
            if len(rows) > MOST:
                self.ingestune.say(f"the first {MOST} of {len(rows)} marked rows are compared")
            self.app.push_screen(CompareRowsScreen(rows[:MOST], self._board))

    def action_sort(self) -> None:
        self._sort = SORTS[(SORTS.index(self._sort) + 1) % len(SORTS)]
        self.redraw()

    def action_pareto(self) -> None:
        self._pareto = not self._pareto
        self.redraw()

    def action_size(self, step: int) -> None:
        view = self.view
        if view is not None and len(view.sizes) > 1 and self._message_bytes in view.sizes:
            self._message_bytes = view.sizes[(view.sizes.index(self._message_bytes) + step) % len(view.sizes)]
            self._marked.clear()
            self.redraw()

    def action_export(self) -> None:
        from ingestune_tui.tui.screens.export import ExportScreen, export_of_row

        view = self.view
        if view is not None and self._board is not None and (row := self._chosen_if_measured()) is not None:
            self.app.push_screen(ExportScreen(export_of_row(view, self._board, row)))

    # The filter ----------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        self.query_one("#filter", Input).focus()

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        error = self.query_one("#filter-error", Static)
        try:
            names = {item.name for row in self._board.rows for item in row.configuration} if self._board else set()
            self._filter = parse_filter(event.value, names)
        except FilterError as problem:
            error.update(f"✗ {problem}")
            error.add_class("-shown")
        else:
            error.remove_class("-shown")
            self.redraw()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.query_one("#board", RowTable).focus()

    def action_leave_filter(self) -> None:
        """Out of the filter, then rid of it."""
        box = self.query_one("#filter", Input)
        if not box.has_focus:
            box.value = ""
        self.query_one("#board", RowTable).focus()


def _standing(view: StudyView, board: Board) -> tuple[Run, ...]:
    """What may be said about the leader: a claim only if it was confirmed."""
    if board.outcome is not None:
        return verdict_parts(board.outcome)
    return ((_so_far(view), "label"),)


def _so_far(view: StudyView) -> str:
    progress = view.progress
    if view.finished is not None:
        ended = _ENDED.get(view.finished.state)
        return f"nothing was confirmed: {ended} before that" if ended else "nothing was confirmed"
    if progress is None or progress.leader is None:
        return "no leader yet"
    if progress.phase == "confirming":
        return f"△ being confirmed, {progress.pairs_done} of {progress.pairs_planned} pairs"
    ratio = f"{progress.leader_ratio:.1f}x so far, " if progress.leader_ratio else ""
    return f"△ leads: {ratio}not confirmed"


def _legend(view: StudyView, board: Board) -> str:
    """What the marks mean; a confirmation is still to come only while the study goes on."""
    if any(row.standing == "winner" for row in board.rows):
        told = "Only ◆ and ◇ were confirmed."
    elif view.finished is None and board.outcome is None:
        told = "△ leads; nothing is confirmed yet."
    else:
        compared = board.outcome is not None and board.outcome.ratio is not None
        told = "Fresh pairs gave no winner." if compared else "△ led; nothing was confirmed."
    return _TIED + told + ("  Weaker promises rank apart." if board.classes else "")
