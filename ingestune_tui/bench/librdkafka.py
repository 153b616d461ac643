"""The few functions of librdkafka that a load child calls, taken from the very library that confluent-kafka ships.

Why not `confluent_kafka.Producer`: its `produce_batch` reads six dictionary entries and allocates a state per
message, which holds it at two thirds of librdkafka's own C benchmark for 10-byte messages, and reports either
success or failure of every message through a Python callback. Here messages are a prepared C array and delivery
reports arrive a request at a time, so the client is what gets measured. Called by `client` and `consume` only.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
from ctypes import POINTER, c_char_p, c_int, c_int32, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any, Final

PARTITION_UNASSIGNED: Final = -1
"""The client's own partitioner chooses."""

MSG_LENT: Final = 0
"""A message flag: the client neither copies nor frees the value, which must lie where it is until it is delivered."""
PURGE_QUEUE_AND_INFLIGHT: Final = 0x3
PRODUCER: Final = 0
CONSUMER: Final = 1

EVENT_DELIVERY: Final = 0x1
EVENT_LOG: Final = 0x4
EVENT_ERROR: Final = 0x8
EVENT_STATS: Final = 0x40

QUEUE_FULL: Final = -184
NOT_PERSISTED: Final = 0
"""Message status: never handed to a broker."""

V_TOPIC_HANDLE: Final = 2
V_VALUE: Final = 4
V_KEY: Final = 5
V_OPAQUE: Final = 6
V_FLAGS: Final = 7
V_HEADER: Final = 9


class Message(ctypes.Structure):
    """`rd_kafka_message_t`: a message to send, one reported on, or one fetched."""

    _fields_ = [
        ("err", c_int),
        ("topic", c_void_p),
        ("partition", c_int32),
        ("payload", c_void_p),
        ("length", c_size_t),
        ("key", c_void_p),
        ("key_length", c_size_t),
        ("offset", c_int64),
        ("opaque", c_void_p),
    ]


class TopicPartition(ctypes.Structure):
    """`rd_kafka_topic_partition_t`: a place in one partition."""

    _fields_ = [
        ("topic", c_void_p),
        ("partition", c_int32),
        ("offset", c_int64),
        ("metadata", c_void_p),
        ("metadata_size", c_size_t),
        ("opaque", c_void_p),
        ("err", c_int),
        ("private", c_void_p),
    ]


MESSAGE_SIZE: Final = ctypes.sizeof(Message)
OPAQUE_OFFSET: Final = Message.opaque.offset


class Memory(ctypes.Structure):
    _fields_ = [("address", c_void_p), ("length", c_size_t)]


class Header(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("value", c_void_p), ("length", c_int64)]


class ArgumentValue(ctypes.Union):
    _fields_ = [
        ("flags", c_int),
        ("number", c_int32),
        ("memory", Memory),
        ("header", Header),
        ("pointer", c_void_p),
        ("padding", ctypes.c_char * 64),
    ]


class Argument(ctypes.Structure):
    """`rd_kafka_vu_t`: one named argument of a single produce call, the only one that takes headers."""

    _fields_ = [("kind", c_int), ("value", ArgumentValue)]


class PartitionMetadata(ctypes.Structure):
    _fields_ = [
        ("id", c_int32),
        ("err", c_int),
        ("leader", c_int32),
        ("replica_count", c_int),
        ("replicas", c_void_p),
        ("isr_count", c_int),
        ("isr", c_void_p),
    ]


class TopicMetadata(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("partition_count", c_int),
        ("partitions", POINTER(PartitionMetadata)),
        ("err", c_int),
    ]


class Metadata(ctypes.Structure):
    _fields_ = [
        ("broker_count", c_int),
        ("brokers", c_void_p),
        ("topic_count", c_int),
        ("topics", POINTER(TopicMetadata)),
        ("origin_id", c_int32),
        ("origin_name", c_char_p),
    ]


_SIGNATURES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "version_str": (c_char_p, []),
    "err2name": (c_char_p, [c_int]),
    "err2str": (c_char_p, [c_int]),
    "last_error": (c_int, []),
    "conf_new": (c_void_p, []),
    "conf_destroy": (None, [c_void_p]),
    "conf_set": (c_int, [c_void_p, c_char_p, c_char_p, c_char_p, c_size_t]),
    "conf_get": (c_int, [c_void_p, c_char_p, c_char_p, POINTER(c_size_t)]),
    "conf_set_events": (None, [c_void_p, c_int]),
    "new": (c_void_p, [c_int, c_void_p, c_char_p, c_size_t]),
    "set_log_queue": (c_int, [c_void_p, c_void_p]),
    "topic_new": (c_void_p, [c_void_p, c_char_p, c_void_p]),
    "metadata": (c_int, [c_void_p, c_int, c_void_p, POINTER(POINTER(Metadata)), c_int]),
    "metadata_destroy": (None, [POINTER(Metadata)]),
    "produce_batch": (c_int, [c_void_p, c_int32, c_int, c_void_p, c_int]),
    "produceva": (c_void_p, [c_void_p, POINTER(Argument), c_size_t]),
    "error_code": (c_int, [c_void_p]),
    "error_destroy": (None, [c_void_p]),
    "outq_len": (c_int, [c_void_p]),
    "flush": (c_int, [c_void_p, c_int]),
    "purge": (c_int, [c_void_p, c_int]),
    "destroy": (None, [c_void_p]),
    "queue_get_main": (c_void_p, [c_void_p]),
    "queue_poll": (c_void_p, [c_void_p, c_int]),
    "queue_io_event_enable": (None, [c_void_p, c_int, c_void_p, c_size_t]),
    "event_type": (c_int, [c_void_p]),
    "event_destroy": (None, [c_void_p]),
    "event_error": (c_int, [c_void_p]),
    "event_error_string": (c_char_p, [c_void_p]),
    "event_message_count": (c_size_t, [c_void_p]),
    "event_message_array": (c_size_t, [c_void_p, c_void_p, c_size_t]),
    "event_stats": (c_char_p, [c_void_p]),
    "event_log": (c_int, [c_void_p, POINTER(c_char_p), POINTER(c_char_p), POINTER(c_int)]),
    "message_status": (c_int, [c_void_p]),
    "queue_new": (c_void_p, [c_void_p]),
    "query_watermark_offsets": (c_int, [c_void_p, c_char_p, c_int32, POINTER(c_int64), POINTER(c_int64), c_int]),
    "consume_start_queue": (c_int, [c_void_p, c_int32, c_int64, c_void_p]),
    "consume_stop": (c_int, [c_void_p, c_int32]),
    "consume_queue": (c_void_p, [c_void_p, c_int]),
    "consume_batch_queue": (c_int64, [c_void_p, c_int, c_void_p, c_size_t]),
    "topic_partition_list_new": (c_void_p, [c_int]),
    "topic_partition_list_add": (POINTER(TopicPartition), [c_void_p, c_char_p, c_int32]),
    "topic_partition_list_destroy": (None, [c_void_p]),
    "position": (c_int, [c_void_p, c_void_p]),
    "message_destroy": (None, [c_void_p]),
    "message_headers": (c_int, [c_void_p, POINTER(c_void_p)]),
    "header_get_last": (c_int, [c_void_p, c_char_p, POINTER(c_void_p), POINTER(c_size_t)]),
}


_KEEP_THE_GIL: Final = frozenset(
    {"event_type", "event_error", "event_message_count", "message_destroy", "message_headers", "header_get_last"}
)
"""Short and never blocking: giving the GIL away would cost more than the call."""


class Functions:
    """librdkafka's functions by name, without their `rd_kafka_` prefix. All but the shortest release the GIL."""

    def __init__(self, library: ctypes.CDLL) -> None:
        quick = ctypes.PyDLL(library._name)
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(quick if name in _KEEP_THE_GIL else library, f"rd_kafka_{name}")
            function.restype = result
            function.argtypes = arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"librdkafka function {name} has no signature here")


@functools.cache
def load() -> Functions:
    """The functions of the librdkafka inside the installed confluent-kafka.

    Only its shared object is opened: importing the package itself brings asyncio, 40 ms of every trial. A symbol
    looked up in it is found in the librdkafka it depends on. Raises OSError where there is none.
    """
    spec = importlib.util.find_spec("confluent_kafka")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        for candidate in sorted(Path(folder).glob("cimpl*.so")):
            try:
                return Functions(ctypes.CDLL(str(candidate)))
            except AttributeError as error:
                raise OSError(f"this build of confluent-kafka hides librdkafka ({error})") from error
    raise OSError("confluent-kafka is not installed")


def version() -> str:
    """Name and version, such as `librdkafka 2.16.0`."""
    text: bytes = load().version_str()
    return f"librdkafka {text.decode()}"


def error_name(code: int) -> str:
    """Kafka's own name of an error, such as `MSG_SIZE_TOO_LARGE`; the client's own begin with `_`."""
    name: bytes = load().err2name(code)
    return name.decode()


def error_text(code: int) -> str:
    text: bytes = load().err2str(code)
    return text.decode(errors="replace")
