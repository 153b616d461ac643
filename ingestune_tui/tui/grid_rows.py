"""The grid document as rows: what each says, where it stands in the file, and what is wrong with it. Pure.

Rows come from the text as it is, so a value that cannot be run is shown with its problem and not left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.grid_fields import SECTIONS
from ingestune_tui.model.grid_reader import TOPIC_SHAPE, parse_parameter_name
from ingestune_tui.tui.grid_input import join_values, show
from ingestune_tui.tui.grid_sections import default_text, summary

if TYPE_CHECKING:
    from ingestune_tui.errors import Problem
    from ingestune_tui.tui.grid_document import GridDocument, Keys

Kind = Literal["problem", "scope", "parameter", "section", "field", "baseline"]

SCOPE_ROWS: Final[tuple[tuple[Scope, Keys], ...]] = (
    (Scope.PRODUCER, ("producer",)),
    (Scope.CONSUMER, ("consumer",)),
    (Scope.TOPIC, ("topic",)),
    (Scope.BROKER, ("broker",)),
    (Scope.BROKER_STATIC, ("broker", "static")),
)
SECTION_ROWS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("workload", ("workload",)),
    ("objective", ("objective",)),
    ("method", ("search", "trial", "limits")),
    ("baseline", ("baseline",)),
)
"""(what the row is called, the sections of the file behind it)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the editor."""

    key: str
    """Stays the same while the row stands for the same thing."""
    kind: Kind
    label: str
    keys: Keys = ()
    """Where its value stands in the file; for a scope, its table."""
    scope: Scope | None = None
    name: str = ""
    """Canonical name of a parameter; the field's key otherwise."""
    section: str = ""
    """Section of a field."""
    chips: tuple[str, ...] = ()
    """Its values, one by one."""
    typed: str = ""
    """Its values as they are typed into the input."""
    default: str = ""
    note: str = ""
    """How it counts: `x3`, `pinned`, `off`."""
    off: bool = False
    opened: bool = False
    """A section or scope that shows its rows."""
    problem: str = ""
    """What is wrong; empty when nothing is."""

    @property
    def editable(self) -> bool:
        """True when enter opens an input on it."""
        return self.kind in ("parameter", "field", "baseline")

    @property
    def parameter(self) -> str:
        """As `[search] off` names it: `producer.linger.ms`."""
        return f"{self.scope.value}.{self.name}" if self.scope is not None else ""


def rows(document: GridDocument, opened: frozenset[str] = frozenset()) -> list[Row]:
    """All rows in the order of the screen. `opened` names sections whose fields are shown."""
    plain = document.plain
    problems = _Problems(document.problems)
    result: list[Row] = []
    client = client_of(plain)
    off = {parse_parameter_name(entry) for entry in _strings(_at(plain, ("search", "off")))}
    for scope, keys in SCOPE_ROWS:
        table = _at(plain, keys)
        inside = list(_leaves(table, keys, skip=("static",) if scope is Scope.BROKER else ()))
        parameters = [_parameter(scope, where, name, raw, client, off, problems) for where, name, raw in inside]
        heading = problems.take(".".join(keys), exact=True)
        result.append(
            Row(f"scope:{scope.value}", "scope", scope.value, keys, scope, opened=bool(parameters), problem=heading)
        )
        result += parameters
    for name, sections in SECTION_ROWS:
        fields = list(_fields(name, sections, plain, client, problems))
        own = "; ".join(found for section in sections if (found := problems.take(section, exact=True)))
        inner = [row for row in fields if row.problem]
        shown = name in opened or bool(inner)
        text = summary(name, plain, document.grid)
        result.append(Row(f"section:{name}", "section", name, (name,), chips=(text,), opened=shown, problem=own))
        if shown:
            result += fields
    rest = [Row(f"problem:{number}", "problem", "", problem=text) for number, text in enumerate(problems.rest())]
    return rest + result


def _parameter(
    scope: Scope,
    keys: Keys,
    written: str,
    raw: object,
    client: str,
    off: set[tuple[Scope, str] | None],
    problems: _Problems,
) -> Row:
    found = parse_parameter_name(f"{scope.value}.{written}")
    name = found[1] if found else written
    raws = raw if isinstance(raw, list) else [raw]
    is_off = found in off if found else False
    return Row(
        key=f"{scope.value}.{written}",
        kind="parameter",
        label=written,
        keys=keys,
        scope=scope,
        name=name,
        chips=tuple(show(each) for each in raws),
        typed=join_values(raws),
        default=default_of(scope, name, client),
        note="off" if is_off else "pinned" if len(raws) == 1 else f"x{len(raws)}",
        off=is_off,
        problem=problems.take(f"{'.'.join(_table_of(scope))}.{written}"),
    )


def _fields(
    name: str, sections: Sequence[str], plain: Mapping[str, Any], client: str, problems: _Problems
) -> Iterator[Row]:
    if name == "baseline":
        yield from _baseline(plain, client, problems)
        return
    for section in sections:
        table = _at(plain, (section,))
        known = SECTIONS[section]
        written = [key for key in (table if isinstance(table, Mapping) else ()) if key not in known]
        for key in (*known, *written):
            if (section, key) == ("search", "off"):
                continue
            value = table.get(key) if isinstance(table, Mapping) else None
            raws = value if isinstance(value, list) else [] if value is None else [value]
            yield Row(
                key=f"field:{section}.{key}",
                kind="field",
                label=key,
                keys=(section, key),
                name=key,
                section=section,
                chips=tuple(show(each) for each in raws),
                typed=join_values(raws) if isinstance(value, list) else show(value) if value is not None else "",
                default=default_text(section, key),
                problem=problems.take(f"{section}.{key}"),
            )
    if name == "workload":
        title = plain.get("title")
        yield Row(
            key="field:.title",
            kind="field",
            label="title",
            keys=("title",),
            name="title",
            chips=(show(title),) if title is not None else (),
            typed=show(title) if title is not None else "",
            default="none",
            problem=problems.take("title"),
        )


def _baseline(plain: Mapping[str, Any], client: str, problems: _Problems) -> Iterator[Row]:
    """For each client scope a file, or the settings written out."""
    for scope in (Scope.PRODUCER, Scope.CONSUMER, Scope.TOPIC, Scope.BROKER):
        value = _at(plain, ("baseline", scope.value))
        if isinstance(value, Mapping):
            for keys, written, raw in _leaves(value, ("baseline", scope.value)):
                found = parse_parameter_name(f"{scope.value}.{written}")
                yield Row(
                    key=f"baseline:{scope.value}.{written}",
                    kind="baseline",
                    label=f"{scope.value} {written}",
                    keys=keys,
                    scope=scope,
                    name=found[1] if found else written,
                    chips=(show(raw),),
                    typed=join_values([raw]),
                    default=default_of(scope, found[1] if found else written, client),
                    problem=problems.take(f"baseline.{scope.value}.{written}"),
                )
        elif scope in (Scope.PRODUCER, Scope.CONSUMER):
            yield Row(
                key=f"field:baseline.{scope.value}",
                kind="field",
                label=f"{scope.value} file",
                keys=("baseline", scope.value),
                name=scope.value,
                section="baseline",
                chips=(show(value),) if value is not None else (),
                typed=show(value) if value is not None else "",
                default="defaults",
                problem=problems.take(f"baseline.{scope.value}"),
            )


def default_of(scope: Scope, name: str, client: str) -> str:
    """The default as it is shown; empty where there is none to show."""
    if scope is Scope.TOPIC and name in TOPIC_SHAPE:
        return "as [workload]"
    prop = catalogue.find(scope, name)
    if prop is None:
        return ""
    value = prop.default(catalogue.client_of(scope, client))
    return "" if value is None else catalogue.format_value(prop, value)


class _Problems:
    """Hands each problem to the first row whose place in the file it names; what is left goes on top."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._open = [(_plain_path(problem.path), problem) for problem in problems]

    def take(self, path: str, *, exact: bool = False) -> str:
        """Everything wrong at `path`, or below it unless `exact`."""
        mine = [(at, problem) for at, problem in self._open if at == path or (not exact and at.startswith(f"{path}."))]
        self._open = [entry for entry in self._open if entry not in mine]
        return "; ".join(_sentence(problem) for _, problem in mine)

    def rest(self) -> list[str]:
        """What no row took."""
        return [str(problem) for _, problem in self._open]


def _sentence(problem: Problem) -> str:
    return f"{problem.what} ({problem.hint})" if problem.hint else problem.what


def _plain_path(path: str) -> str:
    return path.replace('"', "").split("[")[0]


def _table_of(scope: Scope) -> Keys:
    return next(keys for each, keys in SCOPE_ROWS if each is scope)


def client_of(plain: Mapping[str, Any]) -> str:
    """The client whose names and defaults hold."""
    client = _at(plain, ("workload", "client"))
    return client if isinstance(client, str) else "librdkafka"


def _strings(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _at(plain: Mapping[str, Any], keys: Keys) -> Any:
    found: Any = plain
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return found


def _leaves(table: object, keys: Keys, skip: tuple[str, ...] = ()) -> Iterator[tuple[Keys, str, object]]:
    """(keys, name, value) of every value below `table`; `linger.ms` without quotes is one name again."""

    def walk(inner: Mapping[str, Any], path: Keys, prefix: str) -> Iterator[tuple[Keys, str, object]]:
        for key, value in inner.items():
            if isinstance(value, Mapping) and len(path) < 12:
                yield from walk(value, (*path, key), f"{prefix}{key}.")
            else:
                yield (*path, key), f"{prefix}{key}", value

    if isinstance(table, Mapping):
        yield from walk({key: value for key, value in table.items() if key not in skip}, keys, "")
