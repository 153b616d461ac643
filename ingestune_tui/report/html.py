"""A study as one web page that needs nothing else: no script, no font, no picture from elsewhere. Pure.

The same figures, words and marks as the app: ◆ tuned, ◇ baseline. Everything from outside is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from ingestune_tui.model.study import Study
from ingestune_tui.model.trial import REMEDIES, Trial
from ingestune_tui.report.board_text import BoardText, Column
from ingestune_tui.report.leaderboard import BoardRow, leaderboard
from ingestune_tui.report.objective import objective_of
from ingestune_tui.report.summary import Arm, Estimate, SizeResult, Summary, claim, for_all_text, summarize
from ingestune_tui.report.wording import (
    difference_text,
    percent_text,
    size_text,
    unstable_text,
)

_STYLE = """
:root { --ink: #1d262c; --quiet: #5c6a73; --rule: #d5dadd; --page: #fbfbf9; --tuned: #00707a; --baseline: #8a3b97;
  --flag: #8a5a00; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #d6dde3; --quiet: #93a2ad; --rule: #33414a; --page: #11161a;
  --tuned: #5fd7d7; --baseline: #d9a5e0; --flag: #e5b567; --bad: #f0716b; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .4rem; }
.quiet { color: var(--quiet); } .tuned { color: var(--tuned); } .baseline { color: var(--baseline); }
.flag { color: var(--flag); } .bad { color: var(--bad); }
.verdict { font-size: 1.5rem; font-weight: 600; margin: .6rem 0 0; }
.simulated { border: 2px solid var(--flag); padding: .3rem .6rem; display: inline-block; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 400; color: var(--quiet); } th, td { padding: .2rem .7rem .2rem 0;
  border-bottom: 1px solid var(--rule); } td.number, th.number { text-align: right; }
.wide { overflow-x: auto; } .plots { display: flex; flex-wrap: wrap; gap: 2rem; } svg { max-width: 100%; height: auto; }
svg text { fill: var(--quiet); font: 12px system-ui, sans-serif; } pre { overflow-x: auto; }
.bar { background: var(--tuned); display: inline-block; height: .8em; vertical-align: baseline; }
"""
_Figure = Callable[[Arm], Estimate | None]
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 440, 260, 52, 28, 12


def render_html(study: Study, trials: Sequence[Trial], objective: str = "") -> str:
    """The whole page as text. `objective` is the label where the study was watched, and its grid is not at hand."""
    objective = objective or objective_of(study)
    summary = summarize(trials, study.outcomes, objective=objective, overall=study.overall)
    title = f"{study.name}: {study.grid_name} on {study.cluster.label}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        _head(study),
        *(_verdict(result) for result in summary.sizes),
        _plots(summary),
        _everywhere(summary),
        _effects(summary),
        *(_board(trials, result, objective) for result in summary.sizes),
        _method(study, trials),
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _head(study: Study) -> str:
    place = "simulated broker" if study.cluster.simulated else f"Kafka {study.cluster.version}"
    nodes = f"{study.cluster.nodes} node{'s' * (study.cluster.nodes != 1)}"
    facts = [study.cluster.label, place, nodes, study.grid_name, study.created_at[:16].replace("T", " "), study.state]
    warning = (
        '<p class="simulated flag">Measured against a simulated broker: no figure here says anything about Kafka.</p>'
        if study.cluster.simulated
        else ""
    )
    return f'<h1>{escape(study.name)}</h1><p class="quiet">{escape(" · ".join(facts))}</p>{warning}'


def _verdict(result: SizeResult) -> str:
    outcome = result.outcome
    workload = result.workload
    head = (
        f"{size_text(workload.message_bytes)} {workload.payload}, {workload.partitions} partitions, {workload.client}"
    )
    if outcome is None:
        return f"<h2>{escape(head)}</h2><p class='verdict quiet'>not finished</p>"
    role = {"faster": "tuned", "slower": "bad", "unstable": "flag", "unconfirmed": "flag", "infeasible": "bad"}
    mark = "◆ " if outcome.verdict == "faster" else ""
    pairs = f"{outcome.pairs} fresh pairs" if outcome.pairs else "no pairs"
    changes = difference_text(outcome.winner, outcome.baseline, workload) if outcome.winner else []
    noise = f", noise of one trial {percent_text(outcome.noise)}" if outcome.noise is not None else ""
    unstable = unstable_text([outcome])
    warning = f'<p class="flag">⚠ {escape(unstable)}</p>' if unstable else ""
    return (
        f"<h2>{escape(head)}</h2>"
        f'<p class="verdict {role.get(outcome.verdict, "")}">{mark}{escape(claim(outcome))}</p>{warning}'
        f"<p>{escape('; '.join(changes)) or 'no setting differs from the baseline'}</p>"
        f'<p class="quiet">{pairs}, {outcome.trials} trials in all{noise}'
        f"{escape('; search ended: ' + outcome.stop_reason) if outcome.stop_reason else ''}</p>" + _flags(result)
    )


def _flags(result: SizeResult) -> str:
    return "".join(f'<p class="flag">⚠ {escape(flag)}: {escape(REMEDIES[flag])}</p>' for flag in result.flags)


# The two plots ---------------------------------------------------------------------------------------------------


def _plots(summary: Summary) -> str:
    both = [
        _plot(summary, "throughput, MB/s", lambda arm: arm.mb_per_s),
        _plot(summary, "p99 latency at the same rate, ms", lambda arm: arm.p99_ms),
    ]
    shown = [plot for plot in both if plot]
    note = "" if all(result.confirmed for result in summary.sizes) else ", figures of the search: not confirmed"
    legend = (
        '<p class="quiet"><span class="tuned">◆ tuned</span>, <span class="baseline">◇ baseline</span>, '
        f"with 95 % intervals{note}</p>"
    )
    return f'<h2>Tuned against baseline</h2>{legend}<div class="plots">{"".join(shown)}</div>' if shown else ""


def _plot(summary: Summary, title: str, figure: _Figure) -> str:
    points: list[tuple[str, float, Estimate]] = []
    for result in summary.sizes:
        for role, arm in (("baseline", result.baseline), ("tuned", result.tuned)):
            if arm is not None and (found := figure(arm)) is not None:
                points.append((role, float(result.workload.message_bytes), found))
    if not points:
        return ""
    xs = sorted({x for _, x, _ in points})
    ys = [y for _, _, found in points for y in (found.mean, found.low, found.high) if y is not None]
    across = _Scale(min(xs) / 2, max(xs) * 2, _LEFT, _WIDTH - 10)
    up = _Scale(min(ys) / 1.3, max(ys) * 1.3, _HEIGHT - _BOTTOM, _TOP)
    marks = [f'<svg role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}"><title>{escape(title)}</title>']
    for tick in up.ticks():
        y = up(tick)
        marks.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--rule)"/>')
        marks.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    below = f'y="{_HEIGHT - 8}" text-anchor="middle"'
    marks += [f'<text x="{across(x):.1f}" {below}>{size_text(int(x))}</text>' for x in xs]
    for role in ("baseline", "tuned"):
        own = [(across(x), up, found) for each, x, found in points if each == role]
        marks += [_line(role, own)]
    return f"<figure><figcaption>{escape(title)}</figcaption>{''.join(marks)}</svg></figure>"


def _line(role: str, points: Sequence[tuple[float, _Scale, Estimate]]) -> str:
    colour = f"var(--{role})"
    path = " ".join(f"{x:.1f},{up(found.mean):.1f}" for x, up, found in points)
    drawn = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>']
    for x, up, found in points:
        if found.low is not None and found.high is not None:
            ends = f'y1="{up(found.low):.1f}" y2="{up(found.high):.1f}"'
            drawn.append(f'<line x1="{x:.1f}" x2="{x:.1f}" {ends} stroke="{colour}"/>')
        y = up(found.mean)
        fill = colour if role == "tuned" else "var(--page)"
        corners = f"{x:.1f},{y - 5:.1f} {x + 5:.1f},{y:.1f} {x:.1f},{y + 5:.1f} {x - 5:.1f},{y:.1f}"
        title = f"<title>{role} {found.mean:.3g}</title>"
        drawn.append(f'<polygon points="{corners}" fill="{fill}" stroke="{colour}">{title}</polygon>')
    return "".join(drawn)


class _Scale:
    """A logarithmic axis: a value to its place in the picture."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._high = math.log10(low), math.log10(high)
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)

    def ticks(self) -> list[float]:
        """1, 2 and 5 of every decade within."""
        decades = range(math.floor(self._low), math.ceil(self._high) + 1)
        every = [step * 10.0**power for power in decades for step in (1, 2, 5)]
        return [tick for tick in every if self._low <= math.log10(tick) <= self._high]


# Tables ----------------------------------------------------------------------------------------------------------


def _everywhere(summary: Summary) -> str:
    if summary.for_all is None:
        return ""
    costs = ", ".join(f"{size_text(size)} {percent_text(cost)}" for size, cost in summary.for_all.costs)
    return (
        f"<h2>One configuration for all sizes</h2><p>{escape(for_all_text(summary.for_all))}</p>"
        f'<p class="quiet">what it gives up per size: {costs}</p>'
    )


def _effects(summary: Summary) -> str:
    if not summary.effects:
        return ""
    rows = []
    for effect in summary.effects:
        none = "nothing by itself" if effect.interaction else "no effect seen"
        bar = f'<span class="bar" style="width:{max(effect.share, 0.004) * 16:.2f}rem"></span>'
        rows.append(
            f"<tr><td>{escape(effect.parameter)}</td><td>{bar} {percent_text(effect.share)}</td>"
            f"<td>{escape(effect.best) or none}</td><td>{escape(effect.interaction)}</td></tr>"
        )
    head = "<tr><th>parameter</th><th>share of what varied</th><th>best level</th><th>together with</th></tr>"
    return f"<h2>What mattered</h2><table>{head}{''.join(rows)}</table>"


def _board(trials: Sequence[Trial], result: SizeResult, objective: str) -> str:
    size = result.workload.message_bytes
    own = [trial for trial in trials if trial.workload.message_bytes == size]
    board = leaderboard(own, objective, outcome=result.outcome)
    if not board.rows:
        return ""
    text = BoardText(board)
    columns = text.columns()
    head = "".join(f"<th{_kind(column)}>{escape(column.title)}</th>" for column in columns)
    body = "".join(_board_row(columns, row, text.cells(row)) for row in board.rows)
    return (
        f"<h2>Leaderboard, {size_text(size)}</h2>"
        f'<p class="quiet">ranked by {escape(objective)}; {"; ".join(map(escape, text.legend()))}</p>'
        f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
    )


def _kind(column: Column) -> str:
    return ' class="number"' if column.number else ' class="flag"' if column.title == "flags" else ""


def _board_row(columns: Sequence[Column], row: BoardRow, cells: Sequence[str]) -> str:
    role = {"winner": "tuned", "baseline": "baseline", "infeasible": "bad"}.get(row.standing, "")
    told = "".join(f"<td{_kind(column)}>{escape(cell)}</td>" for column, cell in zip(columns, cells, strict=True))
    return f'<tr class="{role}">{told}</tr>'


def _method(study: Study, trials: Sequence[Trial]) -> str:
    clients = sorted({trial.client_version for trial in trials if trial.client_version})
    rates = ", ".join(f"{size_text(int(size))}: {rate:,.0f} messages/s" for size, rate in study.rates.items())
    facts = [
        ("client", ", ".join(clients)),
        ("load generated on", study.host),
        ("strategy", f"{study.strategy}, seed {study.seed}"),
        ("paced rate", rates),
    ]
    rows = "".join(f"<tr><th>{name}</th><td>{escape(text)}</td></tr>" for name, text in facts if text)
    grid = f"<h2>The grid</h2><pre>{escape(study.grid_text)}</pre>" if study.grid_text else ""
    explained = (
        "Throughput is what was acknowledged in the saturated stage. Latency runs from the moment a message was due to "
        "its acknowledgement, at one rate for every configuration. The claim rests on fresh pairs alone, in ABBA "
        "order, with a t interval on the log ratios."
    )
    return f'<h2>How it was measured</h2><p class="quiet">{explained}</p><table>{rows}</table>{grid}'
