"""The journal of broker settings that were changed: what `ingestune restore` puts back. Frozen values."""

from __future__ import annotations

from typing import Literal

import msgspec

PreviousSource = Literal["default", "static", "dynamic default", "dynamic broker", "unknown"]


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of one broker, written down before it is changed and removed once it is restored."""

    id: str
    study_id: str
    cluster_id: str
    node_id: int
    name: str
    """Kafka's name of the property."""
    previous_value: str | None
    """What stood there; None when the broker did not show it."""
    previous_source: PreviousSource
    """Where that came from: anything but `dynamic broker` is restored by deleting the override."""
    applied_value: str
    """What the trial sets. Anything else found there later was set by somebody else, and is left."""
    at: str
    """ISO 8601, UTC."""
