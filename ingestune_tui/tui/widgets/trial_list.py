"""The newest finished trials, the leader below them, and what comes next where there is room."""

from __future__ import annotations

from dataclasses import dataclass

from ingestune_tui.report.wording import Key, figure_text, short_text
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.trial_view import TrialView
from ingestune_tui.tui.widgets.rows import Row, Rows, Run, spread

_STAGE_NAMES = {
    "warmup": "warming up",
    "saturated": "saturated",
    "drain": "draining",
    "paced": "paced",
    "finish": "counting",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list."""

    left: tuple[Run, ...]
    right: tuple[Run, ...] = ()
    chosen: bool = False


def lines_of(view: StudyView, room: int, looking_at: int | None, keys: tuple[Key, ...]) -> tuple[Line, ...]:
    """At most `room` lines. The trial at work has the headline; the one looked back at is always among these."""
    leader = leader_line(view, keys)
    upcoming = _next_line(view, keys) if room >= 6 else None
    tail = [line for line in (upcoming, leader) if line is not None][: max(0, room - 1)]
    newest = [
        trial for trial in reversed(view.trials.values()) if trial.finished is not None or trial.number == looking_at
    ]
    count = room - len(tail)
    start = 0
    if looking_at is not None:
        at = next((i for i, trial in enumerate(newest) if trial.number == looking_at), 0)
        start = max(0, min(at - count // 2, len(newest) - count))
    lines = [trial_line(trial, keys, chosen=trial.number == looking_at) for trial in newest[start : start + count]]
    return (*lines, *tail)


def trial_line(trial: TrialView, keys: tuple[Key, ...], *, chosen: bool = False) -> Line:
    """`✓ 13  linger.ms 20 · none · 1MiB    281 MB/s  p99 11 ms  ⚠ client-bound`."""
    mark, role = mark_of(trial)
    name = (
        f"baseline: {short_text(trial.configuration, keys)}"
        if trial.baseline
        else short_text(trial.configuration, keys)
    )
    if trial.discarded:
        name += ", thrown away"
    left: list[Run] = [
        (f"{mark} ", role),
        (f"{trial.number:<4}", "label"),
        (name, "strong" if trial.finished is None else ""),
    ]
    done = trial.finished
    if done is None:
        return Line(tuple(left), (stage_text(trial),), chosen)
    if done.state in ("failed", "infeasible"):
        left.append((f"  {done.error or done.state}", "bad"))
        return Line(tuple(left), (), chosen)
    if done.state != "done":
        return Line(tuple(left), ((done.state, "flag"),), chosen)
    right: list[Run] = []
    if done.flags:
        right.append((f"⚠ {', '.join(done.flags)}   ", "flag"))
    if done.latency is not None:
        right.append((f"p99 {figure_text(done.latency.p99):>4} ms   ", "label"))
    right.append((f"{figure_text(done.mb_per_s):>5} MB/s", ""))
    return Line(tuple(left), tuple(right), chosen)


def mark_of(trial: TrialView) -> Run:
    """The mark of a trial's state, and its role."""
    if trial.finished is None:
        return "▶", "now"
    if trial.finished.state in ("failed", "infeasible"):
        return "✗", "bad"
    if trial.finished.state == "interrupted":
        return "·", "flag"
    if trial.baseline:
        return "◇", "baseline"
    if trial.role == "confirm":
        return "◆", "tuned"
    return ("=", "label") if trial.finished.cached else ("✓", "label")


def stage_text(trial: TrialView) -> Run:
    """How far the trial at work is: `saturated 6/8 s`."""
    if trial.stage is None:
        return "setting up", "label"
    name = _STAGE_NAMES[trial.stage]
    if trial.stage_s <= 0:
        return name, "now"
    return f"{name} {max(0.0, trial.now_s - trial.stage_from_s):.0f}/{trial.stage_s:.0f} s", "now"


def leader_line(view: StudyView, keys: tuple[Key, ...]) -> Line | None:
    """The leader, never taken for a winner: only an outcome puts ◆ and its interval there."""
    progress = view.progress
    if progress is None or progress.leader is None or view.finished is not None:
        return None
    name = short_text(progress.leader, keys)
    if progress.phase == "confirming":
        return Line((("△ ", "dim"), ("candidate  ", "label"), (name, "")), (("being confirmed", "label"),))
    so_far = f"{progress.leader_ratio:.1f}x baseline so far, " if progress.leader_ratio else ""
    return Line((("△ ", "dim"), ("leader  ", "label"), (name, "")), ((f"{so_far}not confirmed", "label"),))


def _next_line(view: StudyView, keys: tuple[Key, ...]) -> Line | None:
    if view.progress is None or not view.progress.next or view.finished is not None:
        return None
    return Line((("· next  ", "label"), (",  ".join(short_text(each, keys) for each in view.progress.next), "label")))


class TrialList(Rows):
    """Draws the lines it is given, and is as high as there are lines."""

    DEFAULT_CSS = "TrialList { height: 0; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()

    def show(self, lines: tuple[Line, ...]) -> None:
        """Take new lines."""
        if lines == self._lines:
            return
        self._lines = lines
        self.styles.height = len(lines)
        self.update_rows()

    def compose_rows(self, width: int, height: int) -> tuple[Row, ...]:
        rows = []
        for line in self._lines[:height]:
            row = spread(line.left, line.right, width)
            rows.append(
                tuple((text, f"{role}.chosen" if role else "chosen") for text, role in row) if line.chosen else row
            )
        return tuple(rows)
