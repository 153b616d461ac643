"""The ready grids: each parses, expands to the counts that its comment and the design name, and asks one question."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.space import Space, expand
from ingestune_tui.tuning.grid_file import load_grid

GRIDS = Path(__file__).parents[2] / "grids"
CELLS = {
    "quick": 4,
    "ingestune2017": 108,
    "throughput": 216,
    "latency": 96,
    "durability": 16,
    "broker": 8,
    "topic": 12,
    "consumer": 6,
    "everything": 32,
}


def grid_of(name: str) -> Grid:
    return load_grid(GRIDS / f"{name}.toml").grid


def space_of(grid: Grid) -> Space:
    return expand(grid, grid.workloads[0])


def test_no_ready_grid_is_left_untested() -> None:
    assert {path.stem for path in GRIDS.glob("*.toml")} == set(CELLS)


@pytest.mark.parametrize(("name", "cells"), CELLS.items())
def test_a_ready_grid_expands_to_its_cells_and_its_baseline_can_be_run(name: str, cells: int) -> None:
    space = space_of(grid_of(name))
    assert len(space.cells) == cells
    assert space.merged == ()
    assert not space.baseline_invalid
    assert len(space.invalid) == (8 if name == "durability" else 0)


@pytest.mark.parametrize("name", CELLS)
def test_a_ready_grid_begins_with_its_question_and_has_a_title(name: str) -> None:
    first = (GRIDS / f"{name}.toml").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert first.rstrip().endswith("?")
    assert grid_of(name).title


@pytest.mark.parametrize("name", CELLS)
def test_some_cell_of_a_ready_grid_promises_as_much_as_its_baseline(name: str) -> None:
    space = space_of(grid_of(name))
    wanted = space.durability(space.baseline)
    assert any(not space.durability(cell.configuration).weaker_than(wanted) for cell in space.cells)


def test_ingestune2017_has_the_four_sizes_and_the_baseline_of_the_original() -> None:
    grid = grid_of("ingestune2017")
    assert [workload.message_bytes for workload in grid.workloads] == [10, 100, 1000, 10_000]
    baseline = space_of(grid).baseline.scope(Scope.PRODUCER)
    assert baseline == {
        "acks": "1",
        "batch.size": 16384,
        "linger.ms": 0,
        "max.in.flight.requests.per.connection": 5,
    }
    assert space_of(grid).baseline_cell >= 0


def test_everything_crosses_every_scope() -> None:
    assert grid_of("everything").scopes == set(Scope)


def test_latency_is_sought_at_a_fixed_rate() -> None:
    grid = grid_of("latency")
    assert (grid.objective.figure, grid.objective.maximize) == ("p99", False)
    assert grid.objective.rate_per_s
