"""The export: a winner as a `.properties` file, in the words of the client that will read it. Pure but for the writing.

Only properties of the catalogue are ever written, so no secret and no address can be. What was measured with one
client is never passed off as true of the other: the file says who measured it, and writes out where their defaults
differ.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ingestune_tui.catalogue import catalogue, dialect
from ingestune_tui.catalogue.catalogue import CLIENT_SCOPES, Property, Scope, Value
from ingestune_tui.catalogue.dialect import Dialect
from ingestune_tui.catalogue.in_force import InForce
from ingestune_tui.catalogue.properties_text import comment_lines, property_line
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.space import durability_of, topic_settings, topic_shape
from ingestune_tui.model.study import Outcome, Study
from ingestune_tui.report.files import write_new_text, write_text
from ingestune_tui.report.wording import beside, size_text, unstable_text, verdict_text

_CLIENT_NAMES = {"java": "Java", "librdkafka": "librdkafka"}
_IN_FLIGHT = "max.in.flight.requests.per.connection"


@dataclass(frozen=True, slots=True)
class ExportInput:
    """All that a file says."""

    scope: Scope
    """Of a broker, `BROKER` holds dynamic and static settings, `BROKER_STATIC` only these."""
    dialect: Dialect
    """Who will read it; topics and brokers have Kafka's own words in either."""
    measured_with: Dialect
    settings: Mapping[Scope, Mapping[str, Value]]
    """The winner's, canonical."""
    header: tuple[str, ...]
    """Lines of text: study, workload, cluster, versions, verdict, date."""
    partitions: int
    replication: int


def render_properties(study: Study, outcome: Outcome, *, dialect: str, scope: Scope, client_version: str = "") -> str:
    """The file's text for the winner (or unconfirmed leader) of one workload."""
    winner = outcome.winner or outcome.baseline
    partitions, replication = topic_shape(winner, outcome.workload)
    settings = winner.by_scope()
    settings[Scope.TOPIC] = topic_settings(winner)
    return render(
        ExportInput(
            scope=scope,
            dialect="java" if dialect == "java" else "librdkafka",
            measured_with=catalogue.client_of(scope, outcome.workload.client),
            settings=settings,
            header=_header(study, outcome, winner, _measured_with(outcome, scope, client_version)),
            partitions=partitions,
            replication=replication,
        )
    )


def _measured_with(outcome: Outcome, scope: Scope, client_version: str) -> str:
    """The client whose settings these are: a version is known of the one that sent."""
    sender, own = outcome.workload.client, catalogue.client_of(scope, outcome.workload.client)
    return client_version if client_version and own == sender else _CLIENT_NAMES[own]


def _header(study: Study, outcome: Outcome, winner: Configuration, measured_with: str) -> tuple[str, ...]:
    workload, cluster = outcome.workload, study.cluster
    client = _CLIENT_NAMES[workload.client]
    against = f"{client}'s defaults" if not outcome.baseline.settings else f"the baseline ({_plain(outcome.baseline)})"
    what = f"{size_text(workload.message_bytes)} {workload.payload}"
    kafka = "a simulated broker, which says nothing about Kafka" if cluster.simulated else f"Kafka {cluster.version}"
    lines = [
        f"ingestune {metadata.version('ingestune-tui')} · study {study.name} · {what} · "
        f"{durability_of(winner, workload)} · {kafka}",
        f"cluster {cluster.label}, {cluster.nodes} {'node' if cluster.nodes == 1 else 'nodes'}",
        verdict_text(outcome, against),
        unstable_text([outcome]),
        f"objective {outcome.objective}; {outcome.pairs} pairs, {(study.finished_at or study.created_at)[:10]}",
        *beside(outcome, "p99 at the same rate:"),
        f"measured with {measured_with}",
    ]
    return tuple(filter(None, lines))


def _plain(configuration: Configuration) -> str:
    return ", ".join(f"{item.name}={dialect.value_text(item.value)}" for item in configuration)


def render(wanted: ExportInput) -> str:
    """The file's text. Every line of it is a comment, blank, or one allowlisted property."""
    match wanted.scope:
        case Scope.PRODUCER | Scope.CONSUMER:
            body = _client(wanted)
        case Scope.TOPIC:
            body = _topic(wanted)
        case _:
            body = _broker(wanted)
    header = [_comment(line) for line in wanted.header]
    if wanted.scope in CLIENT_SCOPES and wanted.dialect != wanted.measured_with:
        header[-1] += f"; translated for {_CLIENT_NAMES[wanted.dialect]}, not measured"
    return "\n".join([*header, "", *body]) + "\n"


def _client(wanted: ExportInput) -> list[str]:
    """One client's settings; where the other client measured them, with those of its defaults that differ."""
    own = {name: value for name, value in wanted.settings.get(wanted.scope, {}).items() if _known(wanted.scope, name)}
    to_other = wanted.dialect != wanted.measured_with
    defaults = _differing_defaults(wanted, own) if to_other else {}
    write = dialect.to_java if wanted.dialect == "java" else dialect.to_librdkafka
    everything = write(wanted.scope, {**defaults, **own})
    # What stands for a tuned setting, and whatever the tuned ones bring along.
    tuned = {name: everything[name] for name in write(wanted.scope, own) if name in everything}
    rest = {name: value for name, value in everything.items() if name not in tuned}
    lines = [property_line(name, value) for name, value in sorted(tuned.items())]
    if not lines:
        lines = [_comment(f"the {wanted.scope.value} is best left to its defaults")]
    lines += [_comment(note) for note in _notes(wanted, own, everything)]
    if rest:
        measured, reads = _CLIENT_NAMES[wanted.measured_with], _CLIENT_NAMES[wanted.dialect]
        lines += ["", _comment(f"left to {measured}'s defaults when measured; {reads}'s own are others")]
        lines += [property_line(name, value) for name, value in sorted(rest.items())]
    if missing := dialect.untranslated(wanted.scope, own, wanted.dialect):
        lines += ["", _comment(f"no counterpart in {_CLIENT_NAMES[wanted.dialect]}:")]
        lines += [
            _comment(f"{name}={dialect.value_text(own[name])}  ({reason})") for name, reason in sorted(missing.items())
        ]
    return lines


def _differing_defaults(wanted: ExportInput, own: Mapping[str, Value]) -> dict[str, Value]:
    """What was in force unsaid when it was measured, and would be something else for the reader."""
    look = InForce({wanted.scope: own}, wanted.measured_with)
    found: dict[str, Value] = {}
    for prop in catalogue.all_properties():
        if prop.scope is not wanted.scope or prop.name in own:
            continue
        in_force = _default_in_force(prop, look)
        if in_force is None:
            continue
        kept, _ = dialect.translate(wanted.scope, {prop.name: in_force}, wanted.dialect)
        for name, value in kept.items():
            other = catalogue.find(wanted.scope, name)
            if other is not None and name not in own and other.default(wanted.dialect) != value:
                found[prop.name] = in_force
    if wanted.scope is Scope.PRODUCER and wanted.dialect == "librdkafka" and not own.get("partitioner.ignore.keys"):
        found["partitioner"] = "murmur2_random"
    return found


def _default_in_force(prop: Property, look: InForce) -> Value | None:
    """The measuring client's default, as it adjusts it to what is set; None where it has no such property."""
    if prop.scope is Scope.PRODUCER and prop.name == "enable.idempotence":
        return look.idempotent
    if prop.scope is Scope.PRODUCER and prop.name == _IN_FLIGHT and look.idempotent:
        return 5
    return prop.default(look.client)


def _notes(wanted: ExportInput, own: Mapping[str, Value], written: Mapping[str, str]) -> list[str]:
    """Where a value had to change on its way into Java."""
    if wanted.dialect != "java" or wanted.scope is not Scope.PRODUCER:
        return []
    notes = []
    linger = own.get("linger.ms")
    if isinstance(linger, float) and not linger.is_integer():
        notes.append(f"linger.ms was {linger:g}; Java takes whole milliseconds")
    if "request.timeout.ms" in written and written["request.timeout.ms"] != str(own.get("request.timeout.ms")):
        notes.append("request.timeout.ms follows from delivery.timeout.ms, which Java wants to be the longer one")
    if int(written.get("buffer.memory", 0)) > 256 * 1024 * 1024:
        notes.append("buffer.memory must fit into the Java heap")
    if written.get("enable.idempotence") == "false" and own.get("enable.idempotence") is not False:
        notes.append(_why_not_idempotent(written))
    return notes


def _why_not_idempotent(written: Mapping[str, str]) -> str:
    for name, fits in (("acks", ("all",)), ("retries", None), (_IN_FLIGHT, ("1", "2", "3", "4", "5"))):
        value = written.get(name)
        if value is not None and (value == "0" or (fits and value not in fits)):
            return f"enable.idempotence=false: {name}={value} rules it out, which Java has on by default"
    return "enable.idempotence=false: it was measured without, and Java has it on by default"


def _topic(wanted: ExportInput) -> list[str]:
    settings = _texts(wanted, Scope.TOPIC)
    options = "".join(f" --config {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
    lines = [
        _comment("a new topic:"),
        _comment(
            "kafka-topics.sh --bootstrap-server HOST:PORT --create --topic NAME "
            f"--partitions {wanted.partitions} --replication-factor {wanted.replication}{options}"
        ),
    ]
    if settings:
        lines += [_comment("one that exists:"), _comment(_alter("--entity-type topics --entity-name NAME", settings))]
    return [*lines, *(property_line(name, value) for name, value in settings.items())]


def _broker(wanted: ExportInput) -> list[str]:
    dynamic = _texts(wanted, Scope.BROKER) if wanted.scope is Scope.BROKER else {}
    static = _texts(wanted, Scope.BROKER_STATIC)
    lines: list[str] = []
    if dynamic:
        lines.append(_comment("taken without a restart; for all brokers at once:"))
        lines.append(_comment(_alter("--entity-type brokers --entity-default", dynamic)))
        lines.append(_comment("a broker with an override of its own keeps it; each such broker has to be told:"))
        lines.append(_comment(_alter("--entity-type brokers --entity-name BROKER_ID", dynamic)))
        if any("threads" in name or name == "num.replica.fetchers" for name in dynamic):
            lines.append(_comment("(numbers of threads: at most double or half of the present one in each step)"))
        lines += [property_line(name, value) for name, value in dynamic.items()]
    if static:
        lines += [*([""] if lines else []), _comment("server.properties: takes effect with a restart of each broker")]
        lines += [property_line(name, value) for name, value in static.items()]
    return lines or [_comment("the brokers are best left as they are")]


def _texts(wanted: ExportInput, scope: Scope) -> dict[str, str]:
    settings = wanted.settings.get(scope, {})
    return {name: dialect.value_text(value) for name, value in sorted(settings.items()) if _known(scope, name)}


def _alter(entity: str, settings: Mapping[str, str]) -> str:
    added = ",".join(f"{name}=[{value}]" if "," in value else f"{name}={value}" for name, value in settings.items())
    return f"kafka-configs.sh --bootstrap-server HOST:PORT --alter {entity} --add-config {shlex.quote(added)}"


def _known(scope: Scope, name: str) -> bool:
    """Only what the catalogue holds is ever written."""
    return catalogue.find(scope, name) is not None


def _comment(text: str) -> str:
    """One comment line, whatever stands in the text."""
    return comment_lines(text[:1000])


def write_properties(path: Path, text: str, *, force: bool) -> None:
    """Put the file on disk whole, readable by this person only; over an existing one only with `force`.

    Raises ExportError.
    """
    if force:
        write_text(path, text)
    else:
        write_new_text(path, text)
