"""What `results`, the web page and the app's history say of a stored study, whatever its objective is."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.study import Study
from ingestune_tui.model.trial import Latency, Trial
from ingestune_tui.report.html import render_html
from ingestune_tui.report.objective import objective_of
from ingestune_tui.report.tables import results_json, studies_table, study_report
from ingestune_tui.tui.stored import stored_view
from tests.tui.fake_study import FakeStudy
from tests.unit.store_values import CLUSTER, linger, make_study, make_trial

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
    started = stored_view(study, trials).started
    assert started is not None
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


# Marks, columns and their legend -------------------------------------------------------------------------------------


def tuned(**settings: Value) -> Configuration:
    """A producer's configuration, with `_` for the dots of its names."""
    return Configuration.of({Scope.PRODUCER: {name.replace("_", "."): value for name, value in settings.items()}})


def study_of(objective: str, workload: str = "") -> Study:
    """An unfinished study with this [objective]."""
    return make_study(grid_text=f"[workload]\n{workload}\n[objective]\n{objective}\n")


def latency(p99: float) -> Latency:
    """A latency with this p99."""
    return Latency(p50=p99 / 2, p95=p99, p99=p99, p999=p99 + 0.25, max=3 * p99, count=100_000, approximate=())


@pytest.mark.parametrize(
    ("objective", "title", "best"),
    [
        ('minimize = "p999"', "p99.9 ms", "7.25"),
        ('minimize = "end_to_end_p99"', "end to end", "11.0"),
        ('maximize = "consumer_throughput"', "consumed", "777 k"),
    ],
)
def test_the_figure_that_ranks_has_a_column_of_its_own(objective: str, title: str, best: str) -> None:
    study = study_of(objective, "consumers = 1")
    trial = make_trial(study.id, latency=latency(7.0), end_to_end=latency(11.0), consumer_messages_per_s=777_000.0)
    other = make_trial(
        study.id, 2, configuration=linger(50), latency=latency(70.0), end_to_end=latency(110.0),
        consumer_messages_per_s=77_000.0,
    )  # fmt: skip
    text = report_text(study, [other, trial])
    assert title in text
    assert next(line for line in text.splitlines() if best in line).split()[0] == "1"
    page = render_html(study, [msgspec.structs.replace(other, baseline=True), trial])
    assert title in page
    assert f">{best}<" in page


def test_durability_has_a_column_where_it_differs_and_only_there() -> None:
    study = study_of('maximize = "throughput"')
    once, more = tuned(acks="all", enable_idempotence=True), tuned(acks="all", enable_idempotence=False)
    trials = [make_trial(study.id, 1, configuration=once), make_trial(study.id, 2, configuration=more)]
    text = report_text(study, trials)
    assert "durability" in text.splitlines()[1]
    assert "acks=all, idempotent" in text
    assert "# ranks only those that promise the same durability" in text
    assert "durability" not in report_text(study, trials[:1])


def test_who_breaks_the_limit_or_has_no_figure_for_it_is_marked_and_the_marks_are_explained() -> None:
    study = study_of('maximize = "throughput"\np99_ms = 20')
    trials = [
        make_trial(study.id, 1, configuration=linger(5), latency=latency(8.0)),
        make_trial(study.id, 2, configuration=linger(50), latency=latency(60.0)),
        make_trial(study.id, 3, configuration=linger(99), latency=None),
    ]
    lines = report_text(study, trials).splitlines()
    (broken,) = [line for line in lines if "p99 over the limit" in line]
    (missing,) = [line for line in lines if "no p99" in line.split("has")[0]]
    assert broken.startswith("!")
    assert missing.startswith("✗")
    assert any(line.startswith("! breaks the limit") for line in lines)
    assert any(line.startswith("✗ could not be measured") for line in lines)
    kept = report_text(study, trials[:1])
    assert not any(mark in kept for mark in ("!", "✗", "△", "◆", "◇", "—"))


def test_a_legend_never_denies_a_confirmation_that_was() -> None:
    fake = FakeStudy(pairs=4)
    fake.all()
    (outcome,) = fake.outcomes
    kept = msgspec.structs.replace(outcome, verdict="slower", winner=outcome.baseline, reason="the baseline is best")
    text = report_text(msgspec.structs.replace(fake.study(), outcomes=(kept,)), fake.trials)
    assert "◇ the baseline, and it stays" in text
    assert "nothing was confirmed" not in text
    assert ": slower; the baseline is best" in " ".join(text.split())
    torn = msgspec.structs.replace(outcome, verdict="unstable")
    assert "it stays" not in report_text(msgspec.structs.replace(fake.study(), outcomes=(torn,)), fake.trials)


def test_at_eighty_columns_nothing_is_cut() -> None:
    fake = FakeStudy(sizes=(10, 1000), pairs=4)
    fake.all()
    study = msgspec.structs.replace(fake.study(), name="throughput-of-a-wide-grid-2026")
    far = msgspec.structs.replace(study, cluster=CLUSTER, state="interrupted")
    for what in (study_report(study, fake.trials), studies_table([study, far], {study.id: 102})):
        console = Console(width=80, record=True, file=io.StringIO())
        console.print(what)
        text = console.export_text()
        assert "…" not in text
        assert all(len(line) <= 80 for line in text.splitlines())
    assert "interrupted" in text
    assert "102" in text
    wide = study_of('minimize = "p99"')
    configurations = [
        tuned(acks=acks, linger_ms=n, batch_size=16384 * (n + 1), compression_type="zstd", retries=n)
        for n, acks in enumerate(("all", "1", "0"))
    ]
    trials = [
        make_trial(wide.id, n, configuration=each, flags=("consumer-behind", "overloaded"))
        for n, each in enumerate(configurations, 1)
    ]
    row = next(line for line in report_text(wide, trials, 80).splitlines() if "16KiB" in line)
    assert row.split()[0:5] == ["1", "all", "16KiB", "0", "0"]
    assert row.split()[5] == "412"
    assert "7.12" in row.split()
    assert row.rstrip().endswith("1")
    assert "consumer-beh" in row
