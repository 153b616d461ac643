"""Which studies are at work on this machine, for the first screen to offer before it offers a new one. Pure."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestune_tui.tui.state import AppState


@dataclass(frozen=True, slots=True)
class AtWork:
    """A study that runs or waits."""

    study_id: str
    name: str
    paused: bool
    where: str
    """Its cluster, as it was named."""
    trials: int
    """So far."""


def studies_at_work(state: AppState) -> tuple[AtWork, ...]:
    """The one this app watches first, then those that the list of studies knows."""
    live = state.live if state.running else None
    if live is None and not state.studies:
        return ()
    from ingestune_tui.tui.widgets.studies_table import as_watched  # 40 ms, and the first paint has no use for it

    found = {
        line.study.id: AtWork(
            line.study.id, line.study.name, line.study.state == "paused", line.study.cluster.label, line.trials
        )
        for line in (as_watched(each, live) for each in state.studies or ())
        if line.study.state in ("running", "paused")
        and not line.elsewhere
        and line.study.owner is not None
        and line.study.owner.host == socket.gethostname()
    }
    if live is not None and (started := live.started) is not None:
        own = AtWork(started.study_id, started.study, live.paused is not None, started.cluster.label, len(live.trials))
        found = {own.study_id: own} | found
    return tuple(found.values())
