"""The consuming child against a real broker: the backlog first, then end to end from due to consumed."""

from __future__ import annotations

import time

import pytest

from ingestune_tui.bench.latency import decode
from ingestune_tui.bench.protocol import ConsumerSpec, Finish, Finished, Pace, Saturate, StageDone
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
        paced = producer.pace(2000, 1.5)
        read = consumer.until(StageDone)
        consumer.finish()
    acknowledged, end_to_end = decode(paced.latency), decode(read.latency)
    assert end_to_end.get_total_count() == paced.sent == read.messages == 3000
    assert end_to_end.get_value_at_percentile(90) / 1000 > 60
    assert end_to_end.get_value_at_percentile(50) > acknowledged.get_value_at_percentile(50) + 10_000
    assert 1.0 < read.window_s < 4.0


def test_all_stages_may_be_started_in_both_children_at_once(local_kafka: str) -> None:
    """The consumer waits for the topic to come to rest, and misses nothing of the paced stage."""
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, due_time_header=True)) as producer,
        LoadChild(consumer_spec(local_kafka, topic)) as consumer,
    ):
        producer.ready()
        consumer.ready()
        for child in (producer, consumer):
            child.say(Saturate(seconds=1.0))
        producer.until(StageDone)
        caught_up = consumer.until(StageDone)
        for child in (producer, consumer):
            child.say(Pace(rate=500, seconds=1.0))
        paced = producer.until(StageDone)
        began = time.monotonic()
        read = consumer.until(StageDone)
        assert time.monotonic() - began < 1.5
        written = producer.finish()
        consumer.finish()
    assert read.messages == paced.sent == 500
    assert read.backlog_end == 0
    assert caught_up.messages + caught_up.backlog_end + read.messages == written.acknowledged


def test_messages_that_come_before_the_consumer_is_told_of_them_count_too(local_kafka: str) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, due_time_header=True)) as producer,
        LoadChild(consumer_spec(local_kafka, topic)) as consumer,
    ):
        producer.ready()
        consumer.ready()
        producer.saturate(0.2)
        consumer.saturate(10.0)
        producer.say(Pace(rate=500, seconds=1.0))
        while not producer.samples("paced"):
            producer.next_event()
        consumer.say(Pace(rate=500, seconds=1.0))
        paced = producer.until(StageDone)
        read = consumer.until(StageDone)
    assert read.messages == paced.sent == decode(read.latency).get_total_count() == 500


def test_a_paced_stage_after_an_unread_backlog_is_read_from_its_beginning(local_kafka: str) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, 1000, due_time_header=True)) as producer,
        LoadChild(consumer_spec(local_kafka, topic, **{"fetch.message.max.bytes": "10000"})) as consumer,
    ):
        producer.ready()
        consumer.ready()
        producer.saturate(1.0)
        while not producer.samples("drain"):
            producer.next_event()
        assert consumer.saturate(0.2).backlog_end > 0
        consumer.say(Pace(rate=100, seconds=0.5))
        producer.pace(100, 0.5)
        read = consumer.until(StageDone)
    assert read.messages == 50
    assert decode(read.latency).get_total_count() == 50
    assert decode(read.latency).get_max_value() / 1000 < 1000
