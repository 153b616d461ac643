"""Any text is a grid or a list of problems, each with its key path and a hint; nothing else ever comes out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import GridError, Problem
from ingestune_tui.model import grid_fields
from ingestune_tui.model.configuration import Setting
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.grid_reader import MAX_PROBLEMS, SCOPE_TABLES, parse_parameter_name, read_grid
from ingestune_tui.model.space import expand
from ingestune_tui.settings import ready_grids

SMALL = '[producer]\n"linger.ms" = [0, 5]\n'


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(GridError) as caught:
        read_grid(text)
    assert caught.value.exit_code == 2
    return caught.value.problems


def only_problem(text: str) -> str:
    (found,) = problems(text)
    assert len(found.what) < 300
    return str(found)


def assert_answered(text: str) -> None:
    """A grid, or problems that fit a screen; any other exception fails the test."""
    found: tuple[Problem, ...] = ()
    try:
        read_grid(text)
    except GridError as error:
        found = error.problems or (Problem("", "x" * 9999),)
    assert all(len(str(problem)) < 2000 for problem in found)


def test_a_percentile_that_no_paced_stage_could_show_is_refused_with_the_time_it_takes() -> None:
    text = '[objective]\nminimize = "p999"\nrate = 1000\n[trial]\npaced = "5s"\n[producer]\n"linger.ms" = [0, 5]\n'
    with pytest.raises(GridError) as refused:
        read_grid(text)
    (problem,) = refused.value.problems
    assert problem.path == "trial.paced"
    assert "needs 10,000 messages" in problem.what
    assert "5,000" in problem.what
    assert problem.hint.startswith('at least "10s"')
    assert read_grid(text.replace('"5s"', '"10s"'))


def test_an_empty_file_is_a_grid_of_defaults() -> None:
    assert read_grid("") == Grid()


def test_every_field_arrives() -> None:
    grid = read_grid(
        """
        title = "All of it"
        [workload]
        message_bytes = [10, "1kB"]
        payload = "random"
        keys = "zipf:1000"
        partitions = 3
        replication = 2
        producers = 2
        consumers = 1
        [objective]
        maximize = "throughput"
        p99_ms = 20
        rate = 5000
        [trial]
        warmup = "1s"
        saturated = "2s"
        paced = "1500ms"
        [limits]
        bytes_per_trial = "1GB"
        bytes_on_disk = "2GB"
        bytes_per_s = "10MB"
        [search]
        strategy = "exhaustive"
        tolerance = 0.1
        budget = "10m"
        confirm_pairs = 4
        off = ["producer.batch.size"]
        [baseline.producer]
        "linger.ms" = 0
        [producer]
        linger.ms = [0, "5ms"]
        "batch.size" = ["16KiB", "1MiB"]
        acks = "all"
        [topic]
        partitions = [1, 6]
        """.replace("partitions = 3", "")
    )
    first, second = grid.workloads
    assert (first.message_bytes, second.message_bytes) == (10, 1000)
    assert (first.payload, first.keys, first.replication, first.producers, first.consumers) == (
        "random",
        "zipf:1000",
        2,
        2,
        1,
    )
    assert (grid.objective.figure, grid.objective.p99_limit_ms, grid.objective.rate_per_s) == ("throughput", 20, 5000)
    assert (grid.timings.warmup_s, grid.timings.saturated_s, grid.timings.paced_s) == (1, 2, 1.5)
    assert (grid.limits.bytes_per_trial, grid.limits.bytes_per_s) == (10**9, 10**7)
    assert (grid.search.strategy, grid.search.budget_s, grid.search.confirm_pairs) == ("exhaustive", 600, 4)
    assert grid.baseline.settings == (Setting(Scope.PRODUCER, "linger.ms", 0),)
    assert [(each.name, each.levels, each.off) for each in grid.parameters] == [
        ("linger.ms", (0, 5), False),
        ("batch.size", (16384, 1024**2), True),
        ("acks", ("all",), False),
        ("partitions", (1, 6), False),
    ]
    assert grid.size == 4


def test_java_names_are_understood_and_become_canonical() -> None:
    grid = read_grid('[workload]\nclient = "java"\n[producer]\n"buffer.memory" = ["32MiB", "64MiB"]\n')
    assert grid.parameters[0].name == "buffer.memory"
    assert parse_parameter_name("producer.queue.buffering.max.ms") == (Scope.PRODUCER, "linger.ms")
    assert parse_parameter_name("nowhere.linger.ms") is None


def test_a_consumer_is_librdkafkas_whoever_sends() -> None:
    java = '[workload]\nclient = "java"\nconsumers = 1\n'
    grid = read_grid(java + "[consumer]\n'queued.min.messages' = [1, 100]\n'fetch.max.wait.ms' = 20\n")
    assert [each.name for each in grid.parameters] == ["queued.min.messages", "fetch.wait.max.ms"]
    space = expand(grid, grid.workloads[0])
    assert (len(space.cells), space.invalid) == (2, ())
    for section in ("consumer", "baseline.consumer"):
        (found,) = problems(java + f"[{section}]\n'max.poll.records' = 500\n")
        assert found.path == f'{section}."max.poll.records"'
        assert "read with librdkafka" in found.what


def test_every_problem_is_reported_at_once_with_its_path() -> None:
    found = problems(
        """
        [workload]
        message_bytes = -5
        payloda = "json"
        [trial]
        saturated = 8
        [producer]
        "linger.ms" = [0, "soon", 5]
        "lingr.ms" = 5
        """
    )
    assert [each.path for each in found] == [
        "workload.message_bytes",
        "workload.payloda",
        "trial.saturated",
        'producer."linger.ms"[1]',
        'producer."lingr.ms"',
    ]
    assert found[1].hint == "did you mean payload?"
    assert found[4].hint == "did you mean linger.ms?"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[producer\n", "line 1, column 10: not TOML"),
        ("[producer]\nacks = all\n", 'text stands in quotes, like "lz4"'),
        ("a = 1\na = 2\n", "not TOML"),
        ("producer = 5", "write it as [producer]"),
        ("workload = []", "write it as [workload]"),
        ("baseline = 'x'", "[baseline]"),
        ("[broker]\nstatic = 5", "write it as [broker.static]"),
        ("title = 5", "a title is a text"),
        ("[workload]\npartitions = true", "whole number from 1"),
        ("[workload]\npartitions = 1.0", "whole number from 1"),
        ("[workload]\nmessage_bytes = []", "one to 20"),
        ("[workload]\nmessage_bytes = [100, '100B']", "stands twice"),
        ("[workload]\npayload = 'file:'", "file:PATH"),
        ("[workload]\nkeys = 'uniform:0'", "with N keys"),
        ("[search]\ntolerance = nan", "a number from 0.001 to 0.5"),
        ("[search]\ntolerance = inf", "a number from 0.001 to 0.5"),
        pytest.param("[search]\ntolerance = 1" + "0" * 400, "a number from 0.001 to 0.5", id="beyond a float"),
        pytest.param("[objective]\nrate = 1" + "0" * 400, "messages/s", id="a rate beyond a float"),
        ("[objective]\nrate = nan", "messages/s"),
        ("[objective]\nrate = '99%'", "between 0.1% and 95%"),
        ("[producer]\n'linger.ms' = nan", "a number, from 0"),
        ("[producer]\n'linger.ms' = -inf", "out of range"),
        ("[producer]\n'linger.ms' = 1979-05-27", "a number, from 0"),
        ("[producer]\n'linger.ms' = []", "it has no values"),
        ("[producer]\n'linger.ms' = [5, 5.0]", "stands twice"),
        ("[producer]\n'linger.ms' = 5\n'queue.buffering.max.ms' = 5", "the same property as linger.ms"),
        ("[producer]\nacks = 'some'", "one of 0, 1, all"),
        ("[producer]\n'fetch.min.bytes' = 5", "it belongs to [consumer]"),
        ("[producer]\n'buffer.memory' = 33554432", 'it belongs to client = "java"'),
        ("[consumer]\n'fetch.min.bytes' = 5", "set [workload] consumers = 1"),
        ("[objective]\nmaximize = 'throughput'\nminimize = 'p99'", "keep one of maximize and minimize"),
        ("[objective]\nminimize = 'p99'\np99_ms = 5", "leave p99_ms out"),
        ("[objective]\nminimize = 'p99'\n[trial]\npaced = 0", "leaves the paced stage out"),
        ("[objective]\nrate = '30%'\n[trial]\npaced = 0", "in the paced stage, which [trial] paced = 0 leaves out"),
        (
            "[workload]\nmessage_bytes = [10, 1000]\n[objective]\nrate = 10000\n[limits]\nbytes_per_s = '1MB'",
            "10,000 messages/s of 1000 bytes are more than [limits] bytes_per_s, 1MB/s",
        ),
        ("[objective]\nmaximize = 'consumer_throughput'", "needs a consumer"),
        ("[workload]\npartitions = 3\n[topic]\npartitions = [1, 2]", "keep one of them"),
        ("[search]\noff = ['producer.lingr.ms']\n" + SMALL, "did you mean producer.linger.ms?"),
        ("[search]\nbudget = '1s'", "from 10 s"),
        ("[baseline]\nproducer = 5", "a .properties file's path"),
        ("[baseline.producer]\n'linger.ms' = [1, 2]", "one value for each property"),
        ("[broker]\n'num.io.threads' = 4\n[broker.static]\n'num.io.threads' = 8", "keep one"),
    ],
)
def test_each_mistake_is_told_in_one_sentence(text: str, words: str) -> None:
    assert words in only_problem(text)


@pytest.mark.parametrize(
    "name",
    ["plugin.library.paths", "sasl.kerberos.kinit.cmd", "ssl.key.password", "bootstrap.servers", "sasl.jaas.config"],
)
@pytest.mark.parametrize("section", ["producer", "consumer", "baseline.producer"])
def test_what_runs_code_or_opens_doors_is_no_parameter(name: str, section: str) -> None:
    found = problems(f'[workload]\nconsumers = 1\n[{section}]\n"{name}" = "hunter2"\n')
    assert "that can be tuned" in found[0].what
    assert "hunter2" not in str(found)


def test_a_grid_of_10_to_the_20_cells_is_counted_and_refused_at_once() -> None:
    values = list(range(1, 101))
    names = ("linger.ms", "batch.size", "retries", "request.timeout.ms", "retry.backoff.ms")
    sections = "[producer]\n" + "".join(f'"{name}" = {values}\n' for name in names)
    sections += "[topic]\n" + "".join(
        f'"{name}" = {[10_000 + each for each in values]}\n'
        for name in ("flush.messages", "flush.ms", "segment.ms", "max.message.bytes", "segment.jitter.ms")
    )
    begun = time.process_time()
    with pytest.raises(GridError, match="cells; at most 5,000") as caught:
        read_grid(sections)
    assert time.process_time() - begun < 5
    assert f"{100**10:,}" in str(caught.value)
    assert "switch parameters off" in str(caught.value)


def test_parameters_that_are_off_do_not_count() -> None:
    values = list(range(5001))
    assert "5001 values" in only_problem(f'[producer]\n"linger.ms" = {values}')
    text = f'[producer]\n"linger.ms" = {values[:4000]}\nacks = ["1", "all"]\n'
    assert "4000x2 = 8,000 cells" in only_problem(text)
    assert read_grid('[search]\noff = ["producer.acks"]\n' + text).size == 4000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a = " + "[" * 3000 + "]" * 3000, id="brackets"),
        pytest.param("a = " + "{b=" * 3000 + "1" + "}" * 3000, id="braces"),
        pytest.param("producer." + ".".join(["a"] * 3000) + " = 1", id="dots"),
        pytest.param("producer." + ".".join(["a"] * 40) + " = 1", id="fewer dots"),
    ],
)
def test_deep_nesting_is_refused(text: str) -> None:
    assert "nested too deeply" in only_problem(text)


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    assert "thousands of digits" in only_problem("a = " + "1" * 5000)


def test_more_than_a_megabyte_is_refused_unread() -> None:
    assert "larger than 1 MB" in only_problem("#" * 2_000_000)


def test_a_file_full_of_mistakes_is_answered_at_once() -> None:
    begun = time.process_time()
    found = problems("[producer]\n" + "\n".join(f'"linger.m{number}" = 1' for number in range(40_000)))
    assert time.process_time() - begun < 5  # a hint for each would take minutes
    assert len(found) == MAX_PROBLEMS + 1
    assert "only the first 200" in found[-1].what


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_any_text_is_a_grid_or_its_problems(text: str) -> None:
    assert_answered(text)


NAMES = (
    st.sampled_from(["message_bytes", "rate", "warmup", "off", "static", "linger.ms", "acks", "batch.size", "producer"])
    | st.sampled_from(sorted({key for section in grid_fields.SECTIONS.values() for key in section}))
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
)
SCALARS = (
    st.integers(-(2**70), 2**70)
    | st.floats()
    | st.booleans()
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
    | st.sampled_from(["30%", "5ms", "128KiB", "json", "p99", "all", "lz4", "10m", "java", "producer.linger.ms"])
    | st.dates()
)
VALUES: st.SearchStrategy[Any] = SCALARS | st.deferred(
    lambda: st.lists(VALUES, max_size=3) | st.dictionaries(NAMES, VALUES, max_size=3)
)
DOCUMENTS = st.dictionaries(
    st.sampled_from([*grid_fields.SECTIONS, *SCOPE_TABLES, "baseline", "title"]) | NAMES,
    st.dictionaries(NAMES, VALUES, max_size=4) | VALUES,
    max_size=5,
)


@given(DOCUMENTS)
@settings(max_examples=80, deadline=None)
def test_any_toml_is_a_grid_or_its_problems(document: dict[str, Any]) -> None:
    catalogue.find(Scope.PRODUCER, "linger.ms")  # the catalogue is TOML too, and read at its first use
    with patch("tomli.loads", return_value=document):
        assert_answered("what TOML makes of it")


@pytest.mark.parametrize("path", sorted(ready_grids().glob("*.toml")), ids=lambda path: path.stem)
def test_every_ready_grid_is_a_grid(path: Path) -> None:
    assert read_grid(path.read_text(encoding="utf-8")).size >= 1


def test_settings_that_are_switched_off_need_no_consumer_and_clash_with_nothing() -> None:
    text = '[workload]\npartitions = 2\n[consumer]\n"fetch.min.bytes" = [1, 100]\n[topic]\npartitions = [1, 6]\n'
    grid = read_grid('[search]\noff = ["consumer.fetch.min.bytes", "topic.partitions"]\n' + text + SMALL)
    assert [each.name for each in grid.active] == ["linger.ms"]
