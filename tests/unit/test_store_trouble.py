"""What may befall the results database: bad files, full disks, other processes, kills, cancellations."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ingestune_tui.errors import NewerStoreError, StoreError, StudyError
from ingestune_tui.storage.database import Database
from ingestune_tui.storage.migrations import Migration, migrations
from ingestune_tui.storage.owner import this_process
from ingestune_tui.storage.store import Store
from tests.unit.store_values import HISTOGRAMS, make_samples, make_study, make_trial

ROOT = Path(__file__).parents[2]

WRITER = """
import asyncio, sys
from pathlib import Path
from ingestune_tui.storage.store import Store
from tests.unit.store_values import HISTOGRAMS, make_samples, make_trial

async def main(path, study_id, first, count):
    async with await Store.open(Path(path)) as store:
        for number in range(int(first), int(first) + int(count)):
            await store.finish_trial(make_trial(study_id, number), make_samples(), HISTOGRAMS)
            print(number, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process of its own that finds this checkout."""
    found = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": found},
    )


def said_by(script: str, *arguments: object) -> str:
    """What such a process printed until its end, which must be a good one."""
    with start(script, *arguments) as child:
        out, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    return out


def integrity(path: Path) -> str:
    """What SQLite itself says about the file."""
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("pragma integrity_check").fetchone()[0])
    finally:
        connection.close()


async def new_store(path: Path) -> str:
    """A database with one study; its id."""
    study = make_study()
    async with await Store.open(path) as store:
        await store.create_study(study)
    return study.id


async def test_two_processes_write_to_one_database_at_once(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    study_id = await new_store(path)
    writers = [start(WRITER, path, study_id, first, 60) for first in (1, 1001)]
    for writer in writers:
        with writer:
            assert len(writer.communicate(timeout=60)[0].split()) == 60
        assert writer.returncode == 0
    async with await Store.open(path) as store:
        assert len(await store.trials(study_id)) == 120


async def test_eight_processes_create_one_database_at_once(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    script = (
        "import asyncio, sys; from pathlib import Path; from ingestune_tui.storage.store import Store\n"
        "async def main():\n"
        "    async with await Store.open(Path(sys.argv[1])) as store: await store.studies()\n"
        "asyncio.run(main())"
    )
    children = [start(script, path) for _ in range(8)]
    for child in children:
        with child:
            child.communicate(timeout=60)
        assert child.returncode == 0


async def test_a_kill_in_the_middle_of_writing_loses_nothing_that_was_finished(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    study_id = await new_store(path)
    chance = random.Random(3)
    first = 1
    for _ in range(5):
        with start(WRITER, path, study_id, first, 100_000) as writer:
            assert writer.stdout is not None
            said = [int(writer.stdout.readline()) for _ in range(chance.randrange(1, 40))]
            writer.send_signal(signal.SIGKILL)
            said += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        async with await Store.open(path) as store:
            trials = await store.trials(study_id)
            numbers = [trial.number for trial in trials]
            assert set(said) <= set(numbers)
            for trial in trials[-2:]:
                assert await store.samples(trial.id) == make_samples()
                assert await store.histograms(trial.id) == HISTOGRAMS
        assert integrity(path) == "ok"
        first = max(numbers) + 1


async def test_a_cancelled_write_is_finished_before_the_caller_is_told(tmp_path: Path) -> None:
    study = make_study()
    async with await Store.open(tmp_path / "results.db") as store:
        await store.create_study(study)
        for number in range(1, 21):
            task = asyncio.create_task(store.finish_trial(make_trial(study.id, number), make_samples(), HISTOGRAMS))
            for _ in range(number % 7 + 1):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(await store.trials(study.id)) == number
        await store.create_study(make_study("next"))


async def test_a_write_that_is_wrong_leaves_no_transaction_behind(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "results.db") as store:
        for _ in range(3):
            with pytest.raises(StoreError):
                await store.finish_trial(make_trial("no such study"), make_samples(), HISTOGRAMS)
        await store.create_study(make_study())


async def test_a_full_disk_is_said_and_nothing_stored_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    study = make_study()
    async with await Store.open(path) as store:
        await store.create_study(study)
        await store._database.all("pragma max_page_count = 60")
        stored = 0
        problem = None
        while problem is None:
            try:
                await store.finish_trial(make_trial(study.id, stored + 1), make_samples(), HISTOGRAMS)
                stored += 1
            except StoreError as full:
                problem = full
        assert "no room left" in problem.what
        assert "Nothing that was stored is lost" in problem.hint
        assert stored > 1
        assert len(await store.trials(study.id)) == stored
        await store._database.all("pragma max_page_count = 100000")
        await store.finish_trial(make_trial(study.id, stored + 1), make_samples(), HISTOGRAMS)
    assert integrity(path) == "ok"


FILE_LIMIT = """
import asyncio, resource, signal, sys
from pathlib import Path
from ingestune_tui.errors import StoreError
from ingestune_tui.storage.store import Store
from tests.unit.store_values import HISTOGRAMS, make_samples, make_trial

async def main(path, study_id):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    async with await Store.open(Path(path)) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        stored = 0
        try:
            for number in range(1, 10_000):
                await store.finish_trial(make_trial(study_id, number), make_samples(), HISTOGRAMS)
                stored = number
        except StoreError as problem:
            print(problem.what)
        print(stored, len(await store.trials(study_id)))
    return 0

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_file_that_may_not_grow_leaves_the_database_whole(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    study_id = await new_store(path)
    said, counts = said_by(FILE_LIMIT, path, study_id).splitlines()
    assert "results.db" in said
    stored, found = counts.split()
    assert stored == found != "0"
    async with await Store.open(path) as store:
        assert len(await store.trials(study_id)) == int(stored)
    assert integrity(path) == "ok"


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no directory .*nowhere") as caught:
        await Store.open(tmp_path / "nowhere" / "results.db")
    assert "--database" in caught.value.hint


async def test_a_directory_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a directory"):
        await Store.open(tmp_path)


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes, much dearer than any benchmark\n" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a results database"):
        await Store.open(path)
    assert path.read_bytes() == before


async def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("create table recipe (name text)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="of another program"):
        await Store.open(path)
    assert path.read_bytes() == before


async def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    study_id = await new_store(path)
    async with await Store.open(path) as store:
        for number in range(1, 40):
            await store.finish_trial(make_trial(study_id, number), make_samples(), HISTOGRAMS)
    raw = bytearray(path.read_bytes())
    raw[4096:] = random.Random(1).randbytes(len(raw) - 4096)
    path.write_bytes(raw)
    with pytest.raises(StoreError, match="is damaged") as caught:
        async with await Store.open(path) as store:
            await store.trials(study_id)
    assert ".recover" in caught.value.hint


async def test_a_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    await new_store(path)
    connection = sqlite3.connect(path)
    connection.execute("pragma user_version = 99")
    connection.close()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(NewerStoreError, match="version 99"):
            await Store.open(path, read_only=read_only)
    assert path.read_bytes() == before


async def test_an_older_database_is_copied_before_it_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    study_id = await new_store(path)
    steps = (*migrations("sqlite"), Migration(2, "create table later (id text);\ninsert into later values ('x');\n"))
    database = await Database.open(path, steps=steps)
    assert await database.all("select id from later") == [("x",)]
    assert (await database.one("select id from study")) == (study_id,)
    await database.close()
    backup = tmp_path / "results.db.version-1.backup"
    assert backup.stat().st_mode & 0o777 == 0o600
    async with await Store.open(backup) as store:
        assert (await store.studies())[0].id == study_id
    with pytest.raises(NewerStoreError):
        await Store.open(path)


async def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    await new_store(path)
    steps = (*migrations("sqlite"), Migration(2, "create table later (id text);\ncreate table later (id text);\n"))
    with pytest.raises(StoreError, match="already exists"):
        await Database.open(path, steps=steps)
    async with await Store.open(path) as store:
        assert await store._database.one("select name from sqlite_schema where name = 'later'") is None


async def test_a_reader_sees_but_never_writes(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    study_id = await new_store(path)
    async with await Store.open(path, read_only=True) as store:
        assert (await store.studies())[0].id == study_id
        with pytest.raises(StoreError, match="reading only"):
            await store.create_study(make_study("another"))
    with pytest.raises(StoreError, match="no results database"):
        await Store.open(tmp_path / "missing.db", read_only=True)
    assert not (tmp_path / "missing.db").exists()


OPEN = """
import asyncio, os, sys
from pathlib import Path
from ingestune_tui.errors import StoreError
from ingestune_tui.storage.store import Store

async def main(path, mode):
    await asyncio.to_thread(int)  # loads what root alone may be able to read
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        async with await Store.open(Path(path), read_only=mode == "r") as store:
            print(len(await store.studies()))
    except StoreError as problem:
        print(problem.what)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("locked", ["file", "directory"])
async def test_a_read_only_place_is_read_and_not_written(tmp_path: Path, locked: str) -> None:
    place = tmp_path / "shared"
    place.mkdir()
    path = place / "results.db"
    await new_store(path)
    path.chmod(0o444)
    place.chmod(0o555)
    if locked == "file":
        place.chmod(0o777)
    reachable = [parent for parent in place.parents if parent.stat().st_uid == os.geteuid() and parent != Path("/")]
    modes = {parent: parent.stat().st_mode for parent in reachable}
    try:
        for parent in reachable:
            parent.chmod(modes[parent] | 0o011)
        assert "cannot be written to" in said_by(OPEN, path, "w")
        assert said_by(OPEN, path, "r") == "1\n"
    finally:
        for parent, mode in modes.items():
            parent.chmod(mode)
        place.chmod(0o755)


async def test_a_database_kept_busy_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.db"
    await new_store(path)
    monkeypatch.setattr("ingestune_tui.storage.database.BUSY_S", 0.2)
    other = sqlite3.connect(path, isolation_level=None)
    async with await Store.open(path) as store:
        other.execute("begin immediate")
        with pytest.raises(StoreError, match="busy by another process"):
            await store.create_study(make_study("later"))
        assert len(await store.studies()) == 1
        other.execute("rollback")
        await store.create_study(make_study("later"))
    other.close()


async def test_two_processes_cannot_own_one_study(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    study_id = await new_store(path)
    script = (
        "import asyncio, sys; from pathlib import Path\n"
        "from ingestune_tui.storage.store import Store\n"
        "from ingestune_tui.storage.owner import this_process\n"
        "async def main():\n"
        "    async with await Store.open(Path(sys.argv[1])) as store:\n"
        "        await store.claim_study(sys.argv[2], this_process())\n"
        "        print('mine', flush=True)\n"
        "        sys.stdin.read()\n"
        "asyncio.run(main())"
    )
    with start(script, path, study_id) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "mine\n"
        async with await Store.open(path) as store:
            with pytest.raises(StudyError, match=f"process {child.pid}"):
                await store.claim_study(study_id, this_process())
            child.kill()
            child.communicate()
            assert (await store.claim_study(study_id, this_process())).owner == this_process()


async def test_nothing_is_done_after_closing(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "results.db")
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="was closed"):
        await store.studies()
    with pytest.raises(StoreError, match="was closed"):
        await store.create_study(make_study())


async def test_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    await new_store(path)
    assert path.stat().st_mode & 0o777 == 0o600
