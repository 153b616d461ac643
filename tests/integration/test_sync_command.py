"""`ingestune sync` as a script sees it: exit codes, what stands on stdout, and never a password."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingestune_tui.storage.pull import pull
from ingestune_tui.storage.store import Store
from ingestune_tui.storage.sync import sync_once
from tests.integration.postgres_fixture import Server
from tests.integration.test_sync import ask, change, copy_at, fill
from tests.unit.store_values import linger

pytestmark = pytest.mark.postgres


def run(*arguments: str, home: Path, dsn: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    environment = {**os.environ, "INGESTUNE_HOME": str(home), "INGESTUNE_POSTGRES": dsn}
    return subprocess.run(
        [sys.executable, "-m", "ingestune_tui", "sync", *arguments],
        capture_output=True, text=True, timeout=60, env=environment, check=False,
    )  # fmt: skip


async def command(*arguments: str, home: Path, dsn: str = "") -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(run, *arguments, home=home, dsn=dsn)


async def test_without_a_server_it_says_how_to_name_one(tmp_path: Path) -> None:
    done = await command(home=tmp_path)
    assert done.returncode == 2
    assert "INGESTUNE_POSTGRES=postgresql://" in done.stderr


async def test_it_sends_compares_and_mends(tmp_path: Path, postgres: str) -> None:
    await fill(tmp_path / "results.db", "quick", 3)
    done = await command("--verify", home=tmp_path, dsn=postgres)
    assert done.returncode == 0, done.stderr
    assert "14 rows sent" in done.stderr
    assert "both sides are equal" in done.stderr
    assert [line.split()[:4] for line in done.stdout.splitlines()[4:]] == [
        ["trial", "3", "3", "equal"], ["series", "3", "3", "equal"], ["histogram", "3", "3", "equal"]
    ]  # fmt: skip
    await ask(postgres, "delete from ingestune.trial where number = 2")
    done = await command("--verify", home=tmp_path, dsn=postgres)
    assert done.returncode == 1
    assert "1 missing there" in done.stdout
    assert (await command("--verify", home=tmp_path, dsn=postgres)).returncode == 0


async def test_it_fetches_and_names_what_it_refuses(tmp_path: Path, postgres: str) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for home, name in ((mine, "quick"), (theirs, "batching")):
        home.mkdir()
        await fill(home / "results.db", name, 2)
        assert (await command(home=home, dsn=postgres)).returncode == 0
    done = await command("--pull", home=mine, dsn=postgres)
    assert (done.returncode, done.stdout) == (0, "batching\n")
    other = tmp_path / "other"
    other.mkdir()
    await fill(other / "results.db", "other", 1)
    await ask(
        postgres,
        'update ingestune.configuration set body = \'{"producer": {"plugin.library.paths": "x"}}\''
        f" where id = '{linger(2).hash}'",
    )
    done = await command("--pull", home=other, dsn=postgres)
    assert done.returncode == 1
    assert "plugin.library.paths" in done.stderr
    assert "Traceback" not in done.stderr


async def test_what_its_owner_deleted_is_no_difference_and_what_is_damaged_here_is_one(
    tmp_path: Path, postgres: str
) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for home in (mine, theirs):
        home.mkdir()
        await fill(home / "results.db", home.name, 2)
        await sync_once(home / "results.db", copy_at(postgres))
    await pull(mine / "results.db", copy_at(postgres))
    async with await Store.open(theirs / "results.db") as store:
        await store.delete_study((await store.find_study("theirs")).id)
    await sync_once(theirs / "results.db", copy_at(postgres))
    done = await command("--verify", home=mine, dsn=postgres)
    assert done.returncode == 0, done.stderr
    assert "1 pulled besides, 1 of the pulled deleted by their owner (sync --pull)" in done.stdout
    assert "both sides are equal" in done.stderr
    change(mine / "results.db", "update series set body = x'00', rev = rev + 1 where id = (select min(id) from series)")
    done = await command(home=mine, dsn=postgres)
    assert done.returncode == 1
    assert "The shared copy needs attention: 1 row set aside" in done.stderr
    done = await command("--verify", home=mine, dsn=postgres)
    assert done.returncode == 1
    assert "1 damaged here" in done.stdout
    assert "backups" in done.stderr


async def test_a_wrong_password_is_one_clear_message_without_it(
    tmp_path: Path, postgres: str, postgres_server: Server
) -> None:
    await fill(tmp_path / "results.db", "quick", 1)
    dsn = postgres_server.dsn(postgres.rpartition("/")[2], "colleague", "hunter2")
    done = await command(home=tmp_path, dsn=dsn)
    assert done.returncode == 1
    assert "does not let this user in" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


async def test_rows_that_were_not_accepted_are_named(tmp_path: Path, postgres: str) -> None:
    await fill(tmp_path / "results.db", "quick", 1)
    await command(home=tmp_path, dsn=postgres)
    await ask(postgres, "alter table ingestune.trial add constraint house_rule check (number <> 2)")
    await fill(tmp_path / "results.db", "again", 2)
    done = await command(home=tmp_path, dsn=postgres)
    assert done.returncode == 1
    assert "needs attention: trial" in done.stderr
    assert "house_rule" in done.stderr
