"""What holds for every test, wherever the run was started."""

from __future__ import annotations

import signal

import pytest


@pytest.fixture(scope="session", autouse=True)
def signals_are_heard() -> None:
    """A run under nohup or in the background ignores SIGHUP or SIGINT, and so would every process that it starts."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
