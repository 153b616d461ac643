"""What became of every message of a trial, and when a stage is no measurement but a failure. Pure; for the runner."""

from __future__ import annotations

from collections.abc import Mapping

from ingestune_tui.bench.protocol import Finished, StageDone
from ingestune_tui.errors import TrialError
from ingestune_tui.model.trial import Audit


def audit_of(finished: Finished, growth: int | None, *, acks0: bool, unread: Mapping[str, int] | None = None) -> Audit:
    """The topic's growth against the acknowledged count. With acks=0 a loss is a figure, not an error.

    `unread` are the consumers' failures, by error name.
    """
    lost, surplus = 0, 0
    if growth is not None:
        lost = max(0, finished.acknowledged - growth)
        surplus = min(max(0, growth - finished.acknowledged), finished.timed_out + finished.unacknowledged)
    failed = dict(finished.failed)
    if finished.unacknowledged:
        failed["UNACKNOWLEDGED"] = finished.unacknowledged
    if lost and not acks0:
        failed["LOST"] = lost
    failed |= {f"consumer {name}": count for name, count in (unread or {}).items()}
    return Audit(
        sent=finished.sent,
        acknowledged=finished.acknowledged,
        failed=failed,
        topic_growth=growth,
        lost=lost,
        surplus=surplus,
        bytes_written=finished.bytes,
    )


def refuse_unacknowledged(saturated: StageDone) -> None:
    """Raise TrialError, with the commonest reason, where every message of the stage failed: 0 msg/s is no figure."""
    if saturated.messages == 0 and saturated.failed:
        code, count = max(saturated.failed.items(), key=lambda item: item[1])
        raise TrialError(f"no message was acknowledged: {count:,} x {code}", code=code)
