"""The claim: order of the pairs, the interval, and when each verdict is spoken."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestune_tui.tuning.confirm import (
    VerdictKind,
    affordable_pairs,
    format_interval,
    pair_order,
    ratio_interval,
    unconfirmed,
    verdict,
)


def pairs_of(ratio: float, spread: float, count: int = 12) -> list[tuple[float, float]]:
    """Pairs whose log ratios lie evenly around ln(ratio)."""
    offsets = [spread * (2 * i / (count - 1) - 1) for i in range(count)]
    return [(100.0, 100.0 * ratio * math.exp(offset)) for offset in offsets]


def test_pairs_run_as_abba_baab() -> None:
    assert "".join(pair_order(6)) == "ABBABAABABBA"


@given(st.integers(min_value=0, max_value=40))
def test_every_pair_has_one_trial_of_each_side(pairs: int) -> None:
    order = pair_order(pairs)
    assert len(order) == 2 * pairs
    assert all({order[i], order[i + 1]} == {"A", "B"} for i in range(0, len(order), 2))


def test_a_linear_drift_cancels_in_the_order() -> None:
    order = pair_order(12)
    drift = [0.01 * position for position in range(24)]
    gain = sum(shift if side == "B" else -shift for side, shift in zip(order, drift, strict=True))
    assert gain == pytest.approx(0.0, abs=1e-12)


def test_the_interval_is_the_t_interval_of_the_log_ratios() -> None:
    logs = [0.1, 0.2, 0.3, 0.2]
    ratio, low, high = ratio_interval([(1.0, math.exp(log)) for log in logs])
    half = 3.182446 * math.sqrt(0.02 / 3) / 2
    assert (ratio, low, high) == pytest.approx((math.exp(0.2), math.exp(0.2 - half), math.exp(0.2 + half)), rel=1e-6)


def test_a_clear_gain_is_faster() -> None:
    result = verdict(pairs_of(2.1, 0.22), maximize=True)
    assert result.kind is VerdictKind.FASTER
    assert str(result) == "2.1x [1.9, 2.3]: faster"


def test_a_clear_loss_is_slower() -> None:
    assert verdict(pairs_of(0.8, 0.05), maximize=True).kind is VerdictKind.SLOWER


def test_less_latency_is_faster_though_the_ratio_is_below_one() -> None:
    result = verdict(pairs_of(0.5, 0.1), maximize=False)
    assert result.kind is VerdictKind.FASTER
    assert result.high is not None
    assert result.high < 1


def test_an_interval_that_holds_one_is_no_measurable_difference() -> None:
    result = verdict(pairs_of(1.02, 0.1), maximize=True)
    assert result.kind is VerdictKind.SAME
    assert result.kind.value == "no measurable difference"


def test_an_interval_so_wide_that_it_rules_nothing_out_is_unstable() -> None:
    assert verdict(pairs_of(1.02, 1.6), maximize=True).kind is VerdictKind.UNSTABLE


def test_a_wide_interval_beyond_one_still_says_faster() -> None:
    result = verdict(pairs_of(6.0, 1.8), maximize=True)
    assert result.kind is VerdictKind.FASTER


def test_fewer_than_four_pairs_claim_nothing() -> None:
    result = verdict(pairs_of(3.0, 0.01, count=3), maximize=True)
    assert result.kind is VerdictKind.UNCONFIRMED
    assert result.ratio is None
    assert str(result) == "leader, unconfirmed"
    assert unconfirmed().interval == ""


def test_identical_pairs_have_an_interval_without_width() -> None:
    assert ratio_interval([(10.0, 20.0)] * 4) == pytest.approx((2.0, 2.0, 2.0))


def test_wild_pairs_give_a_wide_interval_and_no_overflow() -> None:
    ratio, low, high = ratio_interval([(1.0, 1e300), (1e300, 1.0), (1.0, 1e300), (1e300, 1.0)])
    assert low < ratio < high < math.inf


def test_one_pair_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least two pairs"):
        ratio_interval([(1.0, 2.0)])


@pytest.mark.parametrize(
    ("interval", "shown"),
    [
        ((2.1, 1.9, 2.3), "2.1x [1.9, 2.3]"),
        ((1.03, 0.97, 1.09), "1.03x [0.97, 1.09]"),
        ((1.52, 1.44, 1.61), "1.52x [1.44, 1.61]"),
        ((140.0, 120.0, 163.0), "140x [120, 163]"),
    ],
)
def test_intervals_are_written_with_as_many_digits_as_they_know(
    interval: tuple[float, float, float], shown: str
) -> None:
    assert format_interval(*interval) == shown


@pytest.mark.parametrize(
    ("wanted", "time_left_s", "pairs"),
    [
        (12, None, 12),
        (12, 24 * 18.0, 12),
        (12, 24 * 18.0 - 1, 11),
        (12, 8 * 18.0, 4),
        (12, 8 * 18.0 - 1, 0),
        (12, -5.0, 0),
        (3, None, 0),
    ],
)
def test_pairs_are_what_fits_and_none_when_fewer_than_four_do(
    wanted: int, time_left_s: float | None, pairs: int
) -> None:
    assert affordable_pairs(wanted, time_left_s, lambda pairs: 2 * pairs * 18.0) == pairs


def confirm_against_itself(seed: int, pairs: int, drift: float) -> Sequence[tuple[float, float]]:
    """A/A pairs at 10 % noise on a machine that wanders."""
    rng = random.Random(seed)
    level, keep = rng.gauss(0, drift), math.exp(-18 / 600)
    values = []
    for side in pair_order(pairs):
        level = keep * level + drift * math.sqrt(1 - keep**2) * rng.gauss(0, 1)
        values.append((side, math.exp(level + rng.gauss(0, 0.1))))
    return [
        (one, two) if side == "A" else (two, one)
        for (side, one), (_, two) in zip(values[::2], values[1::2], strict=True)
    ]


@pytest.mark.parametrize(("pairs", "drift"), [(4, 0.03), (12, 0.03), (12, 0.10)])
def test_a_configuration_is_rarely_called_different_from_itself(pairs: int, drift: float) -> None:
    results = [verdict(confirm_against_itself(seed, pairs, drift), maximize=True) for seed in range(2000)]
    faster = sum(result.kind is VerdictKind.FASTER for result in results) / len(results)
    covered = sum((result.low or 9) <= 1 <= (result.high or 0) for result in results) / len(results)
    assert faster <= 0.05
    assert 0.92 <= covered <= 0.97
