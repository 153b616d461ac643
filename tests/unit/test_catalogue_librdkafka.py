"""The catalogue against the librdkafka that is installed: its own defaults, and where its ranges end."""

from __future__ import annotations

import ctypes
from typing import Any

import confluent_kafka
import confluent_kafka.cimpl
import pytest

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import CLIENT_SCOPES, Property, Scope
from ingestune_tui.catalogue.dialect import value_text

CLIENT = [prop for prop in catalogue.all_properties() if prop.scope in CLIENT_SCOPES and prop.librdkafka]

NARROWER = {
    (Scope.PRODUCER, "topic.metadata.refresh.interval.ms"): "low",  # -1 is never, 0 is without pause
    (Scope.CONSUMER, "topic.metadata.refresh.interval.ms"): "low",
    (Scope.CONSUMER, "fetch.min.bytes"): "low high",  # a consumer takes less than the property itself
    (Scope.CONSUMER, "fetch.max.bytes"): "low",  # message.max.bytes ends there
    (Scope.CONSUMER, "receive.message.max.bytes"): "low",  # 512 above the least fetch.max.bytes
    (Scope.CONSUMER, "fetch.wait.max.ms"): "high",  # a second below the greatest socket.timeout.ms
    (Scope.CONSUMER, "socket.timeout.ms"): "low",
}
"""Ends of a range that the catalogue draws in, because no client could be made beyond them, or none that works."""


@pytest.fixture(scope="module")
def library() -> Any:
    """librdkafka itself: the extension module is linked to it."""
    loaded = ctypes.CDLL(confluent_kafka.cimpl.__file__)
    for kind in ("conf", "topic_conf"):
        getattr(loaded, f"rd_kafka_{kind}_new").restype = ctypes.c_void_p
        getattr(loaded, f"rd_kafka_{kind}_destroy").argtypes = [ctypes.c_void_p]
        text, size = ctypes.c_char_p, ctypes.POINTER(ctypes.c_size_t)
        getattr(loaded, f"rd_kafka_{kind}_get").argtypes = [ctypes.c_void_p, text, text, size]
    return loaded


def default_of(library: Any, name: str) -> str:
    """Of a property of the client, or of its topics."""
    for kind in ("conf", "topic_conf"):
        conf = getattr(library, f"rd_kafka_{kind}_new")()
        try:
            text, size = ctypes.create_string_buffer(512), ctypes.c_size_t(512)
            if getattr(library, f"rd_kafka_{kind}_get")(conf, name.encode(), text, ctypes.byref(size)) == 0:
                return text.value.decode()
        finally:
            getattr(library, f"rd_kafka_{kind}_destroy")(conf)
    raise AssertionError(f"librdkafka has no property {name}")


@pytest.mark.parametrize("prop", CLIENT, ids=lambda prop: f"{prop.scope.value}:{prop.name}")
def test_the_default_is_librdkafkas_own(library: Any, prop: Property) -> None:
    name = str(prop.librdkafka)
    own = default_of(library, name)
    assert prop.default_librdkafka is not None
    mine = value_text(prop.default_librdkafka)
    if prop.name == "acks":
        own = own.replace("-1", "all")
    if prop.kind in ("int", "float"):
        assert float(own) == float(mine)
    else:
        assert own == mine


@pytest.mark.parametrize("prop", CLIENT, ids=lambda prop: f"{prop.scope.value}:{prop.name}")
def test_a_range_ends_where_librdkafkas_does(prop: Property) -> None:
    narrower = NARROWER.get((prop.scope, prop.name), "")
    for end, beyond in (("low", -1), ("high", 1)):
        limit = getattr(prop, end)
        if limit is None or end in narrower:
            continue
        with pytest.raises(confluent_kafka.KafkaException, match="outside allowed range"):
            confluent_kafka.Producer({str(prop.librdkafka): str(int(limit) + beyond)})


@pytest.mark.parametrize("prop", [prop for prop in CLIENT if prop.aliases], ids=lambda prop: prop.name)
def test_every_alias_is_a_name_librdkafka_or_java_knows(library: Any, prop: Property) -> None:
    for alias in prop.aliases:
        assert alias == prop.java or default_of(library, alias) == default_of(library, str(prop.librdkafka))
