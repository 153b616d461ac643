"""The leaderboard's filter language, `acks=all p99<20 linger.ms>=5 !client-bound`. Pure: text in, a predicate out.

All terms must hold. A term is NAME OP VALUE (or one of several values: `acks=all,1`), `!FLAG` or FLAG, or a bare
word that one of the settings must contain. Names are parameters, or figures: p50, p99, mb/s, msg/s, score, n, rank.
"""

from __future__ import annotations

import contextlib
import difflib
import operator
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ingestune_tui.model.configuration import Setting
from ingestune_tui.model.trial import REMEDIES
from ingestune_tui.report.leaderboard import BoardRow
from ingestune_tui.report.wording import value_text
from ingestune_tui.units import parse_bytes, parse_seconds

Test = Callable[[BoardRow], bool]

_TERM = re.compile(r"([^\s=<>!]+)\s*(>=|<=|!=|=|<|>)\s*(\S*)")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
_FIGURES: dict[str, Callable[[BoardRow], float | None]] = {
    "p50": lambda row: row.p50_ms,
    "p99": lambda row: row.p99_ms,
    "mb/s": lambda row: row.mb_per_s,
    "msg/s": lambda row: row.messages_per_s,
    "score": lambda row: row.score,
    "n": lambda row: float(row.n),
    "rank": lambda row: None if row.rank is None else float(row.rank),
}


class FilterError(ValueError):
    """What is wrong with a filter, in one sentence for the person who types it."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was understood."""

    text: str
    tests: tuple[Test, ...]

    def keeps(self, row: BoardRow) -> bool:
        """True when every term holds for `row`."""
        return all(test(row) for test in self.tests)

    def kept(self, rows: Sequence[BoardRow]) -> list[BoardRow]:
        """Those of `rows` for which every term holds, in their order."""
        return [row for row in rows if self.keeps(row)] if self.tests else list(rows)


def parse_filter(text: str, parameters: Collection[str]) -> Filter:
    """Understand `text`; `parameters` are the names a row may have. Raises FilterError."""
    if len(text) > 500:
        raise FilterError("a filter has at most 500 characters")
    tests: list[Test] = []
    rest = text.strip()
    while rest:
        match = _TERM.match(rest)
        if match:
            tests.append(_comparison(match[1], match[2], match[3], parameters))
            rest = rest[match.end() :].lstrip()
            continue
        word, _, rest = rest.partition(" ")
        rest = rest.lstrip()
        if word != "and":
            tests.append(_word(word, parameters))
    return Filter(text.strip(), tuple(tests))


def _word(word: str, parameters: Collection[str]) -> Test:
    absent = word.startswith("!")
    flag = word[1:] if absent else word
    if flag in REMEDIES:
        return lambda row: (flag in row.flags) is not absent
    if flag == "infeasible":
        return lambda row: (row.standing == "infeasible") is not absent
    if flag == "flag":
        return lambda row: bool(row.flags) is not absent
    if absent:
        raise FilterError(f"no flag is called '{flag}'{_nearest(flag, [*REMEDIES, 'infeasible', 'flag'])}")
    if re.search(r"[=<>!]", word):
        raise FilterError(f"'{word}' lacks a name: write it like p99<20")
    if word in parameters or word.lower() in _FIGURES:
        raise FilterError(f"{word} is compared with something: write it like p99<20 or acks=all")
    lowered = word.lower()
    return lambda row: any(
        lowered in f"{item.name}={value_text((item.scope, item.name), item.value)}".lower()
        for item in row.configuration
    )


def _comparison(name: str, sign: str, wanted: str, parameters: Collection[str]) -> Test:
    if not wanted:
        raise FilterError(f"{name}{sign} lacks a value")
    if (figure := _FIGURES.get(name.lower())) is not None:
        compare, number = _OPERATORS[sign], _number(name, wanted)

        def test(row: BoardRow) -> bool:
            value = figure(row)
            return value is not None and compare(value, number)

        return test
    if name not in parameters:
        raise FilterError(f"nothing is called '{name}'{_nearest(name, [*parameters, *_FIGURES])}")
    if sign in ("=", "!="):
        choices = wanted.split(",")
        return lambda row: any(_equal(name, row, choice) for choice in choices) is (sign == "=")
    compare, number = _OPERATORS[sign], _number(name, wanted)

    def ordered(row: BoardRow) -> bool:
        item = _setting(row, name)
        value = item.value if item is not None else None
        return isinstance(value, (int, float)) and not isinstance(value, bool) and compare(float(value), number)

    return ordered


def _setting(row: BoardRow, name: str) -> Setting | None:
    return next((item for item in row.configuration if item.name == name), None)


def _equal(name: str, row: BoardRow, wanted: str) -> bool:
    item = _setting(row, name)
    if item is None or wanted.lower() == "default":
        return item is None and wanted.lower() == "default"
    if isinstance(item.value, (int, float)) and not isinstance(item.value, bool):
        try:
            return float(item.value) == _number(name, wanted)
        except FilterError:
            return False
    return value_text((item.scope, name), item.value).lower() == wanted.lower()


def _number(name: str, text: str) -> float:
    """A number, a size or a time; times become milliseconds, as every latency and every `.ms` setting is."""
    readers: tuple[Callable[[str], float], ...] = (float, lambda each: parse_seconds(each) * 1000, parse_bytes)
    for read in readers:
        with contextlib.suppress(ValueError):
            return float(read(text))
    raise FilterError(f"{name}: '{text}' is no number; write 20, 64KiB or 5ms")


def _nearest(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(list(known)[:6])}"
