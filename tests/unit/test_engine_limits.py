"""What a study with a latency limit hands out: only what is known, or seen in fresh pairs, to keep it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.events import SearchStopped
from ingestune_tui.report.summary import claim
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from tests.unit.scripted_cluster import measured, scripted

GRID = """
[objective]
p99_ms = 5
[search]
confirm_pairs = 4
[producer]
"linger.ms" = [5, 20, 50]
acks = "all"
"""


def linger_of(order: TrialOrder) -> int:
    return int(order.configuration.get(Scope.PRODUCER, "linger.ms") or 5)


def now_and_then(order: TrialOrder) -> Measurement:
    """Nothing keeps 5 ms surely: every other trial of a configuration is above it."""
    return measured(1000.0 + linger_of(order), p99_ms=4.0 if order.number % 2 else 7.0, rate=order.rate or 300.0)


@pytest.mark.parametrize("pairs", [0, 4], ids=["no confirmation", "pairs that break it"])
async def test_a_leader_that_may_break_the_limit_is_not_handed_out(
    monkeypatch: pytest.MonkeyPatch, store: Store, pairs: int
) -> None:
    world = scripted(monkeypatch, store, GRID.replace("confirm_pairs = 4", f"confirm_pairs = {pairs}"), now_and_then)
    study = await world.run(await world.study())
    (outcome,) = study.outcomes
    assert (outcome.verdict, outcome.winner, outcome.ratio) == ("infeasible", None, None)
    assert "no configuration surely keeps p99 below 5 ms, the likeliest does with probability" in outcome.reason
    (stopped,) = [event for event in world.events if isinstance(event, SearchStopped)]
    assert "no measured configuration keeps the limit with probability 90%" in stopped.reason


async def test_a_doubtful_leader_that_keeps_the_limit_in_fresh_pairs_is_confirmed(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def calm_at_last(order: TrialOrder) -> Measurement:
        if any(isinstance(event, SearchStopped) for event in world.events):
            return measured(1000.0 * (1 + linger_of(order)), p99_ms=4.0, rate=order.rate or 300.0)
        return replace(now_and_then(order), messages_per_s=1000.0 * (1 + linger_of(order)))

    world = scripted(monkeypatch, store, GRID, calm_at_last)
    (outcome,) = (await world.run(await world.study())).outcomes
    assert outcome.verdict == "faster"
    assert outcome.winner is not None


async def test_a_faster_baseline_that_breaks_the_limit_is_not_handed_out(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def script(order: TrialOrder) -> Measurement:
        slow = linger_of(order) == 50
        return measured(900.0 if slow else 1000.0, p99_ms=2.0 if slow else 9.0, rate=order.rate or 300.0)

    world = scripted(monkeypatch, store, GRID, script)
    (outcome,) = (await world.run(await world.study())).outcomes
    assert outcome.verdict == "slower"
    assert outcome.winner is not None
    assert outcome.winner.get(Scope.PRODUCER, "linger.ms") == 50
    assert outcome.reason == "the baseline does more, and kept p99 below 5 ms in only 0 of 4 fresh trials"
    assert claim(outcome).count(outcome.reason) == 1


async def test_a_configuration_without_a_p99_never_wins_under_a_limit(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def script(order: TrialOrder) -> Measurement:
        whole = measured(1000.0 * (1 + linger_of(order)), p99_ms=2.0, rate=order.rate or 300.0)
        return replace(whole, latency=None) if linger_of(order) == 50 else whole

    world = scripted(monkeypatch, store, GRID, script)
    (outcome,) = (await world.run(await world.study())).outcomes
    assert outcome.winner is not None
    assert outcome.winner.get(Scope.PRODUCER, "linger.ms") == 20


async def test_a_leader_that_fresh_pairs_saw_break_the_limit_is_not_handed_out(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def worse_at_last(order: TrialOrder) -> Measurement:
        confirming = any(isinstance(event, SearchStopped) for event in world.events)
        p99_ms = 9.0 if confirming and linger_of(order) == 50 else 2.0
        return measured(1000.0 * (1 + linger_of(order)), p99_ms=p99_ms, rate=order.rate or 300.0)

    world = scripted(monkeypatch, store, GRID, worse_at_last)
    (outcome,) = (await world.run(await world.study())).outcomes
    assert (outcome.verdict, outcome.winner) == ("unconfirmed", None)
    assert outcome.reason == "the leader kept p99 below 5 ms in only 0 of 4 fresh trials"
