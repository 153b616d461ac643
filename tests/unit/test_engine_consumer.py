"""A study that maximises what consumers read, from end to end: what the producers send decides nothing in it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.events import StudyFinished, public_json
from ingestune_tui.report.summary import claim
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from tests.unit.scripted_cluster import measured, scripted

GRID = """
[workload]
consumers = 1
[objective]
maximize = "consumer_throughput"
[search]
confirm_pairs = 4
[producer]
acks = "all"
[consumer]
"fetch.min.bytes" = [1, "64KiB", "1MiB"]
"""


def read_or_sent(order: TrialOrder) -> Measurement:
    """With 64 KiB twice as much is read; with 1 MiB three times as much is sent, which is not what was asked for."""
    least = int(order.configuration.get(Scope.CONSUMER, "fetch.min.bytes") or 1)
    sent, consumed = {1: (1000.0, 5000.0), 65_536: (800.0, 10_000.0), 1_048_576: (3000.0, 6000.0)}[least]
    wobble = 1 + 0.01 * (order.number % 3)
    return replace(measured(sent * wobble, rate=order.rate or 300.0), consumer_messages_per_s=consumed * wobble)


async def test_the_most_consumed_is_searched_confirmed_and_told_with_its_price_in_throughput(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    world = scripted(monkeypatch, store, GRID, read_or_sent)
    study = await world.run(await world.study())
    (outcome,) = study.outcomes
    assert (study.state, outcome.verdict, outcome.objective) == ("finished", "faster", "consumer throughput")
    assert outcome.winner is not None
    assert outcome.winner.get(Scope.CONSUMER, "fetch.min.bytes") == 65_536
    assert outcome.ratio is not None
    assert outcome.throughput is not None
    assert outcome.ratio.low < 2 < outcome.ratio.high
    assert outcome.throughput.low < 0.8 < outcome.throughput.high < 1
    assert "the consumer throughput of" in claim(outcome)
    assert f"; throughput {outcome.throughput.ratio:.2f}x [" in claim(outcome)
    trials = [trial for trial in await world.trials(study) if trial.role == "confirm"]
    assert {round((trial.consumer_messages_per_s or 0) / 5000) for trial in trials} == {1, 2}
    (told,) = json.loads(public_json(next(each for each in world.events if isinstance(each, StudyFinished))))[
        "outcomes"
    ]
    assert (told["verdict"], told["objective"]) == ("faster", "consumer throughput")
