"""A running study told on a terminal without a screen: a line for each trial, or JSON lines for a script."""

from __future__ import annotations

from types import TracebackType
from typing import IO, Self

from rich.console import Console
from rich.status import Status
from rich.text import Text

from ingestune_tui.model import events
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import Event, TrialFinished
from ingestune_tui.report.summary import claim
from ingestune_tui.report.wording import size_text
from ingestune_tui.units import format_duration, format_rate, three_digits


class JsonLines:
    """Public events as JSON lines."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def tell(self, event: Event) -> None:
        if isinstance(event, events.PUBLIC):
            self._stream.write(events.public_json(event).decode() + "\n")
            self._stream.flush()


class _Stderr(Console):
    """Falls silent when nobody reads it any more, where rich's own would end the process and the study with it."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Narration:
    """Plain lines on stderr; on a terminal also one line that moves."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = _Stderr(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._status: Status | None = None
        if self._console.is_terminal and not quiet:
            self._status = self._console.status(Text(""), spinner="line")
        self._phase = ""
        self._trial = ""
        self._baseline: Configuration | None = None
        self._copy_trouble = ""

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def tell(self, event: Event) -> None:
        match event:
            case events.StudyStarted():
                cluster = "simulated broker" if event.simulated else f"Kafka {event.cluster.version}"
                words = "goes on" if event.resumed else "begins"
                cells = "1 cell" if event.cells == 1 else f"{event.cells} cells"
                self._line(
                    f"study {event.study} {words} on {event.cluster.label} ({cluster}): {cells}, {event.objective}"
                )
            case events.Progress():
                self._progress(event)
            case events.TrialStarted():
                self._trial = f"trial {event.trial} {self._words(event.configuration, event.baseline)}"
                self._move(self._trial)
            case events.TrialSampled():
                sample = event.sample
                rate = format_rate(sample.messages / sample.interval_s) if sample.interval_s else "0"
                self._move(f"{self._trial}  {sample.stage}  {rate} msg/s")
            case TrialFinished():
                self._line(self._finished(event))
            case events.SearchStopped():
                leader = self._words(event.leader, False) if event.leader else "none"
                trials = "1 trial" if event.trials == 1 else f"{event.trials} trials"
                self._line(f"search over after {trials}: {event.reason}. Leader: {leader}")
            case events.WorkloadFinished(outcome=outcome):
                self._line(f"{size_text(outcome.workload.message_bytes)}: {claim(outcome)}")
            case events.StudyPaused():
                retry = f"; again in {event.retry_in_s:.0f} s" if event.retry_in_s else ""
                nth = f" ({event.attempt}. time)" if event.attempt > 1 else ""
                self._line(f"paused: {event.reason}{retry}{nth}")
            case events.StudyResumed():
                self._line("goes on")
            case events.Notice():
                self._line(("warning: " if event.level == "warning" else "") + event.text)
            case events.SyncState():
                self._copy(event)
            case events.StudyFinished(study=""):
                return  # it never began: the command line itself says why
            case events.StudyFinished():
                self._line(f"study {event.state}" + (f": {event.message}" if event.message else ""))
            case _:
                return

    def _copy(self, state: events.SyncState) -> None:
        """A trouble of the shared copy once, and its end; the ordinary course of it is not worth a line."""
        trouble = state.reason if state.state in ("waiting", "needs attention") else ""
        if trouble and trouble != self._copy_trouble:
            rows = "1 row waits" if state.waiting == 1 else f"{state.waiting} rows wait"
            self._line(f"warning: the copy in PostgreSQL: {trouble}; {rows} here, and the study goes on")
        elif self._copy_trouble and state.state == "up to date":
            self._line("the copy in PostgreSQL is up to date again")
        if trouble or state.state == "up to date":
            self._copy_trouble = trouble

    def _progress(self, event: events.Progress) -> None:
        self._baseline = event.baseline
        eta = f", about {format_duration(event.eta_s)} to go" if event.eta_s else ""
        noise = f", noise {event.noise:.0%}" if event.noise is not None else ""
        self._phase = f"{event.phase} {event.done}/{event.expected}{noise}{eta}"
        self._move(self._trial)

    def _finished(self, event: TrialFinished) -> str:
        what = self._words(event.configuration, event.baseline)
        head = f"{event.trial:>4} {'throw-away' if event.discarded else event.role:<10}"
        if event.state != "done" or event.messages_per_s is None or event.mb_per_s is None:
            return f"{head} ✗ {event.state}: {event.error}  [{what}]"
        p99 = event.latency_ms.p99 if event.latency_ms else None
        latency = f"p99 {three_digits(p99)} ms" if p99 is not None else "p99 n/a"
        flags = "  ⚠ " + ", ".join(event.flags) if event.flags else ""
        mark = "=" if event.cached else "✓"
        return (
            f"{head} {mark} {format_rate(event.messages_per_s):>7} msg/s  {three_digits(event.mb_per_s):>5} MB/s  "
            f"{latency:<12}  {what}{flags}"
        )

    def _words(self, configuration: Configuration, baseline: bool) -> str:
        if baseline:
            return "baseline"
        if self._baseline is None:
            named = [(item.name, item.value) for item in configuration]
        else:
            named = [
                (name, value) for _, name, value, _ in configuration.differences(self._baseline) if value is not None
            ]
        return " ".join(f"{name}={value}" for name, value in named) or "baseline"

    def _line(self, text: str) -> None:
        self._console.print(Text(text))

    def _move(self, text: str) -> None:
        if self._status is not None:
            self._status.update(Text(f"{self._phase}  {text}"))
