"""The consuming child against a real broker: the backlog first, then end to end from due to consumed."""

from __future__ import annotations

import time

import pytest

from ingestune_tui.bench.latency import decode
from ingestune_tui.bench.protocol import ConsumerSpec, Finish, Finished, Pace, Ready, StageDone
from tests.bench.load_child import LoadChild, fresh_topic, producer_spec

pytestmark = pytest.mark.kafka


def consumer_spec(bootstrap: str, topic: str, **config: str) -> ConsumerSpec:
    return ConsumerSpec(
        config={"bootstrap.servers": bootstrap, **config}, topic=topic, partitions=[0, 1, 2], message_bytes=100
    )


def test_the_backlog_is_read_to_its_last_message_and_the_window_ends_there(local_kafka: str) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic)) as producer,
        LoadChild(consumer_spec(local_kafka, topic)) as consumer,
    ):
        producer.ready()
        consumer.ready()
        producer.saturate(1.0)
        written = producer.finish()
        done = consumer.saturate(20.0)
        finished = consumer.finish()
        assert consumer.process.wait(10) == 0
    assert done.messages == written.acknowledged == finished.acknowledged
    assert done.backlog_end == 0
    assert done.window_s < 15


def test_a_backlog_too_long_for_the_window_is_counted_as_far_as_it_went(local_kafka: str) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, 1000)) as producer,
        LoadChild(consumer_spec(local_kafka, topic, **{"fetch.message.max.bytes": "10000"})) as consumer,
    ):
        producer.ready()
        consumer.ready()
        producer.saturate(1.0)
        written = producer.finish()
        done = consumer.saturate(0.3)
        consumer.say(Finish())
        consumer.until(Finished)
    assert 0 < done.messages < written.acknowledged
    assert done.messages + done.backlog_end == written.acknowledged
    assert done.window_s == pytest.approx(0.3, abs=0.1)


def test_end_to_end_latency_runs_from_due_to_consumed(local_kafka: str) -> None:
    """A broker told to hold fetches back for 100 ms must show in end-to-end time, and not in acknowledgements."""
    patient = {"fetch.min.bytes": "1000000", "fetch.wait.max.ms": "100"}
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, due_time_header=True)) as producer,
        LoadChild(consumer_spec(local_kafka, topic, **patient)) as consumer,
    ):
        producer.ready()
        consumer.ready()
        producer.saturate(0.3)
        consumer.saturate(10.0)
        consumer.say(Pace(rate=2000, seconds=1.5))
        consumer.until(Ready)
        paced = producer.pace(2000, 1.5)
        consumer.say(Finish())
        read = consumer.until(StageDone)
        consumer.until(Finished)
    acknowledged, end_to_end = decode(paced.latency), decode(read.latency)
    assert end_to_end.get_total_count() == paced.sent == read.messages == 3000
    assert acknowledged.get_value_at_percentile(90) / 1000 < 60
    assert end_to_end.get_value_at_percentile(90) / 1000 > 60
    assert read.window_s == pytest.approx(1.5, abs=0.4)


def test_the_first_message_after_ready_is_not_missed(local_kafka: str) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, due_time_header=True)) as producer,
        LoadChild(consumer_spec(local_kafka, topic)) as consumer,
    ):
        producer.ready()
        consumer.ready()
        began = time.monotonic()
        consumer.say(Pace(rate=100, seconds=0.2))
        consumer.until(Ready)
        assert time.monotonic() - began < 1.0
        producer.pace(100, 0.2)
        consumer.say(Finish())
        read = consumer.until(StageDone)
    assert read.messages == 20
    assert read.backlog_end == 0
