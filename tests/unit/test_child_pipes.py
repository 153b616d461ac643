"""The child's pipes, failures and statistics, without a broker."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator

import pytest

from ingestune_tui.bench import librdkafka as rd
from ingestune_tui.bench.failure import LoadFailed, redact
from ingestune_tui.bench.pipes import MAX_WAITING_BYTES, Inbox, Outbox
from ingestune_tui.bench.protocol import Ready, Saturate, StageDone, Stop, Warm, decode_event, encode_line
from ingestune_tui.bench.statistics import parse
from ingestune_tui.model.sample import Sample


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        try:
            os.close(descriptor)
        except OSError:
            continue


SAMPLE = Sample(stage="warmup", t_s=0.5, interval_s=0.5, messages=1, bytes=100)


def test_commands_arrive_in_order_however_the_bytes_are_cut(pipe: tuple[int, int]) -> None:
    read, write = pipe
    ended = threading.Event()
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    inbox = Inbox(read, end)
    text = b"the spec\n" + b"\n".join(map(encode_line, (Warm(limit_s=3), Saturate(seconds=8), Stop()))) + b"\n"
    os.write(write, text[:20])
    assert inbox.line() == b"the spec"
    inbox.listen()
    os.write(write, text[20:31])
    os.write(write, text[31:])
    while len(inbox.commands) < 3:
        assert inbox.arrived.wait(5)
        inbox.arrived.clear()
    assert list(inbox.commands) == [Warm(limit_s=3), Saturate(seconds=8), Stop()]
    assert inbox.stopped
    assert not codes
    os.close(write)
    assert ended.wait(5), "a closed stdin ends the process"
    assert codes == [1]


def test_a_parent_that_does_not_read_costs_samples_and_never_results(pipe: tuple[int, int]) -> None:
    read, write = pipe
    outbox = Outbox(write)
    for _ in range(5000):
        outbox.send(SAMPLE)
    done = StageDone(stage="saturated", window_s=1.0, messages=5, bytes=500, latency="x" * MAX_WAITING_BYTES)
    outbox.send(done)
    received = bytearray()

    def read_all() -> None:
        while piece := os.read(read, 65536):
            received.extend(piece)

    reader = threading.Thread(target=read_all)
    reader.start()
    outbox.flush()
    os.close(write)
    reader.join(10)
    events = [decode_event(line) for line in received.splitlines()]
    assert events[-1] == done
    assert 100 < len(events) < 5000


def test_events_pass_at_once_when_the_parent_reads(pipe: tuple[int, int]) -> None:
    read, write = pipe
    Outbox(write).send(Ready(pid=1, client="librdkafka 2.16.0"))
    assert decode_event(os.read(read, 4096).strip()) == Ready(pid=1, client="librdkafka 2.16.0")


@pytest.mark.parametrize(
    ("code", "permanent", "gone"),
    [
        ("MSG_SIZE_TOO_LARGE", True, False),
        ("UNSUPPORTED_COMPRESSION_TYPE", True, False),
        ("CONFIG", True, False),
        ("_AUTHENTICATION", True, False),
        ("_ALL_BROKERS_DOWN", False, True),
        ("_TRANSPORT", False, True),
        ("NOT_ENOUGH_REPLICAS", False, False),
    ],
)
def test_failures_say_whether_they_would_come_again_and_whether_the_cluster_is_gone(
    code: str, permanent: bool, gone: bool
) -> None:
    event = LoadFailed(code, "why").event({})
    assert (event.permanent, event.broker_gone) == (permanent, gone)


def test_no_secret_of_a_configuration_is_told() -> None:
    config = {
        "sasl.password": "p4ss",
        "ssl.key.password": "k3y",
        "sasl.jaas.config": 'x required password="j44s";',
        "sasl.oauthbearer.client.secret": "cl13nt",
        "sasl.username": "alice",
    }
    text = f"alice p4ss k3y cl13nt {config['sasl.jaas.config']}"
    assert redact(text, config) == "alice *** *** *** ***"


def test_statistics_are_weighted_over_brokers_and_leave_out_bootstrap_ones() -> None:
    document = {
        "txmsgs": 500,
        "txmsg_bytes": 50_000,
        "brokers": {
            "boot": {"nodeid": -1, "rtt": {"avg": 9_000_000, "cnt": 5}, "txbytes": 77},
            "one": {"nodeid": 1, "rtt": {"avg": 1000, "cnt": 30}, "txbytes": 1000, "txretries": 2},
            "two": {"nodeid": 2, "rtt": {"avg": 5000, "cnt": 10}, "txbytes": 500},
        },
        "topics": {"t": {"batchsize": {"avg": 1000, "cnt": 4}, "batchcnt": {"avg": 20, "cnt": 4}}},
    }
    found = parse(json.dumps(document).encode())
    assert found.round_trip_ms == 2.0
    assert found.queue_ms is None
    assert found.batch_messages == 20
    assert (found.wire_bytes_total, found.retries_total, found.messages_total) == (1500, 2, 500)


@pytest.mark.parametrize(
    ("states", "connected"),
    [((), False), (("DOWN", "INIT"), False), (("TRY_CONNECT", "APIVERSION_QUERY"), False), (("DOWN", "UP"), True)],
)
def test_a_client_is_connected_while_any_broker_of_its_statistics_is_up(
    states: tuple[str, ...], connected: bool
) -> None:
    brokers = {str(number): {"nodeid": number - 1, "state": state} for number, state in enumerate(states)}
    assert parse(json.dumps({"brokers": brokers}).encode()).connected is connected


def test_the_library_of_confluent_kafka_answers_without_importing_it() -> None:
    assert rd.version().startswith("librdkafka 2.")
    assert rd.error_name(10) == "MSG_SIZE_TOO_LARGE"
    assert rd.error_name(rd.QUEUE_FULL) == "_QUEUE_FULL"
    assert rd.MESSAGE_SIZE == 72
    with pytest.raises(AttributeError, match="no signature"):
        _ = rd.load().no_such_function
