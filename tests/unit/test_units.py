"""Values with units: what people type is read exactly or refused in one sentence, and what is shown reads well."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestune_tui.units import (
    format_bytes,
    format_duration,
    format_rate,
    parse_bytes,
    parse_seconds,
    three_digits,
)

TEXTS = st.text() | st.from_regex(
    r"[+-]?[0-9]{1,30}(\.[0-9]{0,9})?([eE][+-]?[0-9]{1,12})? ?[A-Za-zµ]{0,4}", fullmatch=True
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("131072", 131072),
        ("128KiB", 131072),
        ("128k", 131072),
        ("1M", 1024**2),
        ("1MB", 1000**2),
        (" 10 GB ", 10**10),
        ("1.5kb", 1500),
        ("1.001kB", 1001),  # 1000.9999999999999 in binary fractions
        ("9007199254740993", 2**53 + 1),
        ("-1", -1),
        ("1e3", 1000),
    ],
)
def test_sizes_are_read_exactly(text: str, value: int) -> None:
    assert parse_bytes(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "k", "12 parsecs", "0.3", "1e400", "1e99999999999", "nan", "inf", "1 2k", "0x10", "9" * 65, "10m\n10m"],
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"number|unit|whole"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20ms", 0.02), ("3s", 3.0), ("10m", 600.0), ("10min", 600.0), ("2h", 7200.0), ("250us", 0.00025), ("1.5 s", 1.5)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_seconds(text) == pytest.approx(seconds)


def test_a_duration_without_a_unit_is_told_to_add_one() -> None:
    with pytest.raises(ValueError, match="add a unit, like 20ms"):
        parse_seconds("5")


@pytest.mark.parametrize("text", ["", "ms", "3 weeks", "1e999s", "nan s", "5S"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_seconds(text)


@given(TEXTS)
def test_any_text_is_a_size_or_a_sentence(text: str) -> None:
    said = ""
    try:
        assert isinstance(parse_bytes(text), int)
    except ValueError as problem:
        said = str(problem)
    assert "\n" not in said


@given(TEXTS)
def test_any_text_is_a_finite_duration_or_a_sentence(text: str) -> None:
    said = ""
    try:
        assert math.isfinite(parse_seconds(text))
    except ValueError as problem:
        said = str(problem)
    assert "\n" not in said


@given(st.integers(1, 2**40), st.sampled_from([1, 1024, 1024**2, 10**6]))
def test_a_size_that_comes_out_even_can_be_typed_back(count: int, unit: int) -> None:
    shown = format_bytes(count * unit)
    if " " not in shown:
        assert parse_bytes(shown) == count * unit


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (16384, "16KiB"),
        (10**6, "1MB"),
        (1_234_567, "1.23 MB"),
        (999_999, "1.00 MB"),  # never "1000 kB"
        (9_123_456_789, "9.12 GB"),
        (10**10, "10GB"),  # never "9765625KiB"
        (64 * 10**6, "64MB"),
        (2**30, "1GiB"),
        (5_400_000_000_000_001, "5400 TB"),
    ],
)
def test_sizes_read_well(value: float, shown: str) -> None:
    assert format_bytes(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(12, "12 s"), (89, "89 s"), (90, "2 min"), (3599, "60 min"), (7199, "2 h"), (7500, "2 h 5 min")],
)
def test_durations_read_well(seconds: float, shown: str) -> None:
    assert format_duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (412.3, "412"), (41.23, "41.2"), (99.96, "100"), (4.123, "4.12"), (0.4123, "0.412"), (1e-6, "1.0e-06")],
)
def test_three_digits_carry_a_figure(value: float, shown: str) -> None:
    assert three_digits(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(37, "37.0"), (412_000, "412 k"), (999_600, "1.00 M"), (1_490_000, "1.49 M")]
)
def test_rates_read_well(value: float, shown: str) -> None:
    assert format_rate(value) == shown
