"""A colleague's studies: fetched, checked, and read here; what somebody made by hand is refused by name."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ingestune_tui.errors import StudyError
from ingestune_tui.model.events import SyncState
from ingestune_tui.model.ids import new_id
from ingestune_tui.model.study import Cluster
from ingestune_tui.settings import SharedCopy
from ingestune_tui.storage.database import Database
from ingestune_tui.storage.outbox import Outbox
from ingestune_tui.storage.owner import this_process
from ingestune_tui.storage.pull import pull
from ingestune_tui.storage.rows import trial_body
from ingestune_tui.storage.session import Session
from ingestune_tui.storage.store import Store
from ingestune_tui.storage.sync import Sync, sync_once
from ingestune_tui.storage.verify import verify
from tests.integration.test_sync import ask, copy_at, equal, fill, until
from tests.unit.store_values import CLUSTER, HISTOGRAMS, linger, make_samples, make_study, make_trial

pytestmark = pytest.mark.postgres


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    """Databases of two people."""
    return tmp_path / "mine.db", tmp_path / "theirs.db"


async def both_sent(paths: tuple[Path, Path], postgres: str, their_trials: int) -> tuple[SharedCopy, str]:
    """A study `mine` of one trial, and `theirs`, both in PostgreSQL: the shared copy, and the id of theirs."""
    mine, theirs = paths
    shared = copy_at(postgres)
    await fill(mine, "mine", 1)
    their_id = await fill(theirs, "theirs", their_trials)
    for path in paths:
        await sync_once(path, shared)
    return shared, their_id


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


async def test_samples_that_reach_postgresql_after_their_trial_come_with_the_next_pull(
    paths: tuple[Path, Path], postgres: str
) -> None:
    mine, theirs = paths
    shared = copy_at(postgres)
    await fill(mine, "mine", 1)
    await sync_once(mine, shared)
    their_id = await fill(theirs, "theirs", 3)
    database = await Database.open(theirs)
    session = await Session.open(Outbox(database), shared)
    for _ in ("cluster", "configuration", "study", "trial"):
        await session.send(500, 4_000_000)
    await session.send(2, 4_000_000)  # two of three series
    await session.close()
    await database.close()
    assert (await pull(mine, shared)).trials == 3
    await sync_once(theirs, shared)
    reports = {report.table: report for report in await verify(mine, shared)}
    assert (reports["series"].pulled_changed, reports["histogram"].pulled_changed) == (1, 3)
    pulled = await pull(mine, shared)
    assert (pulled.studies, pulled.trials) == (("theirs",), 3)
    async with await Store.open(mine) as store:
        for trial in await store.trials(their_id):
            assert await store.samples(trial.id) == make_samples()
            assert await store.histograms(trial.id) == HISTOGRAMS
    assert (await pull(mine, shared)).trials == 0


async def test_a_changed_trial_keeps_its_samples_and_a_number_may_change_hands(
    paths: tuple[Path, Path], postgres: str
) -> None:
    mine, theirs = paths
    shared, their_id = await both_sent(paths, postgres, 2)
    await pull(mine, shared)
    async with await Store.open(theirs) as store:
        first, second = await store.trials(their_id)
        await store.finish_trial(msgspec.structs.replace(first, messages_per_s=7.0))
    await sync_once(theirs, shared)
    await ask(postgres, f"delete from ingestune.trial where id = '{second.id}'")
    other = make_trial(their_id, 2, configuration=second.configuration)
    await ask(
        postgres,
        "insert into ingestune.trial (id, rev, origin, configuration_id, body) select"
        f" '{other.id}', 5, 'x', '{other.configuration.hash}', $${trial_body(other)}$$",
    )
    assert (await pull(mine, shared)).trials == 2
    async with await Store.open(mine) as store:
        assert [trial.id for trial in await store.trials(their_id)] == [first.id, other.id]
        assert (await store.trial(first.id)).messages_per_s == 7.0
        assert await store.samples(first.id) == make_samples()


async def test_verify_counts_pulled_rows_apart(paths: tuple[Path, Path], postgres: str) -> None:
    mine, theirs = paths
    shared, their_id = await both_sent(paths, postgres, 3)
    await pull(mine, shared)
    async with await Store.open(theirs) as store:
        await store.finish_trial(make_trial(their_id, 4), make_samples(), HISTOGRAMS)
    await sync_once(theirs, shared)
    reports = {report.table: report for report in await verify(mine, shared)}
    trial = reports["trial"]
    assert (trial.here, trial.there, trial.pulled, trial.pulled_changed, trial.equal) == (1, 1, 3, 1, True)
    async with await Store.open(theirs) as store:
        await store.delete_study(their_id)
    for path in (theirs, mine):
        await sync_once(path, shared)
    reports = {report.table: report for report in await verify(mine, shared)}
    assert all(report.equal for report in reports.values())
    found = {table: (report.missing, report.pulled_deleted) for table, report in reports.items()}
    assert found["study"] == (0, 1)
    assert found["trial"] == found["series"] == found["histogram"] == (0, 3)
    assert (await pull(mine, shared)).removed == 1
    assert {report.pulled for report in await verify(mine, shared)} == {0}


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
    shared, their_id = await both_sent(paths, postgres, 1)
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
    mine, _ = paths
    shared, their_id = await both_sent(paths, postgres, 1)
    await pull(mine, shared)
    async with await Store.open(mine) as store:
        await store.delete_study(their_id)
    await sync_once(mine, shared)
    assert (await pull(mine, shared)).studies == ()
    assert len(await ask(postgres, "select id from ingestune.study")) == 2


async def test_a_setting_made_by_hand_is_refused_and_named(paths: tuple[Path, Path], postgres: str) -> None:
    mine, _ = paths
    shared, _ = await both_sent(paths, postgres, 3)
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
    mine, _ = paths
    shared, _ = await both_sent(paths, postgres, 1)
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
    mine, _ = paths
    shared, study_id = await both_sent(paths, postgres, 2)
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


async def test_a_cluster_changed_by_hand_is_refused_by_name_and_mended(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    await fill(path, "mine", 1)
    await sync_once(path, shared)
    for change in (
        "rev = rev + 1, body = jsonb_set(body::jsonb, '{label}', '\"evil\\u001b[31m\"')::text",
        "rev = rev + 1, body = jsonb_set(body::jsonb, '{kind}', '\"x\"')::text",
        "rev = rev + 1, body = jsonb_set(body::jsonb, '{id}', '\"another\"')::text",
        "rev = 9223372036854775807, body = jsonb_set(body::jsonb, '{label}', '\"other\"')::text",
    ):
        await ask(postgres, f"update ingestune.cluster set {change}")
        sent = await sync_once(path, shared)
        assert (len(sent.refused), sent.set_aside) == (1, 1)
        assert sent.refused[0].startswith(f"cluster {CLUSTER.id} in PostgreSQL: ")
        assert (await pull(path, shared)).refused == sent.refused
        async with await Store.open(path) as store:
            assert await store.cluster(CLUSTER.id) == CLUSTER
            await store.create_study(make_study(f"after {change[:12]} {new_id()}"))
        assert not await equal(path, shared)
        assert (await sync_once(path, shared)).refused == ()
        assert await equal(path, shared)


async def test_a_cluster_changed_by_hand_needs_attention_in_the_background_too(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    study_id = await fill(path, "mine", 1)
    await sync_once(path, shared)
    await ask(postgres, "update ingestune.cluster set rev = 9223372036854775807")
    states: list[SyncState] = []
    async with await Store.open(path) as store, Sync(store, shared, states.append):
        await store.finish_trial(make_trial(study_id, 2))
        await until(lambda: bool(states) and states[-1].state == "needs attention")
    assert "its revision 9223372036854775807 is none" in states[-1].reason


async def test_a_revision_that_is_none_is_refused_until_its_owner_mends_it(
    paths: tuple[Path, Path], postgres: str
) -> None:
    mine, theirs = paths
    shared, _ = await both_sent(paths, postgres, 2)
    for table in ("trial", "series", "histogram"):
        await ask(postgres, f"update ingestune.{table} set rev = 9223372036854775807")
    pulled = await pull(mine, shared)
    assert pulled.trials == 0
    assert len(pulled.refused) == 2
    assert all("its revision 9223372036854775807 is none" in line for line in pulled.refused)
    assert not await equal(theirs, shared)
    await sync_once(theirs, shared)
    assert await equal(theirs, shared)
    pulled = await pull(mine, shared)
    assert (pulled.trials, pulled.refused) == (2, ())


async def test_a_study_that_is_too_large_is_named(paths: tuple[Path, Path], postgres: str) -> None:
    mine, _ = paths
    shared, their_id = await both_sent(paths, postgres, 1)
    await ask(
        postgres,
        "update ingestune.study set body = jsonb_set(body::jsonb, '{grid_text}', to_jsonb(repeat('x', 8000001)))::text"
        " where name = 'theirs'",
    )
    pulled = await pull(mine, shared)
    assert pulled.studies == ()
    assert pulled.refused == (f"study {their_id}: it is larger than 8 MB",)


async def test_a_trial_of_mine_is_never_taken_from_outside(paths: tuple[Path, Path], postgres: str) -> None:
    mine, _ = paths
    shared, their_id = await both_sent(paths, postgres, 1)
    async with await Store.open(mine) as store:
        my_id = (await store.find_study("mine")).id
        (before,) = await store.trials(my_id)
    await ask(
        postgres,
        f"update ingestune.trial set rev = rev + 1, body = replace(replace(body, '{my_id}', '{their_id}'),"
        f" '\"number\":1', '\"number\":9') where id = '{before.id}'",
    )
    pulled = await pull(mine, shared)
    assert pulled.refused == ("trial 9 of theirs: its id is that of another study's trial",)
    async with await Store.open(mine) as store:
        assert await store.trials(my_id) == [before]
