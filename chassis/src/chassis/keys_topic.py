"""Follows `everlog.keys`: the wrapped keys of persons whom other services own.

A reader that meets an unknown key reads the topic to its end before it decides: found → decrypt;
tombstone or absent → the person was erased. What was learned is kept in road.known_keys. A topic
that was made anew is read from its beginning, whatever was read of the one before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

from chassis.errors import Unavailable
from chassis.kafka.topics import partitions_of
from chassis.ports import Message, Partition, Source
from chassis.postgres.database import Database
from chassis.postgres.keys import PostgresSubjects
from chassis.vault import DataKey
from chassis.wire import KEY_OWNER, KEYS_TOPIC, header_map

LANE = "keys"
_SILENT_POLLS = 10

_LEARN = """
insert into road.known_keys (workspace_id, key_id, wrapped)
select * from unnest($1::uuid[], $2::uuid[], $3::bytea[])
on conflict (workspace_id, key_id) do update set wrapped = excluded.wrapped
"""
_UNLEARN = """
delete from road.known_keys k using unnest($1::uuid[], $2::uuid[]) as u(w, k)
 where k.workspace_id = u.w and k.key_id = u.k
"""
_POSITIONS = """
select partition, next_offset from road.offsets where lane = 'keys' and topic_id = $1
"""
_MOVE = """
insert into road.offsets as o (lane, topic, partition, next_offset, topic_id)
select 'keys', $1, u.partition, u.upto, $4
  from unnest($2::integer[], $3::bigint[]) as u(partition, upto)
on conflict (lane, topic, partition) do update
   set next_offset = case when o.topic_id = excluded.topic_id
                          then greatest(o.next_offset, excluded.next_offset)
                          else excluded.next_offset end,
       topic_id = excluded.topic_id, updated_at = now()
"""


class KnownKeys:
    """See chassis.ports.Subjects: the vault of this service, and what the topic tells."""

    def __init__(
        self,
        database: Database,
        subjects: PostgresSubjects,
        open_source: Callable[[Mapping[Partition, int]], Source],
        *,
        own: str,
    ) -> None:
        """`own`: the service itself. Its keys are looked up in its vault, where they are destroyed
        at once; what the topic told of them must not outlive that."""
        self._own = own.encode()
        self._database = database
        self._subjects = subjects
        self._open_source = open_source
        self._source: Source | None = None
        self._positions: dict[Partition, int] = {}
        self._topic_id: UUID | None = None
        self._lock = asyncio.Lock()

    async def keys(self, workspace: UUID, key_ids: Iterable[UUID]) -> Mapping[UUID, DataKey | None]:
        """See chassis.ports.Subjects.keys."""
        return await self.keys_of({workspace: key_ids})

    async def keys_of(self, wanted: Mapping[UUID, Iterable[UUID]]) -> Mapping[UUID, DataKey | None]:
        """See chassis.ports.Subjects.keys_of: the topic is read to its end once for all of them."""
        found: dict[UUID, DataKey | None] = {}
        unknown: dict[UUID, list[UUID]] = {}
        for workspace, key_ids in wanted.items():
            keys = await self._subjects.keys(workspace, key_ids)
            found.update(keys)
            if missing := [key_id for key_id, key in keys.items() if key is None]:
                unknown[workspace] = missing
        if unknown:
            await self.catch_up()
            for workspace, missing in unknown.items():
                found.update(await self._subjects.keys(workspace, missing))
        return found

    async def follow(self) -> None:
        """Keep up with the topic until cancelled, so that destroyed keys are dropped soon."""
        try:
            while True:
                await self.catch_up()
                await asyncio.sleep(1.0)
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Leave the topic."""
        async with self._lock:
            await self._drop()

    async def catch_up(self) -> None:
        """Read the topic to the end it has now."""
        async with self._lock:
            try:
                source = await self._started()
                ends = await source.ends(self._positions)
                await self._begin_anew_if_set_back(source, ends)
                silent = 0
                while any(self._positions[p] < end for p, end in ends.items()):
                    polled = await source.poll(timeout_s=1.0, max_messages=5000)
                    silent = 0 if polled else silent + 1
                    if silent == _SILENT_POLLS:
                        # Compaction may leave a hole before the end, never a slow broker so long.
                        polled = {p: [] for p, end in ends.items() if self._positions[p] < end}
                    await self._learn(polled, ends)
            except BaseException:
                await self._drop()
                raise

    async def _drop(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            await source.stop()

    async def _started(self) -> Source:
        if self._source is None:
            self._positions = dict.fromkeys(partitions_of([KEYS_TOPIC]), 0)
            self._topic_id = None
            self._source = self._open_source(self._positions)
            await self._source.start()
        topic_id = (await self._source.topics()).get(KEYS_TOPIC)
        if topic_id is None:
            raise Unavailable(f"The topic {KEYS_TOPIC} is not there. Run: everlog setup")
        if topic_id != self._topic_id:
            self._positions = await self._known_positions(topic_id)
            self._topic_id = topic_id
            await self._source.seek(self._positions)
        return self._source

    async def _known_positions(self, topic_id: UUID) -> dict[Partition, int]:
        """How far this very topic was read; one that was made anew: not at all."""
        positions = dict.fromkeys(partitions_of([KEYS_TOPIC]), 0)
        async with self._database.connection(None) as connection:
            for row in await connection.fetch(_POSITIONS, topic_id):
                positions[Partition(KEYS_TOPIC, row["partition"])] = row["next_offset"]
        return positions

    async def _begin_anew_if_set_back(self, source: Source, ends: Mapping[Partition, int]) -> None:
        beyond = {p: 0 for p, end in ends.items() if self._positions[p] > end}
        self._positions.update(beyond)
        if beyond:
            await source.seek(beyond)

    async def _learn(
        self, polled: Mapping[Partition, Sequence[Message]], ends: Mapping[Partition, int]
    ) -> None:
        latest: dict[tuple[UUID, UUID], bytes | None] = {}
        moved: dict[Partition, int] = {}
        for partition, messages in polled.items():
            moved[partition] = messages[-1].offset + 1 if messages else ends[partition]
            for message in messages:
                workspace, _, key_id = (message.key or b"").decode().partition(":")
                if header_map(message.headers).get(KEY_OWNER) != self._own:
                    latest[UUID(workspace), UUID(key_id)] = message.value
                elif message.value is None:
                    self._subjects.forget_ids([UUID(key_id)])
        if not moved:
            return
        learned = [(place, wrapped) for place, wrapped in latest.items() if wrapped is not None]
        gone = [place for place, wrapped in latest.items() if wrapped is None]
        async with self._database.connection(None) as connection, connection.transaction():
            await connection.execute(
                _LEARN,
                [workspace for (workspace, _), _ in learned],
                [key_id for (_, key_id), _ in learned],
                [wrapped for _, wrapped in learned],
            )
            await connection.execute(_UNLEARN, [w for w, _ in gone], [k for _, k in gone])
            await connection.execute(
                _MOVE, KEYS_TOPIC, [p.number for p in moved], list(moved.values()), self._topic_id
            )
        self._subjects.forget_ids(key_id for _, key_id in gone)
        self._positions.update(moved)
