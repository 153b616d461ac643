"""One trial that the engine wants, and the rows that come of it: begun, done, failed, or another study's. Pure.

The trial loop stores these rows; nothing here measures or waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from ingestune_tui.errors import IngestuneError, TrialError
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import now
from ingestune_tui.model.ids import new_id
from ingestune_tui.model.trial import Role, Trial
from ingestune_tui.model.workload import Workload
from ingestune_tui.tuning.measurement import Measurement


@dataclass(frozen=True, slots=True)
class Planned:
    """One trial that the engine wants."""

    workload: Workload
    role: Role
    configuration: Configuration
    cell: int
    baseline: bool
    rate: float | None
    method_hash: str
    env_hash: str
    block: int = 0
    pair: int | None = None
    discarded: bool = False


def begun(planned: Planned, study_id: str, number: int) -> Trial:
    """The row of a trial that starts now."""
    return Trial(
        id=new_id(),
        study_id=study_id,
        number=number,
        workload=planned.workload,
        role=planned.role,
        baseline=planned.baseline,
        discarded=planned.discarded,
        configuration=planned.configuration,
        cell=planned.cell,
        block=planned.block,
        pair=planned.pair,
        started_at=now(),
        config_hash=planned.configuration.hash,
        env_hash=planned.env_hash,
        method_hash=planned.method_hash,
    )


def stand_in(planned: Planned, stored: Trial, study_id: str, number: int, *, latency_too: bool) -> Trial:
    """The row of a trial that another study measured; it keeps the moment at which it was.

    Of what was measured at a rate of its own it keeps nothing, unless `latency_too`.
    """
    trial = msgspec.structs.replace(
        stored,
        id=new_id(),
        study_id=study_id,
        number=number,
        role=planned.role,
        baseline=planned.baseline,
        discarded=False,
        cell=planned.cell,
        block=planned.block,
        pair=None,
        cached_from=stored.id,
        finished_at=now(),
        duration_s=0.0,
        waited_s=0.0,
    )
    if latency_too:
        return trial
    return msgspec.structs.replace(trial, latency=None, end_to_end=None, due_to_sent_p99_ms=None, rate=None)


def done(trial: Trial, measured: Measurement) -> Trial:
    """The row with its figures."""
    return msgspec.structs.replace(
        trial,
        state="done",
        messages_per_s=measured.messages_per_s,
        mb_per_s=measured.mb_per_s,
        window_s=measured.window_s,
        latency=measured.latency,
        due_to_sent_p99_ms=measured.due_to_sent_p99_ms,
        end_to_end=measured.end_to_end,
        consumer_messages_per_s=measured.consumer_messages_per_s,
        rate=measured.rate,
        flags=measured.flags,
        why=measured.why,
        audit=measured.audit,
        client_version=measured.client_version,
    )


def failed(
    trial: Trial,
    problem: IngestuneError,
    state: Literal["failed", "infeasible", "interrupted"],
    *,
    permanent: bool = False,
) -> Trial:
    """The row with what went wrong; `permanent` where the same configuration would fail again."""
    code = problem.code if isinstance(problem, TrialError) else type(problem).__name__
    return msgspec.structs.replace(trial, state=state, error=problem.what[:2000], error_code=code, permanent=permanent)
