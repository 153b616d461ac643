"""`ingestune check`: the price it names, and that what it promises is what `run` would do."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Any

import msgspec
import pytest

from ingestune_tui.kafka.version import client_version
from ingestune_tui.model import space
from ingestune_tui.model.study import Cluster
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning import refused
from ingestune_tui.tuning.grid_file import load_grid, payload_fingerprint
from ingestune_tui.tuning.identity import method_hash
from tests.unit.command_line import GRID, CommandLine, ingestune
from tests.unit.store_values import make_study, make_trial

__all__ = ["ingestune"]

BIG = GRID.replace('bytes_per_s = "5MB"', 'bytes_per_trial = "10GB"').replace("100", "100000")
AT_A_RATE = GRID + '[objective]\nminimize = "p99"\nrate = 120000\n[trial]\npaced = "5s"\n'
BROKERS = '[broker]\n"num.io.threads" = [4, 8]\n'


def test_an_estimate_is_rounded_although_it_comes_out_even(ingestune: CommandLine) -> None:
    said = ingestune("check", ingestune.grid(BIG))
    assert said.code == 0
    sizes = [line for line in said.out.splitlines() if line.startswith(("writes", "peak"))]
    assert len(sizes) == 2
    assert all(re.search(r"up to \d[\d.]{0,3} [kMGT]?B ", line) for line in sizes)


def test_what_run_asks_about_is_rounded_too(ingestune: CommandLine) -> None:
    said = ingestune("run", ingestune.grid(BIG), "-b", "kafka.example:9092")
    assert said.code == 2
    assert re.search(r"write up to \d[\d.]{0,3} [kMGT]B and hold up to \d[\d.]{0,3} [kMGT]B at once", said.err)


@pytest.mark.parametrize("command", [["check"], ["run", "-b", "kafka.example:9092"]], ids=["check", "run"])
def test_a_grid_of_thousands_of_cells_is_expanded_once(
    ingestune: CommandLine, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    expanded: list[int] = []
    whole = space.expand

    def counted(*arguments: Any) -> space.Space:
        expanded.append(1)
        return whole(*arguments)

    monkeypatch.setattr(space, "expand", counted)
    ingestune(command[0], ingestune.grid(), *command[1:])
    assert len(expanded) == 1


def test_that_run_wants_consent_to_change_brokers_is_said(ingestune: CommandLine) -> None:
    grid = ingestune.grid(BROKERS)
    said = ingestune("check", grid, "-b", "kafka.example:9092")
    assert said.code == 0
    what = "settings of the brokers at kafka.example:9092: num.io.threads (cluster-wide)"
    assert f"note    run needs --allow-broker-changes: the grid changes {what}\n" in said.out
    refused = ingestune("run", grid, "-b", "kafka.example:9092", "--yes").err
    assert "--allow-broker-changes" in refused
    assert what in " ".join(refused.split())
    asked = ingestune("run", grid, "-b", "kafka.example:9092", "--allow-broker-changes").err
    assert "puts them back: num.io.threads (cluster-wide)" in " ".join(asked.split())
    assert "--allow-broker-changes" not in ingestune("check", grid, "--cluster", "local").out


# Cells that need no trial: the cache's own rule ----------------------------------------------------------------------


def counted(ingestune: CommandLine, text: str, host: str, nodes: int = 1, **changes: Any) -> str:
    """The line that `check` says of a grid after a study on `host` measured one cell of it, with `changes`."""
    path = ingestune.grid(text)
    found = load_grid(path)
    grid, workload = found.grid, found.grid.workloads[0]
    method = method_hash(workload, grid.timings, grid.limits, payload_fingerprint(workload, path.parent))
    label = "local" if nodes == 1 else f"local ({nodes} nodes)"
    cluster = Cluster(id="local:4.3.0", label=label, kind="local", version="4.3.0", nodes=nodes)

    async def fill() -> None:
        async with await Store.open(ingestune.database) as store:
            study = make_study("first", cluster=cluster, state="finished", host=host)
            nowhere = msgspec.structs.replace(cluster, id="", version="", nodes=0)
            begun = make_study("no-broker", cluster=nowhere, created_at="2099-01-01T00:00:00.000Z")
            await store.create_study(study)
            await store.create_study(begun)
            values = {
                "method_hash": method,
                "configuration": space.expand(grid, workload).cells[0].configuration,
                "client_version": client_version(),
                **changes,
            }
            await store.finish_trial(make_trial(study.id, **values), (), {})

    asyncio.run(fill())
    assert "cached  0\n" in ingestune("check", path, "--cluster", "simulated").out
    said = ingestune("check", path, "--cluster", "local", "--nodes", str(nodes)).out
    return next(line for line in said.splitlines() if line.startswith("cached"))


@pytest.mark.parametrize("nodes", [1, 3])
def test_a_cell_that_was_measured_here_is_counted(ingestune: CommandLine, nodes: int) -> None:
    assert counted(ingestune, GRID, socket.gethostname(), nodes) == "cached  1"


def test_a_cell_that_cannot_be_measured_is_counted_when_that_will_not_change(ingestune: CommandLine) -> None:
    host = socket.gethostname()
    assert counted(ingestune, GRID, host, state="infeasible", permanent=True, client_version="") == "cached  1"


@pytest.mark.parametrize(
    "changes",
    [
        {"flags": ("unsteady",)},
        {"method_hash": "another"},
        {"finished_at": "2020-01-01T00:00:00.000Z"},
        {"client_version": "librdkafka 0.11"},
        {"cached_from": "0193d000-0000-7000-8000-000000000001"},
        {"discarded": True},
        {"state": "infeasible", "permanent": False},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_the_cache_would_not_take_is_not_counted(ingestune: CommandLine, changes: dict[str, Any]) -> None:
    assert counted(ingestune, GRID, socket.gethostname(), **changes) == "cached  0"


def test_what_another_host_measured_is_not_counted(ingestune: CommandLine) -> None:
    assert counted(ingestune, GRID, "another-host") == "cached  0"


@pytest.mark.parametrize(("rate", "line"), [("120000", "cached  1"), ("100000", "cached  0"), ('"30%"', "cached  0")])
def test_where_latency_decides_only_the_same_rate_is_counted(ingestune: CommandLine, rate: str, line: str) -> None:
    text = AT_A_RATE.replace("rate = 120000", f"rate = {rate}").replace('bytes_per_s = "5MB"\n', "")
    assert counted(ingestune, text, socket.gethostname()) == line


def test_what_librdkafka_refuses_is_a_problem_of_the_grid(
    ingestune: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused, "refusal", lambda *_: "librdkafka says no")
    said = ingestune("check", ingestune.grid(GRID))
    assert said.code == 2
    assert "librdkafka says no" in said.err
