"""How long a load child is waited for before it counts as hanging: a slow cluster is not a hang. Pure.

A child that sends or drains says so each half second, so its silence tells more than the clock: what takes long on a
slow cluster is the drain, and that ends when the client itself gives its messages up. Called by the runner.
"""

from __future__ import annotations

from ingestune_tui.bench.protocol import Finish
from ingestune_tui.catalogue import catalogue
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.workload import Client

READY_S = 45.0
"""To start, connect and have the first messages acknowledged; the child itself gives the cluster 20 s of it."""
SLACK_S = 45.0
"""More than planned, for what does not wait for the cluster."""
LONGEST_DRAIN_S = 900.0
"""A client may be told to try for hours, or for ever; nobody waits longer than this for one trial."""


def drain_s(configuration: Configuration, client: Client) -> float:
    """By when each message of a backlog is acknowledged or given up by the client, in seconds from the last sending."""
    name = "message.timeout.ms"
    timeout_ms = configuration.get(Scope.PRODUCER, name)
    if timeout_ms is None:
        prop = catalogue.find(Scope.PRODUCER, name)
        timeout_ms = prop.default(client) if prop else None
    seconds = float(timeout_ms or 0) / 1000
    return min(seconds, LONGEST_DRAIN_S) if seconds else LONGEST_DRAIN_S


def paced_s(planned_s: float, configuration: Configuration, client: Client) -> float:
    """For the paced stage: it begins when the backlog of the saturated one has drained."""
    return drain_s(configuration, client) + planned_s + SLACK_S


def finish_s(configuration: Configuration, client: Client) -> float:
    """For the end: without a paced stage it comes after the drain, and then flushes what is left."""
    return drain_s(configuration, client) + Finish().within_s + SLACK_S
