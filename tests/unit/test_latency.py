"""Histograms: the range and encoding that Java and C share, merging, and which percentiles may be shown."""

from __future__ import annotations

import pytest

from ingestune_tui.bench.latency import (
    HIGHEST_US,
    decode,
    encode,
    histogram_of,
    merge,
    percentile_ms,
    percentiles,
    percentiles_of,
    quality,
)


@pytest.mark.parametrize(
    ("count", "quantile", "expected"),
    [
        (10_000, 0.99, "exact"),
        (9_999, 0.99, "rough"),
        (1_000, 0.99, "rough"),
        (999, 0.99, "hidden"),
        (100_000, 0.999, "exact"),
        (200, 0.5, "exact"),
        (20, 0.5, "rough"),
        (19, 0.5, "hidden"),
        (0, 0.5, "hidden"),
    ],
)
def test_a_percentile_is_shown_only_if_enough_measurements_lie_above_it(
    count: int, quantile: float, expected: str
) -> None:
    assert quality(count, quantile) == expected


def test_a_histogram_survives_its_encoding_with_three_digits() -> None:
    histogram = decode(encode(histogram_of([1, 123_456, 123_456, 59_000_000])))
    assert histogram.get_total_count() == 4
    assert histogram.get_min_value() == 1
    assert histogram.get_value_at_percentile(50) == pytest.approx(123_456, rel=0.001)
    assert histogram.get_max_value() == pytest.approx(59_000_000, rel=0.001)


def test_the_encoding_is_the_compressed_v2_that_other_languages_read() -> None:
    assert encode(histogram_of([5])).startswith("HISTFAAAA")


def test_values_outside_the_range_count_at_its_edge() -> None:
    histogram = histogram_of([0, 10 * HIGHEST_US])
    assert histogram.get_total_count() == 2
    assert histogram.get_min_value() <= 1
    assert histogram.get_max_value() == pytest.approx(HIGHEST_US, rel=0.001)


def test_merging_equals_one_histogram_of_everything_and_skips_the_empty() -> None:
    one, other = list(range(1, 5000, 3)), list(range(100_000, 900_000, 777))
    merged = merge([encode(histogram_of(one)), "", encode(histogram_of(other))])
    whole = histogram_of(one + other)
    for quantile in (1, 50, 95, 99, 99.9, 100):
        assert merged.get_value_at_percentile(quantile) == whole.get_value_at_percentile(quantile)
    assert merged.get_total_count() == whole.get_total_count()


def test_hidden_percentiles_are_none_and_the_maximum_is_always_there() -> None:
    few = percentiles(histogram_of(range(1000, 1050)))
    assert few.p99 is None
    assert few.p50 == pytest.approx(1.025, rel=0.01)
    assert few.max == pytest.approx(1.049, rel=0.01)
    assert percentiles(histogram_of([])).max is None
    assert percentile_ms(histogram_of([]), 0.5) == (None, "hidden")


def test_an_intervals_percentiles_agree_with_the_histograms() -> None:
    values = [(number * 7919) % 20_011 + 1 for number in range(20_000)]
    sorted_ones, histogram_ones = percentiles_of(values), percentiles(histogram_of(values))
    for name in ("p50", "p95", "p99", "max"):
        assert getattr(sorted_ones, name) == pytest.approx(getattr(histogram_ones, name), rel=0.002)
    assert percentiles_of([]).max is None
