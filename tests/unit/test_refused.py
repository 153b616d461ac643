"""What librdkafka itself refuses is found by constructing clients, for the editor and for `ingestune check`."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import Problem
from ingestune_tui.kafka.constructing import refusal
from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.space import expand
from ingestune_tui.tuning import refused

GRID = """
[producer]
"linger.ms" = [0, 5, 20]
"compression.type" = ["none", "lz4"]
"""


def found(text: str) -> tuple[Problem, ...]:
    """What is refused in that grid."""
    grid = read_grid(text)
    return refused.refused_values(grid, [expand(grid, workload) for workload in grid.workloads])


def test_librdkafka_refuses_in_its_own_words_what_is_out_of_its_range(capfd: pytest.CaptureFixture[str]) -> None:
    assert "outside allowed range 0..900000" in refusal(Scope.PRODUCER, {"linger.ms": "1000000"})
    assert "session.timeout.ms" in refusal(Scope.CONSUMER, {"max.poll.interval.ms": "10000"})
    assert refusal(Scope.PRODUCER, {"linger.ms": "5"}) == refusal(Scope.CONSUMER, {}) == ""
    assert capfd.readouterr() == ("", "")


def test_a_grid_of_what_librdkafka_takes_has_no_problem() -> None:
    assert found(GRID) == ()


def test_a_value_is_named_where_every_cell_with_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def no(_: Scope, properties: Mapping[str, str]) -> str:
        alone = properties["linger.ms"] == "5" and properties["compression.type"] == "none"
        return "too long" if properties["linger.ms"] == "20" or alone else ""

    monkeypatch.setattr(refused, "refusal", no)
    assert found(GRID) == (Problem('producer."linger.ms"', "20: too long"),)


def test_what_javas_client_sends_is_not_asked_of_librdkafka(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused, "refusal", lambda *_: "never asked")
    assert found('[workload]\nclient = "java"\n' + GRID) == ()
