"""Place: Compare. The two plots, tuned against baseline over message size, the verdict per size, and what mattered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from ingestune_tui.errors import IngestuneError
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.report.leaderboard import leaderboard
from ingestune_tui.report.summary import SizeResult, Summary, for_all_text, summarize
from ingestune_tui.report.wording import (
    heading,
    percent_text,
    ratio_text,
    short_text,
    size_text,
    unstable_text,
    what_mattered,
)
from ingestune_tui.tui.screens.study_place import StudyPlace
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.chart import Chart
from ingestune_tui.tui.widgets.compare_plots import size_plot
from ingestune_tui.tui.widgets.figure_bars import figure_bars
from ingestune_tui.tui.widgets.rows import Row, Run, spread, wrapped
from ingestune_tui.tui.widgets.text_rows import TextRows
from ingestune_tui.tui.widgets.verdict import role_of

if TYPE_CHECKING:
    from ingestune_tui.tui.state import AppState

_BLOCKS = " ▏▎▍▌▋▊▉█"
_MATTERED = "what mattered  "


class CompareScreen(StudyPlace):
    """Tuned against baseline."""

    PLACE = "compare"
    HELP = (
        "◆ tuned against ◇ baseline over message size, from the fresh pairs of the confirmation, with 95 % intervals. "
        "Where nothing was confirmed yet, the figures are of the search and say so."
    )
    CSS = """
    CompareScreen {
        & #nothing { display: none; }
        & #plots { height: 1fr; margin: 1 0 0 0; }
        & .plot { width: 1fr; height: 1fr; }
        & .plot Static { color: $quiet; height: 1; padding: 0 0 0 6; }
        & #p99-side { margin: 0 0 0 2; }
        & #bars { margin: 1 0 0 0; }
        & #verdicts { margin: 1 0 0 0; }
        & #mattered { margin: 0; }
        &.-tall #mattered { margin: 1 0 0 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "export", "export", id="compare.export", tooltip="Write a .properties file of this size's winner"),
        Binding("w", "web_page", "web page", id="compare.page", tooltip="Write a web page that needs nothing else"),
        Binding("b", "baseline", "other baseline", id="compare.baseline", tooltip="Compare with another configuration"),
        Binding("tab", "size(1)", "size", id="compare.size", tooltip="Next message size"),
        Binding("shift+tab", "size(-1)", "Previous size", show=False, id="compare.size.back", tooltip="Previous size"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._chosen = 0
        self._summary = Summary((), None, ())
        self._made_of: tuple[object, ...] = ()
        self._others: list[Configuration] = []
        self._against: Configuration | None = None

    def body(self) -> ComposeResult:
        yield Static(
            "Nothing to compare yet.\n\nThe two plots come with the first measured baseline. 2 watches the study.",
            id="nothing", classes="empty", markup=False,
        )  # fmt: skip
        with Vertical(id="full"):
            yield TextRows(id="title")
            with Horizontal(id="plots"):
                with Vertical(classes="plot"):
                    yield Static("throughput", markup=False)
                    yield Chart(id="throughput")
                with Vertical(classes="plot", id="p99-side"):
                    yield Static("p99 latency at the same rate", markup=False)
                    yield Chart(id="p99")
            yield TextRows(id="bars")
            yield TextRows(id="verdicts")
            yield TextRows(id="mattered")

    def another_study(self) -> None:
        self._made_of = ()
        self._chosen = 0
        self._against = None

    # Drawing -------------------------------------------------------------------------------------------------

    def refresh_from(self, state: AppState) -> None:
        view = self.view
        if view is not None:
            self._summarize(view)
        found = view is not None and bool(self._summary.sizes)
        self.query_one("#nothing").display = not found
        self.query_one("#full").display = found
        if view is None or not found:
            return
        self._chosen = min(self._chosen, len(self._summary.sizes) - 1)
        self.query_one("#title", TextRows).show((self._title(view),))
        several = len(self._summary.sizes) > 1
        self.query_one("#plots").display = several
        self.query_one("#bars").display = not several
        if several:
            mark, role = self._tuned
            for figure in ("throughput", "p99"):
                self.query_one(f"#{figure}", Chart).show(size_plot(self._summary, figure, (mark[0], role)))
        else:
            (only,) = self._summary.sizes
            self.query_one("#bars", TextRows).show(figure_bars(only, self.size.width - 2, tuned=self._tuned))
        self.query_one("#verdicts", TextRows).show(self._verdicts(view))
        self.query_one("#mattered", TextRows).show(self._mattered())

    def _summarize(self, view: StudyView) -> None:
        key = (
            id(view),
            view.finished_trials,
            len(view.outcomes),
            view.finished is not None,
            view.progress,
            self._against,
        )
        if key == self._made_of:
            return
        self._made_of = key
        trials = [each.finished for each in view.trials.values() if each.finished is not None]
        outcomes = view.outcomes
        leaders = {size: leading for size in view.sizes if (leading := view.leading(size)) is not None}
        self._summary = summarize(
            trials,
            outcomes,
            leaders=leaders,
            objective=view.scoring.objective,
            against=self._against,
            overall=view.finished.overall if view.finished is not None else None,
        )
        board = leaderboard(trials, view.scoring.objective)
        tuned = {result.tuned.configuration for result in self._summary.sizes if result.tuned is not None}
        self._others = [
            row.configuration
            for row in board.rows
            if row.standing not in ("infeasible", "baseline") and row.configuration not in tuned
        ][:8]

    @property
    def _tuned(self) -> Run:
        """What is compared with the baseline: only what was confirmed looks like a winner."""
        if self._against is None and any(each.confirmed for each in self._summary.sizes):
            return "◆ tuned", "tuned"
        return "△ leader so far", "dim"

    def _title(self, view: StudyView) -> Row:
        assert view.started is not None
        keys = view.varied
        other = short_text(self._against, keys) if self._against is not None else "the baseline"
        acks = self._summary.sizes[0].baseline.configuration
        pinned = " · ".join(f"{item.name}={item.value}" for item in acks if item.name == "acks")
        left: list[Run] = [
            (f"{view.started.study}  ", "strong"),
            self._tuned,
            (" against ", "label"),
            (f"◇ {other}", "baseline"),
        ]
        return spread(left, ((pinned, "label"),), self.size.width - 2)

    def _verdicts(self, view: StudyView) -> tuple[Row, ...]:
        rows = [self._verdict(result, i == self._chosen, view) for i, result in enumerate(self._summary.sizes)]
        if unstable := unstable_text(view.outcomes, len(self._summary.sizes)):
            rows += [((f"  {line}", "flag"),) for line in wrapped(f"⚠ {unstable}", self.size.width - 4)]
        if (everywhere := self._summary.for_all) is not None:
            rows.append((("  all    ", "label"), (for_all_text(everywhere, view.varied or None), "label")))
        return tuple(rows)

    @property
    def _verdict_width(self) -> int:
        """As wide as the widest verdict on the screen, so that the settings have what is left."""
        words = (each.outcome.verdict for each in self._summary.sizes if each.outcome is not None)
        return 2 + max((len(word) for word in (*words, "not confirmed")), default=0)

    def _verdict(self, result: SizeResult, chosen: bool, view: StudyView) -> Row:
        outcome = result.outcome
        size = f"{size_text(result.workload.message_bytes):<7}"
        runs: list[Run] = [("▸ " if chosen else "  ", "now"), (size, "strong" if chosen else "")]
        if outcome is None or self._against is not None:
            runs.append((f"{_search_ratio(result):<20}", "label"))
            runs.append((f"{'not confirmed':<{self._verdict_width}}", "label"))
        else:
            ratio = ratio_text(outcome.ratio) if outcome.ratio is not None else "—"
            role = role_of(outcome)
            runs.append((f"{ratio:<20}", role))
            runs.append((f"{outcome.verdict:<{self._verdict_width}}", role))
        if result.tuned is not None:
            runs.append((short_text(result.tuned.configuration, view.varied), ""))
        wide = self.size.width >= 100
        flags = f"⚠ {', '.join(result.flags)}" if result.flags and wide else " ⚠" if result.flags else ""
        return spread(runs, ((flags, "flag"),), self.size.width - 2)

    def _mattered(self) -> tuple[Row, ...]:
        effects = self._summary.effects
        if not effects:
            return ()
        if all(effect.share < 0.01 for effect in effects):
            said = wrapped(what_mattered(effects), self.size.width - 2 - len(_MATTERED))
            heads = (_MATTERED, *(" " * len(_MATTERED) for _ in said[1:]))
            return tuple(((head, "label"), (line, "")) for head, line in zip(heads, said, strict=True))
        if self.has_class("-tall"):
            rows: list[Row] = [(("what mattered", "label"),)]
            for effect in effects[:6]:
                name = effect.parameter.split(" ")[-1]
                best = f"best {effect.best}" if effect.best else ""
                with_other = f"together with {effect.interaction.split(' ')[-1]}" if effect.interaction else ""
                told = ", ".join(each for each in (best, with_other) if each)
                rows.append(
                    (
                        (f"  {name:<34}"[:36], ""),
                        (_bar(effect.share, 30), "tuned"),
                        (f" {percent_text(effect.share):>5}", "strong"),
                        (f"   {told}", "label"),
                    )
                )
            return tuple(rows)
        runs: list[Run] = [(_MATTERED, "label")]
        for effect in effects[:3]:
            runs += [
                (f"{heading(effect.parameter.split(' ')[-1])} ", ""),
                (_bar(effect.share, 8).rstrip() or "▏", "tuned"),
                (f" {percent_text(effect.share)}   ", "strong"),
            ]
        return (tuple(runs),)

    # Keys ----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("export", "web_page"):
            return bool(self._summary.sizes)
        if action == "baseline":
            return bool(self._others) or self._against is not None
        if action == "size":
            return len(self._summary.sizes) > 1
        return True

    def action_size(self, step: int) -> None:
        self._chosen = (self._chosen + step) % max(1, len(self._summary.sizes))
        self.redraw()

    def action_baseline(self) -> None:
        order: list[Configuration | None] = [None, *self._others]
        at = order.index(self._against) if self._against in order else 0
        self._against = order[(at + 1) % len(order)]
        self.redraw()

    def action_export(self) -> None:
        from ingestune_tui.tui.screens.export import ExportScreen, export_of_size

        view = self.view
        result = self._summary.sizes[self._chosen]
        slower = result.outcome is not None and result.outcome.verdict == "slower"
        if view is not None and result.tuned is not None and not slower:
            self.app.push_screen(ExportScreen(export_of_size(view, result)))
        else:
            self.ingestune.say("nothing better than the baseline was found, so there is nothing to export")

    @work(exclusive=True, group="page")
    async def action_web_page(self) -> None:
        from ingestune_tui.report.files import write_text
        from ingestune_tui.report.html import render_html
        from ingestune_tui.tui.screens.dialogs import ask
        from ingestune_tui.tui.stored import study_of

        view = self.view
        if view is None or view.started is None:
            return
        path = Path.cwd() / f"{view.started.study}.html"
        if path.exists():
            question = ask(f"{path.name} exists", f"Replace {path}?", "Replace", destroys=True)
            if await self.app.push_screen_wait(question) != "yes":
                return
        trials = [each.finished for each in view.trials.values() if each.finished is not None]
        try:
            write_text(path, render_html(study_of(view), trials, view.scoring.objective))
        except IngestuneError as error:
            self.ingestune.say_error(error)
        else:
            self.ingestune.say(f"written: {path}")


def _search_ratio(result: SizeResult) -> str:
    old, new = result.baseline.mb_per_s, result.tuned.mb_per_s if result.tuned is not None else None
    return f"{new.mean / old.mean:.1f}x so far" if old is not None and new is not None else "—"


def _bar(share: float, columns: int) -> str:
    """A bar of `columns` at 100 %, in eighths."""
    eighths = round(min(max(share, 0.0), 1.0) * columns * 8)
    text = "█" * (eighths // 8) + (_BLOCKS[eighths % 8] if eighths % 8 else "")
    return (text or "▏").ljust(columns)
