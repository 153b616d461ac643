"""The same command again: the table of DESIGN section 9, on a real database."""

from __future__ import annotations

import asyncio
import copy
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingestune_tui.errors import StudyError, UsageError
from ingestune_tui.kafka.dynamic_config import DynamicConfig
from ingestune_tui.model.study import Cluster, Owner, Study
from ingestune_tui.storage.owner import this_process
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.cluster import ClusterChoice
from ingestune_tui.tuning.grid_file import GridFile, resolve
from ingestune_tui.tuning.study_lookup import Wanted, choose_study
from tests.unit.scripted_brokers import Brokers, put_back

GRID = '[producer]\n"linger.ms" = [0, 5]\n'
EDITED = '[producer]\n"linger.ms" = [0, 50]\n'
LOCAL = ClusterChoice("local")
ME = this_process("/me.sock")
SOMEBODY_ALIVE = msgspec.structs.replace(ME, socket="/other.sock")
SOMEBODY_DEAD = Owner(host=ME.host, pid=ME.pid, process_started_at=1.0)
"""The pid is in use again, by a process that started later."""


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


@pytest.mark.parametrize("wanted", [{}, {"name": "quick-2"}])
async def test_an_unfinished_study_waits_for_another_of_the_same_grid(store: Store, wanted: dict[str, Any]) -> None:
    await stored(store, "interrupted")
    await stored(store, "interrupted", fresh=True)
    first = await store.find_study("quick")
    await store.claim_study(first.id, SOMEBODY_ALIVE)
    with pytest.raises(StudyError, match="study quick runs the same grid on local") as caught:
        await choose(store, **wanted)
    assert "`ingestune attach quick`" in caught.value.hint
    assert (await store.find_study("quick-2")).state == "interrupted"


async def test_another_grid_or_cluster_may_run_beside_it(store: Store) -> None:
    running = await stored(store, "interrupted", SOMEBODY_ALIVE)
    other_grid = await choose(store, text=EDITED)
    other_cluster = await choose(store, cluster=ClusterChoice("external", "kafka:9092"))
    assert len({running.id, other_grid.id, other_cluster.id}) == 3


# Brokers that are changed ------------------------------------------------------------------------------------

BROKERS = '[broker]\n"num.io.threads" = [8, 16]\n'
OTHER = '[broker]\n"num.io.threads" = [8, 32]\n'
KAFKA = ClusterChoice("external", "kafka:9092")


def known(cluster_id: str = "abc", **changes: Any) -> Cluster:
    values = {"id": cluster_id, "label": "kafka:9092", "kind": "external", "version": "4.3", "nodes": 3}
    return Cluster(**{**values, **changes})


async def running(store: Store, text: str, cluster: Cluster, owner: Owner = SOMEBODY_ALIVE) -> Study:
    """A study that has reached its cluster."""
    study = await choose(store, text=text, cluster=ClusterChoice(cluster.kind, cluster.label), owner=owner)
    return await store.take_cluster(study.id, cluster, changes_brokers="[broker]" in text)


@pytest.mark.parametrize(("first", "second"), [(BROKERS, GRID), (GRID, BROKERS), (BROKERS, OTHER)])
async def test_no_study_runs_beside_one_that_changes_the_brokers(store: Store, first: str, second: str) -> None:
    other = await running(store, first, known())
    with pytest.raises(StudyError, match=f"settings of the brokers at kafka:9092.*|study {other.name}") as caught:
        await choose(store, text=second, cluster=KAFKA, fresh=True)
    assert f"study {other.name}" in caught.value.what
    assert f"`ingestune attach {other.name}`" in caught.value.hint
    assert f"`ingestune stop {other.name}`" in caught.value.hint
    assert len(await store.studies()) == 1, "nothing was begun"


async def test_the_same_cluster_at_another_address_is_known_when_it_answers(store: Store) -> None:
    await running(store, BROKERS, known())
    beside = await choose(store, cluster=ClusterChoice("external", "alias:9092"))
    with pytest.raises(StudyError, match="study quick is changing settings of the brokers at alias:9092"):
        await store.take_cluster(beside.id, known(label="alias:9092"), changes_brokers=False)
    await store.take_cluster(beside.id, known("another", label="alias:9092"), changes_brokers=True)


async def test_of_two_that_begin_at_once_one_is_refused(store: Store) -> None:
    studies = [await choose(store, text=BROKERS, cluster=ClusterChoice("external", f"k{n}:9092")) for n in (1, 2)]
    async with await Store.open(store.path) as other:
        results = await asyncio.gather(
            store.take_cluster(studies[0].id, known(), changes_brokers=True),
            other.take_cluster(studies[1].id, known(), changes_brokers=True),
            return_exceptions=True,
        )
    assert sorted(type(result).__name__ for result in results) == ["Study", "StudyError"]


@pytest.mark.parametrize("owner", [SOMEBODY_DEAD, None])
async def test_a_study_that_is_dead_or_done_is_in_nobodys_way(store: Store, owner: Owner | None) -> None:
    study = await running(store, BROKERS, known(), owner or ME)
    if owner is None:
        await store.release_study(study.id, ME, "interrupted")
    beside = await choose(store, cluster=KAFKA)
    assert (await store.take_cluster(beside.id, known(), changes_brokers=False)).cluster.id == "abc"


async def test_a_study_goes_on_beside_itself(store: Store) -> None:
    study = await running(store, BROKERS, known(), SOMEBODY_DEAD)
    again = await choose(store, text=BROKERS, cluster=KAFKA)
    assert again.id == study.id
    assert (await store.take_cluster(again.id, known(), changes_brokers=True)).changes_brokers


async def test_every_local_cluster_is_another_though_they_share_a_name(store: Store) -> None:
    local = known("local:4.3:1", label="local", kind="local")
    await running(store, BROKERS, local)
    beside = await choose(store)
    await store.take_cluster(beside.id, local, changes_brokers=False)


async def test_brokers_are_as_before_when_two_studies_wanted_them_changed(store: Store) -> None:
    brokers = Brokers()
    config = DynamicConfig(brokers, (1, 2), "abc", store)  # type: ignore[arg-type]
    before = copy.deepcopy(brokers.values)
    first = await running(store, BROKERS, known())
    entries = await config.apply({"num.io.threads": "16"}, first.id)

    async def second() -> None:
        study = await running(store, OTHER, known())
        await config.apply({"num.io.threads": "32"}, study.id)

    with pytest.raises(StudyError):
        await second()
    assert await put_back(config, entries) == []
    assert (brokers.values, await store.journal_entries()) == (before, [])


async def test_a_study_of_another_host_in_the_way_can_be_called_dead(store: Store) -> None:
    other = await running(store, BROKERS, known(), msgspec.structs.replace(SOMEBODY_DEAD, host="yesterdays-name"))
    with pytest.raises(StudyError, match="changing settings") as caught:
        await choose(store, cluster=KAFKA)
    assert "`ingestune restore --study quick`" in caught.value.hint
    await store.declare_dead(other.id)
    assert (await choose(store, cluster=KAFKA)).id != other.id


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
    with pytest.raises(UsageError, match="begun otherwise:\n  a baseline file has another content"):
        await choose(store, name="friday")


async def test_options_that_are_not_as_they_were_are_shown(store: Store) -> None:
    options = {"confirm_pairs": "8", "nodes": "1"}
    study = await stored(store, "interrupted", name="friday", options=options)
    await store.update_study(study.id, grid_hash="of eight pairs")
    with pytest.raises(UsageError) as caught:
        await choose(store, name="friday", options={"confirm_pairs": "12", "budget_s": "600.0", "nodes": "3"})
    assert caught.value.what.splitlines()[1:] == [
        "  + --budget 600.0s",
        "  - --confirm-pairs 8",
        "  + --confirm-pairs 12",
    ]


async def test_a_long_difference_says_how_much_of_it_is_not_shown(store: Store) -> None:
    await stored(store, "interrupted", name="friday")
    with pytest.raises(UsageError, match="  and 12 more lines"):
        await choose(store, name="friday", text="# one\n" * 30 + EDITED)


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


async def pulled(store: Store, state: str, **changes: Any) -> Study:
    """A study of GRID on `local` that came from a colleague whose computer has the name of this one."""
    study = await stored(store, "interrupted")
    await store.update_study(study.id, state=state, **changes)
    connection = sqlite3.connect(store.path)
    connection.execute("update study set origin = 'another database' where id = ?", (study.id,))
    connection.commit()
    connection.close()
    return await store.find_study(study.id)


@pytest.mark.parametrize("owner", [None, SOMEBODY_ALIVE, SOMEBODY_DEAD])
async def test_a_colleagues_study_is_neither_gone_on_with_nor_in_the_way(store: Store, owner: Owner | None) -> None:
    theirs = await pulled(store, "running", owner=owner)
    mine = await choose(store)
    assert (mine.name, mine.owner) == ("quick-2", ME)
    assert await store.find_study(theirs.id) == theirs
    await store.release_study(mine.id, ME, "interrupted")
    assert (await choose(store)).id == mine.id


@pytest.mark.parametrize("state", ["interrupted", "finished"])
async def test_a_colleagues_study_is_not_run_by_name(store: Store, state: str) -> None:
    await pulled(store, state)
    with pytest.raises(UsageError, match="study quick was pulled from PostgreSQL") as caught:
        await choose(store, name="quick")
    assert "another name" in caught.value.hint


async def test_the_newest_unfinished_study_is_taken(store: Store) -> None:
    await stored(store, "interrupted")
    newest = await stored(store, "interrupted", fresh=True)
    assert (await choose(store)).id == newest.id


async def test_the_clusters_row_is_filled_in_by_who_asks_it(store: Store) -> None:
    study = await choose(store)
    assert study.cluster == Cluster(id="", label="local", kind="local", version="", nodes=0)
