"""`ingestune doctor`: one check that fails hides no other, and looking makes nothing."""

from __future__ import annotations

import asyncio
import errno
import os

import pytest

from ingestune_tui.kafka import doctor as kafka
from ingestune_tui.kafka.doctor import Check
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
