"""Pairs that are torn apart are run again whole, and an unstable machine is told before anything is searched."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from ingestune_tui.bench.protocol import Failed
from ingestune_tui.model.events import Event, Notice, SearchStopped, StudyPaused, TrialStarted, public_json
from ingestune_tui.model.trial import Trial
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.load_child import ChildFailed
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from ingestune_tui.tuning.pairs import complete_pairs
from tests.unit.scripted_cluster import Heard, by_linger, measured, scripted

GRID = """
[search]
confirm_pairs = 4
[producer]
"linger.ms" = [5, 20, 50]
acks = "all"
"""
FIRST_HALF_OF_SECOND_PAIR = 5 + 6 + 3
"""By its number: after preflight and search, and one pair."""
TORN = 9e9
"""What a voided half measured, so that it would be seen in any ratio it had a part in."""


def halves(trials: list[Trial], pair: int) -> list[tuple[int, bool, str]]:
    """(attempt, baseline or not, state) of each half that was run for a pair, in order."""
    return [(trial.block, trial.baseline, trial.state) for trial in trials if trial.pair == pair]


@pytest.mark.parametrize("how", ["paused", "failed"])
async def test_a_pair_that_is_torn_apart_is_run_again_whole_and_its_first_half_counts_nowhere(
    monkeypatch: pytest.MonkeyPatch, store: Store, how: str
) -> None:
    def script(order: TrialOrder) -> Measurement:
        if order.number == FIRST_HALF_OF_SECOND_PAIR:
            if how == "paused":
                assert world.engine is not None
                world.engine.pause()
            return replace(by_linger()(order), messages_per_s=TORN)
        if how == "failed" and order.number == FIRST_HALF_OF_SECOND_PAIR + 1:
            raise ChildFailed(Failed(code="NOT_NOW", reason="Broker: not now", permanent=True))
        return by_linger()(order)

    def go_on(event: Event) -> None:
        if isinstance(event, StudyPaused):
            assert world.engine is not None
            world.engine.resume()

    world = scripted(monkeypatch, store, GRID, script)
    world.events = Heard(go_on)
    study = await world.run(await world.study())
    trials = await world.trials(study)
    run = halves(trials, 1)
    second = [] if how == "paused" else [(0, True, "infeasible")]
    assert run == [(0, False, "done"), *second, (1, False, "done"), (1, True, "done")]
    assert [halves(trials, pair) for pair in (0, 2, 3)] == [
        [(0, baseline, "done"), (0, not baseline, "done")] for baseline in (True, False, True)
    ]
    assert all(TORN not in (old.messages_per_s, new.messages_per_s) for old, new in complete_pairs(trials).values())
    (outcome,) = study.outcomes
    assert (outcome.pairs, outcome.verdict) == (4, "faster")
    assert outcome.ratio is not None
    assert outcome.ratio.high < 3


async def test_a_study_killed_between_two_halves_runs_that_pair_again_whole(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    world = scripted(monkeypatch, store, GRID)
    study = await world.study()
    world.stop_after = FIRST_HALF_OF_SECOND_PAIR
    stopped = await world.run(study)
    assert (stopped.state, stopped.outcomes[0].ratio) == ("stopped", None)
    world.stop_after = None
    again = await world.run(study)
    run = halves(await world.trials(again), 1)
    assert run == [(0, False, "done"), (0, True, "interrupted"), (1, False, "done"), (1, True, "done")]
    assert again.outcomes[0].pairs == 4


async def test_a_pair_that_can_never_be_measured_ends_without_a_claim(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def script(order: TrialOrder) -> Measurement:
        if any(isinstance(event, SearchStopped) for event in world.events):
            raise ChildFailed(Failed(code="GONE", reason="Broker: gone for good", permanent=True))
        return by_linger()(order)

    world = scripted(monkeypatch, store, GRID, script)
    (outcome,) = (await world.run(await world.study())).outcomes
    assert (outcome.verdict, outcome.ratio) == ("unconfirmed", None)
    assert outcome.reason == "a pair could not be measured: Broker: gone for good"


@pytest.mark.parametrize(("wobble", "told"), [(0.4, True), (0.02, False)], ids=["unstable", "steady"])
async def test_an_unstable_machine_is_told_once_after_the_preflight_and_stays_known_with_the_outcome(
    monkeypatch: pytest.MonkeyPatch, store: Store, wobble: float, told: bool
) -> None:
    figures = itertools.cycle((1000.0, 1000.0 * (1 + wobble)))
    world = scripted(monkeypatch, store, GRID, lambda order: measured(next(figures), rate=order.rate or 300.0))
    study = await world.run(await world.study())
    banners = [
        place
        for place, event in enumerate(world.events)
        if isinstance(event, Notice) and event.level == "warning" and event.text.startswith("unstable machine")
    ]
    assert len(banners) == told
    before = [event.role for event in world.events[: max(banners, default=0)] if isinstance(event, TrialStarted)]
    assert before == ["preflight"] * 5 * told
    (outcome,) = (await store.find_study(study.id)).outcomes
    assert outcome.unstable_spread == (pytest.approx(wobble / (1 + wobble / 2)) if told else None)
    (said,) = json.loads(public_json(world.events[-1]))["outcomes"]
    assert said["unstable_spread"] == outcome.unstable_spread
