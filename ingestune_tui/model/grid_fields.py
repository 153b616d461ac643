"""Every field of a grid file outside the parameters, with the converter that checks it. Pure.

A converter takes what TOML gave and returns the value, or raises ValueError with one sentence. `field` names the
field of the struct that takes the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ingestune_tui.model.objective import MAXIMIZED, MINIMIZED
from ingestune_tui.units import format_bytes, format_duration, parse_bytes, parse_seconds


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a section."""

    field: str
    """The struct's field."""
    convert: Callable[[Any], Any]
    help: str
    """What it means, for the app and for errors."""

    def __call__(self, raw: object) -> Any:
        return self.convert(raw)


def whole(low: int, high: int) -> Callable[[object], int]:
    """A whole number in a closed range."""

    def convert(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or not low <= raw <= high:
            raise ValueError(f"this is a whole number from {low} to {high}")
        return raw

    return convert


def number(low: float, high: float) -> Callable[[object], float]:
    """A number in a closed range, which no NaN and no infinity lies in."""

    def convert(raw: object) -> float:
        if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not low <= raw <= high:
            raise ValueError(f"this is a number from {low:g} to {high:g}")
        return float(raw)

    return convert


def one_of(*choices: str) -> Callable[[object], str]:
    """One of a few words."""

    def convert(raw: object) -> str:
        if raw not in choices:
            raise ValueError(f"this is one of {', '.join(choices)}")
        return str(raw)

    return convert


def size(low: int, high: int) -> Callable[[object], int]:
    """Bytes, bare or with a unit."""

    def convert(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, (int, str)):
            raise ValueError('this is a size, like 1000 or "10GB"')
        value = parse_bytes(raw) if isinstance(raw, str) else raw
        if not low <= value <= high:
            raise ValueError(f"this is a size from {format_bytes(low)} to {format_bytes(high)}")
        return value

    return convert


def duration(low_s: float, high_s: float) -> Callable[[object], float]:
    """Seconds, with a unit; 0 needs none."""

    def convert(raw: object) -> float:
        if raw == 0 and not isinstance(raw, bool):
            value = 0.0
        elif isinstance(raw, str):
            value = parse_seconds(raw)
        else:
            raise ValueError('this is a duration with a unit, like "3s"')
        if not low_s <= value <= high_s:
            raise ValueError(f"this is a duration from {_span(low_s)} to {_span(high_s)}")
        return value

    return convert


def _span(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else format_duration(seconds)


def _message_bytes(raw: object) -> tuple[int, ...]:
    values = raw if isinstance(raw, list) else [raw]
    convert = size(1, 100_000_000)
    sizes = tuple(convert(each) for each in values)
    if not sizes or len(sizes) > 20:
        raise ValueError("give one to 20 message sizes")
    if len(set(sizes)) < len(sizes):
        raise ValueError("a message size stands twice")
    return sizes


def _payload(raw: object) -> str:
    if isinstance(raw, str) and len(raw) < 1000:
        if raw in ("json", "random", "zeros"):
            return raw
        if raw.startswith("file:") and len(raw) > 5 and "\0" not in raw:
            return raw
    raise ValueError('this is "json", "random", "zeros" or "file:PATH"')


def _keys(raw: object) -> str:
    if raw == "none":
        return "none"
    if isinstance(raw, str) and (match := re.fullmatch(r"(uniform|zipf):(\d{1,9})", raw)) and int(match[2]) >= 1:
        return f"{match[1]}:{int(match[2])}"
    raise ValueError('this is "none", "uniform:N" or "zipf:N", with N keys')


def _rate(raw: object) -> tuple[float | None, float | None]:
    """(share, messages/s), one of them None."""
    if isinstance(raw, str) and (match := re.fullmatch(r"\s*(\d{1,3}(?:\.\d+)?)\s*%\s*", raw)):
        share = float(match[1]) / 100
        if 0.001 <= share <= 0.95:
            return share, None
        raise ValueError("a share of the baseline's throughput lies between 0.1% and 95%")
    if isinstance(raw, (int, float)) and not isinstance(raw, bool) and 1 <= raw <= 100_000_000:
        return None, float(raw)
    raise ValueError('this is a share like "30%" of the baseline\'s throughput, or messages/s')


def _pairs(raw: object) -> int:
    """None, or enough for a claim."""
    pairs = whole(0, 200)(raw)
    if 0 < pairs < 4:
        raise ValueError("a claim takes at least 4 pairs; 0 makes none")
    return pairs


def _off(raw: object) -> tuple[str, ...]:
    if isinstance(raw, list) and len(raw) <= 1000 and all(isinstance(each, str) for each in raw):
        return tuple(raw)
    raise ValueError('this is a list of parameters, like ["producer.linger.ms"]')


_MAX_S = 3600.0

SECTIONS: Mapping[str, Mapping[str, Field]] = {
    "workload": {
        "message_bytes": Field("message_bytes", _message_bytes, "size of a message; a list makes one search for each"),
        "client": Field("client", one_of("librdkafka", "java"), "the client that sends"),
        "payload": Field("payload", _payload, "json, random, zeros, or file:PATH with one message a line"),
        "keys": Field("keys", _keys, "none, uniform:N or zipf:N"),
        "partitions": Field("partitions", whole(1, 100_000), "partitions of the trial's topic"),
        "replication": Field("replication", whole(1, 32), "copies of each partition"),
        "producers": Field("producers", whole(1, 64), "processes that send"),
        "consumers": Field("consumers", whole(0, 64), "processes that read what is sent"),
    },
    "objective": {
        "maximize": Field("maximize", one_of(*MAXIMIZED), "the figure to raise"),
        "minimize": Field("minimize", one_of(*MINIMIZED), "the latency to lower"),
        "p99_ms": Field("p99_limit_ms", number(0.01, 60_000), "only configurations with a p99 below it may win"),
        "rate": Field("rate", _rate, "where latency is measured: a share of the baseline's throughput, or messages/s"),
    },
    "trial": {
        "warmup": Field("warmup_s", duration(0.5, _MAX_S), "sending before anything counts, at least"),
        "saturated": Field("saturated_s", duration(1, _MAX_S), "sending as fast as the client accepts"),
        "paced": Field("paced_s", duration(0, _MAX_S), "sending on a schedule, for latency; 0 leaves it out"),
    },
    "limits": {
        "bytes_per_trial": Field("bytes_per_trial", size(1_000_000, 10**15), "written by one trial, per node"),
        "bytes_on_disk": Field("bytes_on_disk", size(1_000_000, 10**16), "held at any time, per node"),
        "bytes_per_s": Field("bytes_per_s", size(1000, 10**13), "cap of the rate"),
    },
    "search": {
        "strategy": Field("strategy", one_of("race", "exhaustive"), "race spends trials where they matter"),
        "tolerance": Field("tolerance", number(0.001, 0.5), "as good as the best, as a share"),
        "budget": Field("budget_s", duration(10, 30 * 86400), "time for the whole study"),
        "confirm_pairs": Field("confirm_pairs", _pairs, "fresh pairs that make the claim"),
        "off": Field("off", _off, "parameters switched off"),
    },
}
