"""A user who may not change broker settings is told so by the broker's own word before anything is measured."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from ingestune_tui.kafka.doctor import check_cluster
from ingestune_tui.kafka.local_broker import LocalKafka
from tests.integration.command import TINY, Command
from tests.integration.conftest import kafka_or_skip

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


def forbid_changes(bootstrap: str) -> None:
    """Everybody may do everything with the cluster, but not alter settings."""
    rules = ((AclOperation.ALL, AclPermissionType.ALLOW), (AclOperation.ALTER_CONFIGS, AclPermissionType.DENY))
    bindings = [
        AclBinding(
            ResourceType.BROKER, "kafka-cluster", ResourcePatternType.LITERAL, "User:ANONYMOUS", "*", operation, allowed
        )
        for operation, allowed in rules
    ]
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_acls(bindings).values():
        future.result(20)


async def test_a_missing_right_is_named_before_anything_runs(tmp_path: Path) -> None:
    with kafka_or_skip():
        async with LocalKafka(static_settings=AUTHORIZER) as kafka:
            before = await check_cluster(kafka.connection, "ingestune")
            await asyncio.to_thread(forbid_changes, kafka.bootstrap)
            after = await check_cluster(kafka.connection, "ingestune")
            grid = tmp_path / "grid.toml"
            grid.write_text(TINY + "[broker]\n'num.io.threads' = [8, 16]\n")
            command = Command(tmp_path)
            done = await asyncio.to_thread(
                command, "run", str(grid), "-b", kafka.bootstrap, "--allow-broker-changes", "--yes"
            )
    assert [check.state for check in before if check.name == "broker"] == ["ok"]
    (told,) = [check for check in after if check.name == "broker"]
    assert "lacks the right to ALTER_CONFIGS" in told.detail, "as the hint below promises"
    assert done.returncode == 1
    assert "CLUSTER_AUTHORIZATION_FAILED" in done.stderr
    assert "lacks the right" in done.stderr
    assert "throw-away" not in done.stderr, "nothing was measured"
