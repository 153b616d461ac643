"""How settings, ratios and figures are said, the same on every screen, in every table and in the web page. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.model.configuration import Configuration, Setting
from ingestune_tui.model.study import Effect, Outcome, Ratio
from ingestune_tui.model.workload import Workload
from ingestune_tui.tuning.confirm import format_interval
from ingestune_tui.units import format_rate, three_digits

Key = tuple[Scope, str]
"""A parameter: its scope and canonical name."""
CLAIMS = ("faster", "no measurable difference", "slower", "unstable")
"""Verdicts that rest on pairs, and so on a ratio."""

_SHORT = {
    "linger.ms": "linger",
    "batch.size": "batch",
    "compression.type": "codec",
    "max.in.flight.requests.per.connection": "in flight",
    "enable.idempotence": "idemp.",
    "min.insync.replicas": "min.isr",
    "batch.num.messages": "batch msgs",
    "queue.buffering.max.messages": "queue msgs",
    "queue.buffering.max.kbytes": "queue kB",
    "message.send.max.retries": "retries",
    "socket.send.buffer.bytes": "sndbuf",
    "num.io.threads": "io thr.",
    "num.network.threads": "net thr.",
}


def value_text(key: Key, value: Value | None, client: str = "") -> str:
    """A value as people write it. One left to its default is that default where `client` is given, else `default`.

    `client` is the one that sends.
    """
    prop = catalogue.find(*key)
    if value is None and prop is not None and client:
        value = prop.default(catalogue.client_of(key[0], client))
    if value is None:
        return "default"
    if prop is not None:
        return catalogue.format_value(prop, value)
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _is_size(key: Key) -> bool:
    prop = catalogue.find(*key)
    return prop is not None and prop.unit in ("bytes", "kbytes")


def heading(name: str) -> str:
    """A parameter's name for a narrow column."""
    return _SHORT.get(name, name if len(name) <= 12 else name.split(".")[-2] + "." + name.split(".")[-1])


def varied(configurations: Iterable[Configuration]) -> tuple[Key, ...]:
    """The parameters whose value differs between configurations, in the order of the first that has them."""
    seen: dict[Key, set[Value | None]] = {}
    everything = list(configurations)
    for configuration in everything:
        for item in configuration:
            seen.setdefault((item.scope, item.name), set()).add(item.value)
    for configuration in everything:
        if len(configuration.settings) < len(seen):
            for key in seen.keys() - {(item.scope, item.name) for item in configuration}:
                seen[key].add(None)
    return tuple(key for key, values in seen.items() if len(values) > 1)


def short_text(configuration: Configuration, keys: Collection[Key] | None = None) -> str:
    """A configuration in a few words, `linger.ms 20 · lz4 · 1MiB`: only `keys`, where given; else `defaults`."""
    items = [item for item in configuration if keys is None or (item.scope, item.name) in keys]
    if not items:
        return "defaults"
    sizes = sum(_is_size((item.scope, item.name)) for item in items)
    return " · ".join(_said(item, sizes) for item in items)


def _said(item: Setting, sizes: int) -> str:
    key = (item.scope, item.name)
    text = value_text(key, item.value)
    clear = item.name == "compression.type" or (_is_size(key) and sizes == 1)
    return text if clear else f"{item.name} {text}"


def difference_text(winner: Configuration, baseline: Configuration, workload: Workload, arrow: str = "→") -> list[str]:
    """What to change: `linger.ms 5 → 20`, one text per setting. What was left to its default is said by its value."""
    return [f"{name} {old} {arrow} {new}" for _, name, new, old in changes(winner, baseline, workload)]


def changes(winner: Configuration, baseline: Configuration, workload: Workload) -> list[tuple[Scope, str, str, str]]:
    """(scope, name, winner's value, baseline's), as people write them; a default that one spells out is no change."""
    shape: dict[Key, Value] = {
        (Scope.TOPIC, "partitions"): workload.partitions,
        (Scope.TOPIC, "replication"): workload.replication,
    }

    def text(key: Key, value: Value | None) -> str:
        return value_text(key, shape.get(key) if value is None else value, workload.client)

    found = [
        (scope, name, text((scope, name), after), text((scope, name), before))
        for scope, name, after, before in winner.differences(baseline)
    ]
    return [each for each in found if each[2] != each[3]]


def ratio_text(ratio: Ratio) -> str:
    """`1.52x [1.44, 1.61]`."""
    return format_interval(ratio.ratio, ratio.low, ratio.high)


def size_text(message_bytes: int) -> str:
    """A message size: `10 B`, `1 kB`, `10 kB`."""
    return f"{message_bytes} B" if message_bytes < 1000 else f"{message_bytes / 1000:g} kB"


def verdict_text(outcome: Outcome, against: str = "the baseline") -> str:
    """The claim in a few words, or that there is none: `1.52x [1.44, 1.61] the baseline: faster`."""
    if outcome.ratio is not None and outcome.verdict in CLAIMS:
        said = f"{ratio_text(outcome.ratio)} {against}: {outcome.verdict}"
        return f"{said}; {outcome.reason}" if outcome.verdict == "slower" and outcome.reason else said
    reason = f": {outcome.reason}" if outcome.reason else ""
    if outcome.verdict == "unconfirmed":
        if outcome.winner == outcome.baseline:
            return f"the baseline, and nothing is claimed for it{reason}"
        return f"a leader, not confirmed{reason}" if outcome.winner is not None else f"no leader{reason}"
    return f"{outcome.verdict}{reason}"


def beside(outcome: Outcome, p99: str = "p99") -> tuple[str, ...]:
    """What a claim says beside the figure that decides: `p99 1.02x [0.90, 1.10]`, or why it is not compared.

    Empty where nothing is claimed.
    """
    if outcome.ratio is None or outcome.verdict not in CLAIMS:
        return ()
    found = []
    if "throughput" in outcome.objective and outcome.latency is not None:
        found.append(f"{p99} {ratio_text(outcome.latency)}")
    elif "throughput" in outcome.objective and outcome.latency_reason:
        found.append(f"p99 not compared: {outcome.latency_reason}")
    if outcome.throughput is not None:
        found.append(f"throughput {ratio_text(outcome.throughput)}")
    return tuple(found)


def unstable_text(outcomes: Collection[Outcome], sizes: int = 1) -> str:
    """`unstable machine: the baseline's own trials differed by 42 %`; empty where the machine was steady.

    Of a study with several message `sizes`, each at which they did is named.
    """
    spreads = [
        percent_text(each.unstable_spread) + (f" at {size_text(each.workload.message_bytes)}" if sizes > 1 else "")
        for each in outcomes
        if each.unstable_spread is not None
    ]
    return f"unstable machine: the baseline's own trials differed by {', '.join(spreads)}" if spreads else ""


def what_mattered(effects: Sequence[Effect]) -> str:
    """`compression.type 71 %, linger.ms 18 %; strongest together: linger.ms and batch.size`.

    Says plainly when nothing did, and names no two where no joint effect was worth saying.
    """
    seen = [effect for effect in effects if effect.share >= 0.01]
    alone = ", ".join(f"{_short_name(effect.parameter)} {percent_text(effect.share)}" for effect in seen[:4])
    both = next(((effect.parameter, effect.interaction) for effect in effects if effect.interaction), None)
    if both is None:
        return alone or "no effect seen"
    short = tuple(map(_short_name, both))
    named = short if len(set(short)) > 1 else both  # one name in two scopes: producer and topic compression.type
    return f"{alone or 'nothing by itself'}; strongest together: {' and '.join(named)}"


def _short_name(parameter: str) -> str:
    """Without its scope."""
    return parameter.split(" ")[-1]


def figure_text(value: float | None, missing: str = "—") -> str:
    """Three significant digits, or a dash where there is no figure."""
    return missing if value is None else three_digits(value)


def count_text(value: float | None, missing: str = "—") -> str:
    """A count with k or M, whole below a thousand, or a dash."""
    if value is None:
        return missing
    return f"{value:.0f}" if abs(value) < 999.5 else format_rate(value)


def percentile_text(value: float | None, name: str = "", approximate: Collection[str] = ()) -> str:
    """Milliseconds; with `~` where few messages lie beyond the percentile, a dash where too few do."""
    if value is None:
        return "—"
    return f"~{three_digits(value)}" if name in approximate else three_digits(value)


def percent_text(share: float) -> str:
    """`71 %`; below one per cent `<1 %`."""
    return "<1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"
