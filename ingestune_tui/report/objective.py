"""Which objective a stored study has: what ranks its configurations in every table, page and line. Pure."""

from __future__ import annotations

from ingestune_tui.errors import GridError
from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.objective import Objective
from ingestune_tui.model.study import Study


def objective_of(study: Study) -> str:
    """The objective's label, `p99` or `throughput, p99 < 20 ms`: of its outcomes, or before the first of its grid.

    A grid that this version can no longer read counts as one that names no objective.
    """
    if study.outcomes:
        return study.outcomes[0].objective
    try:
        return read_grid(study.grid_text).objective.label
    except GridError:
        return Objective().label
