"""The PostgreSQL that the tests of the sync run on stands a busy machine."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading

import psutil
import pytest

from tests.integration.postgres_fixture import Server

pytestmark = pytest.mark.postgres


def test_a_server_waits_for_its_port_to_be_free_again() -> None:
    with Server() as server:
        server.stop()
        with socket.create_server(("127.0.0.1", server.port)) as taken:
            starting = threading.Thread(target=server.start)
            starting.start()
            while "could not bind" not in server.log():
                assert starting.is_alive()
                starting.join(0.05)
            taken.close()
            starting.join(30)
        assert server.sql("select 1") == "1"


def test_another_trouble_than_a_taken_port_is_told_at_once() -> None:
    with Server() as server:
        server.stop()
        server.options["max_connections"] = "many"
        with pytest.raises(RuntimeError, match="max_connections"):
            server.start()


def test_a_session_that_has_just_ended_does_not_keep_the_others_from_a_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(sleep) as ended, subprocess.Popen(sleep) as parent, subprocess.Popen(sleep) as child:
        children = [psutil.Process(ended.pid), psutil.Process(child.pid)]
        ended.kill()
        ended.wait()
        monkeypatch.setattr(psutil.Process, "children", lambda self, recursive: children)
        server = Server()
        server._process = parent
        server.signal_all(signal.SIGKILL)
        assert (parent.wait(), child.wait()) == (-signal.SIGKILL, -signal.SIGKILL)
        server.directory.cleanup()
