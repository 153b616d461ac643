"""Latencies as HDR histograms (1 µs to 60 s, 3 digits), and which percentiles of them may be shown.

The V2 base64 encoding is the one that Java and C read. Histograms are merged, never averaged. A percentile is
shown only if enough measurements lie above it: n(1-Q) >= 100; from 10 on it is marked "~"; below, hidden.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal

from hdrh.histogram import HdrHistogram

from ingestune_tui.model.objective import FEWEST_BEYOND
from ingestune_tui.model.sample import Percentiles

LOWEST_US: Final = 1
HIGHEST_US: Final = 60_000_000
DIGITS: Final = 3

Quality = Literal["exact", "rough", "hidden"]


def new_histogram() -> HdrHistogram:
    return HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)


def histogram_of(values_us: Iterable[int]) -> HdrHistogram:
    """A histogram of these microseconds; what lies outside its range counts at its edge."""
    histogram = new_histogram()
    for value, count in Counter(values_us).items():
        histogram.record_value(min(max(value, LOWEST_US), HIGHEST_US), count)
    return histogram


def encode(histogram: HdrHistogram) -> str:
    """V2, compressed, base64."""
    text: bytes = histogram.encode()
    return text.decode()


def decode(text: str) -> HdrHistogram:
    return HdrHistogram.decode(text.encode())


def merge(texts: Iterable[str]) -> HdrHistogram:
    """One histogram of everything in these; empty texts add nothing."""
    merged = new_histogram()
    for text in texts:
        if text:
            merged.add(decode(text))
    return merged


def quality(count: int, quantile: float) -> Quality:
    """How far the `quantile` (0..1) of `count` measurements can be trusted."""
    above = count * (1.0 - quantile) + 1e-9
    if above >= 100:
        return "exact"
    return "rough" if above >= FEWEST_BEYOND else "hidden"


def percentile_ms(histogram: HdrHistogram, quantile: float) -> tuple[float | None, Quality]:
    """The quantile in milliseconds with its quality; None where it is hidden."""
    trust = quality(histogram.get_total_count(), quantile)
    if trust == "hidden":
        return None, trust
    return histogram.get_value_at_percentile(quantile * 100) / 1000, trust


def percentiles(histogram: HdrHistogram) -> Percentiles:
    """Those that may be shown, of a whole histogram."""
    return Percentiles(
        p50=percentile_ms(histogram, 0.5)[0],
        p95=percentile_ms(histogram, 0.95)[0],
        p99=percentile_ms(histogram, 0.99)[0],
        p999=percentile_ms(histogram, 0.999)[0],
        max=histogram.get_max_value() / 1000 if histogram.get_total_count() else None,
    )


def percentiles_of(values_us: list[int]) -> Percentiles:
    """The same for the few values of one interval, by sorting them."""
    ordered = sorted(values_us)

    def shown(quantile: float) -> float | None:
        if quality(len(ordered), quantile) == "hidden":
            return None
        return ordered[min(len(ordered) - 1, int(len(ordered) * quantile))] / 1000

    return Percentiles(
        p50=shown(0.5),
        p95=shown(0.95),
        p99=shown(0.99),
        p999=shown(0.999),
        max=ordered[-1] / 1000 if ordered else None,
    )
