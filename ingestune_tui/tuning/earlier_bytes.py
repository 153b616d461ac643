"""What an earlier process of the same study may have left on the brokers' disks, from its stored trials. Pure.

A deleted topic's bytes stay on disk for a while, and whoever counted them is gone. Called by the engine when a study
goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from ingestune_tui.model.grid import Grid
from ingestune_tui.model.trial import Trial
from ingestune_tui.tuning.disk import DiskBudget
from ingestune_tui.tuning.estimate import node_bytes, trial_bytes
from ingestune_tui.tuning.log_bytes import share_of


def recall(
    disk: DiskBudget, trials: Sequence[Trial], swept: Collection[str], stem: str, grid: Grid, nodes: int, now_s: float
) -> None:
    """Count the bytes of trials whose topics were deleted a short while ago; `now_s` is seconds since the epoch.

    `stem` is what the names of the study's topics begin with, `swept` those of them that were deleted just now: their
    trials were killed. A trial whose bytes were never counted is taken to have written all that it may.
    """
    for trial in trials:
        topic = f"{stem}{trial.number}"
        age_s = 0.0 if topic in swept else now_s - _ended_s(trial)
        if trial.cached or age_s >= disk.kept_s:
            continue
        share = share_of(trial.configuration, trial.workload, nodes)
        written = trial.audit.bytes_written if trial.audit is not None else 0
        held = node_bytes(trial.workload, written, share)
        disk.deleted(topic, held or trial_bytes(trial.workload, grid.timings, grid.limits, share), age_s)


def _ended_s(trial: Trial) -> float:
    """Seconds since the epoch; 0 where nobody has written it down, which is long ago."""
    return datetime.fromisoformat(trial.finished_at).timestamp() if trial.finished_at else 0.0
