"""One trial from its topic to its audit: create, warm up, saturate, pace, drain, count, delete. See DESIGN section 6.

The load children measure; this file gives every stage its start in all of them, adds them up, and leaves nothing
behind however the trial ends. Called by the engine, one trial at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial

from ingestune_tui.bench.protocol import (
    Finish,
    Finished,
    Pace,
    Ready,
    Saturate,
    StageDone,
    Warm,
)
from ingestune_tui.catalogue import dialect
from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import ClusterError, StudyError, TrialError
from ingestune_tui.kafka.dynamic_config import same_value
from ingestune_tui.model.sample import Sample, Stage
from ingestune_tui.model.space import topic_settings, topic_shape
from ingestune_tui.tuning import merge, patience
from ingestune_tui.tuning.audit import audit_of, refuse_unacknowledged
from ingestune_tui.tuning.cluster import OpenCluster
from ingestune_tui.tuning.consumers import Consumers
from ingestune_tui.tuning.disk import DiskBudget
from ingestune_tui.tuning.estimate import FREE_DISK_FLOOR, node_bytes, trial_bytes
from ingestune_tui.tuning.flags import flags_of, overloaded
from ingestune_tui.tuning.load_child import SILENCE_S, LoadChild
from ingestune_tui.tuning.log_bytes import share_of
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from ingestune_tui.tuning.specs import consumer_spec, producer_spec
from ingestune_tui.tuning.windows import MOST_WARMUP_S, warmed_up
from ingestune_tui.units import about_bytes

_CLUSTER_LOOK_S = 0.5
_COPYING_S = 1.0
_COPYING_LOOKS = 6
"""So many looks without a message more: a follower may be told to wait for some seconds until a fetch is worth it."""
"""Followers that have copied nothing for so long have all that they will get."""
DISK_LOW = "DISK_LOW"
"""`error_code` of a trial that was stopped before it filled the disk."""


class DiskLow(TrialError):
    """The trial was stopped before it filled the disk: the disk's fault, never the configuration's."""


@dataclass(slots=True)
class _Progress:
    """What is known while the trial runs."""

    samples: list[Sample] = field(default_factory=list)
    pending: dict[tuple[Stage, int], list[Sample]] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)


class TrialRunner:
    """Runs trials on one open cluster."""

    def __init__(
        self,
        cluster: OpenCluster,
        disk: DiskBudget,
        on_stage: Callable[[int, Stage, float], None],
        on_sample: Callable[[int, Sample], None],
    ) -> None:
        self._cluster = cluster
        self._disk = disk
        self._on_stage = on_stage
        self._on_sample = on_sample
        self._deletions: set[asyncio.Task[None]] = set()
        self.undeleted: dict[str, str] = {}
        """Topics that could not be deleted yet, with the cluster's reason; tried again before each trial."""
        self._left: dict[str, int] = {}
        """What these hold, in bytes per node."""
        self._refused: dict[str, str] = {}
        """Those whose deletion the cluster refused when it was last asked, with its words; waiting changes nothing."""

    async def run(self, order: TrialOrder) -> Measurement:
        """Measure. Raises TrialError (ChildFailed with the broker's reason) or ClusterError; cancel it to skip it."""
        share = share_of(order.configuration, order.workload, self._cluster.info.nodes)
        budget = trial_bytes(order.workload, order.timings, order.limits, share)
        self._disk.writing(order.topic, budget)
        written = 0
        try:
            measurement = await self._watching_the_cluster(self._measure(order))
            written = measurement.audit.bytes_written
            return measurement
        finally:
            self._delete_soon(order, node_bytes(order.workload, written, share) if written else budget)

    async def close(self) -> None:
        """Wait until every topic of this runner is deleted, and try once more those that could not be.

        What a cluster of our own that has ended held is gone with it.
        """
        if self._deletions:
            await asyncio.gather(*self._deletions, return_exceptions=True)
        if self._cluster.has_ended:
            self.undeleted.clear()
            self._left.clear()
            self._refused.clear()
        for topic, held in list(self._left.items()):
            await self._delete(topic, held)

    async def delete_left(self) -> None:
        """Try once more what could not be deleted. Raises StudyError where the cluster refuses."""
        for topic, held in list(self._left.items()):
            await self._delete(topic, held)
        if self._refused:
            raise StudyError(
                f"the cluster deletes no topic of ours, so its disks would fill: {next(iter(self._refused.values()))}",
                f"Allow it, and delete {', '.join(sorted(self._refused))}.",
            )

    def _delete_soon(self, order: TrialOrder, node_bytes: int) -> None:
        """The deletion overlaps with the next trial's beginning; the disk budget keeps count of it."""
        task = asyncio.create_task(self._delete(order.topic, node_bytes), name=f"delete {order.topic}")
        self._deletions.add(task)
        task.add_done_callback(self._deletions.discard)

    async def _delete(self, topic: str, node_bytes: int) -> None:
        try:
            await self._cluster.admin.delete_topic(topic)
        except (ClusterError, TrialError) as problem:
            self.undeleted[topic], self._left[topic] = problem.what, node_bytes
            if isinstance(problem, TrialError):
                self._refused[topic] = problem.what
            else:
                self._refused.pop(topic, None)
        else:
            self.undeleted.pop(topic, None)
            self._left.pop(topic, None)
            self._refused.pop(topic, None)
            self._disk.deleted(topic, node_bytes)

    async def _watching_the_cluster(self, measuring: Coroutine[None, None, Measurement]) -> Measurement:
        """Run it; stop it when a cluster of our own ends, and on `local` when the disk under it runs low."""
        task = asyncio.create_task(measuring, name="trial")
        try:
            while not (await asyncio.wait([task], timeout=_CLUSTER_LOOK_S))[0]:
                await self._cluster.refuse_ended()
                free = self._cluster.free_bytes()
                if free is not None and free < FREE_DISK_FLOOR:
                    raise DiskLow(
                        f"stopped: only {about_bytes(free)} are free on the broker's disk",
                        "Lower [limits] bytes_per_trial, or give the local cluster another place with TMPDIR.",
                        code=DISK_LOW,
                    )
            return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _measure(self, order: TrialOrder) -> Measurement:
        async with contextlib.AsyncExitStack() as stack:
            return await self._stages(order, stack)

    async def _stages(self, order: TrialOrder, stack: contextlib.AsyncExitStack) -> Measurement:
        workload, timings = order.workload, order.timings
        progress = _Progress()
        self._on_stage(order.number, "warmup", 0.0)
        producers = [
            LoadChild(self._cluster.child_command(workload.client), self._listener(order, progress), progress.news.set)
            for _ in range(workload.producers)
        ]
        partitions, replication = topic_shape(order.configuration, workload)
        readers = [  # one without a partition would have nothing to do
            LoadChild(self._cluster.child_command("librdkafka"), lambda _: None, progress.news.set)
            for _ in range(min(workload.consumers, partitions))
        ]
        consumers = Consumers(readers, partial(self._cluster.admin.end_offsets, order.topic), patience.SLACK_S)
        settings = dialect.to_java(Scope.TOPIC, topic_settings(order.configuration))
        making = asyncio.create_task(
            self._cluster.admin.create_topic(order.topic, partitions, replication, settings), name=f"make {order.topic}"
        )
        try:  # a refused topic comes while children start: each is the stack's before the refusal is
            for child in [*producers, *readers]:
                await stack.enter_async_context(child)
            await making
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
        await self._check_topic(order.topic, settings)
        if readers and not self._cluster.info.simulated:  # a leader that does not know it yet tells no offsets
            await self._cluster.admin.end_offsets(order.topic)
        for shard, child in enumerate(producers):
            await child.send(producer_spec(order, self._cluster, shard, partitions, replication))
        for index, child in enumerate(readers):
            await child.send(consumer_spec(order, self._cluster, range(index, partitions, len(readers))))
        what = "the load processes to connect and have their first messages acknowledged"
        ready = await asyncio.gather(*(child.expect(Ready, patience.READY_S, what) for child in [*producers, *readers]))

        most = max(MOST_WARMUP_S, timings.warmup_s)
        self._on_stage(order.number, "warmup", timings.warmup_s)
        await asyncio.gather(*(child.send(Warm(most)) for child in [*producers, *readers]))
        least = max(timings.warmup_s, 3 * self._linger_s(order))
        while not warmed_up(progress.samples, least, most) and not any(child.capped for child in producers):
            await self._next_sample([*producers, *readers], progress)

        self._on_stage(order.number, "saturated", timings.saturated_s)
        await asyncio.gather(*(child.send(Saturate(timings.saturated_s)) for child in producers))
        within, what = timings.saturated_s + patience.SLACK_S, f"the saturated stage of {timings.saturated_s:g} s"
        done = await asyncio.gather(*(child.expect(StageDone, within, what) for child in producers))
        saturated = merge.merge_stage(done)
        refuse_unacknowledged(saturated)
        if readers:
            self._on_stage(order.number, "drain", timings.saturated_s)
            await consumers.catch_up(timings.saturated_s)

        rate, paced, held = None, None, False
        if timings.paced_s > 0 and saturated.messages > 0:
            own = saturated.messages / saturated.window_s
            rate = order.rate if order.rate is not None else round_rate(order.rate_share * own)
            self._on_stage(order.number, "paced", timings.paced_s)
            each = Pace(rate / workload.producers, timings.paced_s)
            await consumers.follow(each)
            for child in producers:
                await child.send(each)
            within = patience.paced_s(timings.paced_s, order.configuration, workload.client)
            what = f"the saturated stage's backlog to be delivered, and the paced stage of {timings.paced_s:g} s"
            parts = await asyncio.gather(*(child.expect(StageDone, within, what) for child in producers))
            paced = merge.merge_stage(parts)
            held = not overloaded(paced, rate, progress.samples)
            await consumers.all_sent(wait=held)

        self._on_stage(order.number, "finish", 0.0)
        await consumers.finish()
        await asyncio.gather(*(child.send(Finish()) for child in producers))
        within, what = patience.finish_s(order.configuration, workload.client), "the last messages to be delivered"
        counted = await asyncio.gather(*(child.expect(Finished, within, what) for child in producers))
        finished = merge.merge_finished(counted)
        growth = await self._growth(order.topic, finished.acknowledged)
        consumed = consumers.consumed
        audit = audit_of(finished, growth, acks0=self._acks(order) == "0", unread=consumed.failed)
        late = merge.percentile_ms(paced.due_to_sent, 99.0) if paced else None
        return Measurement(
            messages_per_s=saturated.messages / saturated.window_s,
            mb_per_s=saturated.bytes / saturated.window_s / 1e6,
            window_s=saturated.window_s,
            latency=merge.latency_of(paced.latency) if paced and held else None,
            due_to_sent_p99_ms=late,
            end_to_end=merge.latency_of(consumed.end_to_end) if held else None,
            consumer_messages_per_s=consumed.messages_per_s,
            rate=rate,
            flags=flags_of(
                saturated=saturated,
                samples=progress.samples,
                paced=paced,
                rate=rate,
                due_to_sent_p99_ms=late,
                audit=audit,
                reader_cpu=consumed.thread_cpu,
                consumer_behind=consumed.behind,
            ),
            why=merge.why_of(progress.samples),
            audit=audit,
            samples=tuple(progress.samples),
            client_version=ready[0].client,
            histograms={
                name: text
                for name, text in (
                    ("latency", paced.latency if paced else ""),
                    ("due_to_sent", paced.due_to_sent if paced else ""),
                    ("end_to_end", consumed.end_to_end),
                )
                if text
            },
        )

    def _listener(self, order: TrialOrder, progress: _Progress) -> Callable[[Sample], None]:
        """Collects the shards' samples of one half second into one: the nth of the same stage belong together."""
        shards = order.workload.producers
        seen: dict[Stage, int] = {}

        def listen(sample: Sample) -> None:
            seen[sample.stage] = seen.get(sample.stage, 0) + 1
            which = (sample.stage, seen[sample.stage])
            together = progress.pending.setdefault(which, [])
            together.append(sample)
            if len(together) == shards:
                merged = merge.merge_samples(progress.pending.pop(which))
                progress.samples.append(merged)
                progress.news.set()
                self._on_sample(order.number, merged)

        return listen

    async def _next_sample(self, children: list[LoadChild], progress: _Progress) -> None:
        """Wait for a sample; a child that fails in the warm-up is noticed at once."""
        progress.news.clear()
        for child in children:
            child.raise_if_over()
        try:
            await asyncio.wait_for(progress.news.wait(), SILENCE_S)
        except TimeoutError:
            raise TrialError(f"the load process said nothing for {SILENCE_S:.0f} s in the warm-up") from None
        for child in children:
            child.raise_if_over()

    async def _check_topic(self, topic: str, settings: Mapping[str, str]) -> None:
        """Read back what the topic was created with: a cluster may have rules of its own."""
        if not settings or self._cluster.info.simulated:
            return
        have = await self._cluster.admin.describe_topic_configs(topic)
        for name, value in settings.items():
            if not same_value(have.get(name), value):
                raise TrialError(
                    f"the topic was created with {name}={value}, and the cluster shows {have.get(name)}",
                    "A rule of the cluster may have changed it.",
                    code="TOPIC_SETTING_IGNORED",
                )

    def _linger_s(self, order: TrialOrder) -> float:
        return float(order.configuration.get(Scope.PRODUCER, "linger.ms") or 0) / 1000

    def _acks(self, order: TrialOrder) -> str:
        value = order.configuration.get(Scope.PRODUCER, "acks")
        return "" if value is None else str(value)

    async def _growth(self, topic: str, acknowledged: int) -> int | None:
        """Messages in the topic; None on a simulated broker, which keeps only the newest.

        A leader shows what its followers have copied, and with acks=1 or 0 they may be behind what is acknowledged:
        nothing is missing while they still come nearer.
        """
        if self._cluster.info.simulated:
            return None
        copied, unchanged = await self._messages_in(topic), 0
        while copied < acknowledged and unchanged < _COPYING_LOOKS:
            await asyncio.sleep(_COPYING_S)
            before, copied = copied, await self._messages_in(topic)
            unchanged = unchanged + 1 if copied == before else 0
        return copied

    async def _messages_in(self, topic: str) -> int:
        """The ends alone: the topic is the trial's own and began at 0, while its retention may move the starts."""
        return sum((await self._cluster.admin.end_offsets(topic)).values())


def round_rate(rate: float) -> float:
    """Two significant digits, so that studies of the same workload pace at the same rate and may share results."""
    return float(f"{max(rate, 1.0):.1e}")
