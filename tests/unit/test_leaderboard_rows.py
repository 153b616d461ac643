"""Ranks, ties and standings: what the leaderboard says, and what it must not say before a confirmation."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.space import durability_of
from ingestune_tui.model.trial import Trial
from ingestune_tui.model.workload import Client, Workload
from ingestune_tui.report.leaderboard import figure_of, leaderboard, pareto, promises
from tests.tui.fake_study import BASELINE, BEST, REFUSED, FakeStudy


@pytest.fixture(scope="module")
def fake() -> FakeStudy:
    made = FakeStudy()
    made.all()
    return made


def test_rows_are_ranked_by_the_objective_and_the_infeasible_come_last(fake: FakeStudy) -> None:
    board = leaderboard(fake.trials, "throughput", outcome=fake.outcomes[0])
    ranked = [row for row in board.rows if row.rank is not None]
    assert [row.rank for row in ranked] == list(range(1, len(ranked) + 1))
    assert [row.score for row in ranked] == sorted((row.score or 0 for row in ranked), reverse=True)
    assert board.rows[-1].configuration == REFUSED
    assert board.rows[-1].standing == "infeasible"
    assert "UNSUPPORTED_COMPRESSION_TYPE" in board.rows[-1].error


def test_for_a_latency_objective_less_is_better(fake: FakeStudy) -> None:
    scores = [row.score for row in leaderboard(fake.trials, "p99").rows if row.score is not None]
    assert scores == sorted(scores)


def test_only_an_outcome_makes_a_winner(fake: FakeStudy) -> None:
    search = [trial for trial in fake.trials if trial.role != "confirm"]
    running = leaderboard(search, "throughput", leader=BEST, baseline=BASELINE)
    assert {row.standing for row in running.rows} >= {"leader", "baseline"}
    assert not any(row.standing == "winner" for row in running.rows)
    unconfirmed = msgspec.structs.replace(fake.outcomes[0], verdict="unconfirmed", ratio=None)
    stopped = leaderboard(search, "throughput", outcome=unconfirmed)
    assert not any(row.standing == "winner" for row in stopped.rows)
    assert next(row for row in stopped.rows if row.configuration == BEST).standing == "leader"
    done = leaderboard(fake.trials, "throughput", outcome=fake.outcomes[0])
    assert next(row for row in done.rows if row.configuration == BEST).standing == "winner"


def test_a_baseline_that_won_is_the_baseline_and_nobody_is_the_winner(fake: FakeStudy) -> None:
    slower = msgspec.structs.replace(fake.outcomes[0], verdict="slower", winner=fake.outcomes[0].baseline)
    rows = leaderboard(fake.trials, "throughput", outcome=slower).rows
    assert [row.standing for row in rows if row.standing] == ["baseline", "infeasible"]


def test_figures_are_geometric_means_of_the_counting_trials(fake: FakeStudy) -> None:
    board = leaderboard(fake.trials, "throughput")
    row = next(row for row in board.rows if row.configuration == BASELINE)
    counting = [trial for trial in fake.trials if trial.configuration == BASELINE and trial.counts]
    assert any(trial.discarded for trial in fake.trials)
    assert row.n == len(counting)
    expected = math.exp(sum(math.log(trial.messages_per_s or 1) for trial in counting) / len(counting))
    assert row.score == pytest.approx(expected)


def test_rows_that_noise_cannot_tell_apart_are_tied_and_others_are_not(fake: FakeStudy) -> None:
    like = next(trial for trial in fake.trials if trial.counts)

    def trials(linger: int, rates: list[float]) -> list[Trial]:
        configuration = Configuration.of({Scope.PRODUCER: {"linger.ms": linger}})
        return [
            msgspec.structs.replace(
                like,
                number=100 * linger + i,
                configuration=configuration,
                messages_per_s=rate,
                baseline=False,
                flags=(),
            )
            for i, rate in enumerate(rates)
        ]

    rows = leaderboard(
        trials(1, [1000, 1010, 990]) + trials(2, [998, 1008, 988]) + trials(3, [500, 505, 495]), "throughput"
    ).rows
    assert [row.tied for row in rows] == [False, True, False]


def test_without_repetitions_the_noise_is_that_of_the_preflight(fake: FakeStudy) -> None:
    single = {trial.configuration: trial for trial in fake.trials if trial.counts and not trial.baseline}
    rows = leaderboard(single.values(), "throughput").rows
    assert len({round((row.half_width or 0) / (row.score or 1), 6) for row in rows}) == 1


def test_what_breaks_the_limit_has_no_rank(fake: FakeStudy) -> None:
    board = leaderboard(fake.trials, "throughput, p99 < 6 ms")
    assert {row.keeps_limit for row in board.rows} == {True, False}
    for row in board.rows:
        if row.standing != "infeasible" and row.p99_ms is not None:
            assert row.keeps_limit is (row.p99_ms <= 6)
            assert (row.rank is not None) is row.keeps_limit


def test_a_trial_that_failed_once_says_nothing_about_its_configuration(fake: FakeStudy) -> None:
    failed = [
        msgspec.structs.replace(trial, state="failed", messages_per_s=None, error="broker away")
        if trial.configuration == BEST and trial.role == "search"
        else trial
        for trial in fake.trials
    ]
    row = next(row for row in leaderboard(failed, "throughput").rows if row.configuration == BEST)
    assert row.standing != "infeasible"
    assert row.n == fake.pairs


def test_more_trials_make_a_narrower_interval(fake: FakeStudy) -> None:
    rows = leaderboard(fake.trials, "throughput").rows
    best = next(row for row in rows if row.configuration == BEST)
    once = next(row for row in rows if row.n == 1)
    assert best.half_width is not None
    assert once.half_width is not None
    assert best.half_width / (best.score or 1) < once.half_width / (once.score or 1)


def test_only_parameters_that_differ_get_a_column(fake: FakeStudy) -> None:
    names = [name for _, name in leaderboard(fake.trials, "throughput").keys]
    assert set(names) == {"linger.ms", "batch.size", "compression.type"}


def test_the_pareto_front_holds_what_nothing_beats_in_both_figures(fake: FakeStudy) -> None:
    rows = leaderboard(fake.trials, "throughput").rows
    front = pareto(rows)
    assert front
    for row in rows:
        if row.mb_per_s is None or row.p99_ms is None:
            assert row.id not in front
            continue
        beaten = any((other.mb_per_s or 0) > row.mb_per_s and (other.p99_ms or math.inf) < row.p99_ms for other in rows)
        assert (row.id in front) is not beaten


@pytest.mark.parametrize(
    ("label", "figure"),
    [("throughput, p99 < 20 ms", "throughput"), ("p99.9", "p999"), ("end to end p99", "end_to_end_p99")],
)
def test_the_objective_s_label_names_the_figure(label: str, figure: str) -> None:
    assert figure_of(label) == figure


@given(
    settings=st.fixed_dictionaries(
        {},
        optional={
            (Scope.PRODUCER, "acks"): st.sampled_from(["0", "1", "all"]),
            (Scope.PRODUCER, "enable.idempotence"): st.booleans(),
            (Scope.PRODUCER, "retries"): st.sampled_from([0, 5]),
            (Scope.PRODUCER, "linger.ms"): st.sampled_from([0, 20]),
            (Scope.PRODUCER, "max.in.flight.requests.per.connection"): st.sampled_from([1, 100]),
            (Scope.TOPIC, "min.insync.replicas"): st.sampled_from([1, 2]),
            (Scope.TOPIC, "replication"): st.sampled_from([1, 3]),
        },
    ),
    client=st.sampled_from(["librdkafka", "java"]),
)
def test_a_remembered_durability_class_is_the_one_that_would_be_found(
    settings: dict[tuple[Scope, str], Value], client: Client
) -> None:
    named: dict[Scope, dict[str, Value]] = {}
    for (scope, name), value in settings.items():
        named.setdefault(scope, {})[name] = value
    workload = Workload(client=client, replication=3)
    configuration = Configuration.of(named)
    slower = Configuration.of(named | {Scope.PRODUCER: named.get(Scope.PRODUCER, {}) | {"linger.ms": 77}})
    expected = [durability_of(each, workload) for each in (configuration, slower)]
    assert promises([(configuration, workload), (slower, workload)]) == expected


def test_no_trials_make_an_empty_board() -> None:
    assert leaderboard([], "throughput").rows == ()
