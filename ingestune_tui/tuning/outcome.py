"""What came of one workload: the verdict over fresh pairs, the winner, what mattered. Pure; the only maker of claims.

Search trials have no part in the ratio. Without all the pairs that were planned there is no claim, only a leader.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from ingestune_tui.catalogue import catalogue
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.space import Space
from ingestune_tui.model.study import Effect, Outcome, Predicted, Ratio, VerdictKind
from ingestune_tui.model.trial import Trial
from ingestune_tui.tuning import confirm, effects, preflight
from ingestune_tui.tuning.common_window import Pair, Series, pair_values, throughputs, unequal
from ingestune_tui.tuning.futile import why_without
from ingestune_tui.tuning.pairs import complete_pairs
from ingestune_tui.tuning.search import objective_value, observations, search_space
from ingestune_tui.tuning.search_space import infeasible_cells
from ingestune_tui.tuning.standing import FEASIBLE_ENOUGH

_PREDICTED = 3
_NOTHING_SHOWN = ("no measurable difference", "unstable")
"""Verdicts after which a baseline that led the search is still the one to keep."""
_FEWEST_TO_PREDICT = 12
"""Trials of preflight and search, from which on the model may be shown to people."""


def judge(
    grid: Grid,
    space: Space,
    trials: Sequence[Trial],
    *,
    leader: int | None,
    challenger: int | None,
    pairs_planned: int,
    reason: str,
    stop_reason: str,
    infeasible: bool = False,
    keeps_limit: float = 1.0,
    series: Series | None = None,
) -> Outcome:
    """The outcome of one workload. `challenger` met the baseline in the pairs; `reason` says why there is no claim.

    `leader` is whom the search put first: the baseline itself, where the challenger is only the runner-up.
    `infeasible` is True when nothing could be measured at all, as against not having got so far. `keeps_limit` is the
    probability that the leader keeps the limit: one that may break it is handed out only when fresh pairs saw it keep
    the limit, and one that fresh pairs saw break it never. `series` are the samples of pairs with unequal windows.
    """
    pairs = list(complete_pairs(trials).values())
    kind: VerdictKind = "infeasible" if infeasible else "unconfirmed"
    ratio = latency = throughput = None
    latency_reason = compared = ""
    broke_limit = False
    if challenger is not None and not reason and pairs_planned and len(pairs) == pairs_planned:
        kind, ratio, reason = _claim(grid, pairs, series or {})
        broke_limit = not _keep_limit(grid, [new for _, new in pairs])
        latency, latency_reason = _latency_ratio(pairs)
        if ratio is not None and grid.objective.figure != "throughput":
            throughput = _ratio_of([throughputs(pair, series or {}) for pair in pairs])
        compared = _compared(pairs)
    chosen = challenger
    if leader is not None and (kind == "unconfirmed" or (leader == space.baseline_cell and kind in _NOTHING_SHOWN)):
        chosen = leader
        if leader == space.baseline_cell and challenger not in (None, leader):
            reason = "; ".join(each for each in ("the baseline led the search", reason) if each)
    winner = None if chosen is None else space.cells[chosen].configuration
    if chosen is not None and chosen == space.baseline_cell:
        winner = space.baseline
    if kind == "slower" and (broken := _baseline_breaks_limit(grid, pairs)):
        reason = broken
    elif kind == "slower":
        winner = space.baseline
        reason = "the baseline is better than anything the search found"
    if broke_limit and chosen == challenger:
        winner = None
    if kind == "unconfirmed" and chosen is not None and keeps_limit < FEASIBLE_ENOUGH:
        kind, winner = "infeasible", None
        reason = "; ".join(each for each in (doubtful_limit(grid, keeps_limit), reason) if each)
    return Outcome(
        workload=space.workload,
        objective=grid.objective.label,
        verdict=kind,
        reason=reason,
        ratio=ratio,
        latency=latency,
        latency_reason=latency_reason,
        throughput=throughput,
        compared=compared,
        winner=winner,
        baseline=space.baseline,
        pairs=len(pairs),
        trials=sum(trial.state != "running" for trial in trials),
        noise=noise_seen(grid, trials),
        unstable_spread=unstable_spread_seen(trials),
        effects=effects_of(grid, space, trials),
        stop_reason=stop_reason,
        predicted=predictions_of(grid, space, trials),
    )


def predictions_of(grid: Grid, space: Space, trials: Sequence[Trial]) -> tuple[Predicted, ...]:
    """The best few cells that no trial measured, of those that may win, as the model sees them.

    Empty while too little is measured, and where a limit decides: the model of the objective knows nothing of it.
    """
    if grid.objective.p99_limit_ms is not None:
        return ()
    seen = observations(trials, grid.objective, space)
    measured = {each.cell for each in seen}
    targets = search_space(space)
    left = [cell for cell in targets.targets if cell not in measured]
    if not left or sum(not each.infeasible for each in seen) < _FEWEST_TO_PREDICT:
        return ()
    found = effects.predictions(
        search_space(space, every_class=True),
        seen,
        maximize=grid.objective.maximize,
        noise=noise_seen(grid, trials) or 0.10,
        seed=0,
    )
    sign = -1 if grid.objective.maximize else 1
    best = sorted((each for each in found if each.cell in set(left)), key=lambda each: (sign * each.value, each.cell))
    return tuple(
        Predicted(configuration=space.cells[each.cell].configuration, value=each.value, low=each.low, high=each.high)
        for each in best[:_PREDICTED]
    )


def effects_of(grid: Grid, space: Space, trials: Sequence[Trial]) -> tuple[Effect, ...]:
    """What each parameter did, as far as preflight and search can tell; by share, greatest first."""
    seen = [each for each in observations(trials, grid.objective, space) if not each.infeasible]
    if not space.factors or not seen:
        return ()
    found = effects.effects(
        search_space(space, every_class=True),
        seen,
        maximize=grid.objective.maximize,
        noise=noise_seen(grid, trials) or 0.10,
        seed=0,
    )

    def name(factor: int) -> str:
        return f"{space.factors[factor].scope.value} {space.factors[factor].name}"

    partners: dict[int, int] = {}
    if found.strongest_interaction is not None:
        left, right, _ = found.strongest_interaction
        partners = {left: right, right: left}
    return tuple(
        Effect(
            parameter=name(effect.factor),
            share=effect.share if effect.seen else 0.0,
            best=_level_text(space, effect.factor, effect.best_level) if effect.seen else "",
            interaction=name(partners[effect.factor]) if effect.factor in partners else "",
        )
        for effect in found.factors
    )


def _level_text(space: Space, factor: int, level: int | None) -> str:
    if level is None:
        return ""
    parameter = space.factors[factor]
    prop = catalogue.find(parameter.scope, parameter.name)
    value = parameter.levels[level]
    return catalogue.format_value(prop, value) if prop else str(value)


def leader_and_runner_up(grid: Grid, space: Space, trials: Sequence[Trial]) -> tuple[int | None, int | None]:
    """The best measured cell of the baseline's durability class, and the best one that is not the baseline."""
    targets = set(search_space(space).targets)
    limit = grid.objective.p99_limit_ms
    values: dict[int, list[float]] = {}
    limited: dict[int, list[float]] = {}
    finished = observations(trials, grid.objective, space)
    masked = infeasible_cells(finished, limit)
    for seen in finished:
        if seen.cell in targets and seen.cell not in masked:
            values.setdefault(seen.cell, []).append(math.log(seen.value))
            if seen.limit_value:
                limited.setdefault(seen.cell, []).append(math.log(seen.limit_value))
    if limit is not None:
        values = {cell: logs for cell, logs in values.items() if _mean(limited.get(cell)) < math.log(limit)}
    sign = 1 if grid.objective.maximize else -1
    ranked = sorted(values, key=lambda cell: -sign * statistics.fmean(values[cell]))
    others = [cell for cell in ranked if cell != space.baseline_cell]
    return (ranked[0] if ranked else None), (others[0] if others else None)


def _mean(logs: Sequence[float] | None) -> float:
    """Of ln(figure); infinite where there is none, which keeps no limit."""
    return statistics.fmean(logs) if logs else math.inf


def doubtful_limit(grid: Grid, keeps_limit: float) -> str:
    """That nothing may be handed out, since the likeliest cell keeps the limit only with this probability."""
    return (
        f"no configuration surely keeps p99 below {grid.objective.p99_limit_ms:g} ms, the likeliest does with "
        f"probability {keeps_limit:.0%}: raise [objective] p99_ms, or lower its rate"
    )


def _keeping(trials: Sequence[Trial], limit: float) -> int:
    """How many of them kept the limit; one without a p99 did not."""
    figures = [trial.latency.p99 if trial.latency is not None else None for trial in trials]
    return sum(p99 is not None and p99 < limit for p99 in figures)


def _keep_limit(grid: Grid, trials: Sequence[Trial]) -> bool:
    """Whether nearly all of them kept the limit, or there is none."""
    limit = grid.objective.p99_limit_ms
    return limit is None or _keeping(trials, limit) >= FEASIBLE_ENOUGH * len(trials)


def _baseline_breaks_limit(grid: Grid, pairs: Sequence[Pair]) -> str:
    """Why a faster baseline is no answer: it breaks the limit that the leader keeps. Empty where it is one."""
    limit = grid.objective.p99_limit_ms
    baselines = [old for old, _ in pairs]
    if limit is None or _keep_limit(grid, baselines):
        return ""
    kept = f"{_keeping(baselines, limit)} of {len(pairs)} fresh trials"
    return f"the baseline does more, and kept p99 below {limit:g} ms in only {kept}"


def _compared(pairs: Sequence[Pair]) -> str:
    """How pairs with unequal windows were compared; empty without any."""
    cut = [pair for pair in pairs if unequal(pair)]
    if not cut:
        return ""
    shortest = min(trial.window_s or 0.0 for pair in cut for trial in pair)
    return (
        f"in {len(cut)} of {len(pairs)} pairs [limits] bytes_per_trial ended one half early: their throughput is that "
        f"of the time both ran, {shortest:.1f} s at least"
    )


def _claim(grid: Grid, pairs: Sequence[Pair], series: Series) -> tuple[VerdictKind, Ratio | None, str]:
    figure = grid.objective.figure
    values = [pair_values(pair, figure, series) for pair in pairs]
    known = [(old, new) for old, new in values if old and new]
    if len(known) < len(values):
        without = [trial for pair in pairs for trial in pair if not objective_value(trial, figure)]
        words = f"{len(values) - len(known)} of {len(values)} pairs have no {grid.objective.figure_name}"
        if not without:
            return "unconfirmed", None, f"{words} over a common window: raise [limits] bytes_per_trial"
        return "unconfirmed", None, f"{words}: {why_without(without)}"
    challengers = [new for _, new in pairs]
    if (limit := grid.objective.p99_limit_ms) is not None and not _keep_limit(grid, challengers):
        kept = f"{_keeping(challengers, limit)} of {len(pairs)} fresh trials"
        return "unconfirmed", None, f"the leader kept p99 below {limit:g} ms in only {kept}"
    found = confirm.verdict(known, maximize=grid.objective.maximize)
    if found.ratio is None or found.low is None or found.high is None:
        return "unconfirmed", None, "too few pairs for a claim"
    ratio = Ratio(ratio=found.ratio, low=found.low, high=found.high)
    kind: VerdictKind = found.kind.value
    return kind, ratio, "the interval is too wide to say anything" if kind == "unstable" else ""


def _latency_ratio(pairs: Sequence[Pair]) -> tuple[Ratio | None, str]:
    """p99 of the leader over the baseline's at the same rate; None, with the reason, unless all pairs have both."""
    values = [(objective_value(old, "p99"), objective_value(new, "p99")) for old, new in pairs]
    lacking = [pair for pair, (old, new) in zip(pairs, values, strict=True) if not old or not new]
    if not lacking:
        return _ratio_of(values), ""
    if not any(trial.rate for pair in pairs for trial in pair):
        return None, "the trials have no paced stage"
    without = [trial for pair in lacking for trial in pair if not objective_value(trial, "p99")]
    return None, f"{len(lacking)} of {len(pairs)} pairs have no p99: {why_without(without)}"


def _ratio_of(values: Sequence[tuple[float | None, float | None]]) -> Ratio | None:
    """The ratio over all pairs with its interval; None where a pair lacks the figure, or too few were run."""
    known = [(old, new) for old, new in values if old and new]
    if len(known) < max(len(values), confirm.FEWEST_PAIRS):
        return None
    ratio, low, high = confirm.ratio_interval(known)
    return Ratio(ratio=ratio, low=low, high=high)


def noise_seen(grid: Grid, trials: Sequence[Trial]) -> float | None:
    """The noise of one trial as the preflight saw it, a share; None before there are two of its trials."""
    values = [
        value
        for trial in trials
        if trial.role == "preflight" and trial.counts and (value := objective_value(trial, grid.objective.figure))
    ]
    return preflight.noise_of(values) if len(values) >= 2 else None


def unstable_spread_seen(trials: Sequence[Trial]) -> float | None:
    """How far the preflight's trials lay apart, a share, where that is too far for a steady machine; else None."""
    rates = [
        trial.messages_per_s for trial in trials if trial.role == "preflight" and trial.counts and trial.messages_per_s
    ]
    look = preflight.preflight(rates) if len(rates) >= 2 else None
    return look.spread if look is not None and look.unstable else None
