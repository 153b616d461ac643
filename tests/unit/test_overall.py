"""One configuration for all message sizes."""

from __future__ import annotations

import pytest

from ingestune_tui.tuning.overall import best_overall

SMALL = {"a": 100.0, "b": 90.0, "c": 10.0}
LARGE = {"a": 10.0, "b": 90.0, "c": 100.0}


def test_the_compromise_has_the_best_geometric_mean() -> None:
    found = best_overall([SMALL, LARGE], maximize=True, baselines=[45.0, 45.0])
    assert found is not None
    assert found.key == "b"
    assert found.costs == pytest.approx((0.1, 0.1))
    assert found.ratio == pytest.approx(2.0)


def test_where_less_is_better_the_smallest_wins() -> None:
    found = best_overall([{"a": 2.0, "b": 8.0}, {"a": 4.0, "b": 3.0}], maximize=False)
    assert found is not None
    assert found.key == "a"
    assert found.costs == pytest.approx((0.0, 0.25))
    assert found.ratio is None


def test_only_configurations_that_every_workload_can_run_are_considered() -> None:
    found = best_overall([SMALL, {"c": 1.0}], maximize=True)
    assert found is not None
    assert found.key == "c"


def test_without_a_shared_configuration_there_is_no_compromise() -> None:
    assert best_overall([{"a": 1.0}, {"b": 1.0}], maximize=True) is None
    assert best_overall([], maximize=True) is None
