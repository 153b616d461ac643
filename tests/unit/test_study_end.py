"""Whatever ends a study process, its stream ends with `study_finished`, and that agrees with the database."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.errors import ClusterUnreachable, IngestuneError, TrialError
from ingestune_tui.model.events import StudyFinished, StudyStarted
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.study import Study
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning import engine, study_process
from ingestune_tui.tuning.engine import EngineOptions
from tests.unit.command_line import CommandLine, ingestune
from tests.unit.store_values import CLUSTER

__all__ = ["ingestune"]


class Process:
    """A study on a cluster that always answers, whose engine does what a test says."""

    def __init__(self, call: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.call = call
        self.failure: BaseException | None = None
        self.signal: int | None = None
        self.ends_as = "finished"
        self.afterwards: Exception | None = None
        self.options: EngineOptions | None = None
        monkeypatch.setattr(study_process, "open_cluster", self.open)
        monkeypatch.setattr(study_process, "sweep_topics", nothing)
        monkeypatch.setattr(study_process, "prepare_brokers", nothing)
        monkeypatch.setattr(engine, "Engine", self.engine)

    @contextlib.asynccontextmanager
    async def open(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        yield SimpleNamespace(info=msgspec.structs.replace(CLUSTER, kind="simulated", label="simulated"))
        if self.afterwards is not None:
            raise self.afterwards

    def engine(self, study: Study, *rest: Any) -> Any:
        self.options, emit = rest[3], rest[4]

        async def run() -> Study:
            emit(
                StudyStarted(
                    study=study.name, study_id=study.id, grid="g", cluster=study.cluster, simulated=True,
                    strategy="race", objective="throughput", workloads=(), cells=3,
                )
            )  # fmt: skip
            if self.failure is not None:
                raise self.failure
            if self.signal is not None:
                signal.raise_signal(self.signal)
                await stopped.wait()
            emit(StudyFinished(study=study.name, state=self.ends_as))  # type: ignore[arg-type]
            return msgspec.structs.replace(study, state=self.ends_as)

        stopped = asyncio.Event()
        return SimpleNamespace(run=run, stop=stopped.set)

    def run(self, *more: str) -> tuple[int, list[dict[str, Any]], str]:
        said = self.call("run", self.call.grid(), "--cluster", "simulated", "--json", *more)
        return said.code, [json.loads(line) for line in said.out.splitlines()], said.err

    def stored(self) -> str:
        return self._stored()[0].state

    def studies(self) -> int:
        return len(self._stored())

    def _stored(self) -> list[Study]:
        async def read() -> list[Study]:
            async with await Store.open(self.call.database, read_only=True) as store:
                return await store.studies()

        return asyncio.run(read())


async def nothing(*_: Any) -> None:
    """Instead of what asks the cluster."""


@pytest.fixture
def process(ingestune: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Process:
    return Process(ingestune, monkeypatch)


def last(events: list[dict[str, Any]]) -> tuple[str, str, str]:
    assert [each["event"] for each in events].count("study_finished") == 1
    return events[-1]["event"], events[-1]["study"], events[-1]["state"]


@pytest.mark.parametrize(
    ("failure", "words"),
    [(ClusterUnreachable("kafka:1 is gone"), "kafka:1 is gone"), (KeyError("secret"), "a mistake of its own")],
)
def test_an_error_in_the_middle_ends_the_stream_with_the_studys_name_and_state(
    process: Process, failure: Exception, words: str
) -> None:
    process.failure = failure
    code, events, err = process.run()
    assert code == 1
    assert [each["event"] for each in events] == ["study_started", "study_finished"]
    assert last(events) == ("study_finished", "grid", process.stored())
    assert process.stored() == "interrupted"
    assert words in events[-1]["message"]
    assert "secret" not in events[-1]["message"]
    assert err.count(words) == 1


def test_the_engine_is_told_what_the_cluster_runs_with_and_so_is_the_person(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def values(_: object, grid: Grid, probe: str) -> dict[Scope, dict[str, Value]]:
        assert probe.startswith("ingestune-")
        return {Scope.TOPIC: {"min.insync.replicas": 2}}

    monkeypatch.setattr(study_process, "cluster_values", values)
    code, events, _ = process.run()
    assert code == 0
    assert process.options is not None
    assert process.options.in_force == {Scope.TOPIC: {"min.insync.replicas": 2}}
    assert [each["text"] for each in events if each["event"] == "notice"] == [
        "this cluster runs with min.insync.replicas 2: so does the baseline"
    ]


def test_a_study_that_was_begun_fresh_takes_nothing_from_the_cache_when_it_goes_on(process: Process) -> None:
    process.failure = ClusterUnreachable("kafka:1 is gone")
    process.run("--fresh")
    process.failure = None
    process.run()
    assert process.options is not None
    assert process.options.cache_s == 0
    assert process.studies() == 1
    process.run()
    assert process.options.cache_s > 0
    assert process.studies() == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(("ends_as", "state"), [("stopped", "interrupted"), ("finished", "finished")])
def test_a_signal_ends_the_stream_in_the_state_that_is_stored(
    process: Process, number: int, code: int, ends_as: str, state: str
) -> None:
    process.signal, process.ends_as = number, ends_as
    seen, events, _ = process.run()
    assert seen == code
    assert last(events) == ("study_finished", "grid", state)
    assert process.stored() == state


def test_a_signal_before_the_cluster_answers_ends_the_stream_too(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wait_for_ever(*_: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        await asyncio.Event().wait()

    monkeypatch.setattr(study_process, "sweep_topics", wait_for_ever)
    code, events, _ = process.run()
    assert code == 143
    assert last(events) == ("study_finished", "grid", "interrupted")
    assert process.stored() == "interrupted"


def test_brokers_are_put_back_before_a_topic_that_cannot_be_deleted_ends_the_start(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back: list[Study] = []

    async def prepare(_: Any, study: Study, *rest: Any) -> None:
        put_back.append(study)

    async def refuse(*_: Any) -> None:
        raise TrialError("Deleting topic ingestune-1 failed")

    monkeypatch.setattr(study_process, "prepare_brokers", prepare)
    monkeypatch.setattr(study_process, "sweep_topics", refuse)
    code, _, _ = process.run()
    assert code == 1
    assert [study.name for study in put_back] == ["grid"]


def test_a_study_that_is_refused_ends_its_stream_without_a_name(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> Study:
        raise IngestuneError("not now")

    monkeypatch.setattr(study_process, "choose_study", refuse)
    code, events, _ = process.run()
    assert code == 1
    assert last(events) == ("study_finished", "", "failed")


def test_what_goes_wrong_after_the_end_takes_no_result_back(process: Process) -> None:
    process.afterwards = ClusterUnreachable("it did not end as it should")
    code, events, err = process.run()
    assert code == 1
    assert "did not end as it should" in err
    assert last(events) == ("study_finished", "grid", "finished")
    assert process.stored() == "finished"


def test_an_error_is_said_once_where_a_person_reads(process: Process) -> None:
    process.failure = ClusterUnreachable("kafka:1 is gone")
    said = process.call("run", process.call.grid(), "--cluster", "simulated")
    assert said.err.count("kafka:1 is gone") == 1
    process.failure = None
    assert "study finished" in process.call("run", process.call.grid(), "--cluster", "simulated").err
