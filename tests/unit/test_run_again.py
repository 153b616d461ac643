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
    begin += ["--round-trip", "50"]
    assert ingestune("run", path, *begin).code == 143
    path.unlink()
    said = ingestune("run", "--study", "fri")
    assert (said.code, said.err.count("changed")) == (143, 0), said.err
    first, second = asked
    assert (second.cluster.nodes, second.cluster.round_trip_ms) == (3, 50)
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
    assert "study friday was begun otherwise" in said.err
    assert "--confirm-pairs 0" in said.err
    assert asked[-1].grid_file.grid.search.confirm_pairs == pairs


def test_a_grid_and_the_name_of_its_unfinished_study_go_on_with_it_as_it_was_begun(
    ingestune: CommandLine, asked: list[StudyRequest]
) -> None:
    path = ingestune.grid()
    begin = ["--cluster", "simulated", "--nodes", "3", "--no-confirm", "--budget", "5m", "--strategy", "exhaustive"]
    assert ingestune("run", path, "--study", "friday", *begin).code == 143
    for again in ([], ["--cluster", "simulated"]):
        said = ingestune("run", path, "--study", "friday", *again)
        assert said.code == 143, said.err
        assert (asked[-1].cluster, asked[-1].grid_file.hash) == (asked[0].cluster, asked[0].grid_file.hash)


def test_a_grid_that_was_edited_or_runs_elsewhere_is_not_taken_for_the_unfinished_study(
    ingestune: CommandLine, asked: list[StudyRequest]
) -> None:
    path = ingestune.grid()
    begin = ["--cluster", "simulated", "--nodes", "3", "--study", "friday", "--no-confirm"]
    assert ingestune("run", path, *begin).code == 143
    elsewhere = ingestune("run", path, "--study", "friday", "-b", "kafka:9092", "--yes")
    assert elsewhere.code == 2
    assert "study friday runs on simulated (3 nodes), not on kafka:9092" in elsewhere.err
    ingestune.grid(path.read_text().replace("20", "50"))
    edited = ingestune("run", path, "--study", "friday")
    assert edited.code == 2
    assert '+"linger.ms" = [0, 5, 50]' in edited.err
    assert "--confirm-pairs" not in edited.err, "what nobody said otherwise is as it was"


def test_a_fresh_study_under_a_name_that_is_taken_takes_nothing_over(
    ingestune: CommandLine, asked: list[StudyRequest]
) -> None:
    path = ingestune.grid()
    assert ingestune("run", path, "--cluster", "simulated", "--study", "friday", "--no-confirm").code == 143
    assert ingestune("run", path, "--cluster", "simulated", "--study", "friday", "--fresh").code == 143
    assert asked[-1].grid_file.hash == load_grid(path).hash


def test_another_round_trip_is_another_simulated_cluster(ingestune: CommandLine, asked: list[StudyRequest]) -> None:
    path = ingestune.grid()
    begin = ["--cluster", "simulated", "--study", "friday", "--round-trip", "50"]
    assert ingestune("run", path, *begin).code == 143
    said = ingestune("run", path, "--study", "friday", "--round-trip", "20")
    assert said.code == 2
    assert "runs on simulated (round trip 50 ms), not on simulated (round trip 20 ms)" in said.err
    assert ingestune("run", path, "--cluster", "simulated").code == 143
    assert ingestune("results", "grid").code == 0, "a study of its own"
