"""A cluster and a runner that measure in no time, by a formula: for tests of the engine's decisions only."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.events import Event, now
from ingestune_tui.model.ids import new_id
from ingestune_tui.model.study import Cluster, Study
from ingestune_tui.model.trial import Audit, Latency, Trial, Why
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning import trial_loop, waits
from ingestune_tui.tuning.engine import Engine, EngineOptions
from ingestune_tui.tuning.grid_file import GridFile, resolve
from ingestune_tui.tuning.measurement import Measurement, TrialOrder

Script = Callable[[TrialOrder], Measurement]
CLUSTER = Cluster(id="scripted", label="scripted", kind="external", version="4.3.0", nodes=1)


def measured(messages_per_s: float, p99_ms: float = 5.0, rate: float | None = 1000.0) -> Measurement:
    """A clean measurement with these figures."""
    return Measurement(
        messages_per_s=messages_per_s,
        mb_per_s=messages_per_s / 1000,
        window_s=1.0,
        latency=Latency(p50=p99_ms / 2, p95=p99_ms * 0.9, p99=p99_ms, max=p99_ms * 2, count=20000),
        due_to_sent_p99_ms=0.1,
        end_to_end=None,
        consumer_messages_per_s=None,
        rate=rate,
        flags=(),
        why=Why(),
        audit=Audit(sent=1000, acknowledged=1000, topic_growth=1000, bytes_written=1000),
        samples=(),
        client_version="scripted 1.0",
    )


def by_linger(noise: float = 0.02) -> Script:
    """Throughput grows with linger.ms, deterministically noisy by trial number."""

    def script(order: TrialOrder) -> Measurement:
        linger = float(order.configuration.get(Scope.PRODUCER, "linger.ms") or 5)
        jitter = 1 + noise * (random.Random(order.number).random() - 0.5)
        return measured(1000 * (1 + linger / 50) * jitter, rate=order.rate or 300.0)

    return script


class Heard(list[Event]):
    """The events of a study; each is shown to somebody at once."""

    def __init__(self, show: Callable[[Event], None]) -> None:
        super().__init__()
        self._show = show

    def append(self, event: Event) -> None:
        super().append(event)
        self._show(event)


@dataclass
class Scripted:
    """Everything an engine needs, with the events it emitted."""

    grid_file: GridFile
    store: Store
    script: Script
    events: list[Event] = field(default_factory=list)
    runs: list[TrialOrder] = field(default_factory=list)
    stop_after: int | None = None
    engine: Engine | None = None

    async def study(self, name: str = "test") -> Study:
        study = Study(
            id=new_id(),
            name=name,
            grid_text=self.grid_file.text,
            grid_name="test.toml",
            grid_hash=self.grid_file.hash,
            cluster=CLUSTER,
            state="running",
            strategy="race",
            seed=7,
            created_at=now(),
        )
        await self.store.create_study(study)
        return study

    async def run(self, study: Study, *, cache_s: float = 0.0) -> Study:
        """One engine over the study and its stored trials."""
        self.engine = Engine(
            await self.store.find_study(study.id),
            self.grid_file,
            fake_cluster(),
            self.store,
            EngineOptions(host="here", topic_prefix="ingestune", cache_s=cache_s),
            self.events.append,
            await self.store.trials(study.id),
        )
        return await self.engine.run()

    async def trials(self, study: Study) -> list[Trial]:
        return await self.store.trials(study.id)


def fake_cluster() -> Any:
    async def nothing(*_: object, **__: object) -> None:
        return None

    async def settings() -> Mapping[str, str]:
        return {}

    return SimpleNamespace(
        info=CLUSTER,
        node_ids=(1,),
        delete_delay_s=0.0,
        topic_gone=lambda _: True,
        admin=SimpleNamespace(delete_topic=nothing),
        answer=nothing,
        has_ended=False,
        refuse_ended=nothing,
        broker_settings=settings,
        client_version=lambda _: "scripted 1.0",
        free_bytes=lambda: None,
    )


def scripted(monkeypatch: pytest.MonkeyPatch, store: Store, grid: str, script: Script | None = None) -> Scripted:
    """An engine's surroundings in which the runner is the script."""
    world = Scripted(resolve(grid, Path("test.toml")), store, script or by_linger())

    class ScriptedRunner:
        def __init__(self, *_: object) -> None:
            self.undeleted: dict[str, str] = {}

        async def run(self, order: TrialOrder) -> Measurement:
            world.runs.append(order)
            if world.stop_after is not None and len(world.runs) > world.stop_after:
                assert world.engine is not None
                world.engine.stop()
            await asyncio.sleep(0)
            return world.script(order)

        async def close(self) -> None:
            return None

        async def delete_left(self) -> None:
            return None

    monkeypatch.setattr(trial_loop, "TrialRunner", ScriptedRunner)
    monkeypatch.setattr(waits, "GAP_S", 0.0)
    return world
