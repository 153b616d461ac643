"""Settings that change nothing beside the others, so that cells which differ only in them are run once. Pure.

Asked through `constraints.canonical`. Only what a client or broker demonstrably ignores is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.catalogue.in_force import InForce

Inert = Callable[[InForce], str]
"""Why the setting changes nothing; empty where it does."""

_CODECS = ("gzip", "lz4", "zstd")
_BROKER_SCOPES = (Scope.BROKER, Scope.BROKER_STATIC)


def _level(scope: Scope, codec: str) -> Inert:
    def reason(look: InForce) -> str:
        used = {look.value(scope, "compression.type")}
        if scope in _BROKER_SCOPES and look.set(Scope.TOPIC, "compression.type"):
            used.add(look.value(Scope.TOPIC, "compression.type"))
        elif scope is Scope.TOPIC and not look.set(Scope.TOPIC, "compression.type"):
            used = {look.value(Scope.BROKER, "compression.type")}
        if codec in used:
            return ""
        return f"compression.{codec}.level changes nothing with compression.type={', '.join(map(str, used))}"

    return reason


def _level_without_codec(look: InForce) -> str:
    if look.codec in _CODECS:
        return ""
    return f"compression.level changes nothing with compression.type={look.codec}"


def _backoff(name: str) -> Inert:
    def reason(look: InForce) -> str:
        return "" if look.number(Scope.PRODUCER, "retries") else f"{name} changes nothing with retries=0"

    return reason


def _request_timeout(look: InForce) -> str:
    if look.java or look.value(Scope.PRODUCER, "acks") != "0":
        return ""
    return "request.timeout.ms changes nothing with acks=0"


def _availability(look: InForce) -> str:
    if look.value(Scope.PRODUCER, "partitioner.adaptive.partitioning.enable"):
        return ""
    return "partitioner.availability.timeout.ms changes nothing without adaptive partitioning"


def _compaction(name: str) -> Inert:
    def reason(look: InForce) -> str:
        policy = look.value(Scope.TOPIC, "cleanup.policy")
        return "" if "compact" in str(policy) else f"{name} changes nothing with cleanup.policy={policy}"

    return reason


INERT: Mapping[tuple[Scope, str], Inert] = {
    (Scope.PRODUCER, "compression.level"): _level_without_codec,
    (Scope.PRODUCER, "request.timeout.ms"): _request_timeout,
    (Scope.PRODUCER, "partitioner.availability.timeout.ms"): _availability,
    **{(Scope.PRODUCER, name): _backoff(name) for name in ("retry.backoff.ms", "retry.backoff.max.ms")},
    **{
        (scope, f"compression.{codec}.level"): _level(scope, codec)
        for scope in (Scope.PRODUCER, Scope.TOPIC, *_BROKER_SCOPES)
        for codec in _CODECS
    },
    **{
        (Scope.TOPIC, name): _compaction(name)
        for name in (
            "min.cleanable.dirty.ratio",
            "min.compaction.lag.ms",
            "max.compaction.lag.ms",
            "delete.retention.ms",
        )
    },
}
