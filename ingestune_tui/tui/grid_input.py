"""What a person types into a row of the grid, into TOML values and back. Pure.

`0 5, 20` are three values; a value with a space or a comma in it stands in double quotes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.grid_fields import SECTIONS
from ingestune_tui.model.grid_reader import parse_level

MAX_INPUT = 10_000
"""Characters of one row."""


def split_values(text: str) -> list[str]:
    """The words of a row, at spaces and commas. Raises ValueError for a quote that is not closed."""
    words: list[str] = []
    word: list[str] = []
    quoted = began = False
    for character in text[:MAX_INPUT]:
        if character == '"':
            quoted = not quoted
            began = True
        elif not quoted and (character.isspace() or character == ","):
            if word or began:
                words.append("".join(word))
            word, began = [], False
        else:
            word.append(character)
    if quoted:
        raise ValueError("a quote is not closed")
    if word or began:
        words.append("".join(word))
    return words


def join_values(raws: Sequence[object]) -> str:
    """Values as they are typed, so that splitting them again gives the same words."""
    return " ".join(quote(show(raw)) for raw in raws)


def show(raw: object) -> str:
    """One TOML value as a person reads it."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float):
        return f"{raw:.12g}"
    return str(raw)


def quote(word: str) -> str:
    """In quotes where it would be split otherwise."""
    return f'"{word}"' if not word or any(character.isspace() or character == "," for character in word) else word


def parameter_values(scope: Scope, name: str, text: str) -> list[Any]:
    """The TOML values of one parameter. Raises ValueError naming the word and what is wrong with it."""
    words = split_values(text)
    if not words:
        raise ValueError("give at least one value; D deletes the parameter")
    values: list[Any] = []
    levels: list[object] = []
    for word in words:
        value = _first_accepted(word, lambda raw: parse_level(scope, name, raw))
        level = parse_level(scope, name, value)
        if level in levels:
            raise ValueError(f"{word} stands twice")
        values.append(value)
        levels.append(level)
    return values


def field_value(section: str, key: str, text: str) -> Any:
    """The TOML value of one field, or None for an empty text: the field goes, its default stays. Raises ValueError."""
    field = SECTIONS[section][key]
    words = split_values(text)
    if not words:
        return None
    if section == "workload" and key == "message_bytes":
        sizes = [_first_accepted(word, field) for word in words]
        field(sizes)
        return sizes[0] if len(sizes) == 1 else sizes
    word = text.strip().strip('"')
    return _first_accepted(word, field)


def _first_accepted(word: str, check: Callable[[Any], object]) -> Any:
    """The word as the plainest TOML value that is accepted: a truth, a number, else a text."""
    first: ValueError | None = None
    for candidate in _readings(word):
        try:
            check(candidate)
        except ValueError as problem:
            first = first or problem
        else:
            return candidate
    assert first is not None
    said = str(first)
    raise ValueError(said if word[:40] in said else f"{word[:40]}: {said}")


def _readings(word: str) -> list[Any]:
    readings: list[Any] = []
    if word in ("true", "false"):
        readings.append(word == "true")
    for reader in (int, float):
        try:
            if word.isascii() and "_" not in word and len(word) < 40:
                readings.append(reader(word))
        except ValueError:
            continue
    return [*readings, word]
