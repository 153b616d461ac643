"""A study that minimises a latency, from end to end, and the latency beside a throughput verdict."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.events import Notice, SearchStopped, StudyFinished, public_json
from ingestune_tui.model.trial import Latency
from ingestune_tui.report.summary import claim
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from tests.unit.scripted_cluster import Script, measured, scripted

GRID = """
[search]
confirm_pairs = 4
[producer]
"linger.ms" = [5, 20, 50]
acks = "all"
"""
LEAST = {figure: f'[objective]\nminimize = "{figure}"\nrate = 5000\n' + GRID for figure in ("p50", "p99", "p999")}
LIMITED = '[objective]\nmaximize = "throughput"\np99_ms = 50\nrate = 5000\n' + GRID


def linger_of(order: TrialOrder) -> int:
    return int(order.configuration.get(Scope.PRODUCER, "linger.ms") or 5)


def quick_or_much(order: TrialOrder) -> Measurement:
    """linger.ms 20 has half of the latency and four fifths of the throughput; 50 is the worst in both."""
    p99_ms, rate = {5: (10.0, 1000.0), 20: (5.0, 800.0), 50: (40.0, 500.0)}[linger_of(order)]
    wobble = 1 + 0.01 * (order.number % 3)
    return measured(rate * wobble, p99_ms=p99_ms * wobble, rate=order.rate or 300.0)


def quick_in(figure: str) -> Script:
    """linger.ms 20 has half of this one percentile, more of the others, and four fifths of the throughput."""

    def script(order: TrialOrder) -> Measurement:
        wobble = 1 + 0.01 * (order.number % 3)
        rate, others, own = {5: (1000.0, 1.0, 1.0), 20: (800.0, 1.2, 0.5), 50: (500.0, 4.0, 4.0)}[linger_of(order)]
        ms = {"p50": 2.0, "p99": 10.0, "p999": 30.0}
        figures = {name: value * wobble * (own if name == figure else others) for name, value in ms.items()}
        latency = Latency(p50=figures["p50"], p99=figures["p99"], p999=figures["p999"], count=20000)
        return replace(measured(rate * wobble, rate=order.rate or 300.0), latency=latency)

    return script


@pytest.mark.parametrize(("figure", "name"), [("p50", "p50"), ("p99", "p99"), ("p999", "p99.9")])
async def test_the_least_of_a_percentile_is_searched_confirmed_and_told_with_its_price_in_throughput(
    monkeypatch: pytest.MonkeyPatch, store: Store, figure: str, name: str
) -> None:
    world = scripted(monkeypatch, store, LEAST[figure], quick_in(figure))
    study = await world.run(await world.study())
    (outcome,) = study.outcomes
    assert (study.state, outcome.verdict, outcome.objective) == ("finished", "faster", name)
    assert outcome.winner is not None
    assert outcome.winner.get(Scope.PRODUCER, "linger.ms") == 20
    assert outcome.ratio is not None
    assert outcome.latency is not None
    assert outcome.throughput is not None
    assert outcome.ratio.low < 0.5 < outcome.ratio.high < 1
    assert outcome.throughput.low < 0.8 < outcome.throughput.high < 1
    assert (outcome.ratio == outcome.latency) == (figure == "p99")
    assert (outcome.latency.low > 1) == (figure != "p99"), "the p99 beside another percentile is its own"
    assert {order.rate for order in world.runs} == {5000.0}
    said = claim(outcome)
    assert f"] the {name} of librdkafka's defaults: faster; throughput {outcome.throughput.ratio:.2f}x [" in said
    (told,) = json.loads(public_json(next(each for each in world.events if isinstance(each, StudyFinished))))[
        "outcomes"
    ]
    assert told["objective"] == name
    assert told["throughput"].keys() == {"ratio", "low", "high"}


async def test_a_throughput_verdict_says_no_throughput_twice(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    world = scripted(monkeypatch, store, GRID, quick_or_much)
    (outcome,) = (await world.run(await world.study())).outcomes
    assert outcome.throughput is None
    assert outcome.latency is not None
    assert outcome.latency_reason == ""


async def test_a_latency_that_one_pair_lacks_is_not_compared_and_the_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    lacking = iter([True])

    def script(order: TrialOrder) -> Measurement:
        whole = measured(1000.0 + 20 * linger_of(order), rate=order.rate or 300.0)
        confirming = any(isinstance(event, SearchStopped) for event in world.events)
        return replace(whole, latency=None, flags=("overloaded",)) if confirming and next(lacking, False) else whole

    world = scripted(monkeypatch, store, GRID, script)
    (outcome,) = (await world.run(await world.study())).outcomes
    assert (outcome.verdict, outcome.latency) == ("faster", None)
    assert outcome.latency_reason == "1 of 4 pairs have no p99: the rate could not be held"
    assert claim(outcome).endswith("; p99 not compared: 1 of 4 pairs have no p99: the rate could not be held")
    (told,) = json.loads(public_json(world.events[-1]))["outcomes"]
    assert told["latency_reason"] == outcome.latency_reason


def overloaded_in(numbers: set[int]) -> Script:
    """The trials of these numbers could not hold the rate; linger.ms pays in each."""

    def script(order: TrialOrder) -> Measurement:
        whole = measured(1000.0 + 20 * linger_of(order), p99_ms=200.0 / linger_of(order), rate=order.rate or 300.0)
        return replace(whole, flags=("overloaded",)) if order.number in numbers else whole

    return script


@pytest.mark.parametrize("grid", [LEAST["p99"], LIMITED], ids=["minimised", "limited"])
async def test_a_rate_that_the_baseline_cannot_hold_ends_a_study_of_latency_before_the_search(
    monkeypatch: pytest.MonkeyPatch, store: Store, grid: str
) -> None:
    world = scripted(monkeypatch, store, grid, overloaded_in(set(range(1, 100))))
    study = await world.run(await world.study())
    (outcome,) = study.outcomes
    assert (study.state, outcome.ratio, outcome.winner) == ("failed", None, None)
    assert outcome.reason == (
        "the baseline cannot hold 5,000 messages/s, so there is no latency to compare with: lower [objective] rate"
    )
    assert len(world.runs) == 5
    assert not any(isinstance(event, SearchStopped) for event in world.events)


@pytest.mark.parametrize(
    ("grid", "numbers"),
    [(LEAST["p99"], {3}), (LEAST["p99"], {2, 5}), (LEAST["p99"].replace('minimize = "p99"\n', ""), {2, 3, 4, 5})],
    ids=["one", "half", "all, where throughput decides"],
)
async def test_a_rate_that_the_baseline_could_not_always_hold_is_warned_of_and_the_study_goes_on(
    monkeypatch: pytest.MonkeyPatch, store: Store, grid: str, numbers: set[int]
) -> None:
    world = scripted(monkeypatch, store, grid, overloaded_in(numbers))
    study = await world.run(await world.study())
    warnings = [event.text for event in world.events if isinstance(event, Notice) and event.level == "warning"]
    words = f"the baseline could not hold 5,000 messages/s in {len(numbers)} of 4 trials: lower [objective] rate"
    assert warnings == [words]
    assert (study.state, study.outcomes[0].verdict) == ("finished", "faster")
