"""The consuming child against a real broker: the backlog first, then end to end from due to consumed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from ingestune_tui.bench.consume import GRACE_S
from ingestune_tui.bench.latency import decode
from ingestune_tui.bench.protocol import AllSent, ConsumerSpec, Finished, Pace, Saturate, StageDone
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
    assert done.window_s < 20


SMALL_BATCHES = {"batch.num.messages": "10"}
BATCH_BY_BATCH = {"fetch.message.max.bytes": "1"}
"""A consumer of such batches that takes one with each fetch is far slower than their producer, on any machine."""


@contextmanager
def long_backlog(local_kafka: str) -> Iterator[tuple[LoadChild, Finished, str]]:
    """A consumer before a backlog that it reads slowly, what the producer wrote, and the topic."""
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, 1000, config=SMALL_BATCHES)) as producer,
        LoadChild(consumer_spec(local_kafka, topic, **BATCH_BY_BATCH)) as consumer,
    ):
        producer.ready()
        consumer.ready()
        producer.saturate(1.5)
        yield consumer, producer.finish(), topic


def test_a_backlog_too_long_for_the_window_is_counted_as_far_as_it_went(local_kafka: str) -> None:
    with long_backlog(local_kafka) as (consumer, written, _):
        done = consumer.saturate(1.0)
        consumer.finish()
    assert 0 < done.messages < written.acknowledged
    assert done.messages + done.backlog_end == written.acknowledged
    assert done.window_s >= 1.0


def test_a_window_ends_with_the_last_message_that_retention_has_left(local_kafka: str) -> None:
    """Deleted while the consumer is somewhere in the middle: one partition whole, the others but for their last."""
    with long_backlog(local_kafka) as (consumer, written, topic):
        consumer.say(Saturate(seconds=30.0))
        while not any(sample.messages for sample in consumer.samples("saturated")):
            consumer.next_event()
        admin = AdminClient({"bootstrap.servers": local_kafka})  # its answers come only while it is held
        latest = {TopicPartition(topic, partition): OffsetSpec.latest() for partition in range(3)}  # type: ignore[no-untyped-call]  # the client gives it no types
        ends = [(at.partition, future.result(20).offset) for at, future in admin.list_offsets(latest).items()]
        gone = [TopicPartition(topic, partition, end - 10 if partition else end) for partition, end in ends]
        for deleted in admin.delete_records(gone).values():
            deleted.result(20)
        done = consumer.until(StageDone)
        consumer.finish()
    assert 0 < done.messages < written.acknowledged
    assert done.backlog_end == 0
    assert done.window_s < 30


def fill(producer: LoadChild, seconds: float) -> None:
    """A saturated stage, and its backlog in the topic to the last message: no paced stage begins before."""
    producer.saturate(seconds)
    producer.pace(10, 0.1)


def paced(producer: LoadChild, consumer: LoadChild, rate: float, seconds: float) -> tuple[StageDone, StageDone]:
    """One paced stage in both, as the runner does it: what was sent, and what was read."""
    consumer.say(Pace(rate=rate, seconds=seconds))
    sent = producer.pace(rate, seconds)
    consumer.say(AllSent())
    return sent, consumer.until(StageDone)


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
        fill(producer, 0.3)
        consumer.saturate(10.0)
        sent, read = paced(producer, consumer, 2000, 1.5)
        consumer.finish()
    acknowledged, end_to_end = decode(sent.latency), decode(read.latency)
    assert sent.sent == 3000
    assert end_to_end.get_total_count() == read.messages == sent.sent
    assert end_to_end.get_value_at_percentile(90) / 1000 > 60
    assert end_to_end.get_value_at_percentile(50) > acknowledged.get_value_at_percentile(50) + 10_000


@pytest.mark.slow
def test_a_message_is_consumed_the_moment_it_comes_and_waiting_costs_little(local_kafka: str) -> None:
    """Best of a few short stages: what the consumer adds to an acknowledgement is its fetch, and no waiting of ours."""
    added_ms: list[float] = []
    busy: list[float] = []
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, due_time_header=True, config={"linger.ms": "0"})) as producer,
        LoadChild(consumer_spec(local_kafka, topic, **{"fetch.min.bytes": "1"})) as consumer,
    ):
        producer.ready()
        consumer.ready()
        fill(producer, 0.2)
        consumer.saturate(10.0)
        while len(added_ms) < 6 and (not added_ms or min(added_ms) >= 2 or min(busy) >= 0.5):
            sent, read = paced(producer, consumer, 500, 1.0)
            acknowledged, end_to_end = decode(sent.latency), decode(read.latency)
            added_us = end_to_end.get_value_at_percentile(50) - acknowledged.get_value_at_percentile(50)
            added_ms.append(added_us / 1000)
            busy.append(read.thread_cpu)
    assert min(added_ms) < 2
    assert min(busy) < 0.5


def test_a_consumer_whose_partitions_stay_empty_holds_nobody_up(local_kafka: str) -> None:
    with fresh_topic(local_kafka) as topic, LoadChild(consumer_spec(local_kafka, topic)) as consumer:
        consumer.ready()
        caught_up = consumer.saturate(60.0)
        consumer.say(Pace(rate=100, seconds=60.0))
        consumer.say(AllSent())
        read = consumer.until(StageDone)
        consumer.finish()
    assert (caught_up.messages, read.messages, read.backlog_end) == (0, 0, 0)
    assert caught_up.window_s < 60
    assert read.window_s < GRACE_S, "it ended with the word that all is sent, and waited for no first message"


def test_messages_that_come_before_the_consumer_is_told_of_them_count_too(local_kafka: str) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, due_time_header=True)) as producer,
        LoadChild(consumer_spec(local_kafka, topic)) as consumer,
    ):
        producer.ready()
        consumer.ready()
        fill(producer, 0.2)
        consumer.saturate(10.0)
        producer.events.clear()
        producer.say(Pace(rate=500, seconds=1.0))
        while not producer.samples("paced"):
            producer.next_event()
        consumer.say(Pace(rate=500, seconds=1.0))
        sent = producer.until(StageDone)
        consumer.say(AllSent())
        read = consumer.until(StageDone)
    assert sent.sent == 500
    assert decode(read.latency).get_total_count() == read.messages == sent.sent


def test_a_paced_stage_after_an_unread_backlog_is_read_from_its_beginning(local_kafka: str) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, 1000, config=SMALL_BATCHES, due_time_header=True)) as producer,
        LoadChild(consumer_spec(local_kafka, topic, **BATCH_BY_BATCH)) as consumer,
    ):
        producer.ready()
        consumer.ready()
        fill(producer, 1.0)
        caught_up = consumer.saturate(0.2)
        sent, read = paced(producer, consumer, 100, 1.0)
        written = producer.finish()
    assert caught_up.backlog_end > 0
    assert sent.sent == 100
    assert decode(read.latency).get_total_count() == read.messages == sent.sent
    assert caught_up.messages + caught_up.backlog_end + read.messages == written.acknowledged
