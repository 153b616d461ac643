"""A search of which no cell works ends after a dozen, with the one reason; a cell that failed is not run again."""

from __future__ import annotations

from collections import Counter

import pytest

from ingestune_tui.bench.protocol import Failed
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.events import SearchStopped
from ingestune_tui.model.objective import Objective
from ingestune_tui.model.trial import Trial
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning import planner
from ingestune_tui.tuning.futile import ENOUGH_CELLS, fail_alike
from ingestune_tui.tuning.load_child import ChildFailed
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from tests.unit.scripted_cluster import by_linger, scripted
from tests.unit.store_values import make_trial

LARGE = """
[baseline.producer]
"linger.ms" = 1
[search]
confirm_pairs = 4
[producer]
"linger.ms" = [0, 5, 10, 20, 50]
"batch.size" = ["16KiB", "64KiB", "256KiB", "1MiB"]
"compression.type" = ["none", "lz4"]
acks = "all"
"""
REFUSED = ChildFailed(Failed(code="TOPIC_AUTHORIZATION_FAILED", reason="Broker: not authorized", permanent=True))


def failed(count: int, code: str = "NO") -> list[Trial]:
    return [
        make_trial("s", cell, cell=cell, state="infeasible", error=f"no ({cell})", error_code=code, messages_per_s=None)
        for cell in range(count)
    ]


def test_a_dozen_cells_that_fail_alike_are_enough_and_the_first_one_is_quoted() -> None:
    assert fail_alike(failed(ENOUGH_CELLS - 1), Objective()) == ""
    assert fail_alike(failed(ENOUGH_CELLS), Objective()) == (
        "the first 12 configurations could not be measured, all for one reason: no (0)"
    )


def test_one_cell_that_works_or_fails_otherwise_keeps_the_search_going() -> None:
    works = make_trial("s", 99, cell=99)
    otherwise = failed(1, code="ANOTHER")[0]
    assert fail_alike([*failed(ENOUGH_CELLS), works], Objective()) == ""
    assert fail_alike([*failed(ENOUGH_CELLS)[1:], otherwise], Objective()) == ""


def test_the_same_cell_over_and_over_skipped_ones_and_the_baseline_say_nothing_of_the_rest() -> None:
    once = failed(1)[0]
    assert fail_alike([once] * 20, Objective()) == ""
    assert fail_alike(failed(20, code="SKIPPED"), Objective()) == ""
    baseline = make_trial("s", 1, baseline=True, cell=-1)
    assert fail_alike([baseline, *failed(ENOUGH_CELLS)], Objective()) != ""


@pytest.mark.parametrize("objective", [Objective(figure="p99"), Objective(p99_limit_ms=20)])
def test_cells_that_cannot_hold_the_rate_fail_alike_too(objective: Objective) -> None:
    trials = [make_trial("s", cell, cell=cell, latency=None, flags=("overloaded",)) for cell in range(ENOUGH_CELLS)]
    assert fail_alike(trials, objective).endswith("all for one reason: the rate could not be held")
    assert fail_alike(trials, Objective()) == ""


@pytest.mark.parametrize("strategy", ["race", "exhaustive"])
async def test_a_study_of_which_nothing_works_stops_early_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, store: Store, strategy: str
) -> None:
    def script(order: TrialOrder) -> Measurement:
        if order.configuration.get(Scope.PRODUCER, "linger.ms") != 1:
            raise REFUSED
        return by_linger()(order)

    world = scripted(monkeypatch, store, LARGE.replace("[search]", f'[search]\nstrategy = "{strategy}"'), script)
    study = await world.run(await world.study())
    searched = [trial for trial in await world.trials(study) if trial.role == "search" and not trial.baseline]
    assert (len(searched), study.state) == (ENOUGH_CELLS, "failed")
    words = "the first 12 configurations could not be measured, all for one reason: Broker: not authorized"
    assert (study.outcomes[0].verdict, study.outcomes[0].reason) == ("infeasible", words)
    assert [event.reason for event in world.events if isinstance(event, SearchStopped)] == [words]


async def test_a_cell_that_fails_is_not_run_again_in_its_own_block(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    planned = planner._next_block

    def each_twice(*inputs: object) -> tuple[int, ...]:
        block = planned(*inputs)  # type: ignore[arg-type]
        return tuple(cell for cell in block[:3] for _ in range(2))

    def script(order: TrialOrder) -> Measurement:
        if blocks and order.configuration.get(Scope.PRODUCER, "linger.ms") == 50:
            raise REFUSED
        return by_linger()(order)

    blocks: list[object] = []
    world = scripted(monkeypatch, store, LARGE, script)

    def counted(*inputs: object) -> tuple[int, ...]:
        blocks.append(inputs)
        return each_twice(*inputs)

    monkeypatch.setattr(planner, "_next_block", counted)
    study = await world.run(await world.study())
    dropped = Counter(trial.cell for trial in await world.trials(study) if trial.state == "infeasible")
    assert dropped
    assert set(dropped.values()) == {1}
