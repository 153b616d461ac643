"""The local Kafka: it starts, answers, frees its disk, restarts with other settings and leaves nothing behind."""

from __future__ import annotations

import pytest

from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.kafka.topics import Admin

pytestmark = pytest.mark.kafka


async def test_a_deleted_topic_gives_its_disk_back_within_seconds(local_broker: LocalKafka) -> None:
    async with Admin(local_broker.connection) as admin:
        await admin.create_topic("ingestune-disk-1", 2, 1, {})
        await admin.end_offsets("ingestune-disk-1")
        assert not local_broker.topic_gone("ingestune-disk-1")
        await admin.delete_topic("ingestune-disk-1")
    assert await local_broker.wait_topic_gone("ingestune-disk-1", timeout_s=10)
