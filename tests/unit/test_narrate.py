"""What `ingestune run` says without a screen."""

from __future__ import annotations

import json
from io import StringIO

import pytest

from ingestune_tui.cli.narrate import JsonLines, Narration
from ingestune_tui.model.events import WorkloadFinished
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
