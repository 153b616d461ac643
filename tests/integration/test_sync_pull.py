"""A colleague's studies: fetched, checked, and read here; what somebody made by hand is refused by name."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ingestune_tui.errors import StudyError
from ingestune_tui.model.study import Cluster
from ingestune_tui.storage.owner import this_process
from ingestune_tui.storage.pull import pull
from ingestune_tui.storage.store import Store
from ingestune_tui.storage.sync import sync_once
from tests.integration.test_sync import ask, copy_at, equal, fill
from tests.unit.store_values import HISTOGRAMS, linger, make_samples, make_study, make_trial

pytestmark = pytest.mark.postgres


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    """Databases of two people."""
    return tmp_path / "mine.db", tmp_path / "theirs.db"


async def test_a_colleagues_study_comes_whole(paths: tuple[Path, Path], postgres: str) -> None:
    mine, theirs = paths
    shared = copy_at(postgres)
    await fill(mine, "quick", 2)
    their_id = await fill(theirs, "quick", 4)
    for path in paths:
        await sync_once(path, shared)
    pulled = await pull(mine, shared)
    assert (pulled.studies, pulled.trials, pulled.refused) == (("quick@host-of-quick",), 4, ())
    async with await Store.open(mine) as here, await Store.open(theirs) as there:
        assert await here.trials(their_id) == await there.trials(their_id)
        trial = (await here.trials(their_id))[0]
        assert await here.samples(trial.id) == make_samples()
        assert await here.histograms(trial.id) == HISTOGRAMS
        assert (await here.find_study("quick")).id != their_id
        assert (await here.find_study(None)).id != their_id
        study = await here.find_study("quick@host-of-quick")
        assert study.id == their_id
        found = await here.find_cached(
            linger(1).hash, "env", "method", younger_than_s=1e6, not_in_study=(await here.find_study("quick")).id
        )
        assert {each.study_id for each in found} == {their_id}
        with pytest.raises(StudyError, match="pulled from PostgreSQL"):
            await here.claim_study(their_id, this_process())
    assert (await pull(mine, shared)).studies == ()
    assert await equal(mine, shared)
    assert (await sync_once(mine, shared)).rows == 0


async def test_only_studies_of_known_clusters_come(paths: tuple[Path, Path], postgres: str) -> None:
    mine, theirs = paths
    shared = copy_at(postgres)
    await fill(mine, "quick", 1)
    async with await Store.open(theirs) as store:
        elsewhere = Cluster(id="other", label="other:9092", kind="external", version="4.0", nodes=1)
        await store.create_study(make_study("elsewhere", cluster=elsewhere))
    for path in paths:
        await sync_once(path, shared)
    assert (await pull(mine, shared)).studies == ()


async def test_what_changed_comes_again_and_what_was_deleted_goes(paths: tuple[Path, Path], postgres: str) -> None:
    mine, theirs = paths
    shared = copy_at(postgres)
    await fill(mine, "mine", 1)
    their_id = await fill(theirs, "theirs", 1)
    for path in paths:
        await sync_once(path, shared)
    await pull(mine, shared)
    async with await Store.open(theirs) as store:
        await store.finish_trial(make_trial(their_id, 2), make_samples(), HISTOGRAMS)
        await store.update_study(their_id, state="finished")
    await sync_once(theirs, shared)
    pulled = await pull(mine, shared)
    assert (pulled.studies, pulled.trials) == (("theirs",), 1)
    async with await Store.open(mine) as store:
        assert (await store.find_study("theirs")).state == "finished"
    async with await Store.open(theirs) as store:
        await store.delete_study(their_id)
    await sync_once(theirs, shared)
    assert (await pull(mine, shared)).removed == 1
    async with await Store.open(mine) as store:
        assert [study.name for study in await store.studies()] == ["mine"]


async def test_a_pulled_study_deleted_here_stays_there_and_does_not_come_back(
    paths: tuple[Path, Path], postgres: str
) -> None:
    mine, theirs = paths
    shared = copy_at(postgres)
    await fill(mine, "mine", 1)
    their_id = await fill(theirs, "theirs", 1)
    for path in paths:
        await sync_once(path, shared)
    await pull(mine, shared)
    async with await Store.open(mine) as store:
        await store.delete_study(their_id)
    await sync_once(mine, shared)
    assert (await pull(mine, shared)).studies == ()
    assert len(await ask(postgres, "select id from ingestune.study")) == 2


async def test_a_setting_made_by_hand_is_refused_and_named(paths: tuple[Path, Path], postgres: str) -> None:
    mine, theirs = paths
    shared = copy_at(postgres)
    await fill(mine, "mine", 1)
    await fill(theirs, "theirs", 3)
    for path in paths:
        await sync_once(path, shared)
    await ask(
        postgres,
        "update ingestune.configuration set body = jsonb_set(body::jsonb, '{producer,plugin.library.paths}',"
        f" '\"/tmp/evil.so\"')::text where id = '{linger(1).hash}'",
    )
    await ask(
        postgres,
        "update ingestune.configuration set body = jsonb_set(body::jsonb, '{producer,linger.ms}', '99')::text"
        f" where id = '{linger(2).hash}'",
    )
    pulled = await pull(mine, shared)
    assert pulled.trials == 1
    assert len(pulled.refused) == 2
    assert "trial 1 of theirs: producer 'plugin.library.paths' is no setting that ingestune tunes" in pulled.refused
    assert "trial 2 of theirs: its configuration was changed: the checksum is another one" in pulled.refused
    async with await Store.open(mine) as store:
        assert [trial.number for trial in await store.trials((await store.find_study("theirs")).id)] == [3]


async def test_a_study_whose_winner_was_made_by_hand_is_refused(paths: tuple[Path, Path], postgres: str) -> None:
    mine, theirs = paths
    shared = copy_at(postgres)
    await fill(mine, "mine", 1)
    await fill(theirs, "theirs", 1)
    for path in paths:
        await sync_once(path, shared)
    await ask(
        postgres,
        "update ingestune.study set rev = rev + 1, body = jsonb_set(body::jsonb, '{outcomes}', $$[{"
        '"workload": {}, "objective": "throughput", "verdict": "faster", "baseline": {"settings": []},'
        ' "winner": {"settings": [{"scope": "producer", "name": "sasl.kerberos.kinit.cmd", "value": "rm"}]}'
        "}]$$)::text where name = 'theirs'",
    )
    pulled = await pull(mine, shared)
    assert pulled.studies == ()
    assert "sasl.kerberos.kinit.cmd" in pulled.refused[0]


async def test_rows_that_are_no_rows_are_refused(paths: tuple[Path, Path], postgres: str) -> None:
    mine, theirs = paths
    shared = copy_at(postgres)
    await fill(mine, "mine", 1)
    study_id = await fill(theirs, "theirs", 2)
    for path in paths:
        await sync_once(path, shared)
    bad = msgspec.structs.replace(make_study("nasty\x1b]0;", host="h"), id="bad")
    await ask(
        postgres,
        "insert into ingestune.study (id, rev, origin, body) values"
        f" ('bad', 1, 'someone', $${msgspec.json.encode(bad).decode()}$$),"
        f" ('nobody', 1, '', $${msgspec.json.encode(make_study('x')).decode()}$$)",
    )
    await ask(postgres, "update ingestune.series set body = '{}' where id in (select id from ingestune.trial)")
    pulled = await pull(mine, shared)
    assert pulled.studies == ("theirs",)
    assert pulled.trials == 2
    assert any("its name cannot be shown" in line for line in pulled.refused)
    assert any("made by hand" in line for line in pulled.refused)
    assert sum(line.startswith("series of trial") for line in pulled.refused) == 2
    async with await Store.open(mine) as store:
        assert await store.samples((await store.trials(study_id))[0].id) == []
