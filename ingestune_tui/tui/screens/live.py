"""Place: Live. The trial at work, the study around it, and the confirmation while the sentence forms.

Draws from the app's `StudyView` and sends commands up; keeps only how it is looked at: frozen, maximised, which trial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from ingestune_tui.model.events import Pause, Resume, Skip, StopAndConfirm
from ingestune_tui.tui.messages import CommandGiven, SamplesWanted
from ingestune_tui.tui.plain import plain_lines
from ingestune_tui.tui.screens.study_place import StudyPlace
from ingestune_tui.tui.status import Part, shortened
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.waiting import is_waiting
from ingestune_tui.tui.widgets.chart import Chart
from ingestune_tui.tui.widgets.event_list import EventList
from ingestune_tui.tui.widgets.headline import Headline, headline_of, looking_back, says_verdict
from ingestune_tui.tui.widgets.rows import Run
from ingestune_tui.tui.widgets.ruler import Ruler, confirming_of
from ingestune_tui.tui.widgets.study_strip import StudyStrip, marks_of
from ingestune_tui.tui.widgets.tiles import Tiles, tiles_of
from ingestune_tui.tui.widgets.trial_list import TrialList, lines_of
from ingestune_tui.tui.widgets.trial_plots import TrialPlots
from ingestune_tui.tui.widgets.trouble import Trouble, TroubleRows, trouble_of

if TYPE_CHECKING:
    from datetime import datetime

    from ingestune_tui.model.study import Outcome
    from ingestune_tui.tui.state import AppState
    from ingestune_tui.tui.trial_view import TrialView


_FROZEN: Run = ("frozen, f goes on", "flag")
NOTHING = "Nothing runs yet.\n\n1 goes to the grid, r there runs it.  5 opens an earlier study."


class LiveScreen(StudyPlace):
    """Watch a study."""

    PLACE = "live"
    HELP = (
        "The trial at work above, the study below. Throughput counts in the saturated stage only and then stays; "
        "latency is measured in the paced stage. Marks: △ leader so far, ◆ tuned, ◇ baseline, ✗ infeasible, ⚠ a flag."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "hide", "hide", id="live.hide", tooltip="Send the message above away"),
        Binding("space", "pause", "pause", id="live.pause", tooltip="Pause after this trial"),
        Binding("space", "go_on", "go on", id="live.go_on", tooltip="Go on with a paused study"),
        Binding("x", "skip", "skip", id="live.skip", tooltip="Drop this trial; the search does not try it again"),
        Binding("S", "confirm", "stop & confirm", id="live.confirm", tooltip="End the search and confirm its leader"),
        Binding("e", "export", "export", id="live.export", tooltip="Write a .properties file of the winner"),
        Binding(
            "left", "look(-1)", "trials", key_display="←→", id="live.older", tooltip="Look back at an earlier trial"
        ),
        Binding("right", "look(1)", "Newer trial", show=False, id="live.newer", tooltip="Towards the newest trial"),
        Binding("m", "maximise", "maximise", id="live.maximise", tooltip="Charts only, or all of it"),
        Binding(
            "f", "freeze", "freeze", show=False, id="live.freeze", tooltip="Hold the picture still; the study goes on"
        ),
    ]

    DEFAULT_CSS = """
    LiveScreen {
        & #nothing { display: none; }
        & #live { height: 1fr; }
        & Tiles { margin-bottom: 1; }
        & #throughput { height: 6fr; }
        & #latency { height: 5fr; }
        & Ruler { display: none; }
        & .-confirming Ruler { display: block; margin: 1 0 0 0; }
        & .-confirming StudyStrip { display: none; }
        & .-confirming Tiles { margin-bottom: 0; }
        & .-troubled Headline { display: none; }
        & .-finished Ruler { height: 3; }
        & .-maximised Ruler, & .-maximised StudyStrip, & .-maximised #below { display: none; }
        & #below { height: auto; }
        & TrialList { width: 1fr; }
        & EventList { display: none; width: 42; margin: 0 0 0 3; }
        &.-wide.-tall EventList { display: block; }
        &.-tall {
            & Headline { min-height: 2; }
            & Tiles { height: 2; }
            & StudyStrip { height: 4; margin: 1 0 0 0; }
            & .-confirming Tiles { margin-bottom: 1; }
            & .-confirming StudyStrip { display: block; }
        }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._plots = TrialPlots()
        self._looking_at: int | None = None
        self._frozen = False
        self._maximised = False
        self._asked: set[str] = set()
        """Ids of the trials on the charts whose samples are being read."""
        self._trouble: Trouble | None = None
        self._hidden = ""
        """The kind of trouble that the person has sent away, until it is over."""

    def body(self) -> ComposeResult:
        yield Static(NOTHING, id="nothing", classes="empty", markup=False)
        with Vertical(id="live"):
            yield TroubleRows(id="trouble")
            yield Headline(id="headline")
            yield Tiles(id="tiles")
            yield Chart(id="throughput")
            yield Chart(id="latency")
            yield Ruler(id="ruler")
            yield StudyStrip(id="strip")
            with Horizontal(id="below"):
                yield TrialList(id="trials")
                yield EventList(id="events")

    def another_study(self) -> None:
        self._looking_at = None
        self._frozen = False
        self._hidden = ""

    # Drawing -------------------------------------------------------------------------------------------------

    def status(self, state: AppState) -> list[Part]:
        """In few words: the headline or the message above it says why."""
        return shortened(super().status(state))

    def refresh_from(self, state: AppState) -> None:
        view = self.view
        nothing = self.query_one("#nothing", Static)
        nothing.display = view is None
        nothing.update(_before(state))
        self.query_one("#live").display = view is not None
        if view is None or self._frozen:
            return
        trial = self._trial(view)
        size = trial.workload.message_bytes if trial else view.workload.message_bytes if view.workload else 0
        now = state.clock()
        self._arrange(view, size)
        self._show_trouble(view, state, size, now)
        if trial is not None and self._looking_at is not None:
            self.query_one(Headline).show(looking_back(view, trial))
        else:
            said = headline_of(view, connected=state.connected, message_bytes=size, now=now, width=self.size.width - 2)
            self.query_one(Headline).show(said)
        self.query_one(Tiles).show(tiles_of(trial))
        ghost = view.leader()
        self._ask_for_samples(trial, ghost)
        throughput, latency = self._plots.make(trial, ghost, _ghost_name(view))
        self.query_one("#throughput", Chart).show(throughput)
        self.query_one("#latency", Chart).show(latency)
        if self._maximised:
            return
        self.query_one(Ruler).show(confirming_of(view, size))
        self.query_one(StudyStrip).show(marks_of(view, size), view.progress.said if view.progress else "")
        lines = lines_of(view, self._list_room(), self._looking_at, view.varied)
        self.query_one(TrialList).show(lines)
        self.query_one(EventList).show(view.told, max(1, len(lines)))

    def _show_trouble(self, view: StudyView, state: AppState, message_bytes: int, now: datetime) -> None:
        """The message about what went wrong, in place of a headline that would say the same in one line."""
        found = trouble_of(view, now, connected=state.connected)
        if found is None or found.kind != self._hidden:
            self._hidden = ""
        self._trouble = found if not self._hidden else None
        self.query_one(TroubleRows).show(self._trouble, self.size.width - 2)
        other = self._looking_at is not None or (view.finished is not None and view.outcome(message_bytes) is not None)
        self.query_one("#live").set_class(self._trouble is not None and not other, "-troubled")

    def _ask_for_samples(self, *shown: TrialView | None) -> None:
        """Have the samples read that the charts lack: who attaches is told of finished trials without them."""
        missing = {
            trial.trial_id
            for trial in shown
            if trial is not None and trial.finished is not None and trial.finished.state == "done" and not trial.samples
        }
        for trial_id in missing - self._asked:
            self.post_message(SamplesWanted(trial_id))
        self._asked = missing

    def _list_room(self) -> int:
        """Rows the list of trials may take; the charts get what it leaves."""
        confirming = self.query_one("#live").has_class("-confirming")
        return (5 if confirming else 8) if self.has_class("-tall") else (2 if confirming else 5)

    def _trial(self, view: StudyView) -> TrialView | None:
        if self._looking_at is not None and self._looking_at in view.trials:
            return view.trials[self._looking_at]
        return view.running

    def _arrange(self, view: StudyView, message_bytes: int) -> None:
        confirming = any(trial.role == "confirm" for trial in view.of_workload(message_bytes))
        live = self.query_one("#live")
        live.set_class(confirming, "-confirming")
        live.set_class(self._maximised, "-maximised")
        verdict = says_verdict(view, connected=self.ingestune.state.connected, message_bytes=message_bytes)
        live.set_class(verdict and self._looking_at is None, "-finished")

    # Keys ----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        state = self.ingestune.state
        view = self.view
        running = state.running and state.connected
        paused = view.paused if view is not None else None
        if action == "pause":
            return running and paused is None
        if action == "go_on":
            return running and paused is not None and not is_waiting(paused)
        if action == "hide":
            return self._trouble is not None and view is not None and not self._frozen
        if action == "skip":
            active = self._seen_running
            return running and active is not None and active.role in ("search", "again") and not active.baseline
        if action == "confirm":
            phase = view.progress.phase if view is not None and view.progress is not None else ""
            return running and not self._frozen and phase in ("preflight", "racing", "measuring")
        if action == "export":
            return view is not None and self._winner(view) is not None
        if action in ("look", "maximise", "freeze"):
            return view is not None
        return True

    def action_pause(self) -> None:
        self.post_message(CommandGiven(Pause()))

    def action_go_on(self) -> None:
        self.post_message(CommandGiven(Resume()))

    def action_hide(self) -> None:
        """The message goes; the headline keeps saying it in one line."""
        if self._trouble is not None:
            self._hidden = self._trouble.kind
            self.redraw()

    def action_skip(self) -> None:
        if (active := self._seen_running) is not None:
            self.post_message(CommandGiven(Skip(active.number)))

    @property
    def _seen_running(self) -> TrialView | None:
        """The trial at work, if it is the one on the charts."""
        shown = not self._frozen and self._looking_at is None
        return self.view.active if self.view is not None and shown else None

    def action_confirm(self) -> None:
        from ingestune_tui.tui.screens.dialogs import ask

        view = self.view
        if view is None or view.progress is None:
            return
        message_bytes = view.progress.message_bytes  # now: the next size may have begun when the answer comes

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self.post_message(CommandGiven(StopAndConfirm(message_bytes)))

        self.app.push_screen(
            ask(
                "Stop the search?",
                "The leader so far goes into confirmation now; cells not yet tried stay untried.",
                "Stop & confirm",
            ),
            answered,
        )

    def _winner(self, view: StudyView) -> Outcome | None:
        trial = self._trial(view)
        outcome = view.outcome(trial.workload.message_bytes if trial is not None else 0)
        return outcome if outcome is not None and outcome.winner not in (None, outcome.baseline) else None

    def action_export(self) -> None:
        from ingestune_tui.tui.screens.export import ExportScreen, export_of_outcome

        view = self.view
        if view is not None and (outcome := self._winner(view)) is not None:
            self.app.push_screen(ExportScreen(export_of_outcome(view, outcome)))

    def action_look(self, step: int) -> None:
        view = self.view
        if view is None:
            return
        self._looking_at = view.neighbour(self._looking_at, step)
        self._unfreeze()
        self.redraw()

    def action_maximise(self) -> None:
        self._maximised = not self._maximised
        self._unfreeze()
        self.redraw()

    def action_freeze(self) -> None:
        self._frozen = not self._frozen
        if self._frozen:
            self.query_one(TroubleRows).show(self._trouble, self.size.width - 2, _FROZEN)
            self.query_one(Headline).note(_FROZEN)
            self.refresh_bindings()
        else:
            self.redraw()

    def _unfreeze(self) -> None:
        self._frozen = False


def _ghost_name(view: StudyView) -> str:
    """What the line behind the trial is: never called tuned, since it is one trial of the search."""
    return "leader" if view.finished is None else "best"


def _before(state: AppState) -> str:
    """What is said before the first event of a study, and where none came: a broker may have to be fetched and started,
    and may not answer."""
    study = state.study
    if study is not None and study.finished is not None:
        why = plain_lines(study.finished.message)
        return f"✗ The study did not begin.\n\n{why}\n\n1 goes to the grid, r there runs it again."
    if not state.connected:
        return NOTHING
    newest = study.told[-1].text if study is not None and study.told else ""
    return f"Starting the study …\n\n{newest}"
