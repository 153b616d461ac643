"""The rows of the editor: what each shows, and that every problem of the grid is on exactly one of them."""

from __future__ import annotations

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.tui.grid_document import GridDocument
from ingestune_tui.tui.grid_help import help_for
from ingestune_tui.tui.grid_rows import Row, rows
from ingestune_tui.tui.screens.pick_property import first_value, offered

TEXT = """\
title = "T"
[workload]
message_bytes = [100, 1000]
[producer]
linger.ms = [0, 5, 20]
"queue.buffering.max.messages" = 10
acks = "all"
[broker.static]
"num.network.threads" = [3, 6]
[search]
off = ["producer.linger.ms"]
[baseline.producer]
"linger.ms" = 0
"""


def by_key(document: GridDocument, *opened: str) -> dict[str, Row]:
    return {row.key: row for row in rows(document, frozenset(opened))}


def test_a_parameter_shows_values_default_and_how_it_counts() -> None:
    found = by_key(GridDocument(TEXT))
    linger = found["producer.linger.ms"]
    assert (linger.chips, linger.default, linger.note, linger.off) == (("0", "5", "20"), "5", "off", True)
    assert linger.keys == ("producer", "linger", "ms")
    assert found["producer.acks"].note == "pinned"
    assert found["broker.static.num.network.threads"].note == "x2"


def test_the_default_is_the_one_of_the_client_that_sends() -> None:
    java = TEXT.replace("[workload]", '[workload]\nclient = "java"').replace(
        '"queue.buffering.max.messages" = 10\n', ""
    )
    assert by_key(GridDocument(java))["producer.linger.ms"].default == "5"
    grid = GridDocument('[workload]\nclient = "java"\n[producer]\n"batch.size" = "16KiB"\n')
    assert by_key(grid)["producer.batch.size"].default == "16KiB"


def test_scopes_without_parameters_offer_to_add_one() -> None:
    found = by_key(GridDocument(TEXT))
    assert not found["scope:topic"].opened
    assert found["scope:producer"].opened


def test_sections_are_one_line_until_they_are_opened() -> None:
    document = GridDocument(TEXT)
    assert "field:workload.partitions" not in by_key(document)
    found = by_key(document, "workload", "baseline")
    assert found["field:workload.message_bytes"].typed == "100 1000"
    assert found["field:workload.partitions"].chips == ()
    assert found["field:workload.partitions"].default == "6"
    assert found["baseline:producer.linger.ms"].chips == ("0",)
    assert "100 B, 1 kB" in found["section:workload"].chips[0]


def test_every_problem_is_on_exactly_one_row_and_opens_its_section() -> None:
    text = TEXT.replace("= 10\n", '= 10\n"lingr.ms" = 5\n"batch.size" = ["16KiB", "oops"]\n') + "[workload2]\nx = 1\n"
    text = text.replace("[workload]", "[workload]\npartitions = 0")
    document = GridDocument(text)
    found = rows(document)
    said = " ".join(row.problem for row in found)
    assert len(document.problems) == 4
    for problem in document.problems:
        assert said.count(problem.what) == 1
    assert next(row for row in found if row.key == "producer.lingr.ms").problem
    assert next(row for row in found if row.key == "field:workload.partitions").problem
    assert next(row for row in found if row.kind == "problem").problem.startswith("workload2")


def test_a_file_that_is_not_toml_shows_the_place() -> None:
    found = rows(GridDocument("[producer]\nacks = all\n"))
    assert "line 2" in found[0].problem


def test_consumers_are_offered_as_librdkafkas_whoever_sends() -> None:
    java = '[workload]\nclient = "java"\nconsumers = 1\n[consumer]\n"isolation.level" = "read_uncommitted"\n'
    (row,) = (row for row in rows(GridDocument(java), frozenset()) if row.name == "isolation.level")
    assert row.default == "read_committed"
    names = [name for scope, name in offered(Scope.CONSUMER, frozenset(), "java") if scope is Scope.CONSUMER]
    assert "queued.min.messages" in names
    assert "max.poll.records" not in names
    assert first_value(Scope.CONSUMER, "check.crcs", "java") is False


def test_the_help_says_how_brokers_take_a_change_and_of_clients_nothing_such() -> None:
    found = by_key(GridDocument(TEXT + '[broker]\n"num.io.threads" = [4, 8]\n'))
    said = {row.name: help_for(row, None, "librdkafka").plain for row in found.values() if row.kind == "parameter"}
    assert "Change: without a restart, cluster-wide: one value for all brokers" in said["num.io.threads"]
    assert "Change: with a restart of each broker; in [broker] without one." in said["num.network.threads"]
    assert "Change" not in said["linger.ms"]
