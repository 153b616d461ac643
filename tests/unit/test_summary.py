"""The numbers and sentences of a result, as Compare, the farewell, the tables and the web page give them."""

from __future__ import annotations

import csv
import html
import io
import re

import msgspec
import pytest
from rich.console import Console

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.study import Cluster, Effect, Outcome, Ratio, StudyState
from ingestune_tui.model.workload import Workload
from ingestune_tui.report.html import render_html
from ingestune_tui.report.summary import claim, estimate, farewell, summarize
from ingestune_tui.report.tables import results_csv, results_json, studies_csv, studies_table, study_report
from ingestune_tui.report.wording import ratio_text, verdict_text, what_mattered
from tests.tui.fake_study import BEST, FakeStudy
from tests.unit.store_values import make_study, make_trial


@pytest.fixture(scope="module")
def fake() -> FakeStudy:
    made = FakeStudy(sizes=(10, 1000))
    made.all()
    return made


def test_figures_of_a_confirmed_result_come_from_its_pairs_alone(fake: FakeStudy) -> None:
    result = summarize(fake.trials, fake.outcomes).sizes[1]
    assert result.confirmed
    assert result.tuned is not None
    assert result.tuned.mb_per_s is not None
    assert result.baseline.mb_per_s is not None
    assert result.tuned.mb_per_s.n == result.baseline.mb_per_s.n == fake.pairs
    ratio = result.tuned.mb_per_s.mean / result.baseline.mb_per_s.mean
    assert fake.outcomes[1].ratio is not None
    assert ratio == pytest.approx(fake.outcomes[1].ratio.ratio)


def test_the_lone_half_of_a_voided_pair_has_no_part_in_the_figures(fake: FakeStudy) -> None:
    half = next(trial for trial in fake.trials if trial.role == "confirm" and not trial.baseline)
    voided = msgspec.structs.replace(half, id="voided", block=half.block + 1, mb_per_s=9e9, messages_per_s=9e9)
    whole, with_half = (summarize(trials, fake.outcomes) for trials in (fake.trials, [*fake.trials, voided]))
    assert with_half.sizes == whole.sizes


def test_before_the_outcome_the_figures_are_of_the_search_and_say_so(fake: FakeStudy) -> None:
    search = [trial for trial in fake.trials if trial.role != "confirm"]
    result = summarize(search, [], leaders={1000: BEST}).sizes[1]
    assert not result.confirmed
    assert result.outcome is None
    assert result.tuned is not None
    assert result.tuned.configuration == BEST


def test_against_another_configuration_nothing_is_confirmed(fake: FakeStudy) -> None:
    other = next(trial.configuration for trial in fake.trials if trial.role == "search" and trial.configuration != BEST)
    result = summarize(fake.trials, fake.outcomes, against=other).sizes[1]
    assert not result.confirmed
    assert result.baseline.configuration == other


def test_where_the_baseline_won_its_challenger_is_shown(fake: FakeStudy) -> None:
    slower = msgspec.structs.replace(fake.outcomes[1], verdict="slower", winner=fake.outcomes[1].baseline)
    result = summarize(fake.trials, [slower]).sizes[1]
    assert result.confirmed
    assert result.tuned is not None
    assert result.tuned.configuration == BEST


def test_an_unconfirmed_outcome_never_shows_a_ratio(fake: FakeStudy) -> None:
    outcome = msgspec.structs.replace(fake.outcomes[1], verdict="unconfirmed", ratio=None, reason="stopped by you")
    assert "x [" not in claim(outcome)
    assert "not confirmed" in claim(outcome)
    assert "stopped by you" in claim(outcome)


def test_the_claim_names_ratio_interval_verdict_and_latency(fake: FakeStudy) -> None:
    outcome = fake.outcomes[1]
    assert outcome.ratio is not None
    assert outcome.latency is not None
    text = claim(outcome)
    assert ratio_text(outcome.ratio) in text
    assert "the throughput of librdkafka's defaults: faster" in text
    assert f"p99 at the same rate {ratio_text(outcome.latency)}" in text


def test_no_measurable_difference_is_a_result_with_its_interval(fake: FakeStudy) -> None:
    assert fake.outcomes[0].verdict == "no measurable difference"
    assert verdict_text(fake.outcomes[0]).endswith("the baseline: no measurable difference")


def test_the_farewell_can_be_pasted_into_a_ticket(fake: FakeStudy) -> None:
    text = farewell(fake.study())
    assert "->" in text
    assert "compression.type 71 %" in text
    assert "ingestune export quick --message-bytes 1000 --dialect java -o producer.properties" in text
    assert "\x1b" not in text


def test_the_farewell_of_a_running_study_says_how_to_come_back(fake: FakeStudy) -> None:
    study = msgspec.structs.replace(fake.study(), outcomes=(), state="running")
    assert "ingestune attach quick" in farewell(study)


@pytest.mark.parametrize("state", ["stopped", "interrupted"])
@pytest.mark.parametrize("verdicts", [0, 1])
def test_the_farewell_of_a_study_that_can_be_gone_on_with_ends_in_the_command(
    fake: FakeStudy, state: StudyState, verdicts: int
) -> None:
    study = msgspec.structs.replace(fake.study(), outcomes=fake.study().outcomes[:verdicts], state=state)
    assert farewell(study).endswith(f"quick: {state}\ningestune run --study quick")


def test_the_farewell_of_a_running_study_has_the_verdicts_so_far_and_the_way_back(fake: FakeStudy) -> None:
    text = farewell(msgspec.structs.replace(fake.study(), outcomes=fake.study().outcomes[:1], state="running"))
    assert claim(fake.outcomes[0]) in text
    assert text.endswith("quick: still running\ningestune attach quick")


def test_a_study_stopped_before_anything_led_speaks_of_no_leader_and_no_effect(fake: FakeStudy) -> None:
    outcome = Outcome(
        workload=Workload(),
        objective="throughput",
        verdict="unconfirmed",
        reason="the study was stopped",
        baseline=Configuration(),
        effects=fake.outcomes[0].effects,
    )
    message = "stopped before its end; the same command goes on with it"
    text = farewell(msgspec.structs.replace(fake.study(), state="stopped", outcomes=(outcome,), message=message))
    assert "no leader: the study was stopped" in text
    assert "not confirmed" not in text
    assert "what mattered" not in text
    assert text.endswith(f"quick: {message}\ningestune run --study quick")


def test_one_for_all_sizes_weighs_every_size_the_same(fake: FakeStudy) -> None:
    everywhere = summarize(fake.trials, fake.outcomes).for_all
    assert everywhere is not None
    assert [size for size, _ in everywhere.costs] == [10, 1000]
    assert all(0 <= cost < 1 for _, cost in everywhere.costs)
    assert summarize([each for each in fake.trials if each.workload.message_bytes == 10], []).for_all is None


def test_one_for_all_sizes_never_promises_less_than_the_baseline() -> None:
    def linger(acks: str, milliseconds: int) -> Configuration:
        return Configuration.of({Scope.PRODUCER: {"acks": acks, "linger.ms": milliseconds}})

    figures = {linger("all", 5): 100.0, linger("all", 50): 120.0, linger("0", 50): 900.0}
    trials = [
        make_trial(
            "study", number, workload=Workload(message_bytes=size), configuration=configuration, baseline=number == 0,
            cell=number, messages_per_s=rate,
        )
        for size in (10, 1000)
        for number, (configuration, rate) in enumerate(figures.items())
    ]  # fmt: skip
    everywhere = summarize(trials, []).for_all
    assert everywhere is not None
    assert everywhere.configuration == linger("all", 50)
    assert everywhere.costs == ((10, 0.0), (1000, 0.0))

    begun = [trial for trial in trials if trial.workload.message_bytes == 10 or trial.baseline]
    assert summarize(begun, []).for_all is None, "nothing but the baseline is known of the other size"
    third = Outcome(
        workload=Workload(message_bytes=10_000),
        objective="throughput",
        verdict="unconfirmed",
        baseline=linger("all", 5),
    )
    assert summarize(trials, [third]).for_all is None, "a size that was never searched is one of all"


def test_the_farewell_of_several_sizes_names_the_one_configuration_for_all_and_its_costs(fake: FakeStudy) -> None:
    last = farewell(fake.study(), fake.trials).splitlines()[-1]
    assert re.fullmatch(r"one for all sizes: \d\.\d\dx  .* \(geometric mean, of the search\); costs .*", last)
    assert "one for all" not in farewell(fake.study())


def test_the_farewell_exports_what_the_winner_changes() -> None:
    winner = Configuration.of(
        {
            Scope.PRODUCER: {"linger.ms": 5},
            Scope.CONSUMER: {"fetch.min.bytes": 9},
            Scope.TOPIC: {"partitions": 6, "replication": 2},
            Scope.BROKER_STATIC: {"queued.max.requests": 9},
        }
    )
    outcome = Outcome(
        workload=Workload(), objective="throughput", verdict="unconfirmed", winner=winner, baseline=Configuration()
    )
    text = farewell(make_study("s", state="finished", outcomes=(outcome,)))
    assert [line for line in text.splitlines() if "export" in line] == [
        "ingestune export s --scope consumer --dialect java -o consumer.properties",
        "ingestune export s --scope topic -o topic.properties",
        "ingestune export s --scope broker -o broker.properties",
    ]  # linger.ms 5 and 6 partitions are the defaults
    assert "replication 1 -> 2" in text
    assert "partitions" not in text


@pytest.mark.parametrize(("acks", "against"), [("all", "librdkafka's defaults"), ("1", "the baseline")])
def test_a_baseline_with_a_value_of_its_own_is_not_called_the_defaults(acks: str, against: str) -> None:
    setting = {"acks": acks}
    outcome = Outcome(
        workload=Workload(),
        objective="throughput",
        verdict="faster",
        ratio=Ratio(ratio=2.0, low=1.8, high=2.2),
        winner=Configuration.of({Scope.PRODUCER: {**setting, "linger.ms": 20}}),
        baseline=Configuration.of({Scope.PRODUCER: setting}),
    )
    assert claim(outcome) == f"2.0x [1.8, 2.2] the throughput of {against}: faster"


def test_what_did_not_matter_is_said_plainly(fake: FakeStudy) -> None:
    effects = [msgspec.structs.replace(effect, share=0.0, interaction="") for effect in fake.outcomes[0].effects]
    assert what_mattered(effects) == "no effect seen"


def test_the_two_parameters_that_are_strongest_together_are_named_in_results_and_farewell(fake: FakeStudy) -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(study_report(fake.study(), fake.trials))
    words = "what mattered: compression.type 71 %, linger.ms 18 %, batch.size 2 %; strongest together: "
    for text in (console.export_text(), farewell(fake.study())):
        assert text.count(words + "linger.ms and batch.size\n") == len(fake.outcomes)
    plain = tuple(msgspec.structs.replace(effect, interaction="") for effect in fake.outcomes[0].effects)
    single = msgspec.structs.replace(fake.outcomes[0], effects=plain)
    assert "together" not in farewell(msgspec.structs.replace(fake.study(), outcomes=(single,)))


def test_two_parameters_of_one_name_keep_their_scopes_and_may_matter_only_together(fake: FakeStudy) -> None:
    both = ("producer compression.type", "topic compression.type")
    effects = [Effect(parameter=one, share=0.0, best="", interaction=other) for one, other in (both, both[::-1])]
    assert what_mattered(effects) == f"nothing by itself; strongest together: {both[0]} and {both[1]}"
    outcome = msgspec.structs.replace(fake.outcomes[0], effects=tuple(effects))
    page = render_html(msgspec.structs.replace(fake.study(), outcomes=(outcome,)), fake.trials)
    assert page.count("<td>nothing by itself</td>") == 2
    assert "no effect seen" not in page


def test_an_estimate_of_one_value_has_no_interval() -> None:
    found = estimate([2.0, None])
    assert found is not None
    assert (found.mean, found.low, found.n) == (2.0, None, 1)
    assert estimate([None]) is None


def test_csv_has_a_line_per_configuration_and_no_cell_that_a_spreadsheet_would_run(fake: FakeStudy) -> None:
    evil = [
        msgspec.structs.replace(trial, error="=cmd|' /C calc'!A0") if trial.state == "infeasible" else trial
        for trial in fake.trials
    ]
    rows = list(csv.DictReader(io.StringIO(results_csv(fake.study(), evil))))
    assert {row["message_bytes"] for row in rows} == {"10", "1000"}
    assert any(row["standing"] == "winner" for row in rows)
    assert all(not row["error"].startswith("=") for row in rows)


def test_json_lines_end_with_the_outcome(fake: FakeStudy) -> None:
    lines = [msgspec.json.decode(line) for line in results_json(fake.study(), fake.trials)]
    assert lines[0]["event"] == "configuration"
    assert lines[-1]["event"] == "study_finished"
    assert [outcome["verdict"] for outcome in lines[-1]["outcomes"]] == ["no measurable difference", "faster"]


def test_studies_as_csv_name_state_and_verdicts(fake: FakeStudy) -> None:
    (row,) = csv.DictReader(io.StringIO(studies_csv([fake.study()], {fake.id: 102})))
    assert (row["study"], row["state"], row["trials"]) == ("quick", "finished", "102")


def test_the_table_for_people_shows_claim_and_marks(fake: FakeStudy) -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(study_report(fake.study(), fake.trials))
    text = console.export_text()
    assert "◆" in text
    assert "◇" in text
    assert "faster" in text


def test_markup_from_outside_stays_text(fake: FakeStudy) -> None:
    evil = msgspec.structs.replace(fake.study(), name="[red]x[/red]")
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(study_report(evil, fake.trials))
    assert "[red]x[/red]" in console.export_text()
    page = render_html(msgspec.structs.replace(evil, name="<script>alert(1)</script>"), fake.trials)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_page_needs_nothing_else_and_says_what_the_app_says(fake: FakeStudy) -> None:
    page = render_html(fake.study(), fake.trials)
    for outside in ("http://", "https://", "src=", "@import", "url("):
        assert outside not in page
    assert "1 kB json" in page
    assert page.count("<svg") == 2
    assert "faster" in page
    assert "client-bound" in page


def test_a_simulated_broker_is_named_wherever_figures_stand(fake: FakeStudy) -> None:
    cluster = Cluster(id="s", label="simulated", kind="simulated", version="mock", nodes=1)
    study = msgspec.structs.replace(fake.study(), cluster=cluster)
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(study_report(study, fake.trials))
    assert "simulated broker" in console.export_text()
    assert "simulated broker" in render_html(study, fake.trials)
    assert "simulated broker" in farewell(study)


@pytest.mark.parametrize(("spread", "times"), [(0.42, 1), (None, 0)], ids=["unstable", "steady"])
def test_an_unstable_machine_is_named_beside_the_claim_it_makes_doubtful(
    fake: FakeStudy, spread: float | None, times: int
) -> None:
    first, second = fake.outcomes
    study = msgspec.structs.replace(
        fake.study(), outcomes=(first, msgspec.structs.replace(second, unstable_spread=spread))
    )
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(study_report(study, fake.trials))
    page = html.unescape(render_html(study, fake.trials))
    for text in (console.export_text(), page, farewell(study)):
        after = text[text.index(claim(second)) :]
        assert after.count("unstable machine: the baseline's own trials differed by 42 %") == times
        assert text.count("unstable machine") == times
    listed = Console(width=140, record=True, file=io.StringIO())
    listed.print(studies_table([study], {}))
    assert listed.export_text().count("⚠ unstable machine") == times
    told = msgspec.json.decode(list(results_json(study, fake.trials))[-1])
    assert [outcome["unstable_spread"] for outcome in told["outcomes"]] == [None, spread]


def test_a_study_without_trials_says_so(fake: FakeStudy) -> None:
    empty = msgspec.structs.replace(fake.study(), outcomes=(), state="failed", message="no broker")
    assert summarize([], []).sizes == ()
    assert "no broker" in farewell(empty)
    assert "<h1>quick</h1>" in render_html(empty, [])
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(study_report(empty, []))
    assert "failed" in console.export_text()
