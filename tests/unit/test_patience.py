"""How long a load child is waited for: longer where the cluster is slow, not for ever where the child hangs."""

from __future__ import annotations

import asyncio
import sys

import pytest

from ingestune_tui.bench.protocol import Ready, Sample, StageDone, encode_line
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import TrialError
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.tuning import load_child, patience
from ingestune_tui.tuning.load_child import LoadChild

DEFAULTS = Configuration.of({})
READY = Ready(pid=1, client="scripted")


def given(timeout_ms: int) -> Configuration:
    return Configuration.of({Scope.PRODUCER: {"message.timeout.ms": timeout_ms}})


def test_a_backlog_may_take_as_long_as_the_client_tries_to_deliver_it() -> None:
    assert patience.drain_s(DEFAULTS, "librdkafka") == 300
    assert patience.drain_s(DEFAULTS, "java") == 120
    assert patience.drain_s(given(20_000), "java") == 20
    assert patience.paced_s(5.0, given(20_000), "librdkafka") == 20 + 5 + patience.SLACK_S


def test_a_client_that_tries_for_ever_is_not_waited_for_for_ever() -> None:
    assert patience.drain_s(given(0), "librdkafka") == patience.LONGEST_DRAIN_S
    assert patience.drain_s(given(2**31 - 1), "librdkafka") == patience.LONGEST_DRAIN_S


def silent() -> LoadChild:
    """A child that is not started and so says nothing."""
    return LoadChild(["true"], lambda _: None, lambda: None)


async def test_the_wait_ends_with_what_was_waited_for() -> None:
    with pytest.raises(TrialError, match="waited 0 s in vain for the paced stage"):
        await silent().expect(StageDone, 0.0, "the paced stage")


async def test_a_child_that_says_nothing_is_given_up_before_the_stage_would_be_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load_child, "SILENCE_S", 0.0)
    with pytest.raises(TrialError, match=r"said nothing for 0 s\. Waited for: the paced stage"):
        await silent().expect(StageDone, 1e6, "the paced stage")


async def test_a_child_that_was_just_heard_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_child, "SILENCE_S", 0.0)
    child = silent()
    child._heard_s = asyncio.get_running_loop().time() + 1e6
    asyncio.get_running_loop().call_later(0.01, child._events.put_nowait, READY)
    assert await child.expect(Ready, 1e6, "it") == READY


async def test_every_line_of_a_child_counts_as_heard() -> None:
    sample = encode_line(Sample(stage="drain", t_s=0.0, interval_s=0.5, messages=1, bytes=1)).decode()
    script = f"import sys; print({sample!r}, flush=True); sys.stdin.read()"
    heard: list[float] = []
    told = asyncio.Event()

    def listen(_: Sample) -> None:
        heard.append(child._heard_s)
        told.set()

    child = LoadChild([sys.executable, "-c", script], listen, lambda: None)
    async with child:
        await told.wait()
    assert heard[0] > 0
