"""Between the words of the program and those of the planners: cells to factors, trials to observations. Pure.

Imported by the study process only: the planners bring numpy with them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.constraints import DurabilityClass
from ingestune_tui.model.objective import Figure, Objective
from ingestune_tui.model.space import Space, durability_of
from ingestune_tui.model.trial import Trial
from ingestune_tui.tuning.search_space import OUTSIDE, PREFLIGHT_BLOCK, Factor, Observation, SearchSpace

SKIPPED = "SKIPPED"
"""`error_code` of a trial that the person skipped: its cell is not tried again."""


def search_space(space: Space, *, every_class: bool = False) -> SearchSpace:
    """The planners' view of a space. The leader is sought in the baseline's durability class, or one no weaker."""
    factors = []
    for parameter in space.factors:
        prop = catalogue.find(parameter.scope, parameter.name)
        factors.append(Factor(parameter.name, len(parameter.levels), prop.ordered if prop else True))
    classes = tuple(durability_of(cell.configuration, space.workload) for cell in space.cells)
    target = target_class(durability_of(space.baseline, space.workload), classes)
    return SearchSpace(
        factors=tuple(factors),
        cells=tuple(cell.levels for cell in space.cells),
        baseline=space.baseline_cell if space.baseline_cell >= 0 else None,
        classes=() if every_class else tuple(int(each) for each in classes),
        target_class=int(target),
    )


def target_class(baseline: DurabilityClass, classes: Sequence[DurabilityClass]) -> DurabilityClass:
    """The baseline's own class where a cell has it, else the least strong of those that lack nothing it promises.

    Where every cell promises less, it stays the baseline's: then no cell may win.
    """
    return min((each for each in classes if not each.weaker_than(baseline)), default=baseline)


def objective_value(trial: Trial, figure: Figure) -> float | None:
    """The figure that ranks, in natural units; None where the trial could not say."""
    match figure:
        case "throughput":
            return trial.messages_per_s
        case "consumer_throughput":
            return trial.consumer_messages_per_s
        case "end_to_end_p99":
            return trial.end_to_end.p99 if trial.end_to_end else None
        case "p50":
            return trial.latency.p50 if trial.latency else None
        case "p99":
            return trial.latency.p99 if trial.latency else None
        case "p999":
            return trial.latency.p999 if trial.latency else None


def observations(trials: Sequence[Trial], objective: Objective, space: Space) -> list[Observation]:
    """The finished preflight and search trials of one workload as the planners read them.

    Trials that failed once without a permanent reason are left out (they are run again); interrupted ones too, unless
    the person skipped them. Nothing of the confirmation is ever in it, nor what the person had run again.
    """
    result: list[Observation] = []
    for trial in trials:
        if trial.role in ("confirm", "again") or trial.discarded:
            continue
        block = PREFLIGHT_BLOCK if trial.role == "preflight" else trial.block
        cell = trial.cell if trial.cell >= 0 else OUTSIDE
        t_s = seconds_of(trial)
        skipped = trial.state == "interrupted" and trial.error_code == SKIPPED
        if trial.state == "infeasible" or skipped:
            if not trial.baseline:
                result.append(Observation(cell, 1.0, t_s, block, infeasible=True))
            continue
        if trial.state != "done":
            continue
        value = objective_value(trial, objective.figure)
        limit = trial.latency.p99 if objective.p99_limit_ms is not None and trial.latency else None
        if value is None or value <= 0:
            if not trial.baseline:
                result.append(Observation(cell, 1.0, t_s, block, infeasible=True))
            continue
        result.append(Observation(cell, value, t_s, block, limit_value=limit))
    return result


def seconds_of(trial: Trial) -> float:
    """When the trial began, in seconds since the epoch; a cached one when it was measured: long before the drift."""
    try:
        return datetime.fromisoformat(trial.started_at).timestamp()
    except ValueError:
        return 0.0


def study_seed(study_id: str, message_bytes: int, seed: int) -> int:
    """64 bits from the study, the workload and the person's own seed: what all of its shuffles hang on."""
    text = f"{study_id if seed == 0 else seed}:{message_bytes}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
