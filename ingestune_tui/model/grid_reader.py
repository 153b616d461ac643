"""A grid file's text into a `Grid`, or into every problem it has, each with its key path and a hint. Pure.

Each field has a converter that raises ValueError with one sentence; the walk collects them all, then the rules that
span several fields are checked. Only properties of the catalogue are ever accepted.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import tomli

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.errors import GridError, Problem
from ingestune_tui.model import grid_fields as fields
from ingestune_tui.model.configuration import Setting
from ingestune_tui.model.grid import MAX_CELLS, MAX_GRID_BYTES, BaselineChoice, Grid, Parameter, Search
from ingestune_tui.model.objective import FEWEST_BEYOND, Objective
from ingestune_tui.model.workload import Limits, Timings, Workload
from ingestune_tui.units import format_bytes

TOPIC_SHAPE: Mapping[str, tuple[int, int]] = {"partitions": (1, 100_000), "replication": (1, 32)}
"""What a topic is created with, not properties of it; tunable all the same. Lowest and highest value."""

SCOPE_TABLES = {scope.value: scope for scope in (Scope.PRODUCER, Scope.CONSUMER, Scope.TOPIC, Scope.BROKER)}
MAX_DEPTH = 12
MAX_PROBLEMS = 200


def read_grid(text: str, source: str = "the grid") -> Grid:
    """The grid in `text`. Raises GridError with every problem found; `source` names the file in it."""
    grid, problems = read_draft(text, source)
    if problems:
        raise GridError(problems, source)
    return grid


def read_draft(text: str, source: str = "the grid") -> tuple[Grid, tuple[Problem, ...]]:
    """The grid as far as it can be read, and what is wrong with the rest, for who finds more wrong in what it names.

    Raises GridError where nothing can be read of it: it is no TOML, or there are too many problems to go on.
    """
    reader = _Reader(_parse(text, source))
    try:
        return reader.grid(), tuple(reader.problems)
    except _TooManyProblems:
        raise GridError(tuple(reader.problems), source) from None


def _parse(text: str, source: str) -> dict[str, Any]:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_GRID_BYTES:
        raise GridError((Problem("", "the file is larger than 1 MB", "a grid is a few dozen lines"),), source)
    try:
        return tomli.loads(text.removeprefix("\ufeff"))  # the mark that Windows' editors begin a file with
    except tomli.TOMLDecodeError as problem:
        where = f"line {problem.lineno}, column {problem.colno}"
        hint = _syntax_hint(text, problem.lineno)
        raise GridError((Problem(where, f"not TOML: {problem.msg.lower()}", hint),), source) from problem
    except RecursionError:
        raise GridError((Problem("", "the file is nested too deeply", "a grid needs two levels"),), source) from None
    except ValueError:  # Python's own guard against numbers of thousands of digits
        raise GridError((Problem("", "a number in it has thousands of digits"),), source) from None


def _syntax_hint(text: str, line_number: int) -> str:
    line = next((each for number, each in enumerate(text.split("\n"), 1) if number == line_number), "")
    if re.search(r"=\s*\[?\s*[A-Za-z0-9.]*[A-Za-z]", line):
        return 'text stands in quotes, like "lz4" or "128KiB"'
    return ""


class _TooManyProblems(Exception):
    """The walk ends here: looking up hints for a hundred thousand wrong names would take minutes."""


class _Reader:
    """One walk over one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def grid(self) -> Grid:
        document = self.document
        known = {"title", *fields.SECTIONS, "baseline", *SCOPE_TABLES}
        for key in document:
            if key not in known:
                self.report(_path(key), "there is no such section or key", _nearest(key, known))
        title = document.get("title", "")
        if not isinstance(title, str) or len(title) > 200:
            self.report("title", "a title is a text of at most 200 characters")
            title = ""
        values = {name: self.section(name) for name in fields.SECTIONS}
        client = values["workload"].get("client", "librdkafka")
        parameters = tuple(self.parameters(client))
        parameters = self.switch_off(parameters, values["search"].pop("off", ()))
        grid = Grid(
            title=title,
            workloads=self.workloads(values["workload"]),
            objective=self.objective(values["objective"]),
            timings=Timings(**values["trial"]),
            limits=Limits(**values["limits"]),
            search=Search(**values["search"]),
            baseline=self.baseline(client),
            parameters=parameters,
        )
        self.rules(grid)
        return grid

    def report(self, path: str, what: str, hint: str = "") -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(path, what, hint))
        else:
            self.problems.append(Problem("", f"and more; only the first {MAX_PROBLEMS} are shown"))
            raise _TooManyProblems

    def section(self, name: str) -> dict[str, Any]:
        """The converted fields of one section; those with problems are left out."""
        table = self.document.get(name, {})
        if not isinstance(table, dict):
            self.report(name, "this is a section", f"write it as [{name}] with its keys below")
            return {}
        converters = fields.SECTIONS[name]
        result: dict[str, Any] = {}
        for key, raw in table.items():
            if (converter := converters.get(key)) is None:
                self.report(_path(name, key), "there is no such key", _nearest(key, converters))
                continue
            try:
                result[converter.field] = converter(raw)
            except ValueError as problem:
                self.report(_path(name, key), str(problem))
        return result

    def workloads(self, values: dict[str, Any]) -> tuple[Workload, ...]:
        sizes = values.pop("message_bytes", (1000,))
        return tuple(Workload(message_bytes=size, **values) for size in sizes)

    def objective(self, values: dict[str, Any]) -> Objective:
        table = self.document.get("objective", {})
        maximize, minimize = values.pop("maximize", None), values.pop("minimize", None)
        if maximize and minimize:
            self.report("objective", "it maximises and minimises at once", "keep one of maximize and minimize")
        if "p99_limit_ms" in values and minimize:
            self.report(
                "objective.p99_ms",
                "a limit on p99 goes with a throughput to maximise",
                'write maximize = "throughput", or leave p99_ms out',
            )
        share, absolute = values.pop("rate", (0.30, None))
        if isinstance(table, dict) and minimize in ("p50", "p99", "p999") and "rate" not in table:
            share = 0.30
        return Objective(figure=maximize or minimize or "throughput", rate_share=share, rate_per_s=absolute, **values)

    def parameters(self, client: str) -> Iterator[Parameter]:
        for key, scope in SCOPE_TABLES.items():
            table = self.document.get(key, {})
            if not isinstance(table, dict):
                self.report(key, "this is a section of parameters", f"write it as [{key}]")
                continue
            rest = dict(table)
            if scope is Scope.BROKER and "static" in rest:
                static = rest.pop("static")
                if isinstance(static, dict):
                    yield from self.scope_parameters("broker.static", static, Scope.BROKER_STATIC, client)
                else:
                    self.report("broker.static", "this is a section of parameters", "write it as [broker.static]")
            yield from self.scope_parameters(key, rest, scope, client)

    def scope_parameters(self, where: str, table: dict[str, Any], scope: Scope, client: str) -> Iterator[Parameter]:
        seen: dict[str, str] = {}
        for name, raw in self.flatten(where, table):
            path = _path(where, name)
            canonical = self.canonical(path, scope, name, client)
            if canonical is None:
                continue
            if (other := seen.setdefault(canonical, name)) != name:
                self.report(path, f"it is the same property as {other}", "keep one of the two names")
                continue
            if levels := self.levels(path, scope, canonical, raw):
                yield Parameter(scope=scope, name=canonical, levels=levels)

    def flatten(self, where: str, table: dict[str, Any], prefix: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
        """`linger.ms = 5` without quotes arrives as {"linger": {"ms": 5}}: join the names again."""
        for key, value in table.items():
            name = f"{prefix}{key}"
            if not isinstance(value, dict):
                yield name, value
            elif depth >= MAX_DEPTH:
                self.report(_path(where, name), "nested too deeply to be a property's name")
            else:
                yield from self.flatten(where, value, f"{name}.", depth + 1)

    def canonical(self, path: str, scope: Scope, name: str, client: str) -> str | None:
        """The canonical name, or None after reporting why there is none."""
        if scope is Scope.TOPIC and name in TOPIC_SHAPE:
            return name
        prop = catalogue.find(scope, name)
        if prop is None:
            hint = catalogue.nearest(scope, name) or "`ingestune params` lists what can be tuned"
            self.report(path, f"{name[:100]} is not a {scope.value} property that can be tuned", hint)
            return None
        if scope is Scope.CONSUMER and prop.librdkafka is None:
            what = "what a trial writes is read with librdkafka, which has no such property"
            self.report(path, what, "[workload] client says who sends; only Java's own consumers know this")
            return None
        if scope is Scope.PRODUCER:
            own_name = prop.java if client == "java" else prop.librdkafka
            if own_name is None:
                other = "librdkafka" if client == "java" else "java"
                self.report(path, f"the {client} client has no such property", f'it belongs to client = "{other}"')
                return None
        return prop.name

    def levels(self, path: str, scope: Scope, name: str, raw: object) -> tuple[Value, ...]:
        values = raw if isinstance(raw, list) else [raw]
        if not values:
            self.report(path, "it has no values", "give at least one, or delete the line")
            return ()
        if len(values) > MAX_CELLS:
            self.report(path, f"it has {len(values)} values; a whole grid may have {MAX_CELLS} cells")
            return ()
        levels: dict[Value, None] = {}  # in order, and quick to ask
        for index, each in enumerate(values):
            at = f"{path}[{index}]" if isinstance(raw, list) else path
            try:
                value = parse_level(scope, name, each)
            except ValueError as problem:
                self.report(at, str(problem))
                continue
            if value in levels:
                self.report(at, f"the value {each} stands twice", "delete one of them")
            else:
                levels[value] = None
        return tuple(levels)

    def switch_off(self, parameters: tuple[Parameter, ...], off: tuple[str, ...]) -> tuple[Parameter, ...]:
        names: dict[tuple[Scope, str], None] = {}
        here = {(parameter.scope, parameter.name) for parameter in parameters}
        for index, entry in enumerate(off):
            key = parse_parameter_name(entry)
            if key in here and key is not None:
                names[key] = None
            else:
                known = [f"{scope.value}.{name}" for scope, name in here]
                self.report(
                    f"search.off[{index}]", f"no parameter here is called {entry[:100]}", _nearest(entry, known)
                )
        return tuple(
            Parameter(scope=each.scope, name=each.name, levels=each.levels, off=(each.scope, each.name) in names)
            for each in parameters
        )

    def baseline(self, client: str) -> BaselineChoice:
        table = self.document.get("baseline", {})
        if not isinstance(table, dict):
            self.report("baseline", "this is a section", 'write it as [baseline] with producer = "FILE.properties"')
            return BaselineChoice()
        files: list[tuple[Scope, str]] = []
        settings: list[Setting] = []
        for key, raw in table.items():
            scope = SCOPE_TABLES.get(key)
            if scope is None:
                self.report(_path("baseline", key), "there is no such key", _nearest(key, SCOPE_TABLES))
            elif isinstance(raw, str) and scope in (Scope.PRODUCER, Scope.CONSUMER):
                files.append((scope, raw))
            elif isinstance(raw, dict):
                for name, value in self.flatten(f"baseline.{key}", raw):
                    path = _path(f"baseline.{key}", name)
                    canonical = self.canonical(path, scope, name, client)
                    if isinstance(value, list):
                        self.report(path, "a baseline has one value for each property")
                    elif canonical and (levels := self.levels(path, scope, canonical, value)):
                        settings.append(Setting(scope, canonical, levels[0]))
            else:
                self.report(_path("baseline", key), "give a .properties file's path, or a table of settings")
        return BaselineChoice(files=tuple(files), settings=tuple(settings))

    def rules(self, grid: Grid) -> None:
        """What spans several fields."""
        workload, objective, timings = grid.workloads[0], grid.objective, grid.timings
        latency_asked = objective.p99_limit_ms is not None or not objective.maximize
        if timings.paced_s == 0 and latency_asked:
            self.report("trial.paced", "the objective needs a latency, and 0 leaves the paced stage out", 'like "5s"')
        asked = self.document.get("objective", {})
        if timings.paced_s == 0 and not latency_asked and isinstance(asked, dict) and "rate" in asked:
            what = "latency is measured at this rate in the paced stage, which [trial] paced = 0 leaves out"
            self.report("objective.rate", what, "keep one of them")
        cap, rate = grid.limits.bytes_per_s, objective.rate_per_s
        largest = max(each.message_bytes for each in grid.workloads)
        if cap is not None and rate is not None and rate * largest > cap:
            what = (
                f"{rate:,.0f} messages/s of {largest} bytes are more than [limits] bytes_per_s, {format_bytes(cap)}/s"
            )
            self.report("objective.rate", what, "lower it, or raise bytes_per_s")
        if rate is not None and objective.quantile is not None and timings.paced_s > 0:
            wanted, timed = math.ceil(FEWEST_BEYOND / (1 - objective.quantile) - 1e-6), int(rate * timings.paced_s)
            if timed < wanted:
                self.report(
                    "trial.paced",
                    f"the objective needs {wanted:,} messages in the paced stage, and {rate:,.0f} a second "
                    f"for {timings.paced_s:g} s are {timed:,}",
                    f'at least "{math.ceil(wanted / rate)}s", or raise [objective] rate',
                )
        needs_consumer = objective.figure in ("consumer_throughput", "end_to_end_p99")
        if workload.consumers == 0 and needs_consumer:
            self.report("objective", f"{objective.figure} needs a consumer", "set [workload] consumers = 1")
        names = {(parameter.scope, parameter.name) for parameter in grid.active}
        if workload.consumers == 0 and any(scope is Scope.CONSUMER for scope, _ in names):
            what = "consumer settings change nothing without a consumer"
            self.report("consumer", what, "set [workload] consumers = 1")
        written = self.document.get("workload", {})
        for shape in TOPIC_SHAPE:
            if (Scope.TOPIC, shape) in names and isinstance(written, dict) and shape in written:
                self.report(f"topic.{shape}", f"{shape} stands in [workload] and in [topic]", "keep one of them")
        both = [name for scope, name in names if scope is Scope.BROKER and (Scope.BROKER_STATIC, name) in names]
        for name in both:
            self.report(_path("broker.static", name), f"{name} stands in [broker] and in [broker.static]", "keep one")
        if grid.size > MAX_CELLS:
            counts = "x".join(str(len(parameter.levels)) for parameter in grid.active if not parameter.pinned)
            self.report(
                "",
                f"{counts} = {grid.size:,} cells; at most {MAX_CELLS:,} can be searched",
                "switch parameters off with [search] off, or drop values",
            )


def parse_level(scope: Scope, name: str, raw: object) -> Value:
    """One value of one parameter, checked. Raises ValueError with one sentence."""
    if scope is Scope.TOPIC and name in TOPIC_SHAPE:
        low, high = TOPIC_SHAPE[name]
        if isinstance(raw, bool) or not isinstance(raw, int) or not low <= raw <= high:
            raise ValueError(f"{name} is a whole number from {low} to {high}")
        return raw
    prop = catalogue.find(scope, name)
    if prop is None:
        raise ValueError(f"{name[:100]} is not a {scope.value} property that can be tuned")
    return catalogue.parse_value(prop, raw)


def parse_parameter_name(text: str) -> tuple[Scope, str] | None:
    """`producer.linger.ms` into its scope and canonical name; None when there is no such parameter."""
    for scope in (Scope.BROKER_STATIC, Scope.PRODUCER, Scope.CONSUMER, Scope.TOPIC, Scope.BROKER):
        prefix = f"{scope.value}."
        if not text.startswith(prefix):
            continue
        name = text[len(prefix) :]
        if scope is Scope.TOPIC and name in TOPIC_SHAPE:
            return scope, name
        if prop := catalogue.find(scope, name):
            return scope, prop.name
    return None


def _path(*keys: str) -> str:
    """A key path as TOML would write it; the first key may itself be dotted."""
    first, *rest = keys
    parts = [first[:100]] + [key[:100] if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key[:100]}"' for key in rest]
    return ".".join(parts)


def _nearest(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word[:100], list(known), 1, 0.6)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known)[:20])}"
