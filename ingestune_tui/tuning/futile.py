"""When a search is of no use: none of the first configurations can be measured, and all for the same reason. Pure.

A missing right or a rate far too high would else be met again in hundreds of cells. Called before each plan by the
workload run.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingestune_tui.model.objective import Objective
from ingestune_tui.model.trial import Trial
from ingestune_tui.tuning.search import SKIPPED, objective_value

ENOUGH_CELLS = 12
"""So many different cells that fail alike, and none that can be measured, say that the rest will too."""


def fail_alike(trials: Sequence[Trial], objective: Objective) -> str:
    """What all searched cells of one workload met, when they are a dozen or more and none can be measured; else empty.

    The baseline is no such cell: it is known to run.
    """
    met: dict[int, tuple[str, str]] = {}
    for trial in trials:
        if trial.role != "search" or trial.baseline or trial.discarded or trial.error_code == SKIPPED:
            continue
        if trial.state == "infeasible":
            met.setdefault(trial.cell, (trial.error_code or trial.error, trial.error))
        elif trial.state == "done":
            if not (lacking := _lacking(trial, objective)):
                return ""
            met.setdefault(trial.cell, (lacking, lacking))
    if len(met) < ENOUGH_CELLS or len({reason for reason, _ in met.values()}) > 1:
        return ""
    return (
        f"the first {len(met)} configurations could not be measured, all for one reason: {next(iter(met.values()))[1]}"
    )


def _lacking(trial: Trial, objective: Objective) -> str:
    """Why a finished trial shows no figure that decides; empty when it does."""
    limited = objective.p99_limit_ms is not None and not objective_value(trial, "p99")
    return why_without((trial,)) if limited or not objective_value(trial, objective.figure) else ""


def why_without(trials: Sequence[Trial]) -> str:
    """Why these were done and yet show no figure that decides, in a few words."""
    if any("overloaded" in trial.flags for trial in trials):
        return "the rate could not be held"
    if any("consumer-behind" in trial.flags for trial in trials):
        return "the consumers did not keep up"
    return "too few messages were counted"
