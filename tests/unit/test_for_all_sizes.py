"""One configuration for all message sizes: what the models expect decides, and every place tells the same."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import StudyFinished, public_json
from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.space import Space, expand
from ingestune_tui.model.trial import Trial
from ingestune_tui.report.html import render_html
from ingestune_tui.report.summary import farewell, summarize
from ingestune_tui.report.tables import results_json
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.for_all_sizes import one_for_all
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from tests.unit.scripted_cluster import measured, scripted
from tests.unit.store_values import make_trial

SIZES = (100, 10_000)
TEXT = """
[workload]
message_bytes = [100, 10000]
[search]
confirm_pairs = 4
[producer]
"linger.ms" = [0, 5, 10, 20, 50]
"batch.size" = ["16KiB", "64KiB", "256KiB", "1MiB"]
acks = "all"
"""
GRID = read_grid(TEXT)
LUCKY, LUCK = 12, 1.3
Speed = Callable[[int, Configuration], float]


def linger_of(configuration: Configuration) -> int:
    return int(configuration.get(Scope.PRODUCER, "linger.ms") or 5)


def more_linger_is_better(message_bytes: int, configuration: Configuration) -> float:
    return 1000 * (1 + linger_of(configuration) / 100)


def search(space: Space, speed: Speed, *, skipped: frozenset[int] = frozenset()) -> list[Trial]:
    """Preflight, and each cell once at 8 % noise; one of them, second best by its settings, is lucky."""
    rng = random.Random(space.workload.message_bytes)

    def trial(number: int, cell: int, role: str, configuration: Configuration, luck: float = 1.0) -> Trial:
        figure = speed(space.workload.message_bytes, configuration) * rng.lognormvariate(0, 0.08) * luck
        return make_trial(
            "s", number, workload=space.workload, role=role, cell=cell, configuration=configuration,
            baseline=role == "preflight", messages_per_s=figure,
        )  # fmt: skip

    found = [trial(n, space.baseline_cell, "preflight", space.baseline) for n in range(4)]
    for cell, each in enumerate(space.cells):
        if cell not in skipped:
            found.append(trial(10 + cell, cell, "search", each.configuration, LUCK if cell == LUCKY else 1.0))
    return found


def searches(speed: Speed, **options: frozenset[int]) -> list[tuple[Space, list[Trial]]]:
    spaces = [expand(GRID, workload) for workload in GRID.workloads]
    return [(space, search(space, speed, **options)) for space in spaces]


def test_what_was_lucky_at_every_size_is_not_what_the_models_choose() -> None:
    found = searches(more_linger_is_better)
    lucky = found[0][0].cells[LUCKY].configuration
    raw = summarize([trial for _, trials in found for trial in trials], []).for_all
    assert raw is not None
    assert raw.configuration == lucky
    best = one_for_all(GRID, found)
    assert best is not None
    assert best.configuration != lucky
    assert linger_of(best.configuration) == 50
    assert [share.message_bytes for share in best.per_size] == list(SIZES)
    assert best.ratio == pytest.approx((best.per_size[0].ratio * best.per_size[1].ratio) ** 0.5)
    assert all(share.trials == 1 and 0 <= share.cost < 0.2 for share in best.per_size)


def test_a_compromise_says_what_each_size_gives_up() -> None:
    def opposed(message_bytes: int, configuration: Configuration) -> float:
        steps = linger_of(configuration) / 50
        return 1000 * (1 + steps if message_bytes == 100 else 2 - steps)

    best = one_for_all(GRID, searches(opposed))
    assert best is not None
    assert max(share.cost for share in best.per_size) > 0.05


def test_a_configuration_that_nobody_measured_is_not_chosen_however_good_it_may_be() -> None:
    found = searches(more_linger_is_better)
    skipped = frozenset(cell for cell, each in enumerate(found[0][0].cells) if linger_of(each.configuration) == 50)
    best = one_for_all(GRID, searches(more_linger_is_better, skipped=skipped))
    assert best is not None
    assert linger_of(best.configuration) < 50


def test_one_size_or_a_size_without_a_search_has_none() -> None:
    found = searches(more_linger_is_better)
    assert one_for_all(GRID, found[:1]) is None
    assert one_for_all(GRID, [found[0], (found[1][0], found[1][1][:4])]) is None


async def test_it_is_kept_with_the_study_and_told_at_its_end(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    def script(order: TrialOrder) -> Measurement:
        return measured(more_linger_is_better(0, order.configuration), rate=order.rate or 300.0)

    world = scripted(monkeypatch, store, TEXT, script)
    study = await world.run(await world.study())
    assert study.overall is not None
    assert (await store.find_study(study.id)).overall == study.overall
    (end,) = [event for event in world.events if isinstance(event, StudyFinished)]
    told = json.loads(public_json(end))["overall"]
    assert told["configuration"]["producer"]["linger.ms"] == 50
    assert [share["message_bytes"] for share in told["per_size"]] == list(SIZES)
    assert told["per_size"][0].keys() == {"message_bytes", "ratio", "cost", "trials"}

    trials = await store.trials(study.id)
    *_, last = results_json(study, trials)
    assert json.loads(last)["overall"] == told
    words = "(geometric mean, expected by the search&#x27;s model)"
    assert words.replace("&#x27;", "'") in farewell(study, trials)
    assert words in render_html(study, trials)


async def test_a_study_of_one_size_tells_none(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    world = scripted(monkeypatch, store, TEXT.replace("[100, 10000]", "100"))
    assert (await world.run(await world.study())).overall is None
