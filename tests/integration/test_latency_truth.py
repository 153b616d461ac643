"""Things known are done to a broker and must be read back; tests/bench/latency_truth.py looks closer."""

from __future__ import annotations

import asyncio

import pytest

from ingestune_tui.bench.java_child import prepare
from ingestune_tui.bench.latency import decode
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.kafka.simulated import SimulatedKafka
from tests.bench.latency_truth import percentile_ms, round_trip, stall_findings, stalled
from tests.bench.load_child import LoadChild, fresh_topic, producer_spec

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@pytest.mark.parametrize("client", ["librdkafka", "java"])
def test_a_broker_stopped_for_half_a_second_shows_in_p99_and_in_the_maximum(
    local_broker: LocalKafka, client: str
) -> None:
    command = asyncio.run(prepare()).command if client == "java" else None
    done = stalled(local_broker.bootstrap, local_broker.pids, command)
    for finding in stall_findings(done):
        assert finding.holds, finding
    assert done.scheduled == 10_000


@pytest.mark.parametrize("linger_ms", [0, 20])
async def test_a_round_trip_of_50_ms_is_read_as_50_ms_plus_linger(linger_ms: int) -> None:
    async with SimulatedKafka(round_trip_ms=50) as simulated:
        done = await asyncio.to_thread(round_trip, simulated.bootstrap, linger_ms)
    assert decode(done.latency).get_min_value() / 1000 > 49.9, "never less than the round trip"
    assert 50 + linger_ms / 2 - 2 < percentile_ms(done.latency, 50) < 50 + linger_ms / 2 + 20
    assert decode(done.latency).get_total_count() == 3000


def test_the_generator_is_not_late_at_20_000_messages_a_second(local_kafka: str) -> None:
    """Judged by the best of three short stages: the cores are shared with the broker and whatever else runs."""
    with fresh_topic(local_kafka) as topic, LoadChild(producer_spec(local_kafka, topic)) as child:
        child.ready()
        stages = [child.pace(20_000, 1.0) for _ in range(3)]
    assert all(stage.sent >= 0.99 * stage.scheduled for stage in stages)
    assert min(percentile_ms(stage.due_to_sent, 99) for stage in stages) < 5
