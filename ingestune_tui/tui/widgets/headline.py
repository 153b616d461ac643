"""The loudest line of Live: what runs now, why it waits, or the verdict.

One row where that says it all; a verdict takes as many as it needs to be read whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ingestune_tui.model.study import Outcome
from ingestune_tui.report.wording import difference_text, short_text, size_text
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.trial_view import TrialView
from ingestune_tui.tui.waiting import reason_text, retry_text
from ingestune_tui.tui.widgets.rows import Row, Rows, Run, flowed, spread
from ingestune_tui.tui.widgets.trial_list import mark_of, stage_text
from ingestune_tui.tui.widgets.verdict import doubts, verdict_parts


@dataclass(frozen=True, slots=True)
class Said:
    """What there is to say."""

    rows: tuple[Row, ...] = ((),)
    """At least one, the loudest first."""
    right: tuple[Run, ...] = ()
    """At the end of the first row."""


def headline_of(view: StudyView, *, connected: bool, message_bytes: int, now: datetime, width: int) -> Said:
    """What to say first about a study at the moment `now`, on a screen of `width` columns."""
    if says_verdict(view, connected=connected, message_bytes=message_bytes):
        return _finished(view, message_bytes, width)
    if view.elsewhere:
        text = f"runs on {view.elsewhere}, as last synced"
        return Said(((("▶ ", "now"), (text, "strong")), (("it can be stopped and resumed there alone", "label"),)))
    if not connected:
        text = "the study's process does not answer; what it had finished is kept"
        return Said(((("✗ ", "bad"), (text, "bad")), (("5 Studies, R resumes it", "label"),)))
    if view.paused is not None:
        retry = retry_text(view.paused, now)
        return Said(((("‖ ", "flag"), (reason_text(view.paused), "flag")),), ((retry, "flag"),) if retry else ())
    trial = view.active
    if trial is None:
        return Said(((("· between trials", "label"),),))
    mark = "◇ " if trial.baseline else "◆ " if trial.role == "confirm" else ""
    return Said(
        ((("▶ ", "now"), (f"{trial.number:<4}", "label"), (mark + _name(view, trial), "strong")),),
        ((f"{_purpose(view, trial)}   ", "label"), stage_text(trial)),
    )


def looking_back(view: StudyView, trial: TrialView) -> Said:
    """Which earlier trial is on the charts, and that newer ones are to its right."""
    return Said(
        ((mark_of(trial), (f" {trial.number:<4}", "label"), (_name(view, trial), "strong")),),
        ((f"{_purpose(view, trial)}   ", "label"), (f"trial {trial.number}/{len(view.trials)} →", "flag")),
    )


def _name(view: StudyView, trial: TrialView) -> str:
    """What is measured, in a few words."""
    name = short_text(trial.configuration, view.varied)
    return f"baseline, {name}" if trial.baseline else name


def _purpose(view: StudyView, trial: TrialView) -> str:
    """What a trial is for, with its message size where there are several."""
    what = {"preflight": "baseline first", "search": "search", "confirm": "confirming", "again": "run again"}
    size = f", {size_text(trial.workload.message_bytes)}" if len(view.sizes) > 1 else ""
    return what[trial.role] + size


def says_verdict(view: StudyView, *, connected: bool, message_bytes: int) -> bool:
    """The study is over, or this message size is while another one is at work."""
    if view.finished is not None:
        return True
    at_work = view.active is not None and view.active.workload.message_bytes == message_bytes
    return connected and view.paused is None and not at_work and view.outcome(message_bytes) is not None


def _finished(view: StudyView, message_bytes: int, width: int) -> Said:
    finished = view.finished
    outcome = view.outcome(message_bytes)
    if outcome is None:
        assert finished is not None
        role = "bad" if finished.state == "failed" else "flag"
        mark = "✗" if finished.state != "finished" else "✓"
        return Said((((f"{mark} study {finished.state}", role), (f"  {' '.join(finished.message.split())}", "")),))
    size = f"  {size_text(message_bytes)}" if len(view.sizes) > 1 else ""
    verdict = flowed(verdict_parts(outcome), width - len(size))
    then: tuple[Row, ...] = (((_what_to_do(view, outcome), ""),),)
    return Said((*verdict, *then, *doubts(outcome, width)), ((size.strip(), "label"),) if size else ())


def _what_to_do(view: StudyView, outcome: Outcome) -> str:
    """What to change, to keep, or to do for an answer that there is not yet."""
    if outcome.winner is not None:
        changes = difference_text(outcome.winner, outcome.baseline, outcome.workload)
        return "   ".join(changes) or "nothing that was tried is better: keep what you have"
    if view.finished is not None and view.finished.state in ("stopped", "interrupted"):
        if view.elsewhere:
            return f"what was measured is kept: {view.elsewhere} alone can go on with it"
        return "what was measured is kept: 5 Studies, R goes on with it"
    return ""


class Headline(Rows):
    """Draws it."""

    DEFAULT_CSS = "Headline { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._said = Said()
        self._note: tuple[Run, ...] = ()

    def show(self, said: Said) -> None:
        """Take what is to be said now."""
        if said != self._said or self._note:
            self._said, self._note = said, ()
            self.styles.height = len(said.rows)
            self.update_rows()

    def note(self, said: Run) -> None:
        """Say something at the right, until something new is said."""
        self._note = (said,)
        self.update_rows()

    def compose_rows(self, width: int, height: int) -> tuple[Row, ...]:
        first, *others = self._said.rows
        return (spread(first, self._note or self._said.right, width), *others)
