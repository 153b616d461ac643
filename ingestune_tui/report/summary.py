"""The result of a study in numbers and sentences: what Compare, the web page, `results --json` and the farewell share.

Pure. Figures of tuned and baseline come from the confirmation pairs alone; where there was none, from the search, and
then they are marked as not confirmed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import CLIENT_SCOPES
from ingestune_tui.model.configuration import Configuration, Setting
from ingestune_tui.model.objective import MAXIMIZED
from ingestune_tui.model.space import durability_of
from ingestune_tui.model.study import Effect, Outcome, Overall, Study
from ingestune_tui.model.trial import Flag, Trial
from ingestune_tui.model.workload import Workload
from ingestune_tui.report.leaderboard import figure_of, leaderboard
from ingestune_tui.report.objective import objective_of
from ingestune_tui.report.wording import (
    CLAIMS,
    Key,
    beside,
    changes,
    difference_text,
    percent_text,
    short_text,
    size_text,
    unstable_text,
    verdict_text,
    what_mattered,
)
from ingestune_tui.tuning.overall import best_overall
from ingestune_tui.tuning.pairs import complete_pairs
from ingestune_tui.tuning.search import target_class
from ingestune_tui.tuning.student_t import two_sided


@dataclass(frozen=True, slots=True)
class Estimate:
    """A geometric mean with its 95 % interval; the interval is None with a single trial."""

    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Arm:
    """Tuned or baseline under one workload."""

    configuration: Configuration
    mb_per_s: Estimate | None
    messages_per_s: Estimate | None
    p99_ms: Estimate | None


@dataclass(frozen=True, slots=True)
class SizeResult:
    """What came of one workload."""

    workload: Workload
    tuned: Arm | None
    baseline: Arm
    confirmed: bool
    """Whether the figures come from confirmation pairs."""
    outcome: Outcome | None
    """None while the study runs."""
    flags: tuple[Flag, ...]
    """Of the trials the figures come from."""


@dataclass(frozen=True, slots=True)
class ForAll:
    """One configuration for every message size."""

    configuration: Configuration
    ratio: float
    """Geometric mean over the sizes of its objective over the baseline's; of the search, no claim."""
    costs: tuple[tuple[int, float], ...]
    """(message bytes, what it loses against that size's own best, as a share)."""
    modelled: bool = False
    """Whether the models of the searches expect it; else it is the means of the trials so far."""
    unmeasured: tuple[int, ...] = ()
    """Message bytes at which the search did not measure it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A study's results over all its workloads."""

    sizes: tuple[SizeResult, ...]
    for_all: ForAll | None
    """None with a single workload, or when no configuration was measured under all."""
    effects: tuple[Effect, ...]
    """Averaged over the workloads, the greatest first."""


def summarize(
    trials: Sequence[Trial],
    outcomes: Sequence[Outcome],
    *,
    leaders: dict[int, Configuration] | None = None,
    objective: str = "throughput",
    against: Configuration | None = None,
    overall: Overall | None = None,
) -> Summary:
    """Everything Compare shows. `leaders` (by message bytes) stand in where there is no outcome yet.

    `overall` is what the study found for all sizes at its end; before it, the means of the trials so far stand in.
    With `against` the figures of another configuration take the baseline's place; they are of the search, no claim.
    """
    by_size: dict[int, list[Trial]] = {}
    for trial in trials:
        if trial.counts:
            by_size.setdefault(trial.workload.message_bytes, []).append(trial)
    claimed = {outcome.workload.message_bytes: outcome for outcome in outcomes}
    sizes = []
    for size in sorted({*by_size, *claimed}):
        result = _size_result(by_size.get(size, []), claimed.get(size), (leaders or {}).get(size), against)
        if result is not None:
            sizes.append(result)
    whole = claimed.keys() <= by_size.keys()
    means = _for_all(dict(sorted(by_size.items())), objective) if overall is None and whole else None
    so_far = means if overall is None else _modelled(overall)
    return Summary(tuple(sizes), so_far, _effects(outcomes))


def _size_result(
    trials: Sequence[Trial], outcome: Outcome | None, leader: Configuration | None, against: Configuration | None
) -> SizeResult | None:
    baselines = [trial for trial in trials if trial.baseline]
    if not baselines and outcome is None:
        return None
    base = outcome.baseline if outcome is not None else baselines[0].configuration
    tuned = (outcome.winner if outcome is not None else None) or leader
    if tuned == base:  # the baseline won: what it was measured against is worth showing
        tuned = next((trial.configuration for trial in trials if trial.role == "confirm" and not trial.baseline), None)
    pairs = [trial for pair in complete_pairs(trials).values() for trial in pair]
    confirmed = against is None and outcome is not None and outcome.verdict in CLAIMS and bool(pairs)
    source = pairs if confirmed else [trial for trial in trials if trial.role != "confirm"] or list(trials)
    if against is not None:
        base, old = against, [trial for trial in source if trial.configuration == against]
    else:
        old = [trial for trial in source if trial.baseline]
    new = [trial for trial in source if trial.configuration == tuned and not (confirmed and trial.baseline)]
    workload = outcome.workload if outcome is not None else baselines[0].workload
    return SizeResult(
        workload=workload,
        tuned=_arm(tuned, new) if tuned is not None and tuned != base else None,
        baseline=_arm(base, old),
        confirmed=confirmed,
        outcome=outcome,
        flags=tuple(dict.fromkeys(flag for trial in (*old, *new) for flag in trial.flags)),
    )


def _arm(configuration: Configuration, trials: Sequence[Trial]) -> Arm:
    return Arm(
        configuration,
        estimate(trial.mb_per_s for trial in trials),
        estimate(trial.messages_per_s for trial in trials),
        estimate(trial.latency.p99 if trial.latency is not None else None for trial in trials),
    )


def estimate(values: Iterable[float | None]) -> Estimate | None:
    """Geometric mean and t interval on the logarithms; None without any value."""
    logs = [math.log(value) for value in values if value is not None and value > 0]
    if not logs:
        return None
    mean = math.fsum(logs) / len(logs)
    if len(logs) == 1:
        return Estimate(math.exp(mean), None, None, 1)
    spread = math.sqrt(math.fsum((log - mean) ** 2 for log in logs) / (len(logs) - 1))
    half = min(two_sided(0.95, len(logs) - 1) * spread / math.sqrt(len(logs)), 50.0)
    return Estimate(math.exp(mean), math.exp(mean - half), math.exp(mean + half), len(logs))


def _modelled(overall: Overall) -> ForAll:
    return ForAll(
        overall.configuration,
        overall.ratio,
        tuple((share.message_bytes, share.cost) for share in overall.per_size),
        modelled=True,
        unmeasured=tuple(share.message_bytes for share in overall.per_size if not share.trials),
    )


def _for_all(by_size: dict[int, list[Trial]], objective: str) -> ForAll | None:
    """The configuration that the trials of the search and the pairs together put first over all sizes.

    Like is compared with like: only configurations of the class in which each size's own winner is sought.
    """
    if len(by_size) < 2:
        return None
    values: list[dict[Configuration, float]] = []
    baselines: list[float] = []
    for trials in by_size.values():
        rows = leaderboard(trials, objective).rows
        base = next((row for row in rows if row.standing == "baseline"), None)
        if base is None or base.score is None:
            return None
        baselines.append(base.score)
        workload = trials[0].workload
        promised = {row.configuration: durability_of(row.configuration, workload) for row in rows}
        others = [promised[row.configuration] for row in rows if row is not base]
        wanted = target_class(promised[base.configuration], others)
        kept = [row for row in rows if row.keeps_limit and promised[row.configuration] == wanted]
        if len(kept) < 2:  # nothing but the baseline: this size has not been searched yet
            return None
        values.append({row.configuration: row.score for row in kept if row.score is not None})
    best = best_overall(values, maximize=figure_of(objective) in MAXIMIZED, baselines=baselines)
    if best is None or best.ratio is None:
        return None
    return ForAll(best.key, best.ratio, tuple(zip(by_size, best.costs, strict=True)))


def _effects(outcomes: Sequence[Outcome]) -> tuple[Effect, ...]:
    seen: dict[str, list[Effect]] = {}
    for outcome in outcomes:
        for effect in outcome.effects:
            seen.setdefault(effect.parameter, []).append(effect)
    merged = [
        Effect(
            parameter=name,
            share=math.fsum(effect.share for effect in effects) / len(effects),
            best=next((effect.best for effect in effects if effect.best), "")
            if len({effect.best for effect in effects if effect.best}) <= 1
            else "differs by size",
            interaction=next((effect.interaction for effect in effects if effect.interaction), ""),
        )
        for name, effects in seen.items()
    ]
    return tuple(sorted(merged, key=lambda effect: -effect.share))


# Sentences -------------------------------------------------------------------------------------------------------


def baseline_name(outcome: Outcome) -> str:
    """What the winner was measured against, in words: the client's defaults, or the person's own settings."""
    pinned = {item.name for item in outcome.winner or ()} if outcome.winner else set()
    own = [item for item in outcome.baseline if item.name not in pinned]
    client = outcome.workload.client
    same = all(
        outcome.winner is not None
        and outcome.winner.get(item.scope, item.name) == item.value
        and _is_default(item, client)
        for item in outcome.baseline
    )
    return f"{client}'s defaults" if not own and same else "the baseline"


def _is_default(item: Setting, client: str) -> bool:
    """Whether it is what the client does unasked; what brokers and topics are given is not the client's."""
    prop = catalogue.find(item.scope, item.name) if item.scope in CLIENT_SCOPES else None
    return prop is None or prop.default(catalogue.client_of(item.scope, client)) == item.value


def claim(outcome: Outcome) -> str:
    """The honest sentence: `1.52x [1.44, 1.61] the throughput of librdkafka's defaults: faster; p99 …`."""
    text = verdict_text(outcome, f"the {outcome.objective.split(',')[0]} of {baseline_name(outcome)}")
    compared = outcome.compared if outcome.verdict in CLAIMS else ""
    return "; ".join(filter(None, (text, *beside(outcome, "p99 at the same rate"), compared)))


def farewell(study: Study, trials: Sequence[Trial] = ()) -> str:
    """What is left on the normal screen: plain text that can be pasted into a ticket.

    With the study's `trials` it also says which configuration is best over all message sizes.
    """
    lines: list[str] = []
    acks = ""
    for outcome in study.outcomes:
        workload = outcome.workload
        acks = next((f"acks={item.value}" for item in outcome.baseline if item.name == "acks"), "")
        place = f"Kafka {study.cluster.version}" if not study.cluster.simulated else "simulated broker"
        head = [study.name, f"{size_text(workload.message_bytes)} {workload.payload}", acks, place]
        if outcome.pairs:
            head.append(f"{outcome.pairs} pairs")
        lines.append(" · ".join(part for part in head if part))
        lines.append(claim(outcome))
        if unstable := unstable_text([outcome]):
            lines.append(f"  {unstable}")
        if outcome.winner is not None and (
            differences := difference_text(outcome.winner, outcome.baseline, workload, "->")
        ):
            lines.append("  " + "    ".join(differences))
        if outcome.effects and outcome.verdict != "infeasible" and outcome.winner is not None:
            lines.append(f"  what mattered: {what_mattered(outcome.effects)}")
        size = f" --message-bytes {workload.message_bytes}" if len(study.outcomes) > 1 else ""
        lines += [f"ingestune export {study.name}{size} {options}" for options in _exports(outcome)]
    everywhere = _modelled(study.overall) if study.overall is not None else None
    if everywhere is None and trials:
        everywhere = summarize(trials, study.outcomes, objective=objective_of(study)).for_all
    if everywhere is not None:
        lines.append(f"one for all sizes: {for_all_text(everywhere)}")
    if not lines or study.state not in ("finished", "failed"):
        state = {"running": "still running", "paused": "paused", "interrupted": "interrupted"}.get(
            study.state, study.state
        )
        words = study.message if study.message.startswith(state) else ", ".join(filter(None, (state, study.message)))
        known = bool(lines)
        lines.append(f"{study.name}: {words}")
        if study.state in ("running", "paused"):
            lines.append(f"ingestune attach {study.name}")
        elif study.state in ("stopped", "interrupted"):
            lines.append(f"ingestune run --study {study.name}")
        elif not known:
            lines.append(f"ingestune results {study.name}")
    return "\n".join(lines)


def _exports(outcome: Outcome) -> list[str]:
    """What to say to `export` for each scope that the winner changes; for the producer where it changes none."""
    if outcome.winner is None:
        return []
    found = changes(outcome.winner, outcome.baseline, outcome.workload)
    changed = [str(scope.value).partition(".")[0] for scope, *_ in found]
    return [
        f"--dialect java -o {scope}.properties" if scope == "producer"
        else f"--scope {scope} --dialect java -o {scope}.properties" if scope == "consumer"
        else f"--scope {scope} -o {scope}.properties"
        for scope in dict.fromkeys(changed or ["producer"])
    ]  # fmt: skip


def for_all_text(for_all: ForAll, keys: Collection[Key] | None = None) -> str:
    """`1.29x  linger.ms 20 · lz4 (geometric mean, of the search); costs 4 % at 10 B`: against each size's own best."""
    costs = ", ".join(f"{percent_text(cost)} at {size_text(size)}" for size, cost in for_all.costs if cost >= 0.005)
    told = f"; costs {costs}" if costs else "; costs nothing at any size"
    if for_all.unmeasured:
        told += f"; not measured at {', '.join(size_text(size) for size in for_all.unmeasured)}"
    source = "expected by the search's model" if for_all.modelled else "of the search"
    return f"{for_all.ratio:.2f}x  {short_text(for_all.configuration, keys)} (geometric mean, {source}){told}"
