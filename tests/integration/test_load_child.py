"""The producing child against a real broker: stages, books, caps, failures, and how it ends."""

from __future__ import annotations

import pytest

from ingestune_tui.bench.latency import decode
from ingestune_tui.bench.protocol import CapReached, Failed, Saturate, StageDone, Stop, Warm
from ingestune_tui.model.sample import Sample
from tests.bench.latency_truth import LINGER_MS, lingering, not_much_more_than_linger, percentile_ms
from tests.bench.load_child import LoadChild, fresh_topic, messages_in, producer_spec

pytestmark = pytest.mark.kafka


def test_a_whole_trial_accounts_for_every_message_in_the_topic(local_kafka: str) -> None:
    with fresh_topic(local_kafka) as topic, LoadChild(producer_spec(local_kafka, topic)) as child:
        assert child.ready().client.startswith("librdkafka 2.")
        saturated = child.saturate(1.0, warm_s=0.6)
        paced = child.pace(2_000, 1.0)
        finished = child.finish()
        assert child.process.wait(10) == 0
        grown = messages_in(local_kafka, topic)
    assert finished.sent == finished.acknowledged == grown
    assert finished.failed == {}
    assert finished.unacknowledged == 0
    assert saturated.messages > 1_000
    assert saturated.bytes == saturated.messages * 100
    assert saturated.window_s >= 1.0
    assert paced.scheduled == 2_000
    assert decode(paced.latency).get_total_count() == 2_000
    for stage in ("saturated", "paced"):  # one where the machine let the child sleep through a half second
        assert 1 <= len(child.samples(stage)) <= 2, "whole samples, no slivers"
    stages = [event.stage for event in child.events if isinstance(event, Sample)]
    assert [stage for stage in ("warmup", "saturated", "drain", "paced") if stage in stages] == list(
        dict.fromkeys(stages)
    )


def test_samples_carry_the_reasons_and_the_sums_agree_with_the_stage(local_kafka: str) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, 1000, config={"compression.type": "zstd"})) as child,
    ):
        child.ready()
        done = child.saturate(2.0, warm_s=0.5)
        child.finish()
    samples = child.samples("saturated")
    # The last half second is drawn to its own end, the stage is counted to the window's.
    assert sum(sample.messages for sample in samples) == pytest.approx(done.messages, rel=0.01)
    assert all(sample.latency_ms is None for sample in samples)
    told = [sample for sample in samples if sample.compression is not None]
    assert told, "librdkafka's statistics arrived"
    assert max(sample.compression or 0 for sample in told) > 2.5
    assert any((sample.round_trip_ms or 0) > 0 and (sample.batch_messages or 0) > 1 for sample in told)
    assert 0 < sum(sample.thread_cpu for sample in samples) <= sum(sample.cpu for sample in samples) + 0.2


def test_the_paced_stage_keeps_its_schedule_and_times_a_share_of_fast_rates(local_kafka: str) -> None:
    with fresh_topic(local_kafka) as topic, LoadChild(producer_spec(local_kafka, topic)) as child:
        child.ready()
        done = child.pace(100_000, 1.0)
        finished = child.finish()
    assert done.scheduled == 100_000
    assert done.messages + done.backlog_end == done.sent == 100_000
    assert decode(done.latency).get_total_count() == 20_000
    assert finished.sent == finished.acknowledged


def test_a_paced_rate_below_one_message_a_wakeup_is_kept(local_kafka: str) -> None:
    with fresh_topic(local_kafka) as topic, LoadChild(producer_spec(local_kafka, topic)) as child:
        child.ready()
        done = child.pace(100, 1.0)
    assert done.scheduled == 100
    assert done.sent == 100, "those too that the machine left no time to send inside the window"
    assert decode(done.latency).get_total_count() == decode(done.due_to_sent).get_total_count() == 100
    assert done.thread_cpu < 0.3  # of CPU time: one that never slept would take most of a core, however busy that is


def test_linger_is_read_as_latency(local_kafka: str) -> None:
    stages = lingering(local_kafka)
    assert not_much_more_than_linger(stages[-1])
    for stage in stages:
        assert percentile_ms(stage.latency, 100) >= LINGER_MS, "the first of a batch waits the whole of it"
        assert percentile_ms(stage.latency, 50) > 0.2 * LINGER_MS, "and the one in the middle about half"


def test_the_byte_cap_ends_each_stage_early_and_says_so(local_kafka: str) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, 1000, bytes_cap=10_000_000)) as child,
    ):
        child.ready()
        child.say(Warm(limit_s=10))
        reached = child.until(CapReached)
        child.say(Saturate(seconds=30))
        saturated = child.until(StageDone)
        paced = child.pace(10_000, 5.0)
        finished = child.finish()
    assert reached.messages == 3_000
    assert saturated.ended_early == "bytes_cap"
    assert saturated.window_s < 30
    assert paced.ended_early == "bytes_cap"
    assert finished.sent == 10_000


def test_bytes_per_second_holds_the_saturated_rate_down(local_kafka: str) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, 1000, bytes_per_s=2_000_000)) as child,
    ):
        child.ready()
        done = child.saturate(2.0, warm_s=0.5)
    assert 1_000_000 < done.bytes / done.window_s < 2_200_000, "a busy machine may fall behind, and never go beyond"
    assert done.thread_cpu < 0.5  # of CPU time: it sleeps in between


@pytest.mark.parametrize(
    ("config", "topic_config", "message_bytes", "code"),
    [
        ({}, {"max.message.bytes": "2000"}, 10_000, "MSG_SIZE_TOO_LARGE"),
        ({"message.max.bytes": "1000"}, {}, 10_000, "MSG_SIZE_TOO_LARGE"),
        ({"compression.type": "brotli"}, {}, 100, "CONFIG"),
        ({"no.such.property": "1"}, {}, 100, "CONFIG"),
        ({"enable.idempotence": "true", "acks": "1"}, {}, 100, "CONFIG"),
    ],
)
def test_a_configuration_that_cannot_work_fails_early_with_the_clients_own_words(
    local_kafka: str, config: dict[str, str], topic_config: dict[str, str], message_bytes: int, code: str
) -> None:
    with fresh_topic(local_kafka, config=topic_config) as topic:
        spec = producer_spec(local_kafka, topic, message_bytes, config=config)
        with LoadChild(spec) as child:
            failed = child.next_event()
            assert child.process.wait(10) == 1
    assert isinstance(failed, Failed)
    assert failed.code == code
    assert failed.permanent
    assert not failed.broker_gone
    assert failed.reason


def test_a_cluster_that_is_not_there_is_reported_as_gone_and_not_as_a_bad_configuration() -> None:
    with LoadChild(producer_spec("127.0.0.1:9", "nowhere")) as child:
        failed = child.next_event()
    assert isinstance(failed, Failed)
    assert failed.broker_gone
    assert not failed.permanent


def test_a_missing_topic_is_named_so(local_kafka: str) -> None:
    with LoadChild(producer_spec(local_kafka, "ingestune-test-no-such-topic")) as child:
        failed = child.next_event()
    assert isinstance(failed, Failed)
    assert "UNKNOWN_TOPIC_OR_PART" in (failed.code, failed.reason)


def test_a_secret_in_a_rejected_property_is_never_told() -> None:
    config = {"sasl.password": "hunter2hunter2", "security.protocol": "hunter2hunter2"}
    with LoadChild(producer_spec("127.0.0.1:9", "nowhere", config=config)) as child:
        failed = child.next_event()
    assert isinstance(failed, Failed)
    assert "hunter2" not in failed.reason
    assert "***" in failed.reason


def test_stop_ends_a_saturated_stage_at_once(local_kafka: str) -> None:
    with fresh_topic(local_kafka) as topic, LoadChild(producer_spec(local_kafka, topic)) as child:
        child.ready()
        child.say(Warm(limit_s=30))
        child.until(Sample)
        child.say(Stop())
        assert child.process.wait(10) == 0, "unheard, it would warm up for 30 s"


def test_the_child_ends_as_soon_as_its_stdin_closes(local_kafka: str) -> None:
    with fresh_topic(local_kafka) as topic, LoadChild(producer_spec(local_kafka, topic)) as child:
        child.ready()
        child.say(Warm(limit_s=30))
        child.until(Sample)
        assert child.process.stdin
        child.process.stdin.close()
        assert child.process.wait(10) == 1, "unnoticed, it would warm up for 30 s"


def test_without_acknowledgements_a_message_counts_when_it_is_on_the_wire(local_kafka: str) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, config={"acks": "0"}, keys="zipf:100")) as child,
    ):
        child.ready()
        done = child.saturate(0.5)
        paced = child.pace(1000, 0.5)
        finished = child.finish()
    assert done.messages > 0
    assert decode(paced.latency).get_total_count() == 500
    assert finished.acknowledged == finished.sent
    assert finished.unacknowledged == 0
