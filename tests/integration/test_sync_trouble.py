"""Servers that refuse, lie silent, are full or newer: each one clear message, nothing lost, no password shown."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from ingestune_tui.errors import ConfigError, IngestuneError, SharedCopyError, SharedCopyRefused
from ingestune_tui.model.events import SyncState
from ingestune_tui.secrets import Secret
from ingestune_tui.settings import SharedCopy, load
from ingestune_tui.storage.migrations import Migration, migrations
from ingestune_tui.storage.postgres import COMMAND_S, CONNECT_S, close, connect, probe, target
from ingestune_tui.storage.shared_schema import prepare
from ingestune_tui.storage.store import Store
from ingestune_tui.storage.sync import Sync, sync_once
from tests.integration.postgres_fixture import Server
from tests.integration.test_sync import ask, copy_at, equal, fill, until
from tests.unit.store_values import HISTOGRAMS, make_samples, make_trial

pytestmark = pytest.mark.postgres
PASSWORD = "se%20cret%2F1"


async def failure(path: Path, shared: SharedCopy) -> IngestuneError:
    """What a sync that cannot work says; everything waits on."""
    with pytest.raises(SharedCopyError) as caught:
        await sync_once(path, shared)
    return caught.value


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that accepts and never answers; its DSN."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    held.append(listener.accept()[0])
            except OSError:
                pass

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"postgresql://user:hunter2@127.0.0.1:{listener.getsockname()[1]}/db"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in held:
                each.close()


async def test_the_right_password_opens_and_a_wrong_one_is_never_shown(
    tmp_path: Path, postgres: str, postgres_server: Server
) -> None:
    path = tmp_path / "results.db"
    await fill(path, "quick", 1)
    database = postgres.rpartition("/")[2]
    postgres_server.sql(f"grant create on database {database} to colleague")
    wrong = await failure(path, copy_at(postgres_server.dsn(database, "colleague", "hunter2%2F")))
    assert isinstance(wrong, SharedCopyRefused)
    assert "colleague" in wrong.what
    assert "hunter2" not in repr((wrong, wrong.args, str(wrong), wrong.__cause__))
    right = copy_at(postgres_server.dsn(database, "colleague", PASSWORD))
    assert (await sync_once(path, right)).refused == ()
    assert await equal(path, right)
    stored = path.read_bytes() + b"".join(each.read_bytes() for each in tmp_path.glob("results.db-*"))
    assert b"cret" not in stored


async def test_a_database_that_is_not_there_is_named(tmp_path: Path, postgres_server: Server) -> None:
    path = tmp_path / "results.db"
    await fill(path, "quick", 1)
    problem = await failure(path, copy_at(postgres_server.dsn("nowhere")))
    assert isinstance(problem, SharedCopyRefused)
    assert 'database "nowhere" does not exist' in problem.what


async def test_without_the_right_to_create_a_schema_the_grants_are_named(
    tmp_path: Path, postgres: str, postgres_server: Server
) -> None:
    path = tmp_path / "results.db"
    await fill(path, "quick", 1)
    guest = copy_at(postgres.replace("postgres@", "guest@"))
    problem = await failure(path, guest)
    assert isinstance(problem, SharedCopyRefused)
    assert "create schema ingestune" in problem.hint
    await sync_once(path, copy_at(postgres))
    postgres_server.sql(
        "grant usage on schema ingestune to guest; grant select, insert, update, delete on all tables in schema"
        " ingestune to guest",
        postgres.rpartition("/")[2],
    )
    await fill(path, "again", 2)
    await sync_once(path, guest)
    assert await equal(path, guest)


def documented_grants() -> list[str]:
    """The statements of docs/postgres.md that give rights, in their order: for a colleague, and for dashboards."""
    text = (Path(__file__).parents[2] / "docs" / "postgres.md").read_text()
    found = re.findall(r"(?m)^    ((?:grant|alter default) .+;)$", text)
    assert len(found) == 6
    return [statement.replace("grafana", "guest") for statement in found]


async def test_the_documented_grants_let_a_colleague_write_and_a_dashboard_read_now_and_later(
    tmp_path: Path, postgres: str, postgres_server: Server
) -> None:
    path, owner = tmp_path / "results.db", copy_at(postgres)
    database = postgres.rpartition("/")[2]
    await fill(path, "quick", 1)
    await sync_once(path, owner)
    postgres_server.sql("".join(documented_grants()), database)
    colleague = copy_at(postgres_server.dsn(database, "colleague", PASSWORD))
    await fill(path, "again", 2)
    assert (await sync_once(path, colleague)).refused == ()
    assert await equal(path, colleague)
    newer = Migration(migrations("postgres")[-1].version + 1, "create table ingestune.later (id integer);")
    theirs = await connect(colleague)
    try:
        with pytest.raises(SharedCopyRefused, match="only its owner may bring it to") as caught:
            await prepare(theirs, (*migrations("postgres"), newer))
        assert "Whoever made the schema" in caught.value.hint
        mine = await connect(owner)
        await prepare(mine, (*migrations("postgres"), newer))
        await close(mine)
        await theirs.execute("insert into ingestune.later values (1)")
    finally:
        await close(theirs)
    dashboard = postgres.replace("postgres@", "guest@")
    assert (await ask(dashboard, "select id from ingestune.later"))[0][0] == 1
    assert len(await ask(dashboard, "select * from ingestune.leaderboard")) == 3
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(dashboard, "delete from ingestune.trial")


@pytest.mark.parametrize("mode", ["disable", "prefer", "require", "verify-ca"])
def test_an_unverified_connection_to_another_host_is_refused(mode: str) -> None:
    with pytest.raises(SharedCopyRefused, match=f"sslmode={mode}") as caught:
        target(copy_at(f"postgresql://user:hunter2@db.example.org/results?sslmode={mode}"))
    assert "hunter2" not in str(caught.value)
    assert "allow_plaintext" in caught.value.hint


def test_another_host_is_verified_in_full_unless_plaintext_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    monkeypatch.setenv("PGSSLMODE", "disable")
    far = "postgresql://user@db.example.org/results"
    with pytest.raises(SharedCopyRefused):
        target(copy_at(far))
    monkeypatch.delenv("PGSSLMODE")
    protection = target(copy_at(far)).ssl
    assert protection == "verify-full" or (
        isinstance(protection, ssl.SSLContext)
        and protection.check_hostname
        and protection.verify_mode == ssl.CERT_REQUIRED
    )
    assert target(copy_at(f"{far}?sslrootcert={__file__}")).ssl == "verify-full"
    with pytest.raises(SharedCopyRefused, match="is no file"):
        target(copy_at(far + "?sslrootcert=/nowhere/ca.pem"))
    assert target(SharedCopy(Secret(far), True, "config.toml")).ssl == "prefer"
    for near in ("127.0.0.1", "[::1]:5433", "localhost", ""):
        assert target(copy_at(f"postgresql://user@{near}/results")).ssl == "prefer"
    with pytest.raises(SharedCopyRefused):
        target(copy_at("postgresql:///results?host=127.0.0.1,db.example.org&sslmode=disable"))


@pytest.mark.parametrize("dsn", ["mysql://a:hunter2@b/c", "hunter2", "postgresql://u:hunter2/x@h:1/db", "postgresql://u:hunter2@h:xx/d"])  # fmt: skip  # noqa: E501
def test_an_address_that_is_none_is_not_repeated(dsn: str) -> None:
    with pytest.raises(SharedCopyRefused, match="INGESTUNE_POSTGRES") as caught:
        target(copy_at(dsn))
    assert "hunter2" not in str(caught.value)


def test_a_password_in_the_config_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('postgres = "postgresql://me:hunter2@db/results"\n')
    with pytest.raises(ConfigError, match="holds a password") as caught:
        load(environment={"INGESTUNE_HOME": str(tmp_path)})
    assert "hunter2" not in str(caught.value)
    (tmp_path / "config.toml").write_text('postgres = "postgresql://me@db/results"\n')
    assert load(environment={"INGESTUNE_HOME": str(tmp_path)}).shared_copy is not None


async def test_tls_is_checked_against_the_authority_given(tmp_path: Path, postgres: str) -> None:
    certificate, key = await asyncio.to_thread(authority, tmp_path, "mine")
    other, _ = await asyncio.to_thread(authority, tmp_path, "other")
    server = urlsplit(postgres)
    assert server.port is not None
    async with tls_before(server.port, certificate, key) as port:
        address = f"postgresql://postgres@127.0.0.1:{port}{server.path}?sslmode=verify-full&sslrootcert="
        assert await probe(copy_at(f"{address}{certificate}"))
        with pytest.raises(SharedCopyRefused, match="certificate"):
            await probe(copy_at(f"{address}{other}"))
        with pytest.raises(SharedCopyRefused, match="certificate"):
            await probe(copy_at(f"{address}{certificate}".replace("@127.0.0.1", "@localhost")))


async def test_a_server_without_tls_is_not_talked_to_where_tls_is_asked_for(tmp_path: Path, postgres: str) -> None:
    certificate, _ = await asyncio.to_thread(authority, tmp_path, "mine")
    with pytest.raises(SharedCopyRefused, match="offers no TLS"):
        await probe(copy_at(f"{postgres}?sslmode=verify-full&sslrootcert={certificate}"))


def authority(directory: Path, name: str) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that vouches for itself, and its key."""
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@asynccontextmanager
async def tls_before(port: int, certificate: Path, key: Path) -> AsyncIterator[int]:
    """The wheel's PostgreSQL is built without TLS: this answers in its place, and passes on what it decrypts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError, ssl.SSLError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)  # the request for TLS
        writer.write(b"S")
        try:
            await writer.start_tls(context)
        except (OSError, ssl.SSLError):
            writer.close()
            return
        back, forth = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, forth), pump(back, writer))

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


async def test_a_newer_schema_is_left_alone_unless_it_says_older_clients_may_write(
    tmp_path: Path, postgres: str
) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    await fill(path, "quick", 1)
    connection = await asyncpg.connect(postgres)
    newest = migrations("postgres")[-1].version
    friendly = Migration(newest + 1, "-- writable_from: 1\nalter table ingestune.study add column note text;")
    await prepare(connection, (*migrations("postgres"), friendly))
    await sync_once(path, shared)
    assert await equal(path, shared)
    strict = Migration(newest + 2, "alter table ingestune.study add column other text;")
    await prepare(connection, (*migrations("postgres"), friendly, strict))
    await connection.close()
    await fill(path, "again", 1)
    problem = await failure(path, shared)
    assert isinstance(problem, SharedCopyRefused)
    assert f"schema {newest + 2}" in problem.what
    assert "Upgrade ingestune" in problem.hint
    assert len(await ask(postgres, "select id from ingestune.study")) == 1


async def test_a_migration_keeps_what_is_there(tmp_path: Path, postgres: str) -> None:
    path, shared = tmp_path / "results.db", copy_at(postgres)
    await fill(path, "quick", 2)
    connection = await asyncpg.connect(postgres)
    await prepare(connection, migrations("postgres")[:1])
    await connection.close()
    await sync_once(path, shared)
    assert await equal(path, shared)
    assert len(await ask(postgres, "select * from ingestune.leaderboard")) == 2


async def test_a_full_server_disk_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trigger raises the server's own error for a full disk: filling a disk for real would fill this machine's."""
    monkeypatch.setattr("ingestune_tui.storage.sync.LONGEST_RETRY_S", 0.3)
    path = tmp_path / "results.db"
    await fill(path, "quick", 3)
    with Server() as server:
        shared = copy_at(server.dsn())
        connection = await connect(shared)
        await prepare(connection)
        await close(connection)
        server.sql(
            "create function full_disk() returns trigger language plpgsql as $$ begin raise exception"
            " 'could not extend file: No space left on device' using errcode = '53100'; end $$;"
            "create trigger full_disk before insert on ingestune.series for each row execute function full_disk()"
        )
        problem = await failure(path, shared)
        assert "is full" in problem.what
        assert not isinstance(problem, SharedCopyRefused)
        states: list[SyncState] = []
        async with await Store.open(path) as store, Sync(store, shared, states.append):
            await until(lambda: bool(states) and states[-1].state == "waiting")
            assert "is full" in states[-1].reason
            server.sql("drop trigger full_disk on ingestune.series")
            await until(lambda: states[-1].state == "up to date")
        assert await equal(path, shared)


async def test_a_server_that_never_answers_does_not_hold_up_quitting(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    await fill(path, "quick", 2)
    states: list[SyncState] = []
    with silent_server() as dsn:
        async with await Store.open(path) as store:
            sync = Sync(store, copy_at(dsn), states.append)
            sync.start()
            await until(lambda: bool(states))
            started = time.monotonic()
            await sync.stop()
            took_s = time.monotonic() - started
    assert took_s < CONNECT_S, "waiting for its answer would take as long as a connection may"
    assert states[0].state == "sending"
    assert "hunter2" not in str(states)


async def test_a_server_that_falls_silent_in_the_middle_does_not_hold_up_quitting(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    study_id = await fill(path, "quick", 2)
    with Server() as server:
        async with await Store.open(path) as store:
            sync = Sync(store, copy_at(server.dsn()), lambda _: None)
            sync.start()
            await until(lambda: sync.state.state == "up to date")
            server.signal_all(signal.SIGSTOP)
            try:
                await store.finish_trial(make_trial(study_id, 3), make_samples(), HISTOGRAMS)
                sync.nudge()
                await until(lambda: sync.state.state == "sending")
                started = time.monotonic()
                await sync.stop()
                assert time.monotonic() - started < COMMAND_S, "the command in hand would take as long as one may"
            finally:
                server.signal_all(signal.SIGCONT)
        await sync_once(path, copy_at(server.dsn()))
        assert await equal(path, copy_at(server.dsn()))


async def test_a_silent_server_is_given_up_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestune_tui.storage.postgres.CONNECT_S", 0.5)
    path = tmp_path / "results.db"
    await fill(path, "quick", 1)
    with silent_server() as dsn:
        problem = await failure(path, copy_at(dsn))
    assert "does not answer" in problem.what


async def test_nobody_listening_is_said(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    await fill(path, "quick", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        problem = await failure(path, copy_at(f"postgresql://u:hunter2@127.0.0.1:{taken.getsockname()[1]}/db"))
    assert "cannot be reached" in problem.what
    assert "nothing is lost" in problem.hint
    assert "hunter2" not in str(problem)


async def test_a_connection_names_itself_and_prepares_nothing(postgres: str) -> None:
    connection = await connect(copy_at(postgres + "?connect_timeout=5&channel_binding=prefer"))
    try:
        for _ in range(3):
            assert await connection.fetchval("select $1::int", 1) == 1
        assert await connection.fetchval("select count(*) from pg_prepared_statements where name <> ''") == 0
        assert await connection.fetchval("show application_name") == "ingestune"
    finally:
        await close(connection)
