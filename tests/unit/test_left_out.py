"""What a study says about the cells that it leaves out, once, when it starts."""

from __future__ import annotations

import pytest

from ingestune_tui.model.events import Notice
from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.space import Space, expand
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.left_out import cannot_win
from tests.unit.scripted_cluster import scripted

CLASSES = """
[workload]
message_bytes = [100, 1000]
[search]
confirm_pairs = 0
[producer]
"linger.ms" = [0, 5, 20, 50]
"batch.size" = ["16KiB", "64KiB", "256KiB"]
acks = ["0", "1", "all"]
"""


def space_of(text: str) -> Space:
    grid = read_grid(text)
    return expand(grid, grid.workloads[0])


def test_classes_that_are_not_searched_are_told_with_their_number_and_the_reason() -> None:
    assert cannot_win(space_of(CLASSES), "race") == (
        "24 of 36 configurations are left out of the search (12 with acks=1, 12 with acks=0): like is compared with "
        "like, and the leader is sought among those with acks=all; what [baseline] promises decides which"
    )


@pytest.mark.parametrize(
    ("grid", "strategy"),
    [(CLASSES, "exhaustive"), ('[producer]\nlinger.ms = [0, 5]\nacks = ["1", "all"]\n', "race")],
    ids=["every cell", "a small grid"],
)
def test_classes_that_are_measured_all_the_same_are_told_to_win_nothing(grid: str, strategy: str) -> None:
    assert "configurations are measured, and cannot win (" in cannot_win(space_of(grid), strategy)


def test_a_grid_of_one_class_leaves_nothing_out() -> None:
    assert cannot_win(space_of('[producer]\nlinger.ms = [0, 5]\nacks = "all"\n'), "race") == ""


async def test_a_study_tells_it_once_for_all_message_sizes(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    world = scripted(monkeypatch, store, CLASSES)
    world.stop_after = 1
    await world.run(await world.study())
    told = [event.text for event in world.events if isinstance(event, Notice) and "left out" in event.text]
    assert len(told) == 1
