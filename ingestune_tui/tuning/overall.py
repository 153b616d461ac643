"""One configuration for all message sizes: the best geometric mean, and what it costs at each size. Pure.

Works on what the models of the workloads expect of their configurations; only a confirmation makes a claim of it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Compromise(Generic[Key]):
    """The configuration that serves all workloads best."""

    key: Key
    """The configuration, as the caller names it."""
    ratio: float | None
    """The geometric mean over the workloads of its figure over the baseline's; None without baselines."""
    costs: tuple[float, ...]
    """Per workload, the share that is lost against that workload's own best configuration; 0 where it is the best."""


def best_overall(
    values: Sequence[Mapping[Key, float]], *, maximize: bool, baselines: Sequence[float] | None = None
) -> Compromise[Key] | None:
    """The configuration with the best geometric mean over all workloads, among those that every workload can run.

    `values` holds, per workload, the objective (above 0) of each configuration; `baselines` that of each workload's
    baseline. None when no configuration runs in all. Ties go to the first in the first workload's order.
    """
    if not values:
        return None
    shared = [key for key in values[0] if all(key in each for each in values[1:])]
    if not shared:
        return None
    sign = 1.0 if maximize else -1.0
    best = max(shared, key=lambda key: math.fsum(sign * math.log(each[key]) for each in values))
    tops = [max(sign * math.log(value) for value in each.values()) for each in values]
    costs = tuple(
        max(0.0, -math.expm1(sign * math.log(each[best]) - top)) for each, top in zip(values, tops, strict=True)
    )
    ratio = None
    if baselines is not None:
        logs = [math.log(each[best] / baseline) for each, baseline in zip(values, baselines, strict=True)]
        ratio = math.exp(math.fsum(logs) / len(logs))
    return Compromise(best, ratio, costs)
