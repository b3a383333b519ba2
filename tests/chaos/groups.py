"""Members of consumer groups that died: Kafka is told so, instead of being given time to notice."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.group import LeaveGroupRequest


async def leave_for_the_dead(bootstrap: str, groups: Iterable[str]) -> None:
    """Let every member leave these groups, as it would have by itself ten seconds later."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        for group in groups:
            coordinator = await admin.find_coordinator(group)
            [described] = await admin.describe_consumer_groups([group], coordinator)
            for told in described.groups:
                for member in told[5]:
                    await admin._client.send(coordinator, LeaveGroupRequest(group, member[0]))
    finally:
        await admin.close()
