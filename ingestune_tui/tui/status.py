"""The status line as a value: what it says, and what it drops when the terminal is narrow. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from ingestune_tui.tui.waiting import is_waiting, reason_text, retry_text
from ingestune_tui.units import about_bytes, format_duration

if TYPE_CHECKING:
    from ingestune_tui.model.events import SyncState
    from ingestune_tui.tui.state import AppState
    from ingestune_tui.tui.study_view import StudyView

Kind = Literal["cluster", "version", "grid", "phase", "sure", "noise", "time", "cost", "sync", "problem"]
_SEPARATOR: Final = " │ "
_FIRST_TO_GO: Final[tuple[Kind, ...]] = ("noise", "version", "grid", "cost", "time", "sure", "cluster")
"""Dropped in this order when narrow; the phase, a problem and a sync trouble stay."""


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of the line."""

    kind: Kind
    text: str
    style: str = ""
    """A theme role such as `$flag`; empty is the usual colour."""
    short: str = ""
    """What says the same in fewer words, where the screen itself says the rest; empty where nothing does."""


def status_parts(state: AppState) -> list[Part]:
    """Everything worth saying, in the order of the line."""
    study = state.study
    if study is not None and study.started is not None:
        other = [] if state.connected else _elsewhere(state)
        return [*_study_parts(study, state), *sync_parts(state), *other]
    if study is not None and state.connected:
        return [Part("cluster", state.cluster.address), Part("phase", "▶ starting", "$running"), *sync_parts(state)]
    return [*grid_parts(state), *sync_parts(state)]


def shortened(parts: list[Part]) -> list[Part]:
    """The same line in few words, for the screen that says the rest itself."""
    return [replace(part, text=part.short) if part.short else part for part in parts]


def editor_parts(state: AppState) -> list[Part]:
    """The grid in the editor, always; a study that runs meanwhile in its phase alone."""
    return [*grid_parts(state), *sync_parts(state), *_elsewhere(state)]


def _elsewhere(state: AppState) -> list[Part]:
    """The study at work, where the line is about something else."""
    live = state.live
    if live is None or live.started is None or live.finished is not None:
        return []
    phase = _phase(live, state)
    return [Part("sync", f"{short_grid(live.started.study)}: {phase.text}", phase.style)]


def fit(parts: list[Part], width: int) -> list[Part]:
    """Parts that fit into `width` columns together with their separators."""
    kept = list(parts)
    for kind in _FIRST_TO_GO:
        if line_width(kept) <= width:
            break
        kept = [part for part in kept if part.kind != kind]
    return kept


def line_width(parts: list[Part]) -> int:
    """Columns of the line."""
    return sum(len(part.text) for part in parts) + len(_SEPARATOR) * max(0, len(parts) - 1)


def short_grid(name: str) -> str:
    """`quick` for `quick.toml`."""
    return name.removesuffix(".toml")


def _study_parts(study: StudyView, state: AppState) -> list[Part]:
    started, progress = study.started, study.progress
    assert started is not None
    where = (
        Part("cluster", "simulated broker", "$flag") if started.simulated else Part("cluster", started.cluster.label)
    )
    parts = [where]
    if not started.simulated and started.cluster.version:
        parts.append(Part("version", f"Kafka {started.cluster.version}"))
    parts.append(Part("grid", short_grid(started.study)))
    parts.append(_phase(study, state))
    if progress is not None and study.finished is None:
        if progress.p_leader is not None and progress.phase in ("racing", "measuring"):
            parts.append(Part("sure", f"sure {progress.p_leader:.0%}".replace("%", " %")))
        if progress.noise is not None:
            noisy = progress.noise >= 0.15
            parts.append(Part("noise", f"noise {progress.noise * 100:.0f} %", "$flag" if noisy else ""))
        if progress.eta_s is not None:
            parts.append(Part("time", f"{format_duration(progress.eta_s)} left"))
    return parts


def _phase(study: StudyView, state: AppState) -> Part:
    progress = study.progress
    if study.finished is not None:
        end = study.finished.state
        marks = {"finished": "✓", "failed": "✗", "stopped": "✗", "interrupted": "✗"}
        style = "$bad" if end == "failed" else "$tuned" if end == "finished" else "$flag"
        return Part("phase", f"{marks.get(end, '·')} {end}", style)
    if study.elsewhere:
        return Part("phase", f"▶ runs on {study.elsewhere}, as last synced", "$running", short="▶ runs elsewhere")
    if study is not state.live:
        return Part("problem", "✗ its process does not answer", "$bad")
    if study.paused is not None:
        text = ", ".join(each for each in (reason_text(study.paused), retry_text(study.paused, state.clock())) if each)
        return Part("phase", f"‖ {text}", "$flag", short="‖ waiting" if is_waiting(study.paused) else "‖ paused")
    if progress is None:
        return Part("phase", "▶ starting", "$running")
    if progress.phase == "confirming":
        return Part("phase", f"▶ confirming {progress.pairs_done}/{progress.pairs_planned} pairs", "$running")
    return Part("phase", f"▶ {progress.phase} {progress.done}/{progress.expected}", "$running")


def sync_parts(state: AppState) -> list[Part]:
    """How far PostgreSQL is behind: as the study at work tells it, else as the database has it."""
    if (told := state.told_sync) is not None:
        return _told(told)
    queue = state.queue
    if queue is None:
        return []
    if queue.refused:
        return [Part("sync", f"⇅ {queue.refused} row{'s' * (queue.refused != 1)} refused", "$bad")]
    if queue.since is None:
        return [Part("sync", "⇅ 0")]
    age_s = max(0.0, (state.clock() - queue.since).total_seconds())
    return [Part("sync", f"⇅ {queue.waiting} row{'s' * (queue.waiting != 1)} wait, {format_duration(age_s)}", "$flag")]


def _told(sync: SyncState) -> list[Part]:
    if sync.state == "off":
        return []
    if sync.state == "waiting":
        retry = f", retry in {sync.retry_in_s:.0f} s" if sync.retry_in_s is not None else ""
        return [Part("sync", f"⇅ {sync.waiting} rows wait{retry}", "$flag")]
    if sync.state == "needs attention":
        return [Part("sync", f"⇅ {sync.reason or 'sync needs attention'}", "$bad")]
    return [Part("sync", f"⇅ {sync.waiting}")]


def grid_parts(state: AppState) -> list[Part]:
    parts = [Part("cluster", state.cluster.address)]
    document = state.document
    if document is None:
        return [*parts, Part("phase", "no grid yet")]
    parts.append(Part("grid", document.name + ("*" if document.changed else "")))
    if document.problems:
        number = len(document.problems)
        parts.append(Part("problem", f"⚠ {number} problem{'s' * (number != 1)}", "$bad"))
    elif state.count is not None:
        count = state.count
        cached = f", {count.cached} cached" if count.cached is not None else ""
        parts.append(Part("phase", f"{count.cells}{cached}"))
        if count.duration_s is not None:
            parts.append(Part("time", f"~{format_duration(count.duration_s)}"))
        if count.bytes_written is not None:
            parts.append(Part("cost", f"~{about_bytes(count.bytes_written)}"))
    return parts
