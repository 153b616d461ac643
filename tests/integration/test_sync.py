"""What is stored reaches a real PostgreSQL, row by row and letter by letter, whatever happens on the way."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import msgspec
import pytest

from ingestune_tui.model.events import SyncState
from ingestune_tui.model.study import Cluster, Outcome, Ratio
from ingestune_tui.model.workload import Workload
from ingestune_tui.secrets import Secret
from ingestune_tui.settings import SharedCopy
from ingestune_tui.storage.outbox import TABLES
from ingestune_tui.storage.store import Store
from ingestune_tui.storage.sync import Sync, sync_once
from ingestune_tui.storage.verify import verify
from tests.integration.postgres_fixture import Server
from tests.unit.store_values import CLUSTER, HISTOGRAMS, linger, make_samples, make_study, make_trial

pytestmark = pytest.mark.postgres


def copy_at(dsn: str) -> SharedCopy:
    return SharedCopy(Secret(dsn), False, "INGESTUNE_POSTGRES")


async def fill(path: Path, name: str, trials: int = 5) -> str:
    """A study with trials, samples and histograms; its id."""
    study = make_study(name, host=f"host-of-{name}")
    async with await Store.open(path) as store:
        await store.create_study(study)
        for number in range(1, trials + 1):
            await store.finish_trial(
                make_trial(study.id, number, configuration=linger(number % 3)), make_samples(), HISTOGRAMS
            )
    return study.id


async def equal(path: Path, shared: SharedCopy) -> bool:
    return all(report.equal for report in await verify(path, shared))


async def ask(dsn: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


async def until(condition: Callable[[], bool], patience_s: float = 20.0) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


def change(path: Path, sql: str) -> None:
    """What another program does to a results database."""
    connection = sqlite3.connect(path)
    connection.execute(sql)
    connection.commit()
    connection.close()


def unsent(path: Path) -> int:
    """How many rows PostgreSQL does not have as they are here."""
    connection = sqlite3.connect(path)
    try:
        found = [
            connection.execute(f"select count(*) from {table} where rev > synced_rev").fetchone()[0] for table in TABLES
        ]
    finally:
        connection.close()
    return sum(found)


async def test_everything_arrives_once_and_equal(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    await fill(path, "quick", 7)
    sent = await sync_once(path, shared)
    assert sent.refused == ()
    assert sent.rows == 1 + 3 + 1 + 7 + 7 + 7
    assert await equal(path, shared)
    assert (await sync_once(path, shared)).rows == 0
    rows = await ask(postgres, "select number, messages_per_s, p99_ms, state, message_bytes from ingestune.trial")
    assert sorted(row["number"] for row in rows) == list(range(1, 8))
    assert {tuple(row)[1:] for row in rows} == {(412_345.5, 7.125, "done", 1000)}


async def test_a_changed_row_replaces_the_earlier_one_and_never_a_later_one(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    study_id = await fill(path, "quick", 1)
    await sync_once(path, shared)
    async with await Store.open(path) as store:
        await store.update_study(study_id, state="finished", message="done")
    assert (await sync_once(path, shared)).rows == 1
    assert [row["state"] for row in await ask(postgres, "select state from ingestune.study")] == ["finished"]
    assert await equal(path, shared)
    change(path, "update study set rev = 2, synced_rev = 1, body = replace(body, 'finished', 'running')")
    await sync_once(path, shared)
    assert [row["state"] for row in await ask(postgres, "select state from ingestune.study")] == ["finished"]
    assert [report.newer_there for report in await verify(path, shared) if report.table == "study"] == [1]


async def test_two_databases_of_one_cluster_converge(tmp_path: Path, postgres: str) -> None:
    shared = copy_at(postgres)
    paths = [tmp_path / "a.db", tmp_path / "b.db"]
    for path in paths:
        await fill(path, "quick", 4)
    async with await Store.open(paths[0]) as store:
        await store.save_cluster(msgspec.structs.replace(CLUSTER, version="4.3.1"))
    await asyncio.gather(*(sync_once(path, shared) for path in paths))
    for path in paths:
        assert await equal(path, shared)
    async with await Store.open(paths[1]) as store:
        known = await store.cluster(CLUSTER.id)
        assert known is not None
        assert known.version == "4.3.1"
    assert (await ask(postgres, "select count(*) from ingestune.trial"))[0][0] == 8


async def test_eight_clients_make_the_schema_at_once(tmp_path: Path, postgres: str) -> None:
    shared = copy_at(postgres)
    paths = [tmp_path / f"{number}.db" for number in range(8)]
    for path in paths:
        await fill(path, "quick", 2)
    await asyncio.gather(*(sync_once(path, shared) for path in paths))
    versions = await ask(postgres, "select version, count(*) from ingestune.schema_version group by 1 order by 1")
    assert [tuple(row) for row in versions] == [(1, 1), (2, 1)]
    assert (await ask(postgres, "select count(*) from ingestune.trial"))[0][0] == 16


async def test_a_deleted_study_leaves_the_shared_copy_too(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    study_id = await fill(path, "quick", 3)
    await fill(path, "kept", 2)
    await sync_once(path, shared)
    async with await Store.open(path) as store:
        await store.delete_study(study_id)
    await sync_once(path, shared)
    assert [row["name"] for row in await ask(postgres, "select name from ingestune.study")] == ["kept"]
    assert (await ask(postgres, "select count(*) from ingestune.series"))[0][0] == 2
    assert await equal(path, shared)


async def test_an_emptied_or_another_server_is_filled_again(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    await fill(path, "quick", 3)
    await sync_once(path, shared)
    await ask(postgres, "drop schema ingestune cascade")
    await sync_once(path, shared)
    assert await equal(path, shared)


async def test_verify_finds_what_was_changed_by_hand_and_the_next_sync_mends_it(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    await fill(path, "quick", 4)
    await sync_once(path, shared)
    await ask(postgres, "delete from ingestune.trial where number = 1")
    await ask(postgres, "update ingestune.trial set body = replace(body, '412345.5', '999999.5') where number = 2")
    await ask(postgres, "update ingestune.configuration set body = replace(body, 'lz4', 'zstd')")
    reports = {report.table: report for report in await verify(path, shared)}
    assert (reports["trial"].missing, reports["trial"].differing) == (1, 1)
    assert (reports["series"].missing, reports["histogram"].missing) == (1, 1)
    assert reports["configuration"].differing == 3
    assert not reports["trial"].equal
    await sync_once(path, shared)
    assert await equal(path, shared)


async def test_a_row_that_breaks_a_constraint_is_set_aside_and_the_rest_goes_on(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    await fill(path, "first", 1)
    await sync_once(path, shared)
    await ask(postgres, "alter table ingestune.trial add constraint house_rule check (number <> 13)")
    await fill(path, "second", 30)
    sent = await sync_once(path, shared)
    assert len(sent.refused) == 3
    assert "house_rule" in sent.refused[0]
    assert (await ask(postgres, "select count(*) from ingestune.trial"))[0][0] == 30
    reports = {report.table: report.missing for report in await verify(path, shared)}
    assert reports["trial"] == 1
    await ask(postgres, "alter table ingestune.trial drop constraint house_rule")
    assert (await sync_once(path, shared)).refused == ()
    assert await equal(path, shared)


async def test_a_series_that_is_damaged_here_is_set_aside_and_the_rest_goes_on(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    await fill(path, "quick", 5)
    change(path, "update series set body = x'00' where id = (select min(id) from series)")
    sent = await sync_once(path, shared)
    assert (sent.rows, sent.set_aside) == (1 + 3 + 1 + 5 + 4 + 5, 1)
    assert sent.refused[0].startswith("series ")
    assert "cannot be read back" in sent.refused[0]
    reports = {report.table: report for report in await verify(path, shared)}
    assert (reports["series"].damaged, reports["series"].missing, reports["series"].equal) == (1, 1, False)
    assert [table for table, report in reports.items() if not report.equal] == ["series"]


async def test_a_batch_of_damaged_series_hides_none_behind_it(
    tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestune_tui.storage.sync.ROWS", 3)
    path, shared = tmp_path / "results.db", copy_at(postgres)
    await fill(path, "quick", 5)
    change(path, "update series set body = x'00' where id in (select id from series order by id limit 4)")
    change(path, "delete from histogram")
    assert (await sync_once(path, shared)).set_aside == 4
    assert (await ask(postgres, "select count(*) from ingestune.series"))[0][0] == 1


async def test_damaged_series_need_attention_in_the_background_too(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    await fill(path, "quick", 2)
    change(path, "update series set body = x'00'")
    async with await Store.open(path) as store, Sync(store, shared, lambda _: None) as sync:
        await until(lambda: sync.state.state == "needs attention")
        assert (sync.state.waiting, unsent(path)) == (2, 2)
        assert "cannot be read back" in sync.state.reason
    assert (await ask(postgres, "select count(*) from ingestune.histogram"))[0][0] == 2


async def test_a_refused_row_needs_attention_in_the_background_too(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    await fill(path, "first", 1)
    await sync_once(path, shared)
    await ask(postgres, "alter table ingestune.trial add constraint house_rule check (number <> 2)")
    study_id = await fill(path, "second", 3)
    states: list[SyncState] = []
    async with await Store.open(path) as store, Sync(store, shared, states.append):
        await until(lambda: bool(states) and states[-1].state == "needs attention")
        assert states[-1].waiting == 3
        assert "house_rule" in states[-1].reason
        await store.finish_trial(make_trial(study_id, 4))
        await until(lambda: unsent(path) == 3 and states[-1].state == "needs attention")
    assert (await ask(postgres, "select count(*) from ingestune.trial"))[0][0] == 4


async def test_the_background_follows_a_study_as_it_goes(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    study_id = await fill(path, "quick", 1)
    states: list[SyncState] = []
    async with await Store.open(path) as store, Sync(store, shared, states.append) as sync:
        await until(lambda: sync.state.state == "up to date")
        await store.finish_trial(make_trial(study_id, 2), make_samples(), HISTOGRAMS)
        sync.nudge()
        await store.finish_trial(make_trial(study_id, 3), make_samples(), HISTOGRAMS)
        await until(lambda: unsent(path) == 0 and sync.state.state == "up to date")
    said = [state.state for state in states]
    assert set(said) == {"sending", "up to date"}
    assert said[0] == "sending"
    assert states[0].waiting == 6
    assert "sending" in said[said.index("up to date") :]
    assert await equal(path, shared)


async def test_an_outage_is_waited_out_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestune_tui.storage.sync.LONGEST_RETRY_S", 0.3)
    path = tmp_path / "results.db"
    study_id = await fill(path, "quick", 2)
    states: list[SyncState] = []
    with Server() as server:
        shared = copy_at(server.dsn())
        async with await Store.open(path) as store, Sync(store, shared, states.append) as sync:
            await until(lambda: sync.state.state == "up to date")
            for number, immediately in ((3, False), (4, True)):
                await asyncio.to_thread(server.stop, immediately=immediately)
                await store.finish_trial(make_trial(study_id, number), make_samples(), HISTOGRAMS)
                sync.nudge()
                await until(lambda: sync.state.state == "waiting")
                assert sync.state.waiting >= 3
                assert sync.state.retry_in_s is not None
                assert "127.0.0.1" in sync.state.reason
                await asyncio.to_thread(server.start)
                await until(lambda: sync.state.state == "up to date")
        assert await equal(path, shared)


async def test_two_processes_may_send_one_database_at_once(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    await fill(path, "quick", 60)
    await asyncio.gather(*(sync_once(path, shared) for _ in range(4)))
    assert await equal(path, shared)
    assert (await ask(postgres, "select count(*) from ingestune.trial"))[0][0] == 60


def documented_queries() -> list[str]:
    """Every query in docs/postgres.md, with what Grafana fills in filled in."""
    text = (Path(__file__).parents[2] / "docs" / "postgres.md").read_text()
    blocks = re.findall(r"(?m)((?:^    .+\n)+)", text)
    filled = [
        block.replace('$__timeFilter("time")', "true").replace("'$study'", "'x'").replace("$trial", "1")
        for block in blocks
        if block.lstrip().startswith("select")
    ]
    assert len(filled) == 6
    return ["set search_path to ingestune; " + block for block in filled]


async def test_the_views_answer_what_a_person_asks(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    workload = Workload()
    outcome = Outcome(
        workload=workload, objective="throughput", verdict="faster", ratio=Ratio(ratio=2.0, low=1.8, high=2.2),
        winner=linger(20), baseline=linger(0), pairs=1,
    )  # fmt: skip
    study = make_study("batching", outcomes=(outcome,), state="finished")
    async with await Store.open(path) as store:
        await store.create_study(study)
        for number, milliseconds, rate, role, baseline, pair in (
            (1, 0, 100.0, "search", True, None), (2, 20, 190.0, "search", False, None),
            (3, 5, 150.0, "search", False, None),
            (4, 0, 100.0, "confirm", True, 0), (5, 20, 200.0, "confirm", False, 0),
        ):  # fmt: skip
            trial = make_trial(
                study.id, number, configuration=linger(milliseconds), messages_per_s=rate, role=role,
                baseline=baseline, pair=pair,
            )  # fmt: skip
            await store.finish_trial(trial, make_samples(4))
        await store.finish_trial(make_trial(study.id, 6, discarded=True, messages_per_s=1e9), make_samples(4))
    await sync_once(path, shared)
    ranked = await ask(postgres, "select * from ingestune.leaderboard order by rank_by_throughput")
    assert [(row["messages_per_s"], row["trials"]) for row in ranked] == [(195.0, 2), (150.0, 1), (100.0, 2)]
    assert msgspec.json.decode(ranked[0]["settings"]) == {"producer": {"compression.type": "lz4", "linger.ms": 20}}
    (best,) = await ask(postgres, "select * from ingestune.best_configuration")
    assert (best["study"], best["ratio"], best["message_bytes"]) == ("batching", 2.0, 1000)
    assert msgspec.json.decode(best["settings"])["producer"]["linger.ms"] == 20
    (tuned,) = await ask(postgres, "select * from ingestune.tuned_against_baseline")
    assert (tuned["baseline_messages_per_s"], tuned["tuned_messages_per_s"], tuned["pairs"]) == (100.0, 200.0, 1)
    points = await ask(postgres, 'select * from ingestune.trial_point order by "time"')
    assert len(points) == 5
    connection = await asyncpg.connect(postgres)
    for query in documented_queries():
        await connection.execute(query)
    await connection.close()
    samples = await ask(postgres, "select * from ingestune.sample where trial = 1 order by t_s")
    assert [row["stage"] for row in samples] == ["saturated", "saturated", "paced", "paced"]
    assert samples[0]["messages_per_s"] == 400_000.0
    assert samples[2]["p99_ms"] == 7.0


async def test_a_cluster_of_another_kind_is_kept_apart(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    local = Cluster(id="local-4.3.0-1", label="local", kind="local", version="4.3.0", nodes=1)
    async with await Store.open(path) as store:
        await store.create_study(make_study("a"))
        await store.create_study(make_study("b", cluster=local))
    await sync_once(path, shared)
    assert {row["kind"] for row in await ask(postgres, "select kind from ingestune.cluster")} == {"local", "external"}
