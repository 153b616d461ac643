"""Reading and writing .properties: what java.util.Properties makes of escapes, comments and continued lines."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingestune_tui.catalogue.properties_text import (
    comment_lines,
    property_line,
    read_properties,
    write_properties_text,
)

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=8))
@example({" a ": "  b ", "#": "!", "": "", "c=d:": "=:\\", "e\\": "\t\n\f\r"})
def test_what_is_written_reads_back_whatever_it_holds(properties: dict[str, str]) -> None:
    text = write_properties_text(properties)
    assert text.isascii()
    assert read_properties(text) == properties


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_a_comment_never_becomes_a_setting(comment: str, key: str, value: str) -> None:
    text = f"{comment_lines(comment)}\n{property_line(key, value)}\n"
    assert read_properties(text) == {key: value}


@given(ANY_TEXT.filter(lambda text: "\\u" not in text))
def test_any_text_without_broken_escapes_is_read(text: str) -> None:
    assert all(isinstance(value, str) for value in read_properties(text).values())


@pytest.mark.parametrize(
    ("text", "properties"),
    [
        ("acks=all", {"acks": "all"}),
        ("acks:all", {"acks": "all"}),
        ("acks all", {"acks": "all"}),
        ("  acks\t = \tall", {"acks": "all"}),
        ("acks = all  ", {"acks": "all  "}),
        ("acks", {"acks": ""}),
        ("=nameless", {"": "nameless"}),
        ("a==b", {"a": "=b"}),
        ("a\\=b=c", {"a=b": "c"}),
        ("# a=1\n! b=2\n\n  # c=3\nd=4", {"d": "4"}),
        ("# goes on? \\\na=1", {"a": "1"}),
        ("a=1,\\\n    2,\\\n    3", {"a": "1,2,3"}),
        ("a=1\\\\\nb=2", {"a": "1\\", "b": "2"}),
        ("a=1\\", {"a": "1"}),
        ("a=\\\n", {"a": ""}),
        ("a=1\\\n# no comment", {"a": "1# no comment"}),
        ("a=x\\ty\\nz\\q", {"a": "x\ty\nzq"}),
        ("a=\\u00e4\\u20AC", {"a": "ä€"}),
        ("a=\\ud83d\\ude00", {"a": "\N{GRINNING FACE}"}),
        ("a=1\r\nb=2\rc=3", {"a": "1", "b": "2", "c": "3"}),
        ("a=1\na=2", {"a": "2"}),
        ("\ufeffa=1", {"a": "1"}),
        ("path=C:\\\\keys\\\\ca.pem", {"path": "C:\\keys\\ca.pem"}),
        ("", {}),
    ],
)
def test_lines_are_read_as_java_reads_them(text: str, properties: dict[str, str]) -> None:
    assert read_properties(text) == properties


@pytest.mark.parametrize("text", ["a=1\nb=\\u12", "a=1\nb=\\u12g4", "a=1\n\\uzzzz=2"])
def test_a_broken_escape_is_named_by_its_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^line 2: .*hexadecimal"):
        read_properties(text)
