"""What a person types into a row becomes TOML values, or one sentence about what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.tui.grid_input import field_value, join_values, parameter_values, split_values


def test_values_are_separated_by_spaces_or_commas() -> None:
    assert split_values(" 0 5,20 ,  100 ") == ["0", "5", "20", "100"]
    assert split_values('"a b", c') == ["a b", "c"]


def test_an_open_quote_is_a_problem() -> None:
    with pytest.raises(ValueError, match="quote"):
        split_values('"a b')


@given(st.lists(st.text(alphabet="abc,. 019KiB", max_size=8), max_size=6))
def test_what_is_shown_in_the_input_is_read_back_the_same(words: list[str]) -> None:
    assert split_values(join_values(words)) == words


def test_numbers_sizes_and_words_are_told_apart() -> None:
    assert parameter_values(Scope.PRODUCER, "linger.ms", "0 0.5 20") == [0, 0.5, 20]
    assert parameter_values(Scope.PRODUCER, "batch.size", "16KiB, 1MiB") == ["16KiB", "1MiB"]
    assert parameter_values(Scope.PRODUCER, "compression.type", "none lz4") == ["none", "lz4"]
    assert parameter_values(Scope.PRODUCER, "enable.idempotence", "true false") == [True, False]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("compression.type", "lzx", "not one of none"),
        ("linger.ms", "-1", "from 0"),
        ("linger.ms", "nan", "number"),
        ("linger.ms", "5 5ms", "twice"),
        ("linger.ms", "", "at least one value"),
        ("batch.size", "16QiB", "unit"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(name: str, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parameter_values(Scope.PRODUCER, name, text)


def test_fields_take_their_own_kind_and_nothing_means_the_default() -> None:
    assert field_value("workload", "message_bytes", "10 100, 1000") == [10, 100, 1000]
    assert field_value("workload", "message_bytes", "1000") == 1000
    assert field_value("objective", "rate", "30%") == "30%"
    assert field_value("trial", "warmup", "3s") == "3s"
    assert field_value("search", "budget", "  ") is None
    with pytest.raises(ValueError, match="race, exhaustive"):
        field_value("search", "strategy", "quick")
