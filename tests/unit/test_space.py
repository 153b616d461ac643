"""The cells of a grid: what is run, what is merged or invalid, where the baseline stands; configurations and keys."""

from __future__ import annotations

import uuid

import pytest

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.model.configuration import Configuration, Setting, canonical_hash, settings_of
from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.ids import new_id
from ingestune_tui.model.space import Space, effective, expand, topic_settings, topic_shape, why_invalid
from ingestune_tui.model.workload import Workload

P, T = Scope.PRODUCER, Scope.TOPIC


def space(text: str) -> Space:
    grid = read_grid(text)
    return expand(grid, grid.workloads[0])


def producer(**settings: Value) -> Configuration:
    return Configuration.of({P: {name.replace("_", "."): value for name, value in settings.items()}})


# Cells ------------------------------------------------------------------------------------------------------


def test_every_combination_is_a_cell_with_the_levels_it_was_made_of() -> None:
    found = space('[producer]\n"linger.ms" = [0, 5, 20]\nacks = ["1", "all"]\n"batch.size" = 1000\n')
    assert [cell.levels for cell in found.cells] == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    assert all(cell.configuration.get(P, "batch.size") == 1000 for cell in found.cells)
    assert found.counts == "3x2 = 6 cells"


def test_a_grid_without_parameters_is_one_cell_the_baseline() -> None:
    found = space("")
    assert (len(found.cells), found.baseline_cell, found.counts) == (1, 0, "1 = 1 cell")


def test_what_changes_nothing_is_merged_with_the_reason() -> None:
    found = space('[producer]\n"compression.type" = ["none", "zstd"]\n"compression.level" = [1, 3, 9]\n')
    assert found.counts == "2x3 = 6 cells: 4 run, 2 merged, 0 invalid"
    for written, cell, reason in found.merged:
        assert written.get(P, "compression.level") in (3, 9)
        assert found.cells[cell].configuration == found.cells[0].configuration
        assert "compression" in reason
    assert len({cell.configuration for cell in found.cells}) == 4


def test_what_cannot_be_run_is_invalid_with_the_reason() -> None:
    found = space('[producer]\n"enable.idempotence" = [true, false]\nacks = ["1", "all"]\n')
    assert len(found.cells) == 3
    ((configuration, reason),) = found.invalid
    assert configuration.get(P, "acks") == "1"
    assert reason == "enable.idempotence needs acks=all, not 1"


def test_more_in_sync_replicas_than_replicas_are_invalid() -> None:
    found = space('[workload]\nreplication = 2\n[topic]\n"min.insync.replicas" = [1, 2, 3]\n')
    assert len(found.cells) == 2
    assert "more than the topic's replication factor of 2" in found.invalid[0][1]
    wide = why_invalid({T: {"min.insync.replicas": 3, "replication": 3}}, Workload(replication=2))
    assert wide is None


def test_a_message_that_fits_nowhere_leaves_no_cell_and_an_invalid_baseline() -> None:
    found = space('[workload]\nmessage_bytes = 5000\n[producer]\n"message.max.bytes" = 2000\n')
    assert found.cells == ()
    assert found.baseline_cell == -1
    assert "does not fit" in found.baseline_invalid


# The baseline -----------------------------------------------------------------------------------------------


def test_defaults_are_found_among_the_cells_by_their_value() -> None:
    found = space('[producer]\n"linger.ms" = [0, 5, 20]\n')  # librdkafka's default is 5
    assert found.baseline == Configuration()
    assert found.cells[found.baseline_cell].configuration.get(P, "linger.ms") == 5
    java = space('[workload]\nclient = "java"\n[producer]\n"batch.size" = ["16KiB", "64KiB"]\n')
    assert java.cells[java.baseline_cell].configuration.get(P, "batch.size") == 16384


def test_a_baseline_outside_of_the_grid_has_no_cell() -> None:
    assert space('[producer]\n"linger.ms" = [50, 100]\n').baseline_cell == -1


def test_a_pinned_value_holds_for_the_baseline_too() -> None:
    found = space('[baseline.producer]\n"linger.ms" = 1\n[producer]\nacks = "1"\n"linger.ms" = [1, 2]\n')
    assert found.baseline == producer(acks="1", linger_ms=1)
    assert found.cells[found.baseline_cell].configuration == found.baseline


def test_a_baseline_is_recognised_however_much_of_it_changes_nothing() -> None:
    text = '[producer]\n"compression.type" = ["none", "zstd"]\n"linger.ms" = [1, 5]\n'
    found = space('[baseline.producer]\n"linger.ms" = 1\n"compression.level" = 9\n' + text)
    assert found.baseline.get(P, "compression.level") == 9  # as it was given
    assert found.baseline_cell == 0


def test_a_baseline_that_cannot_run_is_said_so() -> None:
    found = space('[baseline.producer]\n"enable.idempotence" = true\nacks = "1"\n[producer]\n"linger.ms" = [1, 5]\n')
    assert "enable.idempotence needs acks=all" in found.baseline_invalid


# Durability, topics -----------------------------------------------------------------------------------------


def test_the_durability_class_follows_acks_replicas_and_idempotence() -> None:
    found = space(
        '[workload]\nreplication = 3\n[producer]\nacks = ["0", "1", "all"]\n[topic]\n"min.insync.replicas" = [1, 2]\n'
    )
    assert sorted({str(found.durability(cell.configuration)) for cell in found.cells}) == [
        "acks=0",
        "acks=1",
        "acks=all",
        "acks=all, min.insync 2",
    ]
    idempotent = found.durability(producer(enable_idempotence=True))
    assert str(idempotent) == "acks=all, idempotent"


def test_a_topics_shape_is_no_property_of_it() -> None:
    shaped = Configuration.of({T: {"partitions": 12, "retention.ms": 1000}})
    assert topic_shape(shaped, Workload(partitions=6, replication=2)) == (12, 2)
    assert topic_settings(shaped) == {"retention.ms": 1000}
    assert effective({}, T, "replication", Workload(replication=2)) == 2
    assert effective({}, P, "linger.ms", Workload()) == 5
    assert effective({}, P, "no.such", Workload()) is None


# Configurations ---------------------------------------------------------------------------------------------


def test_a_configuration_is_ordered_so_that_its_hash_hangs_on_nothing_but_its_settings() -> None:
    one = Configuration.of({T: {"retention.ms": 5}, P: {"linger.ms": 5, "acks": "all"}})
    other = Configuration.of({P: {"acks": "all", "linger.ms": 5.0}, T: {"retention.ms": 5}})
    assert [item.name for item in one] == ["acks", "linger.ms", "retention.ms"]
    assert one.hash == other.hash
    assert one.hash != Configuration.of({P: {"linger.ms": 5, "acks": "1"}, T: {"retention.ms": 5}}).hash
    assert one.hash != Configuration.of({Scope.CONSUMER: {"linger.ms": 5, "acks": "all"}, T: {"retention.ms": 5}}).hash


def test_hashes_are_the_same_on_every_machine() -> None:
    """Fixed values: a change of them makes every stored result unfindable."""
    assert Configuration().hash == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert canonical_hash({"b": [1.0, True], "a": None}) == canonical_hash({"a": None, "b": (1, True)})
    assert canonical_hash(1) != canonical_hash(True) != canonical_hash("1")


def test_differences_name_both_values_and_none_is_the_default() -> None:
    here, there = producer(linger_ms=5, acks="all"), producer(linger_ms=20, batch_size=1000)
    assert sorted(here.differences(there)) == [
        (P, "acks", "all", None),
        (P, "batch.size", None, 1000),
        (P, "linger.ms", 5, 20),
    ]
    assert here.differences(here) == []


def test_a_configuration_goes_to_mappings_and_back() -> None:
    one = Configuration.of({Scope.BROKER_STATIC: {"num.io.threads": 8}, P: {"acks": "all"}})
    assert Configuration.of(one.by_scope()) == one
    assert Configuration.of(settings_of(one)) == one
    assert one.as_dict() == {"producer": {"acks": "all"}, "broker.static": {"num.io.threads": 8}}
    assert one.settings[1] == Setting(Scope.BROKER_STATIC, "num.io.threads", 8)
    assert one.get(P, "linger.ms") is None


# Keys -------------------------------------------------------------------------------------------------------


def test_ids_sort_by_the_time_they_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for milliseconds in (0, 1, 1_700_000_000_000, 1_700_000_000_001, 2**48 - 1):
        monkeypatch.setattr("time.time_ns", lambda at=milliseconds: at * 1_000_000 + 999_999)
        made.append(new_id())
    assert made == sorted(made)
    assert uuid.UUID(made[2]).int >> 80 == 1_700_000_000_000
    assert all((key.version, key.variant) == (7, uuid.RFC_4122) for key in map(uuid.UUID, made))


def test_ids_of_one_moment_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000_000_000_000)
    assert len({new_id() for _ in range(1000)}) == 1000
