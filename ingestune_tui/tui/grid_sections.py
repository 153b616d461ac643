"""The sections of a grid in one line each, and the default of every field. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ingestune_tui.units import format_bytes, format_duration

if TYPE_CHECKING:
    from ingestune_tui.model.grid import Grid

_DEFAULTS: Final[Mapping[str, str]] = {
    "workload.message_bytes": "1000",
    "workload.client": "librdkafka",
    "workload.payload": "json",
    "workload.keys": "none",
    "workload.partitions": "6",
    "workload.replication": "1",
    "workload.producers": "1",
    "workload.consumers": "0",
    "objective.maximize": "throughput",
    "objective.minimize": "none",
    "objective.p99_ms": "no limit",
    "objective.rate": "30%",
    "trial.warmup": "3s",
    "trial.saturated": "8s",
    "trial.paced": "5s",
    "limits.bytes_per_trial": "10GB",
    "limits.bytes_on_disk": "20GB",
    "limits.bytes_per_s": "no cap",
    "search.strategy": "race",
    "search.tolerance": "0.05",
    "search.budget": "none",
    "search.confirm_pairs": "12",
}


def default_text(section: str, key: str) -> str:
    """What holds while the field is left out."""
    return _DEFAULTS.get(f"{section}.{key}", "")


def summary(name: str, plain: Mapping[str, Any], grid: Grid | None) -> str:
    """One line for a section row; what the file says in short where the grid has problems."""
    if grid is None:
        return _raw(name, plain)
    if name == "workload":
        return _workload(grid)
    if name == "objective":
        objective = grid.objective
        rate = (
            f"{objective.rate_per_s:,.0f} messages/s"
            if objective.rate_per_s
            else f"{(objective.rate_share or 0) * 100:g} %"
        )
        return f"{objective.label} · latency at {rate}{'' if objective.rate_per_s else ' of the baseline'}"
    if name == "method":
        return _method(grid)
    client = grid.workloads[0].client
    if grid.baseline.files or grid.baseline.settings:
        return grid.baseline.label
    return "Java client defaults" if client == "java" else "librdkafka defaults"


def _workload(grid: Grid) -> str:
    workload = grid.workloads[0]
    sizes = ", ".join(size_text(each.message_bytes) for each in grid.workloads)
    parts = [f"message {sizes} {workload.payload}", f"{workload.partitions} partitions"]
    if workload.replication > 1:
        parts.append(f"{workload.replication} copies")
    parts.append(f"{workload.producers} producer{'s' * (workload.producers != 1)}")
    if workload.consumers:
        parts.append(f"{workload.consumers} consumer{'s' * (workload.consumers != 1)}")
    if workload.keys != "none":
        parts.append(f"keys {workload.keys}")
    return " · ".join([*parts, workload.client])


def _method(grid: Grid) -> str:
    search, timings = grid.search, grid.timings
    within = f", within {search.tolerance * 100:g} %" if search.strategy == "race" else ""
    pairs = f"{search.confirm_pairs} pairs" if search.confirm_pairs else "no confirmation"
    stages = " + ".join(f"{seconds:g} s" for seconds in (timings.warmup_s, timings.saturated_s, timings.paced_s))
    parts = [f"{search.strategy}{within}, {pairs}", stages]
    if search.budget_s is not None:
        parts.append(f"budget {format_duration(search.budget_s)}")
    return " · ".join(parts)


def size_text(message_bytes: int) -> str:
    """`10 B`, `1 kB`, `16KiB`."""
    if message_bytes >= 1000 and message_bytes % 1000 == 0:
        return f"{message_bytes // 1000} kB" if message_bytes < 10**6 else format_bytes(message_bytes)
    return format_bytes(message_bytes) if message_bytes >= 1024 else f"{message_bytes} B"


def _raw(name: str, plain: Mapping[str, Any]) -> str:
    """While the grid cannot be read as a whole: the keys that are set."""
    sections = ("search", "trial", "limits") if name == "method" else (name,)
    found: list[str] = []
    for section in sections:
        table = plain.get(section)
        if isinstance(table, Mapping):
            found += [f"{key} {value}" if not isinstance(value, Mapping) else str(key) for key, value in table.items()]
    return " · ".join(found)[:120] or "as by default"
