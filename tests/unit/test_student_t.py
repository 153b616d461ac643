"""The t distribution against printed tables, and its own symmetries."""

from __future__ import annotations

import math

import pytest

from ingestune_tui.tuning.student_t import t_cdf, t_quantile, two_sided


@pytest.mark.parametrize(
    ("probability", "degrees", "table"),
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 3, 3.182),
        (0.975, 5, 2.571),
        (0.975, 11, 2.201),
        (0.975, 30, 2.042),
        (0.975, 120, 1.980),
        (0.995, 4, 4.604),
        (0.95, 10, 1.812),
        (0.90, 7, 1.415),
        (0.999, 20, 3.552),
    ],
)
def test_quantiles_agree_with_the_printed_table(probability: float, degrees: int, table: float) -> None:
    assert t_quantile(probability, degrees) == pytest.approx(table, abs=6e-4)


def test_one_degree_of_freedom_is_the_cauchy_distribution() -> None:
    assert t_quantile(0.9, 1) == pytest.approx(math.tan(0.4 * math.pi), rel=1e-12)
    assert t_cdf(1.0, 1) == pytest.approx(0.75, abs=1e-14)


def test_many_degrees_of_freedom_are_the_normal_distribution() -> None:
    assert t_quantile(0.975, 1e7) == pytest.approx(1.959964, abs=1e-5)


def test_quantiles_are_symmetric_and_invert_the_distribution() -> None:
    for degrees in (1, 3, 11, 200):
        for probability in (0.01, 0.2, 0.5, 0.8, 0.999):
            t = t_quantile(probability, degrees)
            assert t_cdf(t, degrees) == pytest.approx(probability, abs=1e-12)
            assert t == pytest.approx(-t_quantile(1.0 - probability, degrees), abs=1e-9)


def test_the_two_sided_factor_of_twelve_pairs_is_the_well_known_one() -> None:
    assert two_sided(0.95, 11) == pytest.approx(2.201, abs=5e-4)


@pytest.mark.parametrize(("probability", "degrees"), [(0.0, 3), (1.0, 3), (0.5, 0)])
def test_what_has_no_quantile_is_refused(probability: float, degrees: float) -> None:
    with pytest.raises(ValueError, match="t quantile"):
        t_quantile(probability, degrees)
