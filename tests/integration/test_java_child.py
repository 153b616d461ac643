"""The Java load child against a real broker: the same protocol, books and honesty as the Python one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingestune_tui.bench.java_child import prepare
from ingestune_tui.bench.latency import decode
from ingestune_tui.bench.protocol import (
    AllSent,
    CapReached,
    ConsumerSpec,
    Failed,
    Pace,
    Saturate,
    StageDone,
    Stop,
    Warm,
)
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.model.sample import Sample
from tests.bench.latency_truth import LINGER_MS, lingering, not_much_more_than_linger, percentile_ms
from tests.bench.load_child import LoadChild, fresh_topic, messages_in, producer_spec

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def java(local_kafka: str) -> Sequence[str]:
    """The command of a Java child; compiled once, after the broker has shown that Java and the jars are here."""
    return asyncio.run(prepare()).command


def test_a_whole_trial_accounts_for_every_message_in_the_topic(local_kafka: str, java: Sequence[str]) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, keys="uniform:1000"), java) as child,
    ):
        assert child.ready().client.startswith("kafka-clients 4.")
        saturated = child.saturate(1.0, warm_s=1.0)
        paced = child.pace(2_000, 1.0)
        finished = child.finish()
        assert child.process.wait(10) == 0
        grown = messages_in(local_kafka, topic)
    assert finished.sent == finished.acknowledged == grown
    assert finished.failed == {}
    assert saturated.messages > 1_000
    assert saturated.messages == sum(sample.messages for sample in child.samples("saturated"))
    assert saturated.bytes == saturated.messages * 100
    assert 0 < saturated.thread_cpu <= saturated.cpu
    assert paced.scheduled == 2_000
    assert decode(paced.latency).get_total_count() == 2_000
    for stage in ("saturated", "paced"):  # one where the machine let the child sleep through a half second
        assert 1 <= len(child.samples(stage)) <= 2, "whole samples, no slivers"
    assert all(sample.latency_ms is not None for sample in child.samples("paced"))


def test_samples_carry_the_reasons(local_kafka: str, java: Sequence[str]) -> None:
    spec_config = {"compression.type": "zstd", "linger.ms": "5", "batch.size": "200000"}
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, 1000, config=spec_config), java) as child,
    ):
        child.ready()
        child.saturate(1.5, warm_s=1.0)
    last = child.samples("saturated")[-2]
    assert (last.compression or 0) > 2.5
    assert (last.round_trip_ms or 0) > 0
    assert (last.queue_ms or 0) > 0
    assert (last.batch_messages or 0) > 10


def test_linger_is_read_as_latency(local_kafka: str, java: Sequence[str]) -> None:
    stages = lingering(local_kafka, java)
    assert not_much_more_than_linger(stages[-1])
    for stage in stages:
        assert percentile_ms(stage.latency, 100) >= LINGER_MS, "the first of a batch waits the whole of it"
        assert percentile_ms(stage.latency, 50) > 0.2 * LINGER_MS, "and the one in the middle about half"


def test_messages_that_find_the_clients_buffer_full_are_sent_later_and_timed_from_when_they_were_due(
    local_broker: LocalKafka, java: Sequence[str]
) -> None:
    """The broker stands still for longer than a send may block: those that are refused meanwhile come again."""
    config = {"max.block.ms": "2000", "buffer.memory": "32768", "batch.size": "1000"}
    with (
        fresh_topic(local_broker.bootstrap) as topic,
        LoadChild(producer_spec(local_broker.bootstrap, topic, 1000, config=config), java) as child,
    ):
        child.ready()
        child.say(Pace(rate=200, seconds=4.0))
        child.until(Sample)
        with standing_still(local_broker.pids):
            for _ in range(6):
                child.until(Sample)
        paced = child.until(StageDone)
        finished = child.finish()
        grown = messages_in(local_broker.bootstrap, topic)
    assert paced.sent == paced.scheduled == decode(paced.latency).get_total_count() == 800
    assert finished.sent == finished.acknowledged == grown == 3 + 800, "three opened the connections"
    assert finished.failed == {}


@contextmanager
def standing_still(pids: Sequence[int]) -> Iterator[None]:
    """These processes are stopped, and go on afterwards."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_the_byte_cap_ends_each_stage_early_and_says_so(local_kafka: str, java: Sequence[str]) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, 1000, bytes_cap=10_000_000), java) as child,
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
    assert paced.ended_early == "bytes_cap"
    assert finished.sent == 10_000


def test_bytes_per_second_holds_the_saturated_rate_down(local_kafka: str, java: Sequence[str]) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, 1000, bytes_per_s=2_000_000), java) as child,
    ):
        child.ready()
        done = child.saturate(2.0, warm_s=0.5)
    assert 1_000_000 < done.bytes / done.window_s < 2_200_000, "a busy machine may fall behind, and never go beyond"


@pytest.mark.parametrize(
    ("config", "topic_config", "code"),
    [
        ({}, {"max.message.bytes": "2000"}, "MSG_SIZE_TOO_LARGE"),
        ({"max.request.size": "1000"}, {}, "MSG_SIZE_TOO_LARGE"),
        ({"compression.type": "brotli"}, {}, "CONFIG"),
        ({"enable.idempotence": "true", "acks": "1"}, {}, "CONFIG"),
        ({"ssl.keystore.password": "hunter2", "security.protocol": "hunter2"}, {}, "CONFIG"),
    ],
)
def test_a_configuration_that_cannot_work_fails_early_with_the_clients_own_words(
    local_kafka: str, java: Sequence[str], config: dict[str, str], topic_config: dict[str, str], code: str
) -> None:
    with (
        fresh_topic(local_kafka, config=topic_config) as topic,
        LoadChild(producer_spec(local_kafka, topic, 10_000, config=config), java) as child,
    ):
        failed = child.next_event()
        assert child.process.wait(10) == 1
    assert isinstance(failed, Failed)
    assert failed.code == code
    assert failed.permanent
    assert not failed.broker_gone
    assert failed.reason
    assert "hunter2" not in failed.reason


def test_missing_samples_are_reported_before_any_jvm_starts(java: Sequence[str]) -> None:
    with LoadChild(producer_spec("127.0.0.1:9", "nowhere", payload="file:/no/such/samples"), java) as child:
        failed = child.next_event()
    assert isinstance(failed, Failed)
    assert (failed.code, failed.permanent) == ("PAYLOAD", True)


def test_a_cluster_that_is_not_there_is_reported_as_gone(java: Sequence[str]) -> None:
    with LoadChild(producer_spec("127.0.0.1:9", "nowhere"), java) as child:
        failed = child.next_event()
    assert isinstance(failed, Failed)
    assert failed.broker_gone
    assert not failed.permanent


def test_due_times_reach_a_consumer(local_kafka: str, java: Sequence[str]) -> None:
    with (
        fresh_topic(local_kafka) as topic,
        LoadChild(producer_spec(local_kafka, topic, due_time_header=True), java) as producer,
        LoadChild(
            ConsumerSpec(
                config={"bootstrap.servers": local_kafka}, topic=topic, partitions=[0, 1, 2], message_bytes=100
            )
        ) as consumer,
    ):
        producer.ready()
        consumer.ready()
        for child in (producer, consumer):
            child.say(Saturate(seconds=0.3))
            child.until(StageDone)
        for child in (producer, consumer):
            child.say(Pace(rate=500, seconds=1.0))
        sent = producer.until(StageDone).sent
        consumer.say(AllSent())
        read = decode(consumer.until(StageDone).latency)
    assert read.get_total_count() == sent == 500
    assert 0 < read.get_value_at_percentile(50) / 1000 < 10_000, "two clocks mixed up would be off by years"


def test_stop_and_a_closed_stdin_end_the_jvm_at_once(local_kafka: str, java: Sequence[str]) -> None:
    for ending in ("stop", "close"):
        with fresh_topic(local_kafka) as topic, LoadChild(producer_spec(local_kafka, topic), java) as child:
            child.ready()
            child.say(Warm(limit_s=30))
            child.until(Sample)
            if ending == "stop":
                child.say(Stop())
            else:
                assert child.process.stdin
                child.process.stdin.close()
            assert child.process.wait(10) == (0 if ending == "stop" else 1), "unheard, it would warm up for 30 s"


def test_nothing_is_left_in_the_temporary_directory(
    local_kafka: str, java: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with fresh_topic(local_kafka) as topic, LoadChild(producer_spec(local_kafka, topic), java) as child:
        child.ready()
        assert [name for name in os.listdir(tmp_path) if name.startswith("ingestune")] == []
