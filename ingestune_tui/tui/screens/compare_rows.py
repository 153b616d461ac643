"""Some rows of the leaderboard side by side: what differs between them, their figures, and their charts overlaid."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import set_cell_size
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from ingestune_tui.report.leaderboard import Board, BoardRow
from ingestune_tui.report.wording import figure_text, percentile_text, value_text, varied
from ingestune_tui.tui.messages import SamplesWanted
from ingestune_tui.tui.screens.study_place import StudyPlace
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.board_table import MARKS
from ingestune_tui.tui.widgets.chart import Chart
from ingestune_tui.tui.widgets.rows import Row, Run
from ingestune_tui.tui.widgets.text_rows import TextRows
from ingestune_tui.tui.widgets.trial_plots import overlaid

if TYPE_CHECKING:
    from ingestune_tui.tui.state import AppState
    from ingestune_tui.tui.trial_view import TrialView

MOST: Final = 4
LETTERS: Final = "ABCD"


class CompareRowsScreen(StudyPlace):
    """Two to four configurations next to each other."""

    PLACE = "leaderboard"
    HELP = (
        "Rows of the leaderboard next to each other. The charts show one trial of each; the figures are of all of them."
    )
    CSS = """
    CompareRowsScreen {
        & #charts { height: 1fr; min-height: 6; margin: 0 0 1 0; }
        & #throughput { width: 1fr; height: 1fr; }
        & #latency { width: 1fr; height: 1fr; margin: 0 0 0 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "back", id="rows.back", tooltip="Back to the leaderboard"),
    ]

    def __init__(self, rows: list[BoardRow], board: Board) -> None:
        super().__init__()
        self._compared = rows
        self._board = board
        self._asked: set[str] = set()
        """Ids of the trials on the charts whose samples are being read."""

    def body(self) -> ComposeResult:
        yield TextRows(id="title")
        with Horizontal(id="charts"):
            yield Chart(id="throughput")
            yield Chart(id="latency")
        yield TextRows(id="table")

    def another_study(self) -> None:
        """Trials and rows of one study mean nothing in another: back to the leaderboard, which shows that."""
        self.dismiss()

    def refresh_from(self, state: AppState) -> None:
        view = self.view
        if view is None:
            return
        counted = {LETTERS[i]: trials for i, row in enumerate(self._compared) if (trials := _counted(view, row))}
        shown = {
            letter: trial
            for letter, trials in counted.items()
            if (trial := next((each for each in trials if each.samples), None)) is not None
        }
        self._ask_for_samples({trials[0].trial_id for letter, trials in counted.items() if letter not in shown})
        throughput, latency = overlaid(shown)
        self.query_one("#title", TextRows).show(((("One trial of each, over its time", "label"),),))
        self.query_one("#throughput", Chart).show(throughput)
        self.query_one("#latency", Chart).show(latency)
        self.query_one("#table", TextRows).show(self._table())

    def _ask_for_samples(self, missing: set[str]) -> None:
        """Have the samples of these trials read, once until they are there."""
        for trial_id in missing - self._asked:
            self.post_message(SamplesWanted(trial_id))
        self._asked = missing

    def _table(self) -> tuple[Row, ...]:
        rows = self._compared
        keys = varied(row.configuration for row in rows)
        first = max([10, *(len(name) for _, name in keys)]) + 2
        wide = max(12, min(22, (self.size.width - 2 - first) // len(rows)))

        def line(label: str, cells: list[Run]) -> Row:
            return ((f"{label:<{first}}", "label"), *((set_cell_size(text, wide), role) for text, role in cells))

        heads: list[Run] = []
        for i, row in enumerate(rows):
            mark = MARKS.get(row.standing, ("", ""))[0]
            rank = f"#{row.rank}" if row.rank is not None else "infeasible"
            heads.append((f"{LETTERS[i]}  {rank} {mark}", f"s{i + 1}"))
        table = [line("", heads)]
        for scope, name in keys:
            values = [value_text((scope, name), row.configuration.get(scope, name), self._board.client) for row in rows]
            table.append(line(name, [(value, "strong") for value in values]))
        if not keys:
            table.append(line("", [("the same settings", "label")]))
        table.append(())
        table.append(line("MB/s", [(self._rate(row), "strong") for row in rows]))
        table.append(line("p50 ms", [(percentile_text(row.p50_ms, "p50", row.approximate), "") for row in rows]))
        table.append(line("p99 ms", [(percentile_text(row.p99_ms, "p99", row.approximate), "") for row in rows]))
        if self._board.classes:
            table.append(line("durability", [(row.durability_name, "") for row in rows]))
        table.append(
            line("flags", [(", ".join(row.flags) or "none", "flag" if row.flags else "label") for row in rows])
        )
        table.append(line("trials", [(str(row.n), "label") for row in rows]))
        return tuple(table)

    def _rate(self, row: BoardRow) -> str:
        half = self._board.half_mb_per_s(row)
        return figure_text(row.mb_per_s) + (f" ±{half:.0f}" if half is not None else "")


def _counted(view: StudyView, row: BoardRow) -> list[TrialView]:
    """The counted trials of a row, the newest first."""
    counted = [trial.number for trial in reversed(row.trials) if trial.counts]
    return [view.trials[number] for number in counted if number in view.trials]
