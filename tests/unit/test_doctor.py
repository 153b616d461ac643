"""`ingestune doctor`: one check that fails hides no other, and looking makes nothing."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from dataclasses import replace

import confluent_kafka
import pytest

from ingestune_tui.kafka import doctor as kafka
from ingestune_tui.kafka.doctor import Check
from ingestune_tui.kafka.topics import BrokerSetting
from ingestune_tui.storage.store import Store
from tests.unit.command_line import CommandLine, ingestune

__all__ = ["ingestune"]


@pytest.fixture(autouse=True)
def _local(monkeypatch: pytest.MonkeyPatch) -> None:
    async def found() -> tuple[Check, ...]:
        return (Check("local", "ok", "Java"),)

    monkeypatch.setattr(kafka, "check_local", found)


def states(out: str) -> dict[str, str]:
    """Check to its state."""
    lines = [line for line in out.splitlines() if line[:1] in "✓⚠✗"]
    return {line.split()[2]: line.split()[1] for line in lines}


@pytest.mark.parametrize(
    ("allowed", "state", "words"),
    [
        ({"DESCRIBE", "ALTER_CONFIGS"}, "ok", "2 settings can be read, 1 of them changed while it runs"),
        ({"DESCRIBE"}, "warn", "this user lacks the right to ALTER_CONFIGS on the cluster"),
        (set(), "ok", "not checked: this user's right to ALTER_CONFIGS"),
    ],
    ids=["granted", "missing", "not told"],
)
async def test_the_right_to_change_brokers_is_told_as_far_as_the_cluster_tells_it(
    allowed: set[str], state: str, words: str
) -> None:
    class Telling:
        async def describe_broker_configs(self, _: int) -> dict[str, BrokerSetting]:
            setting = BrokerSetting("8", "DEFAULT_CONFIG", False, True)
            return {"num.io.threads": setting, "broker.id": replace(setting, read_only=True)}

        async def allowed_operations(self) -> frozenset[str]:
            return frozenset(allowed)

    check = await kafka._check_settings(Telling(), 1, simulated=False)  # type: ignore[arg-type]
    assert check.state == state
    assert words in check.detail


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "(--command-config) cannot be read: No such file"),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"ssl.keystore.location=/x.jks\nssl.keystore.password=hunter2\n", "keystore"),
    ],
    ids=["missing", "binary", "Java keystore"],
)
def test_a_command_config_that_cannot_be_used_is_a_failed_check_among_the_others(
    ingestune: CommandLine, content: bytes | None, words: str
) -> None:
    path = ingestune.home / "client.properties"
    if content is not None:
        path.write_bytes(content)
    said = ingestune("doctor", "-b", "127.0.0.1:1", "--command-config", path)
    assert (said.code, said.err) == (1, "")
    assert states(said.out)["cluster"] == "fail"
    assert states(said.out).keys() >= {"terminal", "local", "cluster", "database", "postgresql"}
    assert words in said.out
    assert "hunter2" not in said.out


def test_an_address_that_is_none_is_a_failed_check_too(ingestune: CommandLine) -> None:
    said = ingestune("doctor", "--cluster", "lokal")
    assert said.code == 1
    assert (states(said.out)["cluster"], states(said.out)["database"]) == ("fail", "ok")


def test_the_client_is_told_with_both_its_versions(ingestune: CommandLine) -> None:
    said = ingestune("doctor")
    assert (said.code, states(said.out)["client"]) == (0, "ok")
    package, bundled = confluent_kafka.__version__, confluent_kafka.libversion()[0]
    assert f"confluent-kafka {package} with librdkafka {bundled}\n" in said.out


def test_a_postgresql_that_does_not_answer_is_a_failed_check_without_its_password(
    ingestune: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listening
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("INGESTUNE_POSTGRES", f"postgresql://colleague:se%2Fcret@{address}/results")
        said = ingestune("doctor")
    assert (said.code, said.err) == (1, "")
    assert (states(said.out)["postgresql"], states(said.out)["database"]) == ("fail", "ok")
    assert "PostgreSQL at 127.0.0.1/results cannot be reached: " in said.out
    assert "Check its host and port, and that it runs." in said.out
    assert "se/cret" not in said.out
    assert "se%2Fcret" not in said.out


async def refuse(*_: object, **__: object) -> Store:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def test_looking_for_the_database_makes_none(ingestune: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ingestune("doctor")
    assert said.code == 0
    assert f"{ingestune.database}, not there yet" in said.out
    assert not ingestune.database.exists()

    async def make() -> None:
        async with await Store.open(ingestune.database):
            pass

    asyncio.run(make())
    assert f"{ingestune.database}, 0 studies" in ingestune("doctor").out
    with monkeypatch.context() as readonly:
        readonly.setattr("os.access", lambda *_, **__: False)
        readonly.setattr(Store, "open_configured", refuse)
        ingestune.database.unlink()
        said = ingestune("doctor")
    assert (said.code, states(said.out)["database"]) == (1, "fail")
    assert "Read-only file system" in said.out
    nowhere = ingestune("doctor", "--database", "/nowhere/results.db")
    assert (nowhere.code, states(nowhere.out)["database"]) == (1, "fail")
