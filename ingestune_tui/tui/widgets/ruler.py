"""The confirmation while it happens: the pairs as marks, the interval narrowing around 1.0x, the sentence forming."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ingestune_tui.model.study import Outcome, Ratio
from ingestune_tui.report.wording import ratio_text
from ingestune_tui.tui.study_view import PairView, Scoring, StudyView
from ingestune_tui.tui.widgets.rows import Row, Rows, Run, padded, spread
from ingestune_tui.tui.widgets.verdict import verdict_run
from ingestune_tui.tuning.confirm import ratio_interval

_LOWS = (0.9, 0.8, 0.67, 0.5, 0.33, 0.25)
_HIGHS = (1.1, 1.25, 1.5, 2.0, 3.0, 4.0, 8.0)
_TICKS = (0.25, 0.33, 0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)


@dataclass(frozen=True, slots=True)
class PairMark:
    """One pair: its two marks in the order they were measured, and what it came to."""

    marks: tuple[str, str]
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Confirming:
    """What the ruler shows."""

    pairs: tuple[PairMark, ...] = ()
    planned: int = 0
    interval: Ratio | None = None
    maximize: bool = True
    outcome: Outcome | None = None
    """The verdict once it stands."""

    @property
    def done(self) -> int:
        """Pairs with both halves."""
        return sum(1 for pair in self.pairs if pair.ratio is not None)


def confirming_of(view: StudyView, message_bytes: int) -> Confirming:
    """The confirmation of one message size as it stands."""
    scoring = view.scoring
    progress = view.progress if view.progress and view.progress.message_bytes == message_bytes else None
    outcome = view.outcome(message_bytes)
    pairs = tuple(_pair_mark(pair, scoring) for pair in view.pairs(message_bytes))
    planned = progress.pairs_planned if progress else outcome.pairs if outcome else len(pairs)
    interval = outcome.ratio if outcome and outcome.ratio else progress.ratio_so_far if progress else _interval(pairs)
    return Confirming(pairs, max(planned, len(pairs)), interval, scoring.maximize, outcome)


def _interval(pairs: tuple[PairMark, ...]) -> Ratio | None:
    """The interval over the pairs so far, where no event tells it: the study is stored, or busy with another size."""
    done = [(1.0, pair.ratio) for pair in pairs if pair.ratio]
    if len(done) < 2:
        return None
    ratio, low, high = ratio_interval(done)
    return Ratio(ratio=ratio, low=low, high=high)


def _pair_mark(pair: PairView, scoring: Scoring) -> PairMark:
    def mark(baseline: bool) -> str:
        trial = pair.trials.get(baseline)
        if trial is None:
            return "·"
        if trial.finished is None:
            return "▶"
        return ("◇" if baseline else "◆") if trial.finished.state == "done" else "✗"

    first, second = (True, False) if pair.baseline_first else (False, True)
    return PairMark((mark(first), mark(second)), pair.ratio(scoring))


def sentence(confirming: Confirming) -> Run:
    """What can be said now, and how it is styled. Only the outcome is a claim."""
    if confirming.outcome is not None:
        return verdict_run(confirming.outcome)
    done, planned, interval = confirming.done, confirming.planned, confirming.interval
    if interval is None or done < 2:
        return "two pairs make the first interval; the verdict waits for the last", "label"
    if interval.low > 1.0 or interval.high < 1.0:
        better = (interval.low > 1.0) == confirming.maximize
        tendency = "faster" if better else "slower"
        tail = f"{tendency}, if it stays so"
    else:
        tail = "cannot be told from the baseline yet"
    return f"{ratio_text(interval)} after {done} of {planned} pairs: {tail}", "strong"


class Ruler(Rows):
    """Four rows: pairs, scale, interval, sentence."""

    DEFAULT_CSS = "Ruler { height: 4; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._confirming = Confirming()

    def show(self, confirming: Confirming) -> None:
        """Take the newest state."""
        if confirming != self._confirming:
            self._confirming = confirming
            self.update_rows()

    def compose_rows(self, width: int, height: int) -> tuple[Row, ...]:
        now = self._confirming
        low, high = _scale(now)
        return (self._pairs(width), _ticks(low, high, width), _line(now, low, high, width), (sentence(now),))

    def _pairs(self, width: int) -> Row:
        now = self._confirming
        runs: list[Run] = [("pairs   ", "label")]
        gap = " " if now.planned * 3 + 24 <= width else ""
        for number in range(now.planned):
            marks = now.pairs[number].marks if number < len(now.pairs) else ("·", "·")
            runs.extend((mark, _ROLE_OF_MARK[mark]) for mark in marks)
            runs.append((gap, ""))
        return spread(runs, ((f"{now.done} of {now.planned}", "label"),), width)


_ROLE_OF_MARK = {"◇": "baseline", "◆": "tuned", "▶": "now", "✗": "bad", "·": "ghost"}


def _scale(now: Confirming) -> tuple[float, float]:
    seen = [pair.ratio for pair in now.pairs if pair.ratio is not None]
    least = min([now.interval.low] if now.interval else [1.0])
    most = max([now.interval.high] if now.interval else [1.0])
    least, most = min([least, *seen]), max([most, *seen])
    low = next((step for step in _LOWS if step <= least * 0.99), _LOWS[-1])
    high = next((step for step in _HIGHS if step >= most * 1.01), _HIGHS[-1])
    return low, high


def _column(value: float, low: float, high: float, width: int) -> int:
    share = math.log(min(max(value, low), high) / low) / math.log(high / low)
    return round(share * (width - 1))


def _ticks(low: float, high: float, width: int) -> Row:
    line = [" "] * width
    end = -2
    for tick in _TICKS:
        if not low * 0.999 <= tick <= high * 1.001:
            continue
        text = f"{tick:g}x" if tick != 1.0 else "1.0x"
        at = min(max(_column(tick, low, high, width) - len(text) // 2, 0), width - len(text))
        if at > end + 1:
            line[at : at + len(text)] = text
            end = at + len(text)
    return padded((("".join(line), "axis"),), width)


def _line(now: Confirming, low: float, high: float, width: int) -> Row:
    cells: list[Run] = [("─", "rule")] * width
    for pair in now.pairs:
        if pair.ratio is not None:
            cells[_column(pair.ratio, low, high, width)] = ("•", "ghost")
    one = _column(1.0, low, high, width)
    cells[one] = ("┼", "baseline")
    if now.interval is not None:
        first, last = (_column(end, low, high, width) for end in (now.interval.low, now.interval.high))
        for column in range(first, last + 1):
            cells[column] = ("━", "tuned") if column != one else ("╋", "tuned")
        cells[first] = ("┣" if now.interval.low >= low else "‹", "tuned")
        cells[last] = ("┫" if now.interval.high <= high else "›", "tuned")
        cells[_column(now.interval.ratio, low, high, width)] = ("◆", "tuned")
    return tuple(cells)
