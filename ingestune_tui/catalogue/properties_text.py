"""The text of a .properties file, as java.util.Properties reads and writes it. Pure.

Knows of escapes, comments and continued lines, and nothing of Kafka. Every file read or exported passes through here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_BLANK = " \t\f"
_NAMED = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_ESCAPED = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}


def read_properties(text: str) -> dict[str, str]:
    """Key to value; of a key that stands twice, the last one. Raises ValueError with the line of a broken escape."""
    found: dict[str, str] = {}
    for number, line in _logical_lines(text.removeprefix("\ufeff")):
        raw_key, raw_value = _split(line)
        try:
            found[_unescape(raw_key)] = _unescape(raw_value)
        except ValueError as problem:
            raise ValueError(f"line {number}: {problem}") from None
    return found


def write_properties_text(properties: Mapping[str, str]) -> str:
    """A line for each entry, ASCII only, that reads back as it was."""
    return "".join(f"{property_line(key, value)}\n" for key, value in properties.items())


def property_line(key: str, value: str) -> str:
    """`key=value` without its line end."""
    return f"{_escape(key, also=' =:#!')}={_escape_value(value)}"


def comment_lines(text: str) -> str:
    """One comment: control characters and line ends become spaces, so nothing in it becomes a setting."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return f"# {shown.rstrip()}" if shown.strip() else "#"


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Line number and text of what is no comment, with continued lines joined."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    at = 0
    while at < len(lines):
        first = at + 1
        line = lines[at].lstrip(_BLANK)
        at += 1
        if not line or line[0] in "#!":
            continue
        while _continues(line):
            line = line[:-1] + (lines[at].lstrip(_BLANK) if at < len(lines) else "")
            at += 1
            if at > len(lines):
                break
        yield first, line


def _continues(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _split(line: str) -> tuple[str, str]:
    """The key ends at the first `=`, `:` or blank that is not escaped."""
    end = 0
    while end < len(line) and line[end] not in "=:" + _BLANK:
        end += 2 if line[end] == "\\" else 1
    end = min(end, len(line))
    rest = line[end:].lstrip(_BLANK)
    if rest[:1] in ("=", ":"):
        rest = rest[1:].lstrip(_BLANK)
    return line[:end], rest


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char != "\\":
            out.append(char)
            continue
        named = text[at : at + 1]
        at += 1
        if named == "u":
            digits = text[at : at + 4]
            if len(digits) < 4 or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
                raise ValueError("a \\u is not followed by four hexadecimal digits")
            out.append(chr(int(digits, 16)))
            at += 4
        else:
            out.append(_NAMED.get(named, named))
    return "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escape_value(value: str) -> str:
    text = _escape(value, also="")
    return f"\\{text}" if text.startswith(" ") else text


def _escape(text: str, *, also: str) -> str:
    return "".join(_escape_char(char, also) for char in text)


def _escape_char(char: str, also: str) -> str:
    if char in _ESCAPED:
        return _ESCAPED[char]
    if char in also:
        return f"\\{char}"
    if " " <= char <= "~":
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
