"""The fold of a study's events: what Live shows at any moment, and that it does not depend on when one looks."""

from __future__ import annotations

import msgspec

from ingestune_tui.model.events import (
    Notice,
    StudyFinished,
    StudyPaused,
    StudyResumed,
    TrialFinished,
    TrialSampled,
    TrialStarted,
    WorkloadFinished,
)
from ingestune_tui.model.sample import Sample
from ingestune_tui.model.study import Overall, SizeShare
from ingestune_tui.report.wording import count_text, verdict_text
from ingestune_tui.tui.stored import stored_view, study_of
from ingestune_tui.tui.study_view import KEPT_SAMPLES, Scoring, StudyView
from tests.tui.fake_study import BASELINE, BEST, REFUSED, STAGES_S, FakeStudy
from tests.tui.shown import until


def test_rate_of_the_warm_up_does_not_count_and_that_of_the_saturated_stage_stays() -> None:
    events = FakeStudy().all()
    warming = until(events, 8, "warmup", 2).active
    assert warming is not None
    assert not warming.rate_counts
    paced = until(events, 8, "paced", 4).active
    saturated = until(events, 8, "saturated", 16).active
    assert paced is not None
    assert saturated is not None
    assert paced.rate_counts
    assert paced.rate == saturated.rate


def test_p99_is_announced_before_the_paced_stage_and_shown_in_it() -> None:
    events = FakeStudy().all()
    early = until(events, 8, "saturated", 8).active
    assert early is not None
    assert early.p99_ms is None
    assert early.p99_in_s is not None
    assert 4 <= early.p99_in_s <= 5
    late = until(events, 8, "paced", 2).active
    assert late is not None
    assert late.p99_in_s is None
    assert late.p99_ms is not None


def test_stages_lie_on_one_axis_as_they_were_and_as_they_are_planned() -> None:
    trial = until(FakeStudy().all(), 8, "saturated", 4).active
    assert trial is not None
    bands = trial.bands()
    assert [band.stage for band in bands] == ["warmup", "saturated", "paced"]
    assert [band.planned for band in bands] == [False, False, True]
    assert bands[0].end_s == bands[1].start_s == 3.0
    assert bands[2].end_s == trial.length_s == sum(STAGES_S)


def test_a_warm_up_that_takes_longer_pushes_the_other_stages_back() -> None:
    view = until(FakeStudy().all(), 8, "warmup", 6)
    trial = view.active
    assert trial is not None
    last = trial.samples[-1]
    for i in range(1, 9):
        later = TrialSampled(trial=8, sample=_moved(last, last.t_s + i / 2))
        view.apply(later)
    assert trial.length_s > sum(STAGES_S)
    assert trial.bands()[0].end_s == trial.now_s


def _moved(sample: Sample, t_s: float) -> Sample:

    return msgspec.structs.replace(sample, t_s=t_s)


def test_an_infeasible_trial_is_told_with_the_broker_s_own_words() -> None:
    view = StudyView.of(FakeStudy().all())
    refused = next(trial for trial in view.trials.values() if trial.configuration == REFUSED)
    assert refused.state == "infeasible"
    assert any("UNSUPPORTED_COMPRESSION_TYPE" in told.text and told.level == "error" for told in view.told)


def test_pairs_are_counted_by_number_and_know_their_order() -> None:
    view = StudyView.of(FakeStudy(pairs=4).all())
    pairs = view.pairs(1000)
    assert len(pairs) == 4
    assert [pair.baseline_first for pair in pairs] == [True, False, True, False]
    assert all(pair.ratio(view.scoring) is not None for pair in pairs)


def test_an_interrupted_half_is_replaced_by_its_repetition() -> None:
    fake = FakeStudy(pairs=1)
    events = fake.all()
    view = StudyView()
    again = None
    for event in events:
        if isinstance(event, TrialFinished) and event.role == "confirm" and again is None:
            again = event
            view.apply(msgspec.structs.replace(event, state="interrupted", messages_per_s=None))
            assert view.pairs(1000)[0].ratio(view.scoring) is None
            view.apply(msgspec.structs.replace(event, trial=900, trial_id="again"))
            continue
        view.apply(event)
    assert view.pairs(1000)[0].ratio(view.scoring) is not None


def test_a_pause_keeps_its_reason_until_the_study_goes_on() -> None:
    view = StudyView.of(FakeStudy().all()[:40])
    view.apply(StudyPaused(study="quick", reason="broker away", attempt=3, retry_in_s=8))
    view.apply(StudyPaused(study="quick", reason="broker away", attempt=4, retry_in_s=16))
    assert view.paused is not None
    assert view.paused.attempt == 4
    assert sum("broker away" in told.text for told in view.told) == 1
    view.apply(StudyResumed(study="quick"))
    assert view.paused is None


def test_notices_are_kept_with_their_level() -> None:
    view = StudyView()
    view.apply(Notice(level="warning", text="unstable machine"))
    assert [(told.level, told.text) for told in view.told] == [("warning", "unstable machine")]


def test_only_the_newest_trials_and_the_leader_keep_their_samples() -> None:
    view = StudyView.of(FakeStudy(searched=120, pairs=4).all())
    kept = [trial for trial in view.trials.values() if trial.samples]
    assert len(kept) <= KEPT_SAMPLES
    leader = view.leader()
    assert leader is not None
    assert leader.configuration == BEST


def test_a_stored_study_is_shown_like_a_watched_one() -> None:
    fake = FakeStudy(sizes=(10, 1000), pairs=4)
    watched = StudyView.of(fake.all())
    stored = stored_view(fake.study(), fake.trials)
    assert stored.started is not None
    assert stored.sizes == watched.sizes == (10, 1000)
    assert set(stored.trials) == set(watched.trials)
    assert stored.varied == watched.varied
    for number, trial in stored.trials.items():
        other = watched.trials[number].finished
        assert trial.finished is not None
        assert other is not None
        assert trial.finished.messages_per_s == other.messages_per_s
    assert stored.outcome(1000) == watched.outcome(1000)
    assert study_of(stored).outcomes == fake.study().outcomes


def test_a_watched_study_keeps_the_configuration_for_all_sizes() -> None:
    fake = FakeStudy(sizes=(10, 1000), pairs=4)
    overall = Overall(
        configuration=BEST,
        ratio=1.3,
        per_size=tuple(SizeShare(message_bytes=size, ratio=1.3, cost=0.01, trials=2) for size in (10, 1000)),
    )
    *before, last = fake.all()
    assert isinstance(last, StudyFinished)
    view = StudyView.of([*before, msgspec.structs.replace(last, overall=overall)])
    assert study_of(view).overall == overall


def test_a_verdict_stands_while_the_next_message_size_is_at_work() -> None:
    events = FakeStudy(sizes=(10, 1000), pairs=4).all()
    first = next(i for i, event in enumerate(events) if isinstance(event, WorkloadFinished))
    view = StudyView.of(events[: first + 30])
    assert view.finished is None
    assert view.outcome(1000) is None
    outcome = view.outcome(10)
    assert outcome is not None
    assert study_of(view).outcomes == view.outcomes == (outcome,)
    assert f"10 B: {verdict_text(outcome)}" in [told.text for told in view.told]


def test_a_study_that_runs_elsewhere_shows_the_verdicts_it_has() -> None:
    fake = FakeStudy(sizes=(10, 1000), pairs=4)
    fake.all()
    study = msgspec.structs.replace(fake.study(), state="running", outcomes=tuple(fake.outcomes[:1]))
    view = stored_view(study, fake.trials)
    assert (view.finished, view.outcomes) == (None, tuple(fake.outcomes[:1]))


def test_looking_back_ends_at_the_first_trial_and_comes_back_to_the_newest() -> None:
    view = until(FakeStudy().all(), 5, "saturated", 1)
    assert view.neighbour(None, -1) == 4
    assert view.neighbour(1, -1) == 1
    assert view.neighbour(4, 1) is None
    assert StudyView().neighbour(None, -1) is None


def test_the_objective_s_label_says_which_figure_ranks() -> None:
    view = StudyView.of(FakeStudy().all())
    trial = view.leader()
    assert trial is not None
    done = trial.finished
    assert done is not None
    assert done.latency is not None
    assert Scoring("throughput, p99 < 20 ms").of(trial) == done.messages_per_s
    assert Scoring("p99").of(trial) == done.latency.p99
    assert Scoring("p99.9").of(trial) == done.latency.p999
    slow = next(each for each in view.trials.values() if each.configuration == BASELINE and each.finished)
    assert Scoring("p99").maximize is False
    assert (Scoring("p99").gain(trial) or 0) < (Scoring("p99").gain(slow) or 0)


def test_a_rump_of_a_few_ms_where_a_stage_ends_makes_no_dip_in_the_throughput() -> None:
    started = next(event for event in FakeStudy().all() if isinstance(event, TrialStarted))
    view = StudyView().apply(started)
    for at, seconds, sent in ((0.5, 0.5, 50e6), (1.0, 0.5, 50e6), (1.012, 0.012, 0.0), (1.512, 0.5, 50e6)):
        sample = Sample(stage="warmup", t_s=at, interval_s=seconds, messages=1, bytes=int(sent))
        view.apply(TrialSampled(trial=started.trial, sample=sample))
    points = view.trials[started.trial].throughput()
    assert [at for at, _ in points] == [0.5, 1.012, 1.512]
    assert [round(rate, 1) for _, rate in points] == [100.0, 97.7, 100.0]


def test_a_count_below_a_thousand_is_a_whole_number() -> None:
    assert [count_text(each) for each in (0, 3, 30, 30.4, 999, 3100, None)] == [
        "0", "3", "30", "30", "999", "3.10 k", "—",
    ]  # fmt: skip
