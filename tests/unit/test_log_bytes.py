"""What a message takes in Kafka's log, and which share of a topic the fullest node holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestune_tui.model.workload import Workload
from ingestune_tui.tuning.log_bytes import due_header_bytes, key_bytes, logged_bytes, node_share


@pytest.mark.parametrize(
    ("partitions", "replication", "nodes", "share"),
    [
        (6, 1, 1, 1.0),
        (6, 3, 3, 1.0),
        (6, 1, 3, 2 / 6),
        (4, 1, 3, 2 / 4),
        (1, 1, 3, 1.0),
        (2, 1, 3, 1 / 2),
        (1, 3, 3, 1.0),
        (2, 2, 3, 2 / 2),
        (4, 2, 3, 3 / 4),
        (6, 1, 0, 1.0),
    ],
)
def test_the_fullest_node_holds_whole_partitions(partitions: int, replication: int, nodes: int, share: float) -> None:
    assert node_share(partitions, replication, nodes) == pytest.approx(share)


@given(st.integers(1, 40), st.integers(1, 9), st.data())
def test_no_node_gets_more_copies_than_are_counted_when_they_are_laid_in_turn(
    partitions: int, nodes: int, data: st.DataObject
) -> None:
    replication = data.draw(st.integers(1, nodes))
    held = [0] * nodes
    for partition in range(partitions):
        for copy in range(replication):
            held[(partition + copy) % nodes] += 1
    assert max(held) / partitions == pytest.approx(node_share(partitions, replication, nodes))
    assert node_share(partitions, replication, nodes) <= 1.0


@pytest.mark.parametrize(
    ("size", "keys", "record"),
    [
        # length, attributes, time, offset, key length, key, value length, value, headers
        (10, "none", 1 + 1 + 2 + 3 + 1 + 0 + 1 + 10 + 1),
        (10, "zipf:1000", 1 + 1 + 2 + 3 + 1 + 8 + 1 + 10 + 1),
        (100, "none", 2 + 1 + 2 + 3 + 1 + 0 + 2 + 100 + 1),
        (63, "none", 2 + 1 + 2 + 3 + 1 + 0 + 1 + 63 + 1),
        (1000, "none", 2 + 1 + 2 + 3 + 1 + 0 + 2 + 1000 + 1),
    ],
)
def test_a_message_takes_its_record_and_its_part_of_the_batch_header(size: int, keys: str, record: int) -> None:
    logged = logged_bytes(Workload(message_bytes=size, keys=keys))
    assert logged == pytest.approx(record + 61 * record / 16_384)


def test_a_message_larger_than_a_batch_has_one_to_itself() -> None:
    assert logged_bytes(Workload(message_bytes=100_000)) == 3 + 7 + 1 + 3 + 100_000 + 61


def test_a_key_is_as_wide_as_its_last_number() -> None:
    assert [key_bytes(keys) for keys in ("none", "uniform:1", "zipf:1000", "uniform:10000000000")] == [0, 8, 8, 10]


def test_only_timed_messages_that_somebody_reads_carry_their_due_time() -> None:
    assert due_header_bytes(Workload(), 1e6, 5.0) == 0
    assert due_header_bytes(Workload(consumers=1), 1e6, 5.0) == 13 * 20_000 * 5
    assert due_header_bytes(Workload(consumers=1), 100, 5.0) == 13 * 100 * 5
