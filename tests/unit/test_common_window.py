"""Pairs of which a byte cap ended one half early are compared over the time that both ran."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.events import Progress
from ingestune_tui.model.sample import Sample
from ingestune_tui.model.trial import Trial
from ingestune_tui.report.summary import claim
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.common_window import rate_over, throughputs, unequal
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from tests.unit.scripted_cluster import measured, scripted
from tests.unit.store_values import make_trial


def samples(rates: Sequence[float]) -> list[Sample]:
    """Half a second each, after a warm-up that counts nowhere."""
    warm = Sample(stage="warmup", t_s=0.5, interval_s=0.5, messages=9_999, bytes=0)
    return [
        warm,
        *(
            Sample(stage="saturated", t_s=1 + 0.5 * i, interval_s=0.5, messages=round(rate / 2), bytes=0)
            for i, rate in enumerate(rates)
        ),
    ]


def pair(short_s: float, *, capped: bool = True) -> tuple[Trial, Trial]:
    baseline = make_trial("s", 1, baseline=True, messages_per_s=700.0, window_s=8.0)
    flags = ("byte-capped",) if capped else ()
    return baseline, make_trial("s", 2, messages_per_s=1500.0, window_s=short_s, flags=flags)


def test_a_rate_over_part_of_a_stage_counts_the_share_of_the_sample_that_straddles_its_end() -> None:
    found = rate_over(samples([1000, 1000, 400, 0]), 1.25)
    assert found == pytest.approx((500 + 500 + 0.5 * 200) / 1.25)


def test_a_rate_over_more_than_the_samples_reach_is_none() -> None:
    assert rate_over(samples([1000, 1000]), 4.0) is None
    assert rate_over([], 1.0) is None


def test_the_longer_half_of_a_capped_pair_is_counted_over_the_window_of_the_shorter() -> None:
    both = pair(2.0)
    series = {both[0].id: samples([1000] * 4 + [600] * 12)}
    assert unequal(both)
    assert throughputs(both, series) == pytest.approx((1000.0, 1500.0))


def test_without_samples_a_capped_pair_has_no_figures_that_may_be_compared() -> None:
    assert throughputs(pair(2.0), {}) == (None, None)


@pytest.mark.parametrize(("short_s", "capped"), [(7.99, True), (2.0, False)], ids=["equal windows", "no cap"])
def test_other_pairs_are_compared_as_they_are(short_s: float, capped: bool) -> None:
    assert throughputs(pair(short_s, capped=capped), {}) == (700.0, 1500.0)


GRID = """
[search]
confirm_pairs = 4
[producer]
"linger.ms" = [5, 20, 50]
acks = "all"
"""


def capped_leader(order: TrialOrder) -> Measurement:
    """Everything runs at 1000 for two seconds and at 500 after it; linger.ms 50 sees the first two seconds alone."""
    whole = replace(
        measured(625.0, rate=order.rate or 300.0), window_s=8.0, samples=tuple(samples([1000] * 4 + [500] * 12))
    )
    if order.configuration.get(Scope.PRODUCER, "linger.ms") != 50:
        return whole
    return replace(
        whole, messages_per_s=1000.0, window_s=2.0, flags=("byte-capped",), samples=tuple(samples([1000] * 4))
    )


async def test_a_cap_makes_no_configuration_faster(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    world = scripted(monkeypatch, store, GRID, capped_leader)
    (outcome,) = (await world.run(await world.study())).outcomes
    assert (outcome.verdict, outcome.pairs) == ("no measurable difference", 4)
    assert outcome.ratio is not None
    assert outcome.ratio.ratio == pytest.approx(1.0)
    assert "in 4 of 4 pairs [limits] bytes_per_trial ended one half early" in claim(outcome)
    so_far = [event.ratio_so_far for event in world.events if isinstance(event, Progress) and event.ratio_so_far]
    assert so_far[-1] == outcome.ratio


async def test_capped_pairs_whose_samples_are_gone_claim_nothing(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    world = scripted(monkeypatch, store, GRID, lambda order: replace(capped_leader(order), samples=()))
    (outcome,) = (await world.run(await world.study())).outcomes
    assert (outcome.verdict, outcome.ratio) == ("unconfirmed", None)
    assert outcome.reason == "4 of 4 pairs have no throughput over a common window: raise [limits] bytes_per_trial"
