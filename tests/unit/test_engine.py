"""What the engine decides: the course of a study, its resumption, its refusals. Measurements are scripted."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from ingestune_tui.bench.protocol import Failed
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import ClusterUnreachable, TrialError
from ingestune_tui.model.events import (
    Notice,
    Progress,
    SearchStopped,
    StudyFinished,
    StudyPaused,
    StudyResumed,
    StudyStarted,
    TrialFinished,
    WorkloadFinished,
)
from ingestune_tui.model.space import expand
from ingestune_tui.model.trial import Flag, Latency, Trial
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning import waits
from ingestune_tui.tuning.load_child import ChildFailed
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from ingestune_tui.tuning.pairs import complete_pairs
from ingestune_tui.tuning.search import seconds_of
from tests.unit import scripted_cluster
from tests.unit.hand_clock import HandClock
from tests.unit.scripted_cluster import by_linger, measured, scripted

SMALL = """
[search]
confirm_pairs = 4
[producer]
"linger.ms" = [5, 20, 50]
acks = "all"
"""
LARGE = """
[search]
confirm_pairs = 4
[producer]
"linger.ms" = [0, 5, 10, 20, 50]
"batch.size" = ["16KiB", "64KiB", "256KiB", "1MiB"]
"compression.type" = ["none", "lz4"]
acks = "all"
"""


def course(trials: list[Trial]) -> list[tuple[str, int, int | None, bool]]:
    """What was measured and counts, in order: dropped trials and the halves of voided pairs left out."""
    whole = {trial.id for pair in complete_pairs(trials).values() for trial in pair}
    kept = [
        trial
        for trial in trials
        if trial.state in ("done", "infeasible") and (trial.role != "confirm" or trial.id in whole)
    ]
    return [(trial.role, trial.cell, trial.pair, trial.baseline) for trial in kept]


async def test_a_study_goes_from_preflight_to_a_verdict(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    world = scripted(monkeypatch, store, SMALL)
    study = await world.run(await world.study())
    trials = await world.trials(study)
    roles = [trial.role for trial in trials]
    assert roles == ["preflight"] * 5 + ["search"] * 6 + ["confirm"] * 8
    assert [trial.discarded for trial in trials[:5]] == [True, False, False, False, False]
    (outcome,) = study.outcomes
    assert study.state == "finished"
    assert outcome.verdict == "faster"
    assert outcome.winner is not None
    assert outcome.winner.get(Scope.PRODUCER, "linger.ms") == 50
    assert outcome.ratio is not None
    assert outcome.ratio.low < 2 / 1.1 < outcome.ratio.high
    assert isinstance(world.events[-1], StudyFinished)
    started = next(event for event in world.events if isinstance(event, StudyStarted))
    assert started.host == study.host


async def test_the_confirmation_alternates_baseline_and_leader(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    world = scripted(monkeypatch, store, SMALL)
    study = await world.run(await world.study())
    sides = ["A" if trial.baseline else "B" for trial in await world.trials(study) if trial.role == "confirm"]
    assert "".join(sides) == "ABBABAAB"


@pytest.mark.parametrize("grid", [SMALL, LARGE])
@pytest.mark.parametrize("stop_after", [0, 3, 5, 8, 12, 15, 18, 33])
async def test_a_study_stopped_anywhere_goes_on_as_if_nothing_happened(
    monkeypatch: pytest.MonkeyPatch, store: Store, grid: str, stop_after: int
) -> None:
    seeded = by_linger(noise=0.0)
    straight = scripted(monkeypatch, store, grid, seeded)
    first = await straight.study("straight")
    whole = course(await straight.trials(await straight.run(first)))

    broken = scripted(monkeypatch, store, grid, seeded)
    study = await broken.study("broken")
    broken.stop_after = stop_after
    stopped = await broken.run(study)
    broken.stop_after = None
    assert stopped.state == ("stopped" if stop_after < len(whole) else "finished")
    again = await broken.run(study)
    trials = await broken.trials(study)
    assert again.state == "finished"
    assert len({trial.number for trial in trials}) == len(trials)
    resumed = course(trials)
    assert [each[0] for each in resumed] == [each[0] for each in whole]
    if grid is SMALL:
        assert resumed == whole


async def test_a_paced_rate_is_fixed_once_by_the_baseline(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    world = scripted(monkeypatch, store, SMALL)
    study = await world.run(await world.study())
    assert study.rates == {"1000": 300.0}
    assert [order.rate for order in world.runs[:2]] == [None, None]
    assert {order.rate for order in world.runs[2:]} == {300.0}


async def test_a_configuration_the_broker_refuses_is_infeasible_and_the_study_goes_on(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def script(order: TrialOrder) -> Measurement:
        if order.configuration.get(Scope.PRODUCER, "linger.ms") == 50:
            raise ChildFailed(
                Failed(code="MSG_SIZE_TOO_LARGE", reason="Broker: Message size too large", permanent=True)
            )
        return by_linger()(order)

    world = scripted(monkeypatch, store, SMALL, script)
    study = await world.run(await world.study())
    failed = [trial for trial in await world.trials(study) if trial.state == "infeasible"]
    assert [(trial.error, trial.permanent) for trial in failed] == [("Broker: Message size too large", True)]
    assert study.outcomes[0].winner is not None
    assert study.outcomes[0].winner.get(Scope.PRODUCER, "linger.ms") == 20


async def test_a_passing_failure_is_tried_again(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    failures = iter([True])

    def script(order: TrialOrder) -> Measurement:
        if order.configuration.get(Scope.PRODUCER, "linger.ms") == 20 and next(failures, False):
            raise TrialError("the load process ended unexpectedly", code="CHILD_ENDED")
        return by_linger()(order)

    world = scripted(monkeypatch, store, SMALL, script)
    study = await world.run(await world.study())
    states = [trial.state for trial in await world.trials(study)]
    assert states.count("failed") == 1
    assert study.state == "finished"
    assert all(trial.state != "infeasible" for trial in await world.trials(study))


async def test_a_broker_that_goes_away_pauses_the_study_and_costs_no_trial(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr(waits, "_RETRIES_S", (0.0,))
    gone = iter([True])

    def script(order: TrialOrder) -> Measurement:
        if order.number == 7 and next(gone, False):
            raise ClusterUnreachable("connection refused")
        return by_linger()(order)

    world = scripted(monkeypatch, store, SMALL, script)
    study = await world.run(await world.study())
    paused = [event for event in world.events if isinstance(event, StudyPaused)]
    assert [(event.reason, event.attempt) for event in paused] == [("connection refused", 1)]
    assert any(isinstance(event, StudyResumed) for event in world.events)
    assert study.state == "finished"
    assert sum(trial.state == "done" for trial in await world.trials(study)) == 19


async def test_a_baseline_that_cannot_run_ends_the_study_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def script(order: TrialOrder) -> Measurement:
        raise ChildFailed(Failed(code="TOPIC_AUTHORIZATION_FAILED", reason="Broker: not authorized", permanent=True))

    world = scripted(monkeypatch, store, SMALL, script)
    study = await world.run(await world.study())
    assert study.outcomes[0].verdict == "infeasible"
    assert "not authorized" in study.outcomes[0].reason
    assert study.outcomes[0].ratio is None


async def test_a_grid_of_which_no_cell_can_be_measured_says_what_the_first_one_met(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def script(order: TrialOrder) -> Measurement:
        if order.configuration.get(Scope.TOPIC, "replication") != 1:
            raise TrialError("only 1 broker(s) are registered", code="INVALID_REPLICATION_FACTOR")
        return by_linger()(order)

    world = scripted(monkeypatch, store, "[baseline.topic]\nreplication = 1\n[topic]\nreplication = [2, 3]\n", script)
    study = await world.run(await world.study())
    assert (study.state, study.outcomes[0].verdict) == ("failed", "infeasible")
    assert study.outcomes[0].reason == "no cell of the grid can be measured: only 1 broker(s) are registered"
    assert study.message == study.outcomes[0].reason


@pytest.mark.parametrize(("limit", "verdict"), [(4.9, "infeasible"), (5.1, "faster")])
async def test_a_limit_that_nothing_keeps_is_told_before_any_pair(
    monkeypatch: pytest.MonkeyPatch, store: Store, limit: float, verdict: str
) -> None:
    world = scripted(monkeypatch, store, f"[objective]\np99_ms = {limit}\n" + SMALL)
    study = await world.run(await world.study())
    (outcome,) = study.outcomes
    assert outcome.verdict == verdict
    if verdict == "infeasible":
        assert (study.state, outcome.winner, outcome.pairs) == ("failed", None, 0)
        assert outcome.reason.startswith("no configuration kept p99 below 4.9 ms, the lowest was 5.00 ms: raise")


async def test_cells_that_are_left_out_are_told_with_their_reason_once(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    grid = "[workload]\nmessage_bytes = [100, 1000]\n" + SMALL
    grid = grid.replace('acks = "all"', 'acks = "1"\n"enable.idempotence" = [false, true]')
    world = scripted(monkeypatch, store, grid)
    await world.run(await world.study())
    told = [event.text for event in world.events if isinstance(event, Notice) and "invalid" in event.text]
    assert told == ["3x2 = 6 cells: 3 run, 0 merged, 3 invalid (enable.idempotence needs acks=all, not 1)"]


async def test_without_confirmation_there_is_a_leader_and_no_claim(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    world = scripted(monkeypatch, store, SMALL.replace("confirm_pairs = 4", "confirm_pairs = 0"))
    study = await world.run(await world.study())
    (outcome,) = study.outcomes
    assert (outcome.verdict, outcome.ratio) == ("unconfirmed", None)
    assert outcome.winner is not None


async def test_a_stop_while_the_runner_up_meets_a_leading_baseline_hands_out_the_baseline(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def script(order: TrialOrder) -> Measurement:
        linger = float(order.configuration.get(Scope.PRODUCER, "linger.ms") or 5)
        return measured(1000 / (1 + abs(linger - 5)), rate=order.rate or 300.0)

    world = scripted(monkeypatch, store, SMALL, script)
    world.stop_after = 5 + 6 + 2
    study = await world.run(await world.study())
    (outcome,) = study.outcomes
    assert any(trial.role == "confirm" for trial in await world.trials(study))
    assert (study.state, outcome.verdict) == ("stopped", "unconfirmed")
    assert outcome.winner == outcome.baseline
    assert outcome.reason == "the baseline led the search; the study was stopped"


async def test_stop_and_confirm_ends_the_search_and_still_confirms(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def script(order: TrialOrder) -> Measurement:
        if order.number == 8:
            assert world.engine is not None
            world.engine.stop_and_confirm(order.workload.message_bytes)
        return by_linger()(order)

    world = scripted(monkeypatch, store, SMALL, script)
    study = await world.run(await world.study())
    stops = [event for event in world.events if isinstance(event, SearchStopped)]
    assert [event.reason for event in stops] == ["stopped by the person"]
    roles = [trial.role for trial in await world.trials(study)]
    assert roles.count("search") == 3
    assert roles.count("confirm") == 8


async def test_a_skipped_configuration_is_not_tried_again(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    def script(order: TrialOrder) -> Measurement:
        return by_linger()(order)

    world = scripted(monkeypatch, store, SMALL, script)
    skipped: list[object] = []

    def skip(order: TrialOrder) -> Measurement:
        assert world.engine is not None
        searching = order.number > 5 and order.configuration.get(Scope.PRODUCER, "linger.ms") == 50
        if searching and not skipped:
            skipped.append(order.number)
            world.engine.skip(order.number)
        return by_linger()(order)

    world.script = skip
    study = await world.run(await world.study())
    dropped = [trial for trial in await world.trials(study) if trial.error_code == "SKIPPED"]
    later = [
        trial
        for trial in await world.trials(study)
        if trial.cell == dropped[0].cell and trial.number > dropped[0].number
    ]
    assert len(dropped) == 1
    assert later == []


async def test_a_skip_of_a_trial_that_is_over_drops_no_other(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    def script(order: TrialOrder) -> Measurement:
        if world.engine is not None and order.number > 1:
            world.engine.skip(order.number - 1)
        return by_linger()(order)

    world = scripted(monkeypatch, store, SMALL, script)
    study = await world.run(await world.study())
    assert all(trial.error_code != "SKIPPED" for trial in await world.trials(study))
    assert any(isinstance(event, Notice) and event.text.startswith("trial 7 was not skipped") for event in world.events)


async def test_stop_and_confirm_of_another_size_stops_nothing(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    def script(order: TrialOrder) -> Measurement:
        if world.engine is not None:
            world.engine.stop_and_confirm(order.workload.message_bytes + 1)
        return by_linger()(order)

    world = scripted(monkeypatch, store, SMALL, script)
    await world.run(await world.study())
    (stop,) = [event for event in world.events if isinstance(event, SearchStopped)]
    assert stop.reason != "stopped by the person"
    assert any(isinstance(event, Notice) and event.text.startswith("nothing was stopped") for event in world.events)


async def test_the_baseline_is_never_skipped(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    def script(order: TrialOrder) -> Measurement:
        assert world.engine is not None
        if order.number == 2:
            world.engine.skip(order.number)
        return by_linger()(order)

    world = scripted(monkeypatch, store, SMALL, script)
    study = await world.run(await world.study())
    assert all(trial.error_code != "SKIPPED" for trial in await world.trials(study))
    assert any(isinstance(event, Notice) and "skipped" in event.text for event in world.events)


async def test_another_study_takes_search_trials_from_the_cache_but_measures_its_own_claim(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    world = scripted(monkeypatch, store, SMALL)
    await world.run(await world.study("first"))
    world.runs.clear()
    second = await world.run(await world.study("second"), cache_s=3600)
    trials = await world.trials(second)
    assert {trial.role for trial in trials if trial.cached} == {"search"}
    assert sum(trial.cached for trial in trials) >= 3
    assert len(world.runs) == sum(not trial.cached for trial in trials)
    sources = [trial.cached_from for trial in trials if trial.cached]
    assert len(sources) == len(set(sources))


async def test_a_cached_trial_keeps_the_moment_it_was_measured_and_a_baseline_is_measured_anew(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    world = scripted(monkeypatch, store, SMALL)
    first = {trial.id: trial for trial in await world.trials(await world.run(await world.study("first")))}
    second = await world.trials(await world.run(await world.study("second"), cache_s=3600))
    cached = [trial for trial in second if trial.cached_from is not None]
    assert cached
    assert all(trial.started_at == first[trial.cached_from].started_at for trial in cached if trial.cached_from)
    assert [seconds_of(trial) for trial in cached] == [seconds_of(first[each.cached_from or ""]) for each in cached]
    baselines = [trial for trial in second if trial.role == "search" and trial.baseline]
    assert len(baselines) == 2
    assert not any(trial.cached for trial in baselines)


async def test_a_budget_ends_the_search_and_keeps_time_for_pairs(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    grid = LARGE.replace("[search]", '[search]\nbudget = "20s"')
    world = scripted(monkeypatch, store, grid, HandClock(monkeypatch).timed(by_linger(), 0.5))
    study = await world.run(await world.study())
    roles = [trial.role for trial in await world.trials(study)]
    assert study.state == "finished"
    assert 0 < roles.count("search") < 24
    assert "budget" in study.outcomes[0].stop_reason


async def test_a_budget_leaves_every_message_size_its_pairs_also_after_stops(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    grid = LARGE.replace("[search]", '[workload]\nmessage_bytes = [100, 1000, 10000]\n[search]\nbudget = "84s"')
    world = scripted(monkeypatch, store, grid, HandClock(monkeypatch).timed(by_linger(), 0.5))
    straight = await world.run(await world.study("straight"))
    assert all(outcome.pairs == 4 for outcome in straight.outcomes), [
        (each.pairs, each.reason, each.stop_reason, each.verdict) for each in straight.outcomes
    ]

    broken = await world.study("broken")
    for after in (8, 4, 4):
        world.runs.clear()
        world.stop_after = after
        await world.run(broken)
    world.stop_after = None
    resumed = await world.run(broken)
    assert all(outcome.pairs == 4 for outcome in resumed.outcomes)


async def test_a_study_that_goes_on_with_brokers_started_anew_throws_its_first_trials_away(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr(scripted_cluster, "CLUSTER", msgspec.structs.replace(scripted_cluster.CLUSTER, kind="local"))
    world = scripted(monkeypatch, store, SMALL)
    study = await world.study()
    world.stop_after = 7
    await world.run(study)
    first = await world.trials(study)
    assert [trial.discarded for trial in first[:3]] == [True, True, False], "as warm as they will be"
    world.stop_after = None
    await world.run(study)
    rest = (await world.trials(study))[len(first) :]
    assert [trial.discarded for trial in rest[:3]] == [True, True, False]
    assert rest[0].configuration == rest[1].configuration == rest[2].configuration
    assert not any(trial.discarded for trial in rest[2:])


async def test_a_small_search_leaves_other_durability_classes_out(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    grid = """
[search]
confirm_pairs = 0
[producer]
"linger.ms" = [0, 5, 20, 50]
"batch.size" = ["16KiB", "64KiB", "256KiB"]
acks = ["0", "1", "all"]
"""
    world = scripted(monkeypatch, store, grid)
    study = await world.run(await world.study())
    searched = [trial for trial in await world.trials(study) if trial.role == "search"]
    assert len(searched) < 2 * 12 + 8
    assert {trial.configuration.get(Scope.PRODUCER, "acks") for trial in searched} <= {"all", None}


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        (SMALL.replace("[search]", '[search]\nbudget = "10s"'), "no configuration but the baseline was measured"),
        ('[producer]\n"linger.ms" = 5\n', "the only configuration is the baseline itself: give a parameter a second"),
    ],
    ids=["budget", "one cell"],
)
async def test_a_baseline_without_a_challenger_says_why_there_is_none(
    monkeypatch: pytest.MonkeyPatch, store: Store, grid: str, reason: str
) -> None:
    world = scripted(monkeypatch, store, grid, HandClock(monkeypatch).timed(by_linger(), 1.0))
    study = await world.run(await world.study())
    (outcome,) = study.outcomes
    assert (study.state, outcome.verdict, outcome.ratio) == ("finished", "unconfirmed", None)
    assert reason in outcome.reason
    assert "budget" not in grid or "budget" in outcome.reason


@pytest.mark.parametrize(
    ("flags", "words"),
    [((), "acknowledged no message at all"), (("byte-capped",), "bytes_per_trial was used up before")],
)
async def test_a_baseline_that_counts_no_message_ends_the_study_and_says_what_to_change(
    monkeypatch: pytest.MonkeyPatch, store: Store, flags: tuple[Flag, ...], words: str
) -> None:
    world = scripted(monkeypatch, store, SMALL, lambda _: replace(measured(0.0), flags=flags))
    study = await world.run(await world.study())
    assert study.state == "failed"
    assert words in study.outcomes[0].reason


async def test_a_baseline_that_shows_no_figure_is_told_after_the_preflight(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def no_tail(order: TrialOrder) -> Measurement:
        whole = measured(1000, rate=order.rate or 300.0)
        return replace(whole, latency=Latency(p50=2.0, count=1000))

    grid = SMALL + '[objective]\nminimize = "p999"\nrate = "30%"\n'
    world = scripted(monkeypatch, store, grid, no_tail)
    study = await world.run(await world.study())
    assert study.state == "failed"
    assert len(world.runs) == 5
    assert "no p99.9 in 4 of 4 trials" in study.outcomes[0].reason
    assert "paced more time" in study.outcomes[0].reason


async def test_a_baseline_that_loses_its_figure_in_the_search_ends_the_study(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def at_first_only(order: TrialOrder) -> Measurement:
        whole = measured(1000, rate=order.rate or 300.0)
        return whole if len(world.runs) <= 5 else replace(whole, latency=None)

    world = scripted(monkeypatch, store, SMALL + '[objective]\nminimize = "p99"\nrate = 5000\n', at_first_only)
    study = await world.run(await world.study())
    assert study.state == "failed"
    assert "no p99 in 3 of 3 trials" in study.outcomes[0].reason
    assert len(world.runs) < 5 + 3 + 6


END_TO_END = SMALL + '[objective]\nminimize = "end_to_end_p99"\nrate = 5000\n[workload]\nconsumers = 1\n'


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("overloaded",), "the rate could not be held"),
        (("consumer-behind",), "the consumers did not keep up"),
        ((), "too few messages were counted"),
    ],
)
async def test_pairs_without_the_figure_that_decides_say_who_is_to_blame(
    monkeypatch: pytest.MonkeyPatch, store: Store, flags: tuple[Flag, ...], words: str
) -> None:
    def until_confirmation(order: TrialOrder) -> Measurement:
        linger = float(order.configuration.get(Scope.PRODUCER, "linger.ms") or 5)
        whole = replace(measured(1000, rate=order.rate), end_to_end=Latency(p99=100 / (1 + linger), count=5000))
        confirming = any(isinstance(event, SearchStopped) for event in world.events)
        return replace(whole, end_to_end=None, flags=flags) if confirming else whole

    world = scripted(monkeypatch, store, END_TO_END, until_confirmation)
    (outcome,) = (await world.run(await world.study())).outcomes
    assert (outcome.verdict, outcome.ratio) == ("unconfirmed", None)
    assert f"pairs have no end to end p99: {words}" in outcome.reason


async def test_a_baseline_whose_consumers_do_not_keep_up_is_told_after_the_preflight(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def behind(order: TrialOrder) -> Measurement:
        return replace(measured(1000, rate=order.rate), flags=("consumer-behind",))

    world = scripted(monkeypatch, store, END_TO_END, behind)
    study = await world.run(await world.study())
    assert study.state == "failed"
    assert "no end to end p99 in 4 of 4 trials: the consumers did not keep up" in study.outcomes[0].reason


async def test_the_noise_shown_is_that_of_the_figure_that_decides(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def restless(order: TrialOrder) -> Measurement:
        return measured(1000, p99_ms=5.0 * (1 + order.number % 2), rate=order.rate or 300.0)

    world = scripted(monkeypatch, store, SMALL + '[objective]\nminimize = "p99"\nrate = 5000\n', restless)
    await world.run(await world.study())
    noises = [event.noise for event in world.events if isinstance(event, Progress) and event.noise is not None]
    assert noises
    assert min(noises) > 0.2


async def test_a_grid_of_weaker_promises_than_the_baseline_is_refused(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    world = scripted(monkeypatch, store, '[producer]\nacks = ["0", "1"]\n')
    study = await world.run(await world.study())
    assert study.outcomes[0].verdict == "infeasible"
    assert "weaker promise never wins" in study.outcomes[0].reason
    assert world.runs == []


async def test_several_message_sizes_give_one_verdict_each(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    world = scripted(monkeypatch, store, "[workload]\nmessage_bytes = [100, 1000]\n" + SMALL)
    study = await world.run(await world.study())
    assert [outcome.workload.message_bytes for outcome in study.outcomes] == [100, 1000]
    said = [event for event in world.events if isinstance(event, WorkloadFinished | TrialFinished)]
    first = next(place for place, event in enumerate(said) if isinstance(event, WorkloadFinished))
    assert {event.workload.message_bytes for event in said[:first] if isinstance(event, TrialFinished)} == {100}
    assert [event.outcome for event in said if isinstance(event, WorkloadFinished)] == list(study.outcomes)
    assert {outcome.verdict for outcome in study.outcomes} == {"faster"}


async def test_every_finished_trial_is_said_once(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    world = scripted(monkeypatch, store, SMALL)
    study = await world.run(await world.study())
    said = [event.trial for event in world.events if isinstance(event, TrialFinished)]
    assert said == [trial.number for trial in await world.trials(study)]


async def test_a_null_grid_is_not_called_faster(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    world = scripted(monkeypatch, store, SMALL, lambda order: measured(1000 + order.number % 3))
    study = await world.run(await world.study())
    assert study.outcomes[0].verdict == "no measurable difference"


async def test_what_a_race_left_unmeasured_is_predicted_and_never_among_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    world = scripted(monkeypatch, store, LARGE)
    study = await world.run(await world.study())
    trials = await world.trials(study)
    measured = {trial.configuration for trial in trials}
    (outcome,) = study.outcomes
    during = [event.predicted for event in world.events if isinstance(event, Progress) and event.predicted]
    assert during
    for predicted in [*during, outcome.predicted]:
        assert len(predicted) <= 3
        assert all(each.low <= each.value <= each.high for each in predicted)
        values = [each.value for each in predicted]
        assert values == sorted(values, reverse=True)
    assert not measured & {each.configuration for each in outcome.predicted}
    left = [cell for cell in expand(world.grid_file.grid, outcome.workload).cells if cell.configuration not in measured]
    assert len(outcome.predicted) == min(3, len(left))


async def test_a_grid_with_a_limit_predicts_nothing(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    limited = '[objective]\nmaximize = "throughput"\np99_ms = 50\n' + LARGE
    world = scripted(monkeypatch, store, limited)
    study = await world.run(await world.study())
    assert not any(event.predicted for event in world.events if isinstance(event, Progress))
    assert study.outcomes[0].predicted == ()
