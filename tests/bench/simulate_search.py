"""How good are search and confirmation? Seeded studies on made-up surfaces whose true best is known.

    python -m tests.bench.simulate_search --runs 200

prints a table in markdown: how near the winner is to the true best, how many trials it took, how often the interval
holds the true ratio and how often a difference is claimed where there is none. Uses no broker and no clock.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt

from ingestune_tui.tuning.confirm import VerdictKind, pair_order, verdict
from ingestune_tui.tuning.planner import plan_race
from ingestune_tui.tuning.preflight import noise_of
from ingestune_tui.tuning.search_space import OUTSIDE, Factor, Observation, SearchSpace

FACTORS = (
    Factor("linger.ms", 6, True),
    Factor("batch.size", 4, True),
    Factor("compression.type", 3, False),
    Factor("max.in.flight", 3, True),
)
TOLERANCE = 0.05
TRIAL_S = 18.0
DRIFT_TAU_S = 600.0
PAIRS = 12
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the table."""

    name: str
    """What the surface looks like."""
    surface: Callable[[np.random.Generator], Floats]
    """ln(objective) of every cell, drawn anew for each run."""
    noise: float
    """Standard deviation of one trial, in ln."""
    drift: float
    """Standard deviation of the Ornstein-Uhlenbeck drift, in ln."""
    search: bool = True
    """False for an A/A study: the baseline is confirmed against itself."""


@dataclass(frozen=True, slots=True)
class Run:
    """The outcome of one simulated study."""

    loss: float
    """How far the winner is below the true best, as a share."""
    trials: int
    """Preflight, search and confirmation."""
    covered: bool
    """Whether the interval holds the true ratio."""
    kind: VerdictKind
    """The claim."""
    truly_better: bool
    """Whether the winner is truly above the baseline."""


def space() -> SearchSpace:
    """The 216 cells; the baseline is the first of them, as defaults tend to be."""
    cells = tuple(itertools.product(*(range(factor.levels) for factor in FACTORS)))
    return SearchSpace(FACTORS, cells, 0)


def _levels() -> npt.NDArray[np.int64]:
    return np.array(space().cells, dtype=np.int64)


def _curve(levels: int, ordered: bool, spread: float, rng: np.random.Generator) -> Floats:
    """One main effect: a parabola or a slope with its top anywhere where ordered, any values where not."""
    if not ordered:
        return spread * rng.standard_normal(levels)
    x = np.linspace(0.0, 1.0, levels)
    top = rng.uniform(-0.3, 1.3)
    curve: Floats = -2.0 * spread * np.abs(x - top) ** rng.choice([1.0, 2.0])
    return curve


def smooth(rng: np.random.Generator) -> Floats:
    """Main effects of 5-40 % and a few gentle interactions."""
    levels = _levels()
    curves = [_curve(f.levels, f.ordered, rng.uniform(0.05, 0.4), rng) for f in FACTORS]
    total: Floats = np.sum([curve[levels[:, i]] for i, curve in enumerate(curves)], axis=0)
    for i, j in itertools.combinations(range(len(FACTORS)), 2):
        left = _curve(FACTORS[i].levels, FACTORS[i].ordered, 1.0, rng)
        right = _curve(FACTORS[j].levels, FACTORS[j].ordered, 1.0, rng)
        product = (left - left.mean())[levels[:, i]] * (right - right.mean())[levels[:, j]]
        total = total + rng.uniform(0.0, 0.06) * product / max(float(product.std()), 1e-9)
    return total


def plateau(rng: np.random.Generator) -> Floats:
    """A ceiling that about a fifth of the cells reach: the network or the client is full."""
    total = smooth(rng)
    ceiling = float(np.quantile(total, 0.8))
    sharp = 0.03
    flattened: Floats = ceiling - sharp * np.logaddexp(0.0, (ceiling - total) / sharp)
    return flattened


def rugged(rng: np.random.Generator) -> Floats:
    """Smooth, and every cell 4 % off on its own."""
    total: Floats = smooth(rng) + 0.04 * rng.standard_normal(len(_levels()))
    return total


def null(rng: np.random.Generator) -> Floats:
    """Nothing matters."""
    return np.zeros(len(_levels()))


SCENARIOS = (
    Scenario("smooth", smooth, 0.05, 0.03),
    Scenario("smooth", smooth, 0.10, 0.03),
    Scenario("smooth", smooth, 0.20, 0.03),
    Scenario("plateau", plateau, 0.05, 0.03),
    Scenario("plateau", plateau, 0.10, 0.03),
    Scenario("plateau", plateau, 0.20, 0.03),
    Scenario("rugged", rugged, 0.05, 0.03),
    Scenario("rugged", rugged, 0.10, 0.03),
    Scenario("rugged", rugged, 0.20, 0.03),
    Scenario("smooth, strong drift", smooth, 0.10, 0.10),
    Scenario("null grid", null, 0.10, 0.03),
    Scenario("null grid, strong drift", null, 0.10, 0.10),
    Scenario("A/A", null, 0.10, 0.03, search=False),
    Scenario("A/A, strong drift", null, 0.10, 0.10, search=False),
)


class _Machine:
    """A cluster that can be measured: each trial takes its time, during which the drift wanders."""

    def __init__(self, truth: Floats, scenario: Scenario, rng: np.random.Generator) -> None:
        self._truth = truth
        self._scenario = scenario
        self._rng = rng
        self._drift = scenario.drift * rng.standard_normal()
        self._keep = math.exp(-TRIAL_S / DRIFT_TAU_S)
        self.trials = 0

    def measure(self, cell: int) -> float:
        self.trials += 1
        fresh = self._scenario.drift * math.sqrt(1.0 - self._keep**2)
        self._drift = self._keep * self._drift + fresh * self._rng.standard_normal()
        return math.exp(self._truth[cell] + self._drift + self._scenario.noise * self._rng.standard_normal())

    @property
    def now_s(self) -> float:
        return self.trials * TRIAL_S


def simulate(scenario: Scenario, seed: int) -> Run:
    """One study: preflight, race, twelve pairs. Same seed, same study."""
    rng = np.random.default_rng([seed, 0xC0FFEE])
    grid = space()
    baseline = grid.baseline_cell
    assert baseline != OUTSIDE
    truth = scenario.surface(rng)
    machine = _Machine(truth, scenario, rng)
    machine.measure(baseline)
    finished = [Observation(baseline, machine.measure(baseline), machine.now_s, -1) for _ in range(4)]
    noise = noise_of([trial.value for trial in finished])
    winner = baseline
    while scenario.search:
        plan = plan_race(
            grid, finished, seed, tolerance=TOLERANCE, maximize=True, noise=noise, limit=None, time_left_trials=None
        )
        if plan.stop:
            assert plan.leader is not None
            winner = plan.leader
            break
        finished.extend(Observation(cell, machine.measure(cell), machine.now_s, plan.block) for cell in plan.cells)
    halves = [(side, machine.measure(winner if side == "B" else baseline)) for side in pair_order(PAIRS)]
    pairs = []
    for (first, one), (_, two) in zip(halves[::2], halves[1::2], strict=True):
        pairs.append((one, two) if first == "A" else (two, one))
    result = verdict(pairs, maximize=True)
    assert result.low is not None
    assert result.high is not None
    true_ratio = math.exp(truth[winner] - truth[baseline])
    return Run(
        loss=1.0 - math.exp(truth[winner] - float(truth.max())),
        trials=machine.trials,
        covered=result.low <= true_ratio <= result.high,
        kind=result.kind,
        truly_better=true_ratio > 1.0 + 1e-12,
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """A row of the table."""

    scenario: Scenario
    """What was simulated."""
    runs: int
    """How many studies."""
    near_best: float
    """Share of winners within 5 % of the true best."""
    trials_share: float
    """Mean number of trials, all included, over the cells of the grid."""
    worst_share: float
    """Its 95th percentile."""
    coverage: float
    """Share of intervals that hold the true ratio."""
    faster: float
    """Share of verdicts that say faster."""
    false_faster: float
    """Share of verdicts that say faster although the winner is not."""


def summarize(scenario: Scenario, runs: list[Run]) -> Summary:
    """One row from its runs."""
    cells = len(space().cells)
    trials = [run.trials / cells for run in runs]
    faster = [run.kind is VerdictKind.FASTER for run in runs]
    false = [claim and not run.truly_better for claim, run in zip(faster, runs, strict=True)]
    return Summary(
        scenario,
        len(runs),
        float(np.mean([run.loss <= TOLERANCE for run in runs])),
        float(np.mean(trials)),
        float(np.quantile(trials, 0.95)),
        float(np.mean([run.covered for run in runs])),
        float(np.mean(faster)),
        float(np.mean(false)),
    )


HEADER = (
    "| surface | noise | drift | within 5 % of best | trials / cells: mean (95th) | coverage | faster "
    "| faster, wrongly |\n|---|---|---|---|---|---|---|---|"
)


def row(summary: Summary) -> str:
    """One markdown row."""
    scenario = summary.scenario
    if scenario.search:
        near = f"{summary.near_best:.1%}"
        trials = f"{summary.trials_share:.0%} ({summary.worst_share:.0%})"
    else:
        near = trials = "-"
    return (
        f"| {scenario.name} | {scenario.noise:.0%} | {scenario.drift:.0%} | {near} | {trials} | {summary.coverage:.1%} "
        f"| {summary.faster:.1%} | {summary.false_faster:.1%} |"
    )


def main() -> int:
    """Prints the table, a row as soon as it is known."""
    parser = argparse.ArgumentParser(description="Simulate search and confirmation on surfaces with a known best.")
    parser.add_argument("--runs", type=int, default=200, help="studies per row")
    parser.add_argument("--seed", type=int, default=1, help="first seed; run i uses seed x 100000 + i")
    parser.add_argument("--only", default="", help="only rows whose name contains this")
    arguments = parser.parse_args()
    sys.stdout.write(HEADER + "\n")
    pooled: list[Run] = []
    for scenario in SCENARIOS:
        if arguments.only not in f"{scenario.name} {scenario.noise:.0%}":
            continue
        runs = [simulate(scenario, arguments.seed * 100_000 + i) for i in range(arguments.runs)]
        pooled.extend(runs)
        sys.stdout.write(row(summarize(scenario, runs)) + "\n")
        sys.stdout.flush()
    covered = np.mean([run.covered for run in pooled]) if pooled else math.nan
    sys.stdout.write(f"\nall rows: {len(pooled)} studies, coverage {covered:.1%}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
