"""The same command again: the table of DESIGN section 9, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingestune_tui.errors import StudyError, UsageError
from ingestune_tui.model.study import Cluster, Owner, Study
from ingestune_tui.storage.owner import this_process
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.cluster import ClusterChoice
from ingestune_tui.tuning.grid_file import GridFile, resolve
from ingestune_tui.tuning.study_lookup import Wanted, choose_study

GRID = '[producer]\n"linger.ms" = [0, 5]\n'
EDITED = '[producer]\n"linger.ms" = [0, 50]\n'
LOCAL = ClusterChoice("local")
ME = this_process("/me.sock")
SOMEBODY_ALIVE = msgspec.structs.replace(ME, socket="/other.sock")
SOMEBODY_DEAD = Owner(host=ME.host, pid=ME.pid, process_started_at=1.0)
"""The pid is in use again, by a process that started later."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(tmp_path / "results.db") as opened:
        yield opened


def grid(text: str = GRID, name: str = "quick.toml") -> GridFile:
    return resolve(text, Path("/grids") / name)


async def choose(
    store: Store, *, text: str = GRID, cluster: ClusterChoice = LOCAL, owner: Owner = ME, **wanted: Any
) -> Study:
    return await choose_study(store, Wanted(**wanted), grid(text), cluster, owner)


async def stored(store: Store, state: Any, owner: Owner | None = None, **changes: Any) -> Study:
    """A study of GRID on `local` in this state."""
    study = await choose(store, owner=ME, **changes)
    await store.release_study(study.id, ME, state)
    if owner is not None:
        await store.claim_study(study.id, owner)
    return await store.find_study(study.id)


async def test_a_first_study_is_made_and_claimed(store: Store) -> None:
    study = await choose(store, seed=7, options={"nodes": "1"})
    assert (study.name, study.grid_name, study.state, study.owner) == ("quick", "quick.toml", "running", ME)
    assert (study.seed, study.host, study.cluster.label) == (7, ME.host, "local")
    assert study.grid_text == GRID
    assert study.options == {"grid_path": "/grids/quick.toml", "nodes": "1"}


# Same grid and cluster, unfinished, owner dead ---------------------------------------------------------------


@pytest.mark.parametrize("state", ["interrupted", "stopped"])
async def test_an_unfinished_study_is_gone_on_with(store: Store, state: str) -> None:
    before = await stored(store, state)
    again = await choose(store)
    assert (again.id, again.state, again.owner) == (before.id, "running", ME)
    assert len(await store.studies()) == 1


async def test_a_study_of_a_dead_process_is_gone_on_with(store: Store) -> None:
    before = await stored(store, "interrupted", SOMEBODY_DEAD)
    assert before.state == "running"
    assert (await choose(store)).id == before.id


async def test_a_named_unfinished_study_is_gone_on_with(store: Store) -> None:
    before = await stored(store, "stopped", name="friday")
    await stored(store, "stopped", fresh=True)
    assert (await choose(store, name="friday")).id == before.id


async def test_fresh_makes_a_new_study_and_keeps_the_old(store: Store) -> None:
    before = await stored(store, "interrupted")
    fresh = await choose(store, fresh=True)
    assert fresh.id != before.id
    assert fresh.name == "quick-2"
    assert (await store.find_study(before.id)).state == "interrupted"


# Owner alive ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [{}, {"name": "quick"}, {"fresh": True}, {"name": "another"}])
async def test_a_study_that_runs_is_named_and_left_alone(store: Store, wanted: dict[str, Any]) -> None:
    running = await stored(store, "interrupted", SOMEBODY_ALIVE)
    with pytest.raises(StudyError) as caught:
        await choose(store, **wanted)
    assert caught.value.exit_code == 1
    assert "study quick" in caught.value.what
    assert str(ME.pid) in caught.value.what
    assert "ingestune attach quick" in caught.value.hint
    assert await store.studies() == [running]


async def test_another_grid_or_cluster_may_run_beside_it(store: Store) -> None:
    running = await stored(store, "interrupted", SOMEBODY_ALIVE)
    other_grid = await choose(store, text=EDITED)
    other_cluster = await choose(store, cluster=ClusterChoice("external", "kafka:9092"))
    assert len({running.id, other_grid.id, other_cluster.id}) == 3


# Finished ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["finished", "failed"])
async def test_after_a_finished_study_the_same_command_makes_a_new_one(store: Store, state: str) -> None:
    before = await stored(store, state)
    again = await choose(store)
    assert again.id != before.id
    assert again.name == "quick-2"


async def test_a_finished_study_is_not_gone_on_with_by_name(store: Store) -> None:
    await stored(store, "finished", name="friday")
    with pytest.raises(UsageError, match="already a study called friday, and it is finished") as caught:
        await choose(store, name="friday")
    assert caught.value.exit_code == 2
    assert "--study" in caught.value.hint


async def test_fresh_beside_a_finished_study_is_a_new_one(store: Store) -> None:
    before = await stored(store, "finished")
    assert (await choose(store, fresh=True)).id != before.id


# Grid edited since ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [{}, {"fresh": True}])
async def test_an_edited_grid_makes_a_new_study(store: Store, wanted: dict[str, Any]) -> None:
    before = await stored(store, "interrupted")
    assert (await choose(store, text=EDITED, **wanted)).id != before.id


async def test_a_named_study_of_an_edited_grid_shows_the_difference(store: Store) -> None:
    await stored(store, "interrupted", name="friday")
    with pytest.raises(UsageError) as caught:
        await choose(store, name="friday", text=EDITED)
    assert '-"linger.ms" = [0, 5]' in caught.value.what
    assert '+"linger.ms" = [0, 50]' in caught.value.what
    assert caught.value.exit_code == 2


async def test_a_comment_alone_is_no_edit(store: Store) -> None:
    before = await stored(store, "interrupted")
    assert (await choose(store, text="# only said\n" + GRID)).id == before.id


async def test_a_difference_outside_of_the_file_is_said_so(store: Store) -> None:
    study = await stored(store, "interrupted", name="friday")
    await store.update_study(study.id, grid_hash="another")
    with pytest.raises(UsageError, match="baseline file or an option"):
        await choose(store, name="friday")


# Elsewhere --------------------------------------------------------------------------------------------------


async def test_another_cluster_is_another_study(store: Store) -> None:
    before = await stored(store, "interrupted")
    external = ClusterChoice("external", "kafka:9092")
    assert (await choose(store, cluster=external)).id != before.id
    assert (await choose(store, cluster=ClusterChoice("local", nodes=3))).id != before.id
    with pytest.raises(UsageError, match=r"runs on local, not on kafka:9092"):
        await choose(store, name="quick", cluster=external)


async def test_a_study_of_another_host_is_left_to_it(store: Store) -> None:
    before = await stored(store, "interrupted")
    await store.update_study(before.id, host="another-laptop")
    assert (await choose(store)).id != before.id


async def test_the_newest_unfinished_study_is_taken(store: Store) -> None:
    await stored(store, "interrupted")
    newest = await stored(store, "interrupted", fresh=True)
    assert (await choose(store)).id == newest.id


async def test_the_clusters_row_is_filled_in_by_who_asks_it(store: Store) -> None:
    study = await choose(store)
    assert study.cluster == Cluster(id="", label="local", kind="local", version="", nodes=0)
