"""One trial: its samples, its latency distribution, why it was fast or slow, and what to mistrust.

Opened from the leaderboard with all trials of a configuration; left and right go through them. Samples and histograms
that are not at hand are asked for; the app reads them and redraws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll

from ingestune_tui.model.trial import Trial
from ingestune_tui.report.leaderboard import Board
from ingestune_tui.report.trial_text import difference_line, figures_line, flag_lines, measured_line, why_lines
from ingestune_tui.report.wording import short_text
from ingestune_tui.tui.messages import RunAgainAsked, SamplesWanted
from ingestune_tui.tui.screens.study_place import StudyPlace
from ingestune_tui.tui.study_board import board_of
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.chart import Chart
from ingestune_tui.tui.widgets.histogram_plot import AXES, buckets_of, histogram_plot
from ingestune_tui.tui.widgets.rows import Row, Run, spread, wrapped
from ingestune_tui.tui.widgets.text_rows import TextRows
from ingestune_tui.tui.widgets.trial_plots import TrialPlots

if TYPE_CHECKING:
    from ingestune_tui.tui.state import AppState
    from ingestune_tui.tui.trial_view import TrialView

LOADING_AFTER_S = 0.15
_POINTS = "all of the trial; points are half seconds"
"""What the figures in the title are, and the points of the charts."""
_ROLE_WORDS = {"preflight": "preflight", "search": "search", "confirm": "confirmation", "again": "run again"}


class TrialScreen(StudyPlace):
    """Look closely at one trial."""

    PLACE = "leaderboard"
    HELP = (
        "One trial: its half-second samples, its latencies, and what the client's statistics say about why. "
        "Figures are those of the whole trial, points in the charts those of half a second."
    )
    CSS = """
    TrialScreen {
        & #charts { height: 1fr; min-height: 2; margin: 1 0; }
        & #over-time { width: 3fr; }
        & #distribution { width: 2fr; margin: 0 0 0 2; }
        & #histogram { height: 1fr; }
        & #facts { height: auto; max-height: 60%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "back", id="trial.back", tooltip="Back to the leaderboard"),
        Binding("left", "step(-1)", "next trial", key_display="←→", id="trial.older", tooltip="Earlier trial"),
        Binding("right", "step(1)", "Later trial", show=False, id="trial.newer", tooltip="Later trial"),
        Binding("down", "scroll(1)", "Scroll down", show=False, id="trial.down"),
        Binding("up", "scroll(-1)", "Scroll up", show=False, id="trial.up"),
        Binding("e", "export", "export", id="trial.export", tooltip="Write a .properties file"),
        Binding(
            "R",
            "run_again",
            "run again",
            id="trial.again",
            tooltip="One more trial of this configuration, beside the search and the pairs",
        ),
    ]

    def __init__(self, trials: tuple[Trial, ...], board: Board | None) -> None:
        super().__init__()
        self._trials = trials
        self._board = board
        counted = [i for i, trial in enumerate(trials) if trial.counts]
        self._at = counted[-1] if counted else len(trials) - 1
        self._plots = TrialPlots()
        self._asked = ""
        """Id of the trial on the charts, while what the database keeps of it is being read."""
        self._late = False

    @property
    def trial(self) -> Trial:
        """The one that is shown."""
        return self._trials[self._at]

    def body(self) -> ComposeResult:
        yield TextRows(id="title")
        with Horizontal(id="charts"):
            with Vertical(id="over-time"):
                yield Chart(id="throughput")
                yield Chart(id="latency")
            with Vertical(id="distribution"):
                yield TextRows(id="axes")
                yield Chart(id="histogram")
        with VerticalScroll(id="facts", can_focus=False):
            yield TextRows(id="text")

    def another_study(self) -> None:
        """Trials and rows of one study mean nothing in another: back to the leaderboard, which shows that."""
        self.dismiss()

    def refresh_from(self, state: AppState) -> None:
        view = self.view
        if view is None:
            return
        self._take_new(view)
        shown = view.trials.get(self.trial.number)
        if shown is not None and shown.finished is not None:
            self._trials = (*self._trials[: self._at], shown.finished, *self._trials[self._at + 1 :])
        trial = self.trial
        self.query_one("#title", TextRows).show(self._title())
        self._draw(shown)
        self.query_one("#text", TextRows).show(tuple(self._facts(view, state)))
        missing = trial.id if shown is not None and trial.counts and shown.incomplete else ""
        if missing and missing != self._asked:
            self.post_message(SamplesWanted(missing))
            self.set_timer(LOADING_AFTER_S, self.say_loading)
        if missing != self._asked:
            self._asked, self._late = missing, False

    def _take_new(self, view: StudyView) -> None:
        """Trials of this configuration that were finished since."""
        trial, last = self.trial, self._trials[-1].number
        new = [
            each.finished
            for each in view.of_workload(trial.workload.message_bytes)
            if each.number > last and each.configuration == trial.configuration and each.finished is not None
        ]
        self._trials += tuple(each for each in new if each.state != "interrupted" and not each.discarded)

    def say_loading(self) -> None:
        """Reading takes long enough to say so, unless it is over."""
        self._late = bool(self._asked)
        self.redraw()

    def _draw(self, shown: TrialView | None) -> None:
        throughput, latency = self._plots.make(shown)
        self.query_one("#throughput", Chart).show(throughput)
        self.query_one("#latency", Chart).show(latency)
        self.query_one("#axes", TextRows).show((((AXES, "label"),),))
        measured = self.trial.latency
        named = {"p50": measured.p50, "p99": measured.p99} if measured is not None else {}
        self.query_one("#histogram", Chart).show(
            histogram_plot(
                buckets_of(shown.histogram) if shown is not None and shown.histogram else [],
                {name: value for name, value in named.items() if value is not None},
                self._why_no_histogram(shown),
            )
        )

    def _why_no_histogram(self, shown: TrialView | None) -> str:
        if self.trial.latency is None:
            return "no latency was measured"
        if shown is not None and not shown.incomplete:
            return "no distribution was kept"
        return "reading …" if self._late else " "

    def _title(self) -> tuple[Row, ...]:
        trial = self.trial
        keys = self._board.keys if self._board is not None else None
        mark: Run = ("◇ ", "baseline") if trial.baseline else ("", "")
        left: list[Run] = [
            (f"Trial {trial.number} · ", "label"),
            mark,
            (short_text(trial.configuration, keys), "strong"),
        ]
        which = f"{_ROLE_WORDS[trial.role]}, {self._at + 1} of {len(self._trials)}"
        width = self.size.width - 2
        role = "strong" if trial.state == "done" else "bad"
        figures: Row = ((figures_line(trial), role),)
        if len(figures[0][0]) + len(_POINTS) + 2 <= width and trial.state == "done":
            figures = spread(figures, ((_POINTS, "label"),), width)
        return (spread(left, ((which, "label"),), width), figures)

    def _facts(self, view: StudyView, state: AppState) -> list[Row]:
        trial, started = self.trial, view.started
        shown = view.trials.get(trial.number)
        width = max(20, self.size.width - 12)  # the label, the padding, the scrollbar
        rows: list[Row] = []

        def say(label: str, text: str, role: str = "") -> None:
            for i, line in enumerate(wrapped(text, width)):
                rows.append(((f"{label if i == 0 else '':<9}", "label"), (line, role)))

        for flag in flag_lines(trial):
            say("", flag, "flag")
        if trial.error:
            say("error", trial.error, "bad")
        why = why_lines(trial)
        if not self.has_class("-wide"):  # each would wrap: run on instead
            why = [" · ".join(why)] if why else []
        for i, line in enumerate(why):
            say("why" if i == 0 else "", line)
        if line := difference_line(trial, view.baseline(trial.workload.message_bytes)):
            say("differs", line)
        if started is not None:
            words = measured_line(
                trial,
                cluster="a simulated broker" if started.simulated else started.cluster.label,
                version="" if started.simulated else started.cluster.version,
                host=started.host,
                study=shown.earlier if trial.cached and shown is not None else started.study,
            )
            say("measured", words, "label")
        return rows

    def action_step(self, by: int) -> None:
        self._at = min(max(0, self._at + by), len(self._trials) - 1)
        self.redraw()

    def action_scroll(self, by: int) -> None:
        self.query_one("#facts", VerticalScroll).scroll_relative(y=by, animate=False)

    def action_run_again(self) -> None:
        self.post_message(RunAgainAsked(self.trial.number))

    def action_export(self) -> None:
        from ingestune_tui.tui.screens.export import ExportScreen, export_of_row

        view = self.view
        board = board_of(view, self.trial.workload.message_bytes) if view is not None else None  # claims come late
        if view is not None and board is not None:
            row = next((row for row in board.rows if row.configuration == self.trial.configuration), None)
            if row is not None:
                self.app.push_screen(ExportScreen(export_of_row(view, board, row)))
