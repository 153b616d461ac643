"""Which settings do not go together, which change nothing, and what they promise about acknowledged messages. Pure.

Settings are canonical, by scope; what is not set counts with its default. So a trial is never spent on a cell that
the client would refuse, or on two cells that are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import total_ordering

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.catalogue.in_force import InForce
from ingestune_tui.catalogue.inert import INERT
from ingestune_tui.catalogue.rules import RULES

Settings = Mapping[Scope, Mapping[str, Value]]

_ACKS = {"0": 0, "1": 1, "all": 2}


@total_ordering
@dataclass(frozen=True, slots=True)
class DurabilityClass:
    """What a configuration promises. Ordered for display; `weaker_than` is what decides."""

    acks: int
    """0 none, 1 the leader, 2 all in-sync replicas."""
    in_sync: int = 1
    """With acks=all: how many replicas have every acknowledged message at least. Never more than there are."""
    idempotent: bool = False
    """No retry repeats or reorders a message."""

    def __int__(self) -> int:
        """A number of its own for each class, larger for the one listed first."""
        return (self.acks * 10_000 + min(self.in_sync, 4_999)) * 2 + self.idempotent

    def __lt__(self, other: DurabilityClass) -> bool:
        return int(self) < int(other)

    def __str__(self) -> str:
        name = ("acks=0", "acks=1", "acks=all")[self.acks]
        if self.idempotent:
            name += ", idempotent"
        return f"{name}, min.insync {self.in_sync}" if self.in_sync > 1 else name

    def weaker_than(self, other: DurabilityClass) -> bool:
        """True when it lacks anything that `other` promises. Two classes may each lack what the other has."""
        return self.acks < other.acks or self.in_sync < other.in_sync or self.idempotent < other.idempotent


def why_invalid(settings: Settings, client: str, message_bytes: int = 0) -> str | None:
    """One sentence on why these settings cannot be used together; None when they can."""
    look = InForce(settings, client)
    return next((reason for rule in RULES if (reason := rule(look, message_bytes))), None)


def canonical(settings: Settings, client: str) -> tuple[dict[Scope, dict[str, Value]], tuple[str, ...]]:
    """The settings without those that change nothing here, and a sentence for each that was left out."""
    look = InForce(settings, client)
    kept: dict[Scope, dict[str, Value]] = {}
    reasons: list[str] = []
    for scope, named in settings.items():
        for name, value in named.items():
            inert = INERT.get((scope, name))
            if inert and (reason := inert(look)):
                reasons.append(reason)
            else:
                kept.setdefault(scope, {})[name] = value
    return kept, tuple(reasons)


def durability_class(settings: Settings, client: str, replication: int) -> DurabilityClass:
    """What acks, enable.idempotence and min.insync.replicas promise together on `replication` copies."""
    look = InForce(settings, client)
    acks = _ACKS[str(look.value(Scope.PRODUCER, "acks"))]
    if acks < 2:
        return DurabilityClass(acks)
    in_sync = min(int(look.number(Scope.TOPIC, "min.insync.replicas")), max(replication, 1))
    return DurabilityClass(acks, in_sync, look.idempotent)
