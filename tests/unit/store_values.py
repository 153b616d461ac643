"""Studies, trials and samples for tests of the store and of the sync. `make_trial` and its kin take what matters."""

from __future__ import annotations

from typing import Any

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.events import now
from ingestune_tui.model.ids import new_id
from ingestune_tui.model.sample import Percentiles, Sample
from ingestune_tui.model.study import Cluster, Study
from ingestune_tui.model.trial import Audit, Latency, Trial, Why
from ingestune_tui.model.workload import Workload

CLUSTER = Cluster(id="Abc-123", label="kafka-1:9092", kind="external", version="4.3.0", nodes=3)
HISTOGRAMS = {"latency": "HISTFAAAACR42pNpmSzMwMDAxgABzFCaEUzOmNZg/wEisIeBARQA", "due_to_sent": "HISTFAAAAB542pM="}


def linger(milliseconds: int) -> Configuration:
    """A configuration that sets one thing."""
    return Configuration.of({Scope("producer"): {"linger.ms": milliseconds, "compression.type": "lz4"}})


def make_study(name: str = "quick", **changes: Any) -> Study:
    """A running study of CLUSTER without an owner."""
    values: dict[str, Any] = {
        "id": new_id(),
        "name": name,
        "grid_text": 'title = "Quick"  # µ\n',
        "grid_name": "quick.toml",
        "grid_hash": "aa" * 32,
        "cluster": CLUSTER,
        "state": "running",
        "strategy": "race",
        "seed": 7,
        "created_at": now(),
        "host": "lab-1",
    }
    return Study(**{**values, **changes})


def make_trial(study_id: str, number: int = 1, **changes: Any) -> Trial:
    """A finished search trial of linger.ms = 5 with every figure."""
    configuration = changes.pop("configuration", linger(5))
    values: dict[str, Any] = {
        "id": new_id(),
        "study_id": study_id,
        "number": number,
        "workload": Workload(),
        "role": "search",
        "baseline": False,
        "configuration": configuration,
        "cell": 1,
        "state": "done",
        "started_at": now(),
        "finished_at": now(),
        "duration_s": 17.25,
        "messages_per_s": 412_345.5,
        "mb_per_s": 412.3,
        "window_s": 8.0,
        "latency": Latency(p50=1.5, p95=3.25, p99=7.125, p999=12.0, max=20.5, count=60_000, approximate=("p999",)),
        "due_to_sent_p99_ms": 0.08,
        "rate": 120_000.0,
        "why": Why(batch_bytes=14_000.0, round_trip_ms=0.9, client_cpu=0.7),
        "audit": Audit(sent=9, acknowledged=9, topic_growth=9, bytes_written=9_000),
        "config_hash": configuration.hash,
        "env_hash": "env",
        "method_hash": "method",
        "client_version": "2.16.0",
    }
    return Trial(**{**values, **changes})


def make_samples(count: int = 32) -> list[Sample]:
    """Half-second samples: half of them saturated, half paced."""
    return [
        Sample(
            stage="saturated" if index < count // 2 else "paced",
            t_s=0.5 * (index + 1),
            interval_s=0.5,
            messages=200_000 + index,
            bytes=200_000_000 + 1000 * index,
            latency_ms=None if index < count // 2 else Percentiles(p50=1.25, p95=3.5, p99=7.0, max=19.0),
            backlog=1000 + index,
            cpu=0.83,
            thread_cpu=0.61,
            round_trip_ms=0.93,
            batch_bytes=15_360.0,
        )
        for index in range(count)
    ]
