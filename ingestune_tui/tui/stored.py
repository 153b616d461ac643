"""Between the database and what the screens show of a study: its view made from its rows, and the other way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingestune_tui.model.events import Event, StudyFinished, StudyStarted, WorkloadFinished
from ingestune_tui.model.study import Study
from ingestune_tui.model.trial import Trial
from ingestune_tui.report.objective import objective_of
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


def stored_view(study: Study, trials: Sequence[Trial], elsewhere: str = "") -> StudyView:
    """A stored study as if it had been watched; `trials` by number. Those that ended are kept whole."""
    view = StudyView(elsewhere=elsewhere).apply(_started(study, trials))
    for trial in trials:
        if trial.state != "running":
            view.add(trial)
    return view.fold(_last_words(study))


def _started(study: Study, trials: Sequence[Trial]) -> StudyStarted:
    workloads = tuple(dict.fromkeys(trial.workload for trial in trials)) or tuple(o.workload for o in study.outcomes)
    return StudyStarted(
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


def _last_words(study: Study) -> Iterator[Event]:
    """The verdicts so far of a study that goes on, or its end."""
    if study.state in ("running", "paused"):
        for outcome in study.outcomes:
            yield WorkloadFinished(time=study.created_at, study=study.name, outcome=outcome)
        return
    yield StudyFinished(
        time=study.finished_at,
        study=study.name,
        state=study.state,
        outcomes=study.outcomes,
        overall=study.overall,
        message=study.message,
    )
