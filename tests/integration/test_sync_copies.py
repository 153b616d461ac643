"""A results database that was copied, moved or put back from a backup: nothing hidden, doubled or lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ingestune_tui.storage.database import Database
from ingestune_tui.storage.outbox import Outbox
from ingestune_tui.storage.pull import pull
from ingestune_tui.storage.store import Store
from ingestune_tui.storage.sync import sync_once
from ingestune_tui.storage.verify import verify
from tests.integration.test_sync import ask, copy_at, equal, fill
from tests.unit.store_values import HISTOGRAMS, make_samples, make_trial

pytestmark = pytest.mark.postgres


async def identity(path: Path) -> str:
    database = await Database.open(path)
    try:
        return await Outbox(database).identity()
    finally:
        await database.close()


async def names(path: Path) -> set[str]:
    async with await Store.open(path) as store:
        return {study.name for study in await store.studies()}


async def test_studies_made_on_a_copy_reach_the_original_and_the_other_way_round(tmp_path: Path, postgres: str) -> None:
    mine, copy, shared = tmp_path / "mine.db", tmp_path / "copy.db", copy_at(postgres)
    await fill(mine, "mine", 1)
    await sync_once(mine, shared)
    shutil.copy(mine, copy)
    await fill(copy, "made on the copy", 2)
    await fill(mine, "made on the original", 3)
    for path in (copy, mine):
        await sync_once(path, shared)
    assert (await pull(mine, shared)).studies == ("made on the copy",)
    assert (await pull(copy, shared)).studies == ("made on the original",)
    assert await names(mine) == await names(copy) == {"mine", "made on the copy", "made on the original"}
    for path in (copy, mine):
        assert await equal(path, shared)
    assert (await ask(postgres, "select count(*) from ingestune.study"))[0][0] == 3


async def test_a_copy_has_another_identity_and_a_moved_file_its_own(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    await fill(path, "quick", 1)
    first = await identity(path)
    assert await identity(path) == first
    shutil.copy(path, tmp_path / "copy.db")
    assert await identity(tmp_path / "copy.db") != first
    path.rename(tmp_path / "moved.db")
    assert await identity(tmp_path / "moved.db") == first


async def test_another_computer_is_another_identity_and_a_renamed_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, machine = tmp_path / "results.db", tmp_path / "machine-id"
    monkeypatch.setattr("ingestune_tui.storage.outbox._MACHINE_ID", machine)
    await fill(path, "quick", 1)
    machine.write_text("one\n")
    first = await identity(path)
    monkeypatch.setattr("socket.gethostname", lambda: "renamed")
    assert await identity(path) == first
    machine.write_text("two\n")
    assert await identity(path) != first


async def test_an_identity_from_before_files_were_told_apart_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    await fill(path, "quick", 1)
    first = await identity(path)
    database = await Database.open(path)
    await database.write(lambda writer: writer.run("delete from meta where name = 'file'"))
    await database.close()
    assert await identity(path) == first


async def test_another_identity_doubles_nothing_and_loses_nothing(tmp_path: Path, postgres: str) -> None:
    before, path, shared = tmp_path / "before.db", tmp_path / "results.db", copy_at(postgres)
    study_id, doomed_id = await fill(before, "quick", 2), await fill(before, "doomed", 1)
    await sync_once(before, shared)
    async with await Store.open(before) as store:
        await store.finish_trial(make_trial(study_id, 3), make_samples(), HISTOGRAMS)
    shutil.copy(before, path)
    before.unlink()
    assert (await sync_once(path, shared)).rows == 1 + 3  # its configuration is new too
    pulled = await pull(path, shared)
    assert (pulled.studies, pulled.trials, pulled.removed) == ((), 0, 0)
    async with await Store.open(path) as store:
        await store.update_study(study_id, state="finished")
        await store.delete_study(doomed_id)
    await sync_once(path, shared)
    assert await equal(path, shared)
    studies = await ask(postgres, "select id, state from ingestune.study")
    assert [tuple(row) for row in studies] == [(study_id, "finished")]


async def test_a_study_deleted_from_a_copy_is_kept_here_and_told_apart(tmp_path: Path, postgres: str) -> None:
    path, copy, shared = tmp_path / "results.db", tmp_path / "copy.db", copy_at(postgres)
    study_id = await fill(path, "quick", 2)
    await sync_once(path, shared)
    shutil.copy(path, copy)
    async with await Store.open(copy) as store:
        await store.delete_study(study_id)
    await sync_once(copy, shared)
    for _ in range(2):
        reports = {report.table: report for report in await verify(path, shared)}
        assert (reports["study"].deleted_there, reports["trial"].deleted_there) == (1, 2)
        assert (reports["study"].missing, reports["trial"].missing) == (0, 0)
        assert not reports["study"].equal
        assert (await sync_once(path, shared)).refused == ()
    async with await Store.open(path) as store:
        assert len(await store.trials(study_id)) == 2
        await store.delete_study(study_id)
    await sync_once(path, shared)
    assert await equal(path, shared)


async def test_a_backup_put_back_gets_its_later_studies_again(tmp_path: Path, postgres: str) -> None:
    path, backup, shared = tmp_path / "results.db", tmp_path / "backup.db", copy_at(postgres)
    await fill(path, "early", 1)
    await sync_once(path, shared)
    shutil.copy(path, backup)
    await fill(path, "late", 2)
    await sync_once(path, shared)
    backup_content = backup.read_bytes()
    path.write_bytes(backup_content)  # into the same file: nothing tells that it is an older one
    reports = {report.table: report for report in await verify(path, shared)}
    assert (reports["study"].only_there, reports["trial"].only_there) == (1, 2)
    assert (await pull(path, shared)).studies == ("late",)
    assert await names(path) == {"early", "late"}
    assert await equal(path, shared)


async def test_a_backup_that_goes_on_with_a_study_says_what_clashes_and_sends_the_rest(
    tmp_path: Path, postgres: str
) -> None:
    path, backup, shared = tmp_path / "results.db", tmp_path / "backup.db", copy_at(postgres)
    study_id = await fill(path, "quick", 2)
    await sync_once(path, shared)
    shutil.copy(path, backup)
    first, second = make_trial(study_id, 3, messages_per_s=1.0), make_trial(study_id, 3, messages_per_s=2.0)
    async with await Store.open(path) as store:
        await store.finish_trial(first, make_samples(), HISTOGRAMS)
    await sync_once(path, shared)
    async with await Store.open(backup) as store:
        await store.finish_trial(second, make_samples(), HISTOGRAMS)
        await store.finish_trial(make_trial(study_id, 4), make_samples(), HISTOGRAMS)
    sent = await sync_once(backup, shared)
    assert (sent.rows, sent.set_aside) == (1 + 3, 3)
    clash, *extras = sent.refused
    assert clash.startswith(f"trial {second.id}: the shared copy has another trial of this number in this study")
    assert "restored from a backup" in clash
    assert "--fresh" in clash
    assert all(line.endswith("its trial is not in the shared copy") for line in extras)
    there = await ask(postgres, "select number, messages_per_s from ingestune.trial where number > 2 order by number")
    assert [tuple(row) for row in there] == [(3, 1.0), (4, 412_345.5)]
    assert (await pull(backup, shared)).trials == 0
    async with await Store.open(backup) as store:
        assert await store.trial(second.id) == second
