"""Values with units, read as people type them and written as people read them. Pure; used by every room.

Sizes: `128KiB`, `128k` and `131072` are bytes in powers of 1024 where the suffix is KiB, MiB, GiB or a bare
k, m, g (Kafka's own habit); `10GB`, `5MB`, `1kB` are powers of 1000. Durations: `20ms`, `3s`, `10m`, `2h`.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

_NUMBER = r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
_QUANTITY = re.compile(rf"\s*{_NUMBER}\s*([A-Za-zµ]*)\s*\Z")

_BYTES = {
    "": 1,
    "b": 1,
    "k": 1024,
    "m": 1024**2,
    "g": 1024**3,
    "t": 1024**4,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
    "tib": 1024**4,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "tb": 1000**4,
}
_EVEN = (
    ("GiB", 1024**3),
    ("GB", 1000**3),
    ("MiB", 1024**2),
    ("MB", 1000**2),
    ("KiB", 1024),
)
"""The greatest first: 10 GB are `10GB`, although they are whole KiB too."""
_SECONDS = {
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "min": 60.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}


def _split(text: str, example: str) -> tuple[str, str]:
    if len(text) > 64 or not (match := _QUANTITY.match(text)):
        raise ValueError(f"not a number with a unit; write it like {example}")
    return match[1], match[2]


def parse_bytes(text: str) -> int:
    """Bytes in a text such as `64KiB`, `128k` or `10GB`. Raises ValueError with an example."""
    number, unit = _split(text, "128KiB")
    if (factor := _BYTES.get(unit.lower())) is None:
        raise ValueError(f"unknown size unit '{unit}'; use B, KiB, MiB, GiB, kB, MB or GB")
    try:
        value = Decimal(number) * factor  # 1.001kB is 1001 bytes, which binary fractions miss
    except ArithmeticError:  # an exponent beyond all measure
        raise ValueError("not a whole number of bytes") from None
    if not -(2**63) < value < 2**63 or value != int(value):
        raise ValueError("not a whole number of bytes")
    return int(value)


def parse_seconds(text: str) -> float:
    """Seconds in a text such as `20ms`, `3s` or `10m`; a bare number is refused. Raises ValueError."""
    number, unit = _split(text, "20ms")
    if (factor := _SECONDS.get(unit)) is None:
        raise ValueError(f"unknown time unit '{unit}'; use us, ms, s, m, h or d" if unit else "add a unit, like 20ms")
    value = float(number) * factor
    if not math.isfinite(value):
        raise ValueError("longer than any duration")
    return value


def format_bytes(value: float) -> str:
    """Bytes for a person: in the greatest unit that comes out even (`16KiB`, `10GB`), else rounded (`9.1 GB`).

    For a size that somebody chose. What was measured or estimated comes out even by chance: `about_bytes`.
    """
    if value and value == int(value):
        for unit, factor in _EVEN:
            if value % factor == 0:
                return f"{int(value) // factor}{unit}"
    return about_bytes(value)


def about_bytes(value: float) -> str:
    """Bytes of an estimate, in three digits whether they come out even or not: `13.9 GB`."""
    if abs(value) < 1000:
        return f"{value:.0f} B"
    for unit, power in (("kB", 1), ("MB", 2), ("GB", 3), ("TB", 4)):
        if abs(value) < 999.5 * 1000.0**power or unit == "TB":
            return f"{three_digits(value / 1000.0**power)} {unit}"
    raise AssertionError("unreachable")


def format_duration(seconds: float) -> str:
    """Seconds for a person: `12 s`, `4 min`, `2 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def three_digits(value: float) -> str:
    """Three significant digits without an exponent: `412`, `41.2`, `4.12`, `0.412`, `41200`."""
    if value == 0:
        return "0"
    size = abs(value)
    for limit, decimals in ((99.95, 0), (9.995, 1), (0.9995, 2), (0.09995, 3)):
        if size >= limit:
            return f"{value:.{decimals}f}"
    return f"{value:.2g}" if size >= 1e-4 else f"{value:.1e}"


def format_rate(per_second: float) -> str:
    """A count for a person, with k or M: `412 k`, `1.49 M`, `37`."""
    if abs(per_second) >= 999_500:
        return f"{three_digits(per_second / 1e6)} M"
    if abs(per_second) >= 999.5:
        return f"{three_digits(per_second / 1e3)} k"
    return three_digits(per_second)
