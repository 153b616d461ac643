"""Things known are done to a broker and must be read back; tests/bench/latency_truth.py looks closer."""

from __future__ import annotations

import asyncio

import pytest

from ingestune_tui.bench.java_child import prepare
from ingestune_tui.bench.latency import decode
from ingestune_tui.bench.protocol import StageDone
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.kafka.simulated import SimulatedKafka
from tests.bench.latency_truth import percentile_ms, round_trip, stall_findings, stalled
from tests.bench.load_child import LoadChild, fresh_topic, producer_spec, until_quiet

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@pytest.mark.parametrize("client", ["librdkafka", "java"])
def test_a_broker_stopped_for_half_a_second_shows_in_p99_and_in_the_maximum(
    local_broker: LocalKafka, client: str
) -> None:
    command = asyncio.run(prepare()).command if client == "java" else None
    stages = until_quiet(
        lambda: stalled(local_broker.bootstrap, local_broker.pids, command),
        lambda stage: all(finding.holds for finding in stall_findings(stage)),
        tries=3,
    )
    for finding in stall_findings(stages[-1]):
        assert finding.holds, finding
    for stage in stages:
        assert percentile_ms(stage.latency, 99) >= 400, "whatever else ran, the stall is never hidden"
        assert percentile_ms(stage.latency, 100) >= 480
        assert stage.scheduled == 10_000


@pytest.mark.parametrize("linger_ms", [0, 20])
async def test_a_round_trip_of_50_ms_is_read_as_50_ms_plus_linger(linger_ms: int) -> None:
    async with SimulatedKafka(round_trip_ms=50) as simulated:
        stages = await asyncio.to_thread(
            until_quiet,
            lambda: round_trip(simulated.bootstrap, linger_ms),
            lambda stage: percentile_ms(stage.latency, 50) < 50 + linger_ms / 2 + 20,
            tries=4,
        )
    assert percentile_ms(stages[-1].latency, 50) < 50 + linger_ms / 2 + 20
    for stage in stages:
        assert decode(stage.latency).get_min_value() / 1000 > 49.9, "never less than the round trip"
        assert percentile_ms(stage.latency, 50) > 50 + linger_ms / 2 - 2
        assert decode(stage.latency).get_total_count() == 3000


def test_the_generator_is_not_late_at_20_000_messages_a_second(local_kafka: str) -> None:
    """Judged by the best of a few short stages: the cores are shared with the broker and whatever else runs."""

    def in_time(stage: StageDone) -> bool:
        return stage.sent >= 0.99 * stage.scheduled and percentile_ms(stage.due_to_sent, 99) < 5

    with fresh_topic(local_kafka) as topic, LoadChild(producer_spec(local_kafka, topic)) as child:
        child.ready()
        stages = until_quiet(lambda: child.pace(20_000, 1.0), in_time)
    assert in_time(stages[-1]), [(stage.sent, percentile_ms(stage.due_to_sent, 99)) for stage in stages]
    assert all(stage.scheduled == 20_000 for stage in stages)
