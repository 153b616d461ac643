"""Values of the catalogue: what is shown reads back, and no input whatever gets past the range or past ValueError."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Property, Value

NUMBERS = [prop for prop in catalogue.all_properties() if prop.kind in ("int", "float")]


@st.composite
def numbers(draw: st.DrawFn) -> tuple[Property, Value]:
    """A property and a value that it takes."""
    prop = draw(st.sampled_from(NUMBERS))
    assert prop.low is not None
    assert prop.high is not None
    if prop.kind == "int":
        return prop, draw(st.integers(int(prop.low), int(prop.high)))
    tenths = draw(st.integers(math.ceil(prop.low * 10), math.floor(prop.high * 10)))
    return prop, tenths / 10


@given(numbers())
def test_a_value_read_back_as_it_is_shown_is_the_same(case: tuple[Property, Value]) -> None:
    prop, value = case
    shown = catalogue.format_value(prop, value)
    if not (isinstance(value, int) and value >= 2**62):  # so many are shown as a word
        assert catalogue.parse_value(prop, shown) == value


@given(numbers())
def test_a_value_is_its_own_reading(case: tuple[Property, Value]) -> None:
    prop, value = case
    assert catalogue.parse_value(prop, value) == value
    assert catalogue.parse_value(prop, str(value)) == value


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.integers()),
    st.sampled_from([10**400, 10**5000, -(10**5000), "9" * 200, "9" * 201, "1e999", "-0", "5 parsecs", "inf", "nan"]),
)


def read(prop: Property, raw: object) -> tuple[Value | None, str]:
    """The value, or what is said against it."""
    try:
        return catalogue.parse_value(prop, raw), ""
    except ValueError as problem:
        return None, str(problem)


@given(st.sampled_from(catalogue.all_properties()), ANYTHING)
def test_whatever_comes_in_is_a_value_in_range_or_one_short_sentence(prop: Property, raw: object) -> None:
    value, refusal = read(prop, raw)
    if value is None:
        assert "\n" not in refusal
        assert 0 < len(refusal) < 300
    elif prop.kind in ("int", "float"):
        assert isinstance(value, (int, float))
        assert prop.low is not None
        assert prop.high is not None
        assert prop.low <= value <= prop.high
    elif prop.kind == "string":
        assert value in prop.choices
    else:
        assert isinstance(value, bool)


@pytest.mark.parametrize("name", ["socket.send.buffer.bytes", "connections.max.idle.ms"])
def test_minus_one_as_java_writes_it_is_left_to_the_system(name: str) -> None:
    prop = catalogue.find(catalogue.Scope.PRODUCER, name)
    assert prop is not None
    assert catalogue.parse_value(prop, -1) == 0
