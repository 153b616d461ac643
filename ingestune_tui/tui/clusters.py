"""The clusters that the first screen offers, and what choosing each would cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingestune_tui.tui.state import ClusterChoice


@dataclass(frozen=True, slots=True)
class ClusterLine:
    """One line of the list."""

    key: str
    choice: ClusterChoice
    about: str
    """A few words beside the address."""
    cost: str
    """One sentence below the lists."""


def cluster_lines(chosen: ClusterChoice, remembered: tuple[tuple[str, str], ...]) -> list[ClusterLine]:
    """`local`, `simulated`, then addresses: the chosen one first, then the remembered ones."""
    lines = [
        ClusterLine("local", ClusterChoice("local"), "Apache Kafka, here", local_cost()),
        ClusterLine(
            "simulated",
            ClusterChoice("simulated"),
            "no Java needed",
            "a simulated broker inside librdkafka: for a look around, its figures say nothing about Kafka",
        ),
    ]
    addresses = [ClusterChoice(address, Path(config) if config else None) for address, config in remembered]
    if chosen.external and chosen not in addresses:
        addresses.insert(0, chosen)
    return lines + [
        ClusterLine(f"at:{choice.address}|{choice.command_config or ''}", choice, _about(choice), _cost(choice))
        for choice in addresses
    ]


def local_cost() -> str:
    """What `local` still needs: a look at two directories, no import of the broker's code."""
    import os

    if os.environ.get("KAFKA_HOME"):
        return "starts the Kafka of KAFKA_HOME; needs 2 GB memory"
    from ingestune_tui.kafka.jars import KAFKA_VERSION, jars_folder  # 20 ms

    needs = "needs 2 GB memory"
    if jars_folder().is_dir():
        return f"starts Apache Kafka {KAFKA_VERSION} on this machine; {needs}"
    return f"will download Apache Kafka {KAFKA_VERSION} (56 MB, once); {needs}"


def _about(choice: ClusterChoice) -> str:
    return choice.command_config.name if choice.command_config else "no properties file"


def _cost(choice: ClusterChoice) -> str:
    security = f"security from {choice.command_config}" if choice.command_config else "without TLS or login"
    return f"somebody's cluster, {security}: asks before it puts load on it"
