"""Proves that a service's log is whole: the hash chains, and that Kafka holds the same events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

from chassis.chain import GENESIS, hash_of
from chassis.events import Stored, topic_of, wire_name
from chassis.kafka.reading import read_whole
from chassis.postgres.event_log import stored_row
from chassis.service import Service
from chassis.wire import stored_of

_PAGE = 5_000
_TOLD_MOST = 20

_EVENTS = """
select workspace_id, stream, version, id, type, occurred_at, recorded_at, actor, correlation_id,
       causation_id, traceparent, key_id, data::text as data, hash
  from log.events where (workspace_id, stream, version) > ($1, $2, $3)
 order by workspace_id, stream, version limit $4
"""
_WAITING = """
select e.workspace_id, e.stream, e.version from log.outbox o join log.events e using (position)
"""

Place = tuple[UUID, str, int]


@dataclass(slots=True)
class LogCheck:
    """What was found. `wrong` says what does not verify; empty: all is well."""

    events: int = 0
    streams: int = 0
    on_kafka: int = 0
    waiting: int = 0
    wrong: list[str] = field(default_factory=list)

    def tell(self, what: str) -> None:
        """Note something wrong; only the first few are kept, the rest is counted at the end."""
        if len(self.wrong) < _TOLD_MOST:
            self.wrong.append(what)


async def check_log(service: Service) -> LogCheck:
    """Check every stream's chain, and compare the store with the topic, event by event."""
    check = LogCheck()
    waiting = await _waiting(service)
    on_kafka = await _hashes_on_kafka(service, check)
    check.on_kafka, check.waiting = len(on_kafka), len(waiting)
    previous, last = GENESIS, (UUID(int=0), "", 0)
    async for stored in _events(service):
        same = (stored.workspace, stored.stream) == last[:2]
        if not same:
            previous, check.streams = GENESIS, check.streams + 1
        expected = last[2] + 1 if same else 1
        if stored.version != expected:
            check.tell(f"{stored.stream}: version {expected} is missing")
        if stored.hash != hash_of(stored, previous):
            check.tell(f"{stored.stream}@{stored.version}: the event is not what was recorded")
        place = (stored.workspace, stored.stream, stored.version)
        there = on_kafka.pop(place, None)
        if there is None and place not in waiting:
            check.tell(f"{stored.stream}@{stored.version}: neither on Kafka nor waiting for it")
        if there is not None and there != stored.hash:
            check.tell(f"{stored.stream}@{stored.version}: Kafka holds another event")
        previous, last = stored.hash, place
        check.events += 1
    for _, stream, version in list(on_kafka)[:_TOLD_MOST]:
        check.tell(f"{stream}@{version}: on Kafka, but not in the store")
    return check


async def _events(service: Service) -> AsyncIterator[Stored]:
    place: Place = (UUID(int=0), "", 0)
    while True:
        async with service.work.connection(None) as connection:
            rows = await connection.fetch(_EVENTS, *place, _PAGE)
        for row in rows:
            yield stored_row(row)
        if len(rows) < _PAGE:
            return
        place = (rows[-1]["workspace_id"], rows[-1]["stream"], rows[-1]["version"])


async def _waiting(service: Service) -> set[Place]:
    async with service.work.connection(None) as connection:
        rows = await connection.fetch(_WAITING)
    return {(row["workspace_id"], row["stream"], row["version"]) for row in rows}


async def _hashes_on_kafka(service: Service, check: LogCheck) -> dict[Place, bytes]:
    """Every event on the service's topic; what was relayed twice must be the same twice."""
    topics = {topic_of(wire_name(event)) for event in service.manifest.published()}
    found: dict[Place, bytes] = {}
    async for messages in read_whole(service.open_source, topics):
        for message in messages:
            stored = stored_of(message)
            place = (stored.workspace, stored.stream, stored.version)
            if found.setdefault(place, stored.hash) != stored.hash:
                check.tell(f"{stored.stream}@{stored.version}: twice on Kafka, not equal")
    return found
