"""Brokers whose settings are kept in memory, with Kafka's rules for changing them, and a journal entry to put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ingestune_tui.errors import ClusterUnreachable, TrialError
from ingestune_tui.kafka.dynamic_config import DynamicConfig
from ingestune_tui.kafka.topics import BrokerSetting
from ingestune_tui.model.journal import JournalEntry
from tests.unit.scripted_cluster import CLUSTER


def entry(
    previous: str | None = "8", applied: str = "33", name: str = "num.io.threads", **changes: Any
) -> JournalEntry:
    """Broker 1 had `previous` by default and was told `applied`."""
    values: dict[str, Any] = {
        "id": "1",
        "study_id": "s",
        "cluster_id": CLUSTER.id,
        "node_id": 1,
        "name": name,
        "previous_value": previous,
        "previous_source": "default",
        "applied_value": applied,
        "at": "",
    }
    return JournalEntry(**{**values, **changes})


async def put_back(config: DynamicConfig, entries: Sequence[JournalEntry]) -> list[str]:
    """What is said while these are restored."""
    said: list[str] = []
    await config.restore(entries, said.append)
    return said


class Brokers:
    """An admin of brokers that keep settings, with the rules that matter: pools of threads at most double."""

    def __init__(self, *nodes: int) -> None:
        self.values = {node: {"num.io.threads": ("8", "DEFAULT_CONFIG")} for node in nodes or (1, 2)}
        self.refusal: TrialError | None = None
        self.away: set[int] = set()
        """Brokers that do not answer."""
        self.gone: set[int] = set()
        """Brokers that the cluster does not name any more either."""
        self.changes: list[tuple[int, str | None]] = []
        self.below = {"num.io.threads": ("8", "DEFAULT_CONFIG")}
        """What is in force where a broker has no override of its own."""

    async def node_ids(self) -> tuple[int, ...]:
        return tuple(sorted(self.values.keys() - self.gone))

    async def describe_broker_configs(self, node: int, _: float = 0) -> dict[str, BrokerSetting]:
        if node in self.away | self.gone:
            raise ClusterUnreachable("nobody there")
        return {
            name: BrokerSetting(value, source, False, source == "DEFAULT_CONFIG")
            for name, (value, source) in self.values[node].items()
        }

    async def alter_broker_configs(
        self, node: int, changes: Mapping[str, str | None], *, validate_only: bool = False
    ) -> None:
        if node in self.away | self.gone:
            raise ClusterUnreachable("nobody there")
        if self.refusal is not None:
            raise self.refusal
        for name, value in changes.items():
            becomes = (value, "DYNAMIC_BROKER_CONFIG") if value is not None else self.below[name]
            now, wanted = int(self.values[node][name][0]), int(becomes[0])
            if not now / 2 <= wanted <= now * 2:
                raise TrialError(
                    f"Dynamic thread count update validation failed for {name}={wanted}, value should not be greater "
                    f"than double the current value {now}",
                    code="INVALID_REQUEST",
                )
            if not validate_only:
                self.changes.append((node, value))
                self.values[node][name] = becomes

    async def delete_topic(self, *_: object) -> None:
        return None
