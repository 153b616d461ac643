"""What there is to say about one trial: what it came to, why, how it differs, what to mistrust. Pure."""

from __future__ import annotations

from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.trial import REMEDIES, Latency, Trial
from ingestune_tui.report.wording import count_text, difference_text, figure_text, percentile_text, size_text
from ingestune_tui.tuning.flags import FULL_CORE, LATE_MS
from ingestune_tui.units import format_bytes


def figures_line(trial: Trial) -> str:
    """`431 MB/s · 431 k msg/s · p50 3.9 ms · p99 8.1 · p99.9 ~14 · audit exact`."""
    if trial.state != "done":
        return trial.error or trial.state
    parts = [f"{figure_text(trial.mb_per_s)} MB/s", f"{count_text(trial.messages_per_s)} msg/s"]
    if trial.latency is not None:
        parts += _percentiles(trial.latency)
    elif "overloaded" in trial.flags:
        parts.append("latency n/a: it cannot hold the paced rate")
    if trial.end_to_end is not None:
        parts.append(f"end to end p99 {percentile_text(trial.end_to_end.p99, 'p99', trial.end_to_end.approximate)} ms")
    if trial.consumer_messages_per_s is not None:
        parts.append(f"consumed {count_text(trial.consumer_messages_per_s)} msg/s")
    return " · ".join([*parts, audit_text(trial)] if trial.audit is not None else parts)


def _percentiles(latency: Latency) -> list[str]:
    names = (("p50", "p50", latency.p50), ("p99", "p99", latency.p99), ("p99.9", "p999", latency.p999))
    known = [(label, name, value) for label, name, value in names if value is not None]
    texts = [f"{label} {percentile_text(value, name, latency.approximate)}" for label, name, value in known]
    return [*texts[:-1], f"{texts[-1]} ms"] if texts else ["too few messages timed"]


def audit_text(trial: Trial) -> str:
    """Whether every message is accounted for."""
    audit = trial.audit
    if audit is None:
        return "no audit"
    if audit.exact:
        return "audit exact"
    parts = [f"{count} x {name}" for name, count in audit.failed.items()]
    if audit.lost:
        parts.append(f"{audit.lost} lost")
    if audit.surplus:
        parts.append(f"{audit.surplus} written, not acknowledged")
    return "audit: " + ", ".join(parts)


def why_lines(trial: Trial) -> list[str]:
    """What the client's own statistics say about the saturated stage; empty when they say nothing."""
    why = trial.why
    if why is None:
        return []
    first = []
    if why.batch_bytes is not None:
        of = next((item.value for item in trial.configuration if item.name == "batch.size"), None)
        full = f" of {format_bytes(of)}" if isinstance(of, int) and not isinstance(of, bool) else ""
        first.append(f"batch {format_bytes(round(why.batch_bytes))}{full}")
    if why.batch_messages is not None:
        first.append(f"{figure_text(why.batch_messages)} messages in it")
    if why.compression is not None:
        first.append(f"compression {figure_text(why.compression)}x")
    if why.round_trip_ms is not None:
        first.append(f"round trip {figure_text(why.round_trip_ms)} ms")
    second = []
    if why.queue_ms is not None:
        second.append(f"queue {figure_text(why.queue_ms)} ms")
    if why.throttle_ms is not None:
        second.append(f"throttle {figure_text(why.throttle_ms)} ms")
    second.append(f"retries {why.retries}")
    if why.client_cpu is not None:
        second.append(f"sending thread {why.client_cpu * 100:.0f} % of a core")
    if trial.due_to_sent_p99_ms is not None:
        second.append(f"sent {figure_text(trial.due_to_sent_p99_ms)} ms after due (p99)")
    return [" · ".join(part) for part in (first, second) if part]


def flag_lines(trial: Trial) -> list[str]:
    """Each flag with what to do about it."""
    return [
        f"⚠ {flag}: {client_bound_text(trial) if flag == 'client-bound' else REMEDIES[flag]}" for flag in trial.flags
    ]


def client_bound_text(trial: Trial) -> str:
    """Which of its signs the client gave, and what to do; in general words where neither figure is at hand."""
    busy, late_ms = trial.why.client_cpu if trial.why is not None else None, trial.due_to_sent_p99_ms
    full = busy is not None and busy >= FULL_CORE
    signs = [f"the sending thread was full, at {busy * 100:.0f} % of a core"] if busy is not None and full else []
    if late_ms is not None and late_ms > LATE_MS:
        signs.append(f"messages were sent late, {figure_text(late_ms)} ms after they were due (p99)")
    if not signs and busy is not None and late_ms is not None:
        signs.append("acknowledgements waited in the client, far longer than its queue and the round trip explain")
    if not signs:
        return REMEDIES["client-bound"]
    remedy = "raise [workload] producers" if full else "raise [workload] producers, or lower [objective] rate"
    return f"{', and '.join(signs)}: {remedy}"


def difference_line(trial: Trial, baseline: Configuration | None) -> str:
    """What is set differently from the baseline."""
    if trial.baseline or baseline is None:
        return "this is the baseline" if trial.baseline else ""
    return "   ".join(difference_text(trial.configuration, baseline, trial.workload)) or "nothing"


def measured_line(trial: Trial, *, cluster: str, version: str, host: str, study: str) -> str:
    """Where, when and with what. `study` is the one that measured it; it may be empty for a cached trial."""
    workload = trial.workload
    earlier = f"from an earlier study, {study}" if study else "from an earlier study"
    parts = [
        trial.client_version or workload.client,
        f"Kafka {version}" if version else "",
        f"on {cluster}",
        f"host {host}" if host else "",
        trial.started_at.replace("T", " ")[:16] or trial.finished_at.replace("T", " ")[:16],
        earlier if trial.cached else f"study {study}",
        f"{size_text(workload.message_bytes)} {workload.payload}, {workload.partitions} partitions",
    ]
    return ", ".join(part for part in parts if part)
