"""librdkafka's mock cluster as a process of its own, so that load children and the study reach it over sockets.

Run as a script by simulated.py: `mock_cluster.py BROKERS ROUND_TRIP_MS`. Prints the bootstrap address on a line, then
answers each command on stdin with `ok` or Kafka's name of the error: `create TOPIC PARTITIONS REPLICATION`,
`delete TOPIC`, `round_trip MS`. Ends when stdin closes.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PRODUCER = 0
_LOG_NOTHING = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p)
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "conf_new": (ctypes.c_void_p, []),
    "conf_set_log_cb": (None, [ctypes.c_void_p, _LOG_NOTHING]),
    "new": (ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]),
    "err2name": (ctypes.c_char_p, [ctypes.c_int]),
    "mock_cluster_new": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]),
    "mock_cluster_bootstraps": (ctypes.c_char_p, [ctypes.c_void_p]),
    "mock_cluster_destroy": (None, [ctypes.c_void_p]),
    "mock_set_controller_id": (None, [ctypes.c_void_p, ctypes.c_int32]),
    "mock_broker_set_rtt": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int]),
    "mock_topic_create": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]),
    "mock_topic_delete": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p]),
}


def main(brokers: int, round_trip_ms: int) -> int:
    """Serve until stdin closes."""
    call = _librdkafka()
    silent = _LOG_NOTHING(lambda handle, level, facility, text: None)
    config = call("conf_new")
    call("conf_set_log_cb", config, silent)
    reason = ctypes.create_string_buffer(512)
    handle = call("new", _PRODUCER, config, reason, len(reason))
    cluster = call("mock_cluster_new", handle, brokers) if handle else None
    if not cluster:
        print(reason.value.decode(errors="replace") or "the mock cluster did not start", file=sys.stderr)
        return 1

    def round_trip(milliseconds: int) -> int:
        return max(int(call("mock_broker_set_rtt", cluster, broker, milliseconds)) for broker in range(1, brokers + 1))

    commands: dict[str, Callable[..., int]] = {
        "create": lambda topic, partitions, replication: call(
            "mock_topic_create", cluster, topic.encode(), int(partitions), int(replication)
        ),
        "delete": lambda topic: call("mock_topic_delete", cluster, topic.encode()),
        "round_trip": lambda milliseconds: round_trip(int(milliseconds)),
    }
    call("mock_set_controller_id", cluster, 1)  # without one, clients wait for it in vain
    round_trip(round_trip_ms)
    print(call("mock_cluster_bootstraps", cluster).decode(), flush=True)
    for line in sys.stdin:
        name, *arguments = line.split()
        code = commands[name](*arguments)
        print("ok" if code == 0 else call("err2name", code).decode(), flush=True)
    call("mock_cluster_destroy", cluster)
    return 0


def _librdkafka() -> Callable[..., Any]:
    """Calls a function of the librdkafka that confluent-kafka brings; only that shared object is loaded."""
    spec = importlib.util.find_spec("confluent_kafka")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = [path for folder in folders for path in Path(folder).glob("cimpl*.so")]
    if not found:
        raise SystemExit("confluent-kafka is not installed")
    library = ctypes.CDLL(str(found[0]))
    functions: dict[str, Any] = {}
    for name, (result, arguments) in _SIGNATURES.items():
        try:
            functions[name] = getattr(library, f"rd_kafka_{name}")
        except AttributeError:
            raise SystemExit(f"this build of confluent-kafka has no rd_kafka_{name}") from None
        functions[name].restype = result
        functions[name].argtypes = arguments
    return lambda name, *values: functions[name](*values)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
