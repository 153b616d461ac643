"""Between the database and the events: a stored study is shown by folding the events it would have sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ingestune_tui.model.events import Event, StudyFinished, StudyStarted, TrialFinished, WorkloadFinished
from ingestune_tui.model.study import Study
from ingestune_tui.model.trial import Trial
from ingestune_tui.report.objective import objective_of

if TYPE_CHECKING:
    from ingestune_tui.tui.study_view import StudyView


@dataclass(frozen=True, slots=True)
class StudyLine:
    """A stored study and how many trials it has: one line of the history."""

    study: Study
    trials: int
    elsewhere: str = ""
    """The other host that alone can go on with it; empty where this one can."""


def study_of(view: StudyView) -> Study:
    """What is known of a watched study, in the shape of its row; what only the database knows is left out."""
    started, finished = view.started, view.finished
    assert started is not None
    return Study(
        id=started.study_id,
        name=started.study,
        grid_text="",
        grid_name=started.grid,
        grid_hash="",
        cluster=started.cluster,
        state=finished.state if finished is not None else "running",
        strategy=started.strategy,
        seed=0,
        created_at=started.time,
        finished_at=finished.time if finished is not None else "",
        outcomes=view.outcomes,
        overall=finished.overall if finished is not None else None,
        message=finished.message if finished is not None else "",
        host=started.host,
    )


def stored_events(study: Study, trials: Sequence[Trial]) -> Iterator[Event]:
    """The events a stored study would have sent: folding them shows it like one that was watched."""
    workloads = tuple(dict.fromkeys(trial.workload for trial in trials)) or tuple(o.workload for o in study.outcomes)
    yield StudyStarted(
        time=study.created_at,
        study=study.name,
        study_id=study.id,
        grid=study.grid_name,
        cluster=study.cluster,
        host=study.host,
        simulated=study.cluster.simulated,
        strategy=study.strategy,
        objective=objective_of(study),
        workloads=workloads,
        cells=len({trial.cell for trial in trials if trial.role == "search"}),
    )
    for trial in sorted(trials, key=lambda each: each.number):
        if trial.state != "running":
            yield msgspec.structs.replace(
                TrialFinished.of(trial, study.name), time=trial.finished_at or trial.started_at
            )
    for outcome in study.outcomes if study.state in ("running", "paused") else ():
        yield WorkloadFinished(time=study.created_at, study=study.name, outcome=outcome)
    if study.state not in ("running", "paused"):
        yield StudyFinished(
            time=study.finished_at,
            study=study.name,
            state=study.state,
            outcomes=study.outcomes,
            overall=study.overall,
            message=study.message,
        )
