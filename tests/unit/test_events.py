"""What `run --json` prints is a contract, and what goes over the socket comes back as it was."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model import events
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import (
    Notice,
    Progress,
    SearchStopped,
    StudyFinished,
    StudyStarted,
    TrialFinished,
    TrialSampled,
    TrialStarted,
    WorkloadFinished,
    decode_command,
    decode_event,
    encode,
    public_json,
)
from ingestune_tui.model.study import Effect, Outcome, Ratio
from ingestune_tui.model.workload import Workload
from tests.unit.store_values import CLUSTER, make_samples, make_trial

BASELINE = Configuration.of({Scope.PRODUCER: {"acks": "all"}})


def linger(milliseconds: int) -> Configuration:
    """A configuration that sets one thing."""
    return Configuration.of({Scope.PRODUCER: {"linger.ms": milliseconds}})


def public(event: events.Event) -> dict[str, Any]:
    """The line as a script reads it."""
    line = public_json(event)
    assert b"\n" not in line
    said: dict[str, Any] = json.loads(line)
    return said


def outcome(**changes: Any) -> Outcome:
    values: dict[str, Any] = {
        "workload": Workload(message_bytes=100),
        "objective": "throughput",
        "verdict": "faster",
        "ratio": Ratio(ratio=2.1, low=1.9, high=2.3),
        "latency": Ratio(ratio=0.5, low=0.4, high=0.6),
        "winner": linger(20),
        "baseline": BASELINE,
        "trials": 61,
        "effects": (Effect(parameter="producer linger.ms", share=0.8, best="20"),),
    }
    return Outcome(**{**values, **changes})


def test_a_finished_trial_is_printed_as_the_contract_says() -> None:
    trial = make_trial("study-id", 7, configuration=linger(5), flags=("unsteady",))
    said = public(TrialFinished.of(trial, "quick"))
    assert said["v"] == 1
    assert said["event"] == "trial_finished"
    assert said["time"].endswith("Z")
    assert said["trial"] == 7
    assert said["study"] == "quick"
    assert said["workload"]["message_bytes"] == 1000
    assert (said["role"], said["baseline"], said["state"], said["cached"]) == ("search", False, "done", False)
    assert said["configuration"] == {"producer": {"linger.ms": 5}}
    assert (said["messages_per_s"], said["mb_per_s"], said["rate"]) == (412_345.5, 412.3, 120_000.0)
    assert said["latency_ms"]["p50"] == 1.5
    assert said["latency_ms"]["p99"] == 7.125
    assert said["flags"] == ["unsteady"]
    assert said["error"] == ""


def test_what_was_not_measured_is_null() -> None:
    trial = make_trial(
        "study-id",
        state="infeasible",
        messages_per_s=None,
        mb_per_s=None,
        latency=None,
        rate=None,
        error="no zstd here",
    )
    said = public(TrialFinished.of(trial, "quick"))
    assert [said[name] for name in ("messages_per_s", "mb_per_s", "latency_ms", "rate")] == [None] * 4
    assert (said["state"], said["error"]) == ("infeasible", "no zstd here")


def test_a_cached_trial_says_so() -> None:
    assert public(TrialFinished.of(make_trial("s", cached_from="another"), "quick"))["cached"] is True


def test_a_finished_study_prints_its_outcomes_flat() -> None:
    said = public(StudyFinished(study="quick", state="finished", outcomes=(outcome(),)))
    assert (said["event"], said["v"], said["study"], said["state"]) == ("study_finished", 1, "quick", "finished")
    (found,) = said["outcomes"]
    assert found["workload"]["message_bytes"] == 100
    assert (found["objective"], found["verdict"], found["trials"]) == ("throughput", "faster", 61)
    assert (found["ratio"], found["low"], found["high"]) == (2.1, 1.9, 2.3)
    assert found["latency"] == {"ratio": 0.5, "low": 0.4, "high": 0.6}
    assert found["winner"] == {"producer": {"linger.ms": 20}}
    assert found["baseline"] == {"producer": {"acks": "all"}}
    assert found["effects"][0] == {"parameter": "producer linger.ms", "share": 0.8, "best": "20", "interaction": ""}


def test_an_outcome_without_a_claim_has_nulls() -> None:
    empty = outcome(verdict="unconfirmed", ratio=None, latency=None, winner=None)
    (found,) = public(StudyFinished(study="quick", state="stopped", outcomes=(empty,)))["outcomes"]
    assert [found[name] for name in ("ratio", "low", "high", "latency", "winner")] == [None] * 5


def test_the_verdict_of_one_message_size_is_printed_like_those_of_the_whole_study() -> None:
    said = public(WorkloadFinished(study="quick", outcome=outcome()))
    assert (said["event"], said["v"], said["study"]) == ("workload_finished", 1, "quick")
    assert [said["outcome"]] == public(StudyFinished(study="quick", state="finished", outcomes=(outcome(),)))[
        "outcomes"
    ]


def test_the_events_of_the_contract_are_printed_and_the_apps_own_are_not() -> None:
    printed = {kind.__struct_config__.tag for kind in events.PUBLIC}
    assert {"study_started", "trial_started", "trial_finished", "search_stopped", "study_finished"} <= printed
    assert not printed & {"progress", "trial_sampled", "trial_staged"}
    for kind in events.PUBLIC:
        assert {"v", "time"} <= set(kind.__struct_fields__)


def test_other_events_carry_what_a_script_needs() -> None:
    started = public(
        StudyStarted(
            study="quick",
            study_id="id",
            grid="quick.toml",
            cluster=CLUSTER,
            simulated=False,
            strategy="race",
            objective="throughput",
            workloads=(Workload(),),
            cells=4,
        )
    )
    assert (started["cells"], started["simulated"], started["cluster"]["version"]) == (4, False, "4.3.0")
    stopped = public(SearchStopped(study="quick", workload=Workload(), reason="sure", leader=linger(5), trials=36))
    assert stopped["leader"] == {"producer": {"linger.ms": 5}}


@pytest.mark.parametrize(
    "event",
    [
        TrialFinished.of(make_trial("s"), "quick"),
        StudyFinished(study="quick", state="finished", outcomes=(outcome(),)),
        WorkloadFinished(study="quick", outcome=outcome()),
        TrialSampled(trial=1, sample=make_samples(40)[30]),
        TrialStarted(
            trial=1, trial_id="t", study="s", workload=Workload(), role="confirm", baseline=True, configuration=BASELINE
        ),
        Progress(phase="racing", message_bytes=100, done=3, expected=36, leader=linger(5), next=(BASELINE, linger(1))),
        Notice(level="warning", text="line\nbreak"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_event_survives_the_socket(event: events.Event) -> None:
    line = encode(event)
    assert b"\n" not in line
    assert decode_event(line) == event


def test_commands_are_told_apart_and_nothing_else_is_one() -> None:
    for command in (
        events.Pause(),
        events.Resume(),
        events.Skip(trial=7),
        events.StopAndConfirm(message_bytes=1000),
        events.RunAgain(trial=7),
        events.StopStudy(),
    ):
        assert decode_command(encode(command)) == command
    for line in (b"", b"{}", b'{"do": "explode"}', b"[]", b"\xff"):
        with pytest.raises(msgspec.DecodeError):
            decode_command(line)


def test_the_moment_is_iso_8601_in_utc() -> None:
    from datetime import UTC, datetime

    assert events.now().endswith("Z")
    assert abs((datetime.fromisoformat(events.now()) - datetime.now(UTC)).total_seconds()) < 5
