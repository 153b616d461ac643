"""What `results`, the web page and the app's history say of a stored study, whatever its objective is."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from ingestune_tui.model.events import StudyStarted
from ingestune_tui.model.study import Study
from ingestune_tui.model.trial import Latency, Trial
from ingestune_tui.report.html import render_html
from ingestune_tui.report.objective import objective_of
from ingestune_tui.report.tables import results_json, study_report
from ingestune_tui.tui.stored import stored_events
from tests.unit.store_values import linger, make_study, make_trial

P99_GRID = '[objective]\nminimize = "p99"\n[producer]\n"linger.ms" = [5, 50]\n'


def report_text(study: Study, trials: list[Trial], width: int = 140) -> str:
    """What a person reads in a terminal so wide."""
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(study_report(study, trials))
    return console.export_text()


def quick_and_slow(study: Study) -> list[Trial]:
    """linger.ms = 5 answers sooner; linger.ms = 50, the baseline, sends more."""
    return [
        make_trial(
            study.id,
            number,
            configuration=linger(milliseconds),
            baseline=milliseconds == 50,
            messages_per_s=rate,
            mb_per_s=rate / 1000,
            latency=Latency(p50=p99 / 2, p95=p99, p99=p99, p999=2 * p99, max=3 * p99, count=100_000, approximate=()),
        )
        for number, milliseconds, rate, p99 in ((1, 50, 900_000.0, 60.0), (2, 5, 400_000.0, 8.0))
    ]


def test_an_unfinished_latency_study_is_ranked_by_its_latency() -> None:
    study = make_study(grid_text=P99_GRID)
    lines = [msgspec.json.decode(line) for line in results_json(study, quick_and_slow(study))]
    best = lines[0]
    assert (best["rank"], best["objective"]) == (1, "p99")
    assert best["score"] == pytest.approx(8.0)
    assert best["configuration"]["producer"]["linger.ms"] == 5


def test_the_page_and_the_history_rank_an_unfinished_study_by_its_own_objective() -> None:
    study = make_study(grid_text=P99_GRID)
    trials = quick_and_slow(study)
    page = render_html(study, trials)
    rows = page[page.index("Leaderboard, ") :]
    assert rows.index(">5<") < rows.index(">50<")
    started = next(event for event in stored_events(study, trials) if isinstance(event, StudyStarted))
    assert started.objective == "p99"


def test_the_page_of_a_watched_study_takes_the_objective_it_is_told() -> None:
    study = make_study(grid_text="")
    page = render_html(study, quick_and_slow(study), "p99")
    rows = page[page.index("Leaderboard, ") :]
    assert rows.index(">5<") < rows.index(">50<")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("", "throughput"),
        ("not a grid [", "throughput"),
        ('[objective]\nmaximize = "throughput"\np99_ms = 20\n', "throughput, p99 < 20 ms"),
        ('[workload]\nconsumers = 1\n[objective]\nminimize = "end_to_end_p99"\n', "end to end p99"),
    ],
)
def test_an_objective_is_read_from_the_grid_that_was_stored(text: str, label: str) -> None:
    assert objective_of(make_study(grid_text=text)) == label
