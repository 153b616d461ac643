"""`ingestune run --study` without a grid: which study it means, and as which command line it was begun."""

from __future__ import annotations

from typing import Any

import pytest

from ingestune_tui.storage.store import Store
from ingestune_tui.tuning import study_process
from ingestune_tui.tuning.grid_file import load_grid
from ingestune_tui.tuning.study_lookup import choose_study
from ingestune_tui.tuning.study_process import StudyEnd, StudyRequest
from tests.unit.command_line import CommandLine, ingestune
from tests.unit.test_study_lookup import ME

__all__ = ["ingestune"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[StudyRequest]:
    """What study processes were asked for; each only claims its study and is interrupted."""
    requests: list[StudyRequest] = []

    class Claims:
        def __init__(self, request: StudyRequest, settings: Any, _: object) -> None:
            self.request, self.settings = request, settings

        async def run(self) -> StudyEnd:
            request = self.request
            requests.append(request)
            async with await Store.open_configured(self.settings) as store:
                study = await choose_study(store, request.wanted, request.grid_file, request.cluster, ME)
                await store.release_study(study.id, ME, "interrupted")
            return StudyEnd(study, 15)

    monkeypatch.setattr(study_process, "StudyProcess", Claims)
    return requests


def test_a_study_goes_on_by_the_beginning_of_its_name_as_it_was_begun(
    ingestune: CommandLine, asked: list[StudyRequest]
) -> None:
    path = ingestune.grid()
    begin = ["--cluster", "simulated", "--nodes", "3", "--study", "friday", "--no-confirm", "--budget", "5m"]
    assert ingestune("run", path, *begin).code == 143
    path.unlink()
    said = ingestune("run", "--study", "fri")
    assert (said.code, said.err.count("changed")) == (143, 0), said.err
    first, second = asked
    assert second.wanted.name == "friday"
    assert (second.cluster, second.grid_file.hash) == (first.cluster, first.grid_file.hash)
    assert second.wanted.options == first.wanted.options


def test_what_the_command_line_says_now_wins_over_how_the_study_was_begun(
    ingestune: CommandLine, asked: list[StudyRequest]
) -> None:
    path = ingestune.grid()
    pairs = load_grid(path).grid.search.confirm_pairs
    begin = ["--cluster", "simulated", "--study", "friday", "--no-confirm"]
    assert ingestune("run", path, *begin).code == 143
    said = ingestune("run", "--study", "friday", "--confirm-pairs", str(pairs))
    assert said.code == 2
    assert "the grid has changed" in said.err
    assert asked[-1].grid_file.grid.search.confirm_pairs == pairs
