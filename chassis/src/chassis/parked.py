"""Parked sequences: list them, show their events, try them again in order, skip a bad event.

A retry holds the lane while it settles (the same fence as a swap): nothing can queue up behind the
sequence in the meantime. In a read model it is either applied whole or stays parked whole. Of a
reaction the orders are run again, under the inbox keys they had: what has been done is not done
twice, and what comes meanwhile queues up and is taken along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from chassis.codec import Codec
from chassis.errors import Conflict, Fault, NotFound
from chassis.events import Event, Recorded, Stored
from chassis.lane import ALL, ALL_REACTIONS, LIVE, REACTIONS
from chassis.ports import Partition, Source, Subjects
from chassis.postgres.database import Connection, Database, Record
from chassis.postgres.generations import schema_of
from chassis.postgres.rows import write_rows
from chassis.projection import Fold, Projection
from chassis.reactor import INFRASTRUCTURE, Reacting
from chassis.wire import stored_of

_LIST = """
select p.projection, p.workspace_id, p.stream, p.cause, p.error, p.attempts, p.parked_at,
       count(e.version) as events, min(e.version) as first_version
  from road.parked p left join road.parked_events e using (projection, workspace_id, stream)
 group by p.projection, p.workspace_id, p.stream order by p.parked_at limit 1000
"""
_ONE = """
select projection, stream, cause, error, attempts, parked_at from road.parked
 where projection = $1 and workspace_id = $2 and stream = $3
"""
_EVENTS = """
select version, event_id, type, topic, partition, "offset" from road.parked_events
 where projection = $1 and workspace_id = $2 and stream = $3 order by version
"""
_HOLD = "update road.offsets set epoch = epoch + 1 where lane = $1"
_MEMBERS = """
select name, generation from road.generations
 where lane = $1 and status in ('live', 'standby') and ($2 = '*' or name = $2)
"""
_CLEAR_EVENTS = """
delete from road.parked_events where projection = $1 and workspace_id = $2 and stream = $3
"""
_CLEAR = "delete from road.parked where projection = $1 and workspace_id = $2 and stream = $3"
_AGAIN = """
update road.parked set attempts = attempts + 1, error = $4
 where projection = $1 and workspace_id = $2 and stream = $3
"""
_GUARD = "select version from road.guards where lane = $1 and workspace_id = $2 and stream = $3"
_KEEP_GUARD = """
insert into road.guards (lane, workspace_id, stream, version) values ($1, $2, $3, $4)
on conflict (lane, workspace_id, stream) do update
   set version = greatest(road.guards.version, excluded.version)
"""
_SHOWN_MOST = 100

Place = tuple[str, UUID, str]
"""What is parked: read model or `reaction:NAME`, workspace, stream."""


@dataclass(frozen=True, slots=True)
class ParkedStream:
    """A parked sequence, for people to look at."""

    projection: str
    workspace_id: UUID
    stream: str
    cause: str
    error: str
    attempts: int
    parked_at: datetime
    events: int
    first_version: int | None


@dataclass(frozen=True, slots=True)
class Tried:
    """What a retry came to: how many events were applied, which were left out."""

    applied: int
    skipped: tuple[str, ...] = ()

    def __str__(self) -> str:
        left_out = f"{', '.join(self.skipped)} left out for good; " if self.skipped else ""
        return f"{left_out}{self.applied} event{'' if self.applied == 1 else 's'} applied"


class Parked:
    """The parked sequences of one service's read models and reactions."""

    def __init__(
        self,
        database: Database,
        projections: Sequence[Projection],
        codec: Codec,
        subjects: Subjects,
        open_source: Callable[[Mapping[Partition, int]], Source],
        reacting: Reacting | None = None,
    ) -> None:
        self._database = database
        self._projections = {p.name: p for p in projections}
        self._codec = codec
        self._subjects = subjects
        self._open_source = open_source
        self._reacting = reacting

    async def streams(self) -> list[ParkedStream]:
        """Every parked sequence, the oldest first."""
        async with self._database.connection(None) as connection:
            return [ParkedStream(**dict(row)) for row in await connection.fetch(_LIST)]

    async def show(self, projection: str, workspace: UUID, stream: str) -> dict[str, Any]:
        """A parked sequence with its first events as they are stored: sealed parts stay sealed.

        Raises NotFound if it is not parked.
        """
        async with self._database.connection(workspace) as connection:
            parked = await connection.fetchrow(_ONE, projection, workspace, stream)
            rows = await connection.fetch(_EVENTS, projection, workspace, stream)
        if parked is None:
            raise NotFound(f"{stream} is not parked in {projection}.")
        shown = rows[:_SHOWN_MOST]
        stored = await self._read(shown)
        events = [_as_shown(row, stored.get(row["version"])) for row in shown]
        return {**dict(parked), "waiting": len(rows), "events": events}

    async def retry(self, projection: str, workspace: UUID, stream: str, *, skip: int = 0) -> Tried:
        """Apply the sequence in order, leaving out its first `skip` events.

        Raises NotFound if it is not parked, Conflict if it fails again (it stays parked).
        """
        place = (projection, workspace, stream)
        failure: Exception | None = None
        if projection.startswith("reaction:"):
            return await self._react_again(place, skip)
        async with self._database.connection(None) as connection, connection.transaction():
            await connection.execute(_HOLD, LIVE)
            rows = await self._waiting(connection, place)
            left = rows[skip:]
            try:
                async with connection.transaction():
                    if projection == ALL:
                        left = await self._next_in_line(connection, LIVE, place, left)
                        await self._keep_guard(connection, LIVE, place, left)
                    await self._apply(connection, projection, workspace, left)
                    await connection.execute(_CLEAR_EVENTS, *place)
                    await connection.execute(_CLEAR, *place)
            except (Conflict, Fault) as error:
                failure = error
                await connection.execute(_AGAIN, *place, str(error))
        if failure is not None:
            raise _still_failing(failure) from failure
        return Tried(len(left), _named(rows[:skip]))

    # --- read models

    async def _waiting(self, connection: Connection, place: Place) -> Sequence[Record]:
        rows: Sequence[Record] = await connection.fetch(_EVENTS, *place)
        if not rows:
            raise NotFound(f"{place[2]} is not parked in {place[0]}.")
        return rows

    async def _apply(
        self, connection: Connection, projection: str, workspace: UUID, rows: Sequence[Record]
    ) -> None:
        events = await self._recorded(workspace, rows)
        for member in await connection.fetch(_MEMBERS, LIVE, projection):
            own = self._projections[member["name"]]
            fold = Fold()
            for recorded in events:
                if recorded.type not in own.types():
                    continue
                try:
                    fold.apply(workspace, own.project(recorded))
                except Exception as error:
                    raise Conflict(f"{recorded!r}: {type(error).__name__}: {error}") from error
            await write_rows(connection, schema_of(own.name, member["generation"]), fold)

    async def _next_in_line(
        self, connection: Connection, lane: str, place: Place, rows: Sequence[Record]
    ) -> Sequence[Record]:
        """Those events behind a gap that are next by now. Raises Conflict if it has not closed."""
        _, workspace, stream = place
        last = await connection.fetchval(_GUARD, lane, workspace, stream) or 0
        left = [row for row in rows if row["version"] > last]
        versions = [row["version"] for row in left]
        if versions != list(range(last + 1, last + 1 + len(versions))):
            raise Conflict(
                f"{stream} has seen version {last} and waits with {versions[0]}: the event between "
                "is not on the topic. Republish the service's events first."
            )
        return left

    async def _keep_guard(
        self, connection: Connection, lane: str, place: Place, rows: Sequence[Record]
    ) -> None:
        """The lane has seen these, too."""
        if rows:
            await connection.execute(_KEEP_GUARD, lane, place[1], place[2], rows[-1]["version"])

    # --- reactions

    async def _react_again(self, place: Place, skip: int) -> Tried:
        """Run the orders of all that waits, until nothing more has come meanwhile."""
        rows = await self._not_yet_run(place, 0)
        skipped = _named(rows[:skip])
        applied, seen = 0, 0
        left = rows[skip:]
        while rows:
            await self._run(place, left)
            applied += len(left)
            seen = rows[-1]["version"]
            left = rows = await self._not_yet_run(place, seen)
        return Tried(applied, skipped)

    async def _not_yet_run(self, place: Place, seen: int) -> Sequence[Record]:
        """What waits beyond this version. If nothing does, the sequence is not parked any more."""
        async with self._database.connection(None) as connection, connection.transaction():
            await connection.execute(_HOLD, REACTIONS)
            waiting = await self._waiting(connection, place)
            rows = [row for row in waiting if row["version"] > seen]
            if place[0] == ALL_REACTIONS and not seen:
                rows = list(await self._next_in_line(connection, REACTIONS, place, rows))
            if not rows:
                if place[0] == ALL_REACTIONS:
                    await self._keep_guard(connection, REACTIONS, place, waiting)
                await connection.execute(_CLEAR_EVENTS, *place)
                await connection.execute(_CLEAR, *place)
            return rows

    async def _run(self, place: Place, rows: Sequence[Record]) -> None:
        if self._reacting is None:
            raise Conflict("Reactions can be tried again only by a worker of the service.")
        name, workspace, _ = place
        try:
            for recorded in await self._recorded(workspace, rows):
                await self._reacting.react(name.removeprefix("reaction:"), recorded)
        except INFRASTRUCTURE:
            raise
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            async with self._database.connection(None) as connection:
                await connection.execute(_AGAIN, *place, told)
            raise _still_failing(told) from error

    # --- reading

    async def _recorded(self, workspace: UUID, rows: Sequence[Record]) -> list[Recorded[Event]]:
        found = await self._read(rows)
        missing = [row["version"] for row in rows if row["version"] not in found]
        if missing:
            raise Conflict(
                f"version {missing[0]} is not where it was: the topic was made anew. Wait until "
                "the lane has read it again; if it is not on the topic, republish the service."
            )
        wanted = [found[row["version"]] for row in rows if self._codec.knows(row["type"])]
        ids = [s.key_id for s in wanted if s.key_id and self._codec.needs_key(s.type)]
        keys = await self._subjects.keys(workspace, ids)
        try:
            return [
                self._codec.recorded(s, keys.get(s.key_id) if s.key_id else None) for s in wanted
            ]
        except (msgspec.DecodeError, ValueError) as error:
            raise Conflict(f"cannot be read: {error}") from error

    async def _read(self, rows: Sequence[Record]) -> dict[int, Stored]:
        """The events by version, fetched from where they lie; a stream lies in one partition."""
        if not rows:
            return {}
        wanted = {row["offset"]: row["event_id"] for row in rows}
        partition = Partition(rows[0]["topic"], rows[0]["partition"])
        found: dict[int, Stored] = {}
        source = self._open_source({partition: min(wanted)})
        await source.start()
        try:
            upto = min(max(wanted) + 1, (await source.ends([partition]))[partition])
            position = min(wanted)
            while position < upto:
                polled = await source.poll(timeout_s=5.0, max_messages=2000)
                for message in polled.get(partition, ()):
                    position = message.offset + 1
                    if message.offset in wanted:
                        stored = stored_of(message)
                        if stored.id == wanted[message.offset]:
                            found[stored.version] = stored
        finally:
            await source.stop()
        return found


def _as_shown(row: Record, stored: Stored | None) -> dict[str, Any]:
    shown = dict(row)
    if stored is not None:
        shown |= {
            "occurred_at": stored.occurred_at,
            "recorded_at": stored.recorded_at,
            "actor": stored.actor,
            "data": msgspec.Raw(stored.data),
        }
    return shown


def _named(rows: Sequence[Record]) -> tuple[str, ...]:
    return tuple(f"{row['type']} (version {row['version']})" for row in rows)


def _still_failing(why: object) -> Conflict:
    return Conflict(f"It failed again: {why}", code="still-failing")
