"""What `ingestune run` says without a screen."""

from __future__ import annotations

import json
from io import StringIO

import pytest

from ingestune_tui.cli.narrate import JsonLines, Narration
from ingestune_tui.model.events import SyncState, WorkloadFinished
from ingestune_tui.report.summary import claim
from tests.tui.fake_study import FakeStudy


@pytest.fixture
def verdict() -> WorkloadFinished:
    return next(event for event in FakeStudy(sizes=(100, 1000), pairs=4).all() if isinstance(event, WorkloadFinished))


def test_the_verdict_of_a_message_size_is_said_when_it_stands(
    verdict: WorkloadFinished, capsys: pytest.CaptureFixture[str]
) -> None:
    with Narration() as front:
        front.tell(verdict)
    said = capsys.readouterr()
    assert said.err == f"100 B: {claim(verdict.outcome)}\n"
    assert said.out == ""


def test_the_verdict_of_a_message_size_is_a_line_for_scripts_at_once(verdict: WorkloadFinished) -> None:
    stream = StringIO()
    with JsonLines(stream) as front:
        front.tell(verdict)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["outcome"]["workload"]["message_bytes"]) == ("workload_finished", 100)
    assert line["outcome"]["verdict"] == verdict.outcome.verdict


def test_a_trouble_of_the_shared_copy_is_said_once_and_its_end_too(capsys: pytest.CaptureFixture[str]) -> None:
    away = SyncState(state="waiting", waiting=12, retry_in_s=1.0, reason="PostgreSQL at db cannot be reached")
    again = SyncState(state="waiting", waiting=14, retry_in_s=40.0, reason=away.reason)
    refused = SyncState(state="needs attention", waiting=1, reason="not accepted: trial 7")
    sending, done = SyncState(state="sending", waiting=14), SyncState(state="up to date")
    with Narration() as front:
        for state in (sending, done, away, sending, again, refused, refused, sending, done, done):
            front.tell(state)
    assert capsys.readouterr().err.splitlines() == [
        "warning: the copy in PostgreSQL: PostgreSQL at db cannot be reached; 12 rows wait here, and the study goes on",
        "warning: the copy in PostgreSQL: not accepted: trial 7; 1 row waits here, and the study goes on",
        "the copy in PostgreSQL is up to date again",
    ]
