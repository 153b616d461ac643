"""`ingestune check`: the price it names, and that what it promises is what `run` would do."""

from __future__ import annotations

import re

from tests.unit.command_line import GRID, CommandLine, ingestune

__all__ = ["ingestune"]


def test_an_estimate_is_rounded_although_it_comes_out_even(ingestune: CommandLine) -> None:
    grid = GRID.replace('bytes_per_s = "5MB"', 'bytes_per_trial = "10GB"').replace("100", "100000")
    said = ingestune("check", ingestune.grid(grid))
    assert said.code == 0
    sizes = [line for line in said.out.splitlines() if line.startswith(("writes", "peak"))]
    assert len(sizes) == 2
    assert all(re.search(r"up to \d[\d.]{0,3} [kMGT]?B ", line) for line in sizes)


def test_what_run_asks_about_is_rounded_too(ingestune: CommandLine) -> None:
    grid = GRID.replace('bytes_per_s = "5MB"', 'bytes_per_trial = "10GB"').replace("100", "100000")
    said = ingestune("run", ingestune.grid(grid), "-b", "kafka.example:9092")
    assert said.code == 2
    assert re.search(r"write up to \d[\d.]{0,3} [kMGT]B and hold up to \d[\d.]{0,3} [kMGT]B at once", said.err)
