"""Keeps up who is in which segment: by events, a batch at a time, and when moments come.

It reads the topics in a lane of its own, behind the projector: it waits until the read models know
what a batch says, evaluates the people of whom something changed against the segments that read it,
and only then moves on. Whatever is repeated after a crash finds everybody where they belong. A new
condition goes through all people in chunks, between the batches.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy import select

from chassis.errors import Fenced
from chassis.events import id_of
from chassis.ids import new_id
from chassis.kafka.source import GroupSource
from chassis.lane import LIVE
from chassis.lane_reader import Arrived, Stream
from chassis.postgres.database import Record
from chassis.postgres.statements import any_of, fetch
from chassis.postgres.turns import Turn
from chassis.service import Service
from contacts.domain.conditions.fields import COMPANY, DEALS
from contacts.domain.membership import Settle
from contacts.domain.segment import SegmentAdded, SegmentConditionChanged, SegmentRestored
from contacts.read_models.deal_standings import fetch_deal_people
from contacts.read_models.segment_members import fetch_some_members
from contacts.read_models.survivors import fetch_survivors
from contacts.read_models.traits import TRAITS
from contacts.segmenting import store, touching
from contacts.segmenting.evaluating import Evaluator, Segments
from contacts.segmenting.looking_up import fetch_misplaced, fetch_some_people

log = structlog.get_logger("segments")

LANE = "segments"
_MOST = 2_000
_CHUNK = 1_000
_POLL_S = 0.25
_WAIT_S = 0.02
_LOOK_S = 1.0
_STANDBY_S = 5.0
_UNSEEN_MOST = 10_000


async def keep_segments(service: Service) -> None:
    """Until cancelled; one process at a time does it."""
    mine = turn(service)
    try:
        while not await mine.take():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(_STANDBY_S)
        await mine.during(Keeper(service).run())
    finally:
        mine.give_up()


def turn(service: Service) -> Turn:
    """A process's turn to keep segments up."""
    return Turn(service.work, "everlog contacts segments")


@dataclass(slots=True)
class Touched:
    """Of whom in a workspace something changed."""

    people: dict[UUID, frozenset[str]] = field(default_factory=dict)
    companies: set[UUID] = field(default_factory=set)
    deals: set[UUID] = field(default_factory=set)
    segments: list[Arrived] = field(default_factory=list)
    standing: set[UUID] = field(default_factory=set)
    """Those who were merged or erased, or answer for themselves again."""

    def add(self, person_id: UUID, moved: frozenset[str]) -> None:
        """Something of a person moved."""
        self.people[person_id] = self.people.get(person_id, frozenset()) | moved


class Keeper:
    """The work of `keep_segments`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._evaluator = Evaluator(service)
        self._reader = service.reader(LANE)
        kafka, group = service.settings.kafka, f"everlog.{service.manifest.service}.{LANE}"
        topics = service.manifest.consumed_topics()
        self._reader.use(GroupSource(kafka, group, topics, self._reader.starts))
        self._reader.want(touching.OPENED_UP)

    async def run(self) -> None:
        """Until cancelled."""
        try:
            await self._reader.start()
            busy = False
            while True:
                await self.step(timeout_s=0.001 if busy else _POLL_S)
                busy = self._service.readable and (await self.act_on_time() or await self.work_on())
        finally:
            await self._reader.stop()

    # --- by events

    async def step(self, *, timeout_s: float) -> int:
        """Take in the next batch; returns how many events it had."""
        polled = await self._reader.poll(timeout_s=timeout_s, most=_MOST)
        if not polled:
            return 0
        async with self._reader.batch_lock:
            batch = await self._reader.take(polled)
            if batch is None:
                return 0
            arrived = [*batch.events, *(one for one, _ in batch.gaps)]
            # A gap is no reason to stop: it is looked at how things are, not how they came.
            for one in arrived:
                batch.commit.guards[one.workspace, one.stream] = one.version
            await self._projected(
                {(one.workspace, one.stream): one.version for one in batch.events}
            )
            found: dict[UUID, Touched] = defaultdict(Touched)
            for one in arrived:
                _touch(found[one.workspace], one)
            for workspace, touched in found.items():
                await self._take_in(workspace, touched)
            try:
                await self._reader.commit(batch)
            except Fenced:
                await self._reader.resync()
                return 0
            return len(batch.events)

    async def _projected(self, wanted: Mapping[Stream, int]) -> None:
        """Wait until the read models have passed these versions; not for streams that are
        parked."""
        looked = time.monotonic()
        while wanted or not self._service.readable:
            seen = await self._service.lanes.guards(LIVE, list(wanted))
            wanted = {s: version for s, version in wanted.items() if seen.get(s, 0) < version}
            if wanted:
                await asyncio.sleep(_WAIT_S)
            if wanted and time.monotonic() - looked > _LOOK_S:
                async with self._service.work.connection(None) as connection:
                    parked = await store.fetch_parked(connection, list(wanted))
                wanted = {s: version for s, version in wanted.items() if s not in parked}
                looked = time.monotonic()
            if not self._service.readable:
                await asyncio.sleep(_POLL_S)

    async def _seen(self) -> None:
        """Wait until the read models know what was appended here."""
        await self._projected(self._evaluator.appended)
        self._evaluator.appended.clear()

    async def _take_in(self, workspace: UUID, touched: Touched) -> None:
        if len(self._evaluator.appended) > _UNSEEN_MOST:
            await self._seen()
        await self._begin_whole(workspace, touched)
        segments = await self._evaluator.segments(workspace)
        if segments.asking:
            await self._reach(workspace, touched, segments)
        wanted = {
            person_id: found
            for person_id, moved in touched.people.items()
            if (found := segments.reading(moved))
        }
        await self._evaluator.evaluate(workspace, segments, wanted, touched.standing)

    async def _begin_whole(self, workspace: UUID, touched: Touched) -> None:
        """A segment that is new, asks something else or is used again is evaluated as a whole."""
        async with self._service.work.connection(None) as connection:
            for one in touched.segments:
                event = one.recorded.event if one.recorded else None
                if isinstance(event, SegmentConditionChanged | SegmentRestored):
                    at = event.occurred_at
                    await store.begin(connection, workspace, event.segment_id, new_id(), at)
                elif isinstance(event, SegmentAdded) and (event.condition or event.frozen_from):
                    at, source = event.occurred_at, event.frozen_from
                    await store.begin(connection, workspace, event.segment_id, new_id(), at, source)

    async def _reach(self, workspace: UUID, touched: Touched, segments: Segments) -> None:
        """Whoever is meant by companies, deals and records that were merged."""
        async with self._service.work.connection(None) as connection:
            if touched.companies and segments.reading([COMPANY]):
                t = TRAITS.c
                statement = select(t.person_id).where(
                    t.workspace_id == workspace, any_of(t.company_id, touched.companies)
                )
                for row in await fetch(connection, statement):
                    touched.add(row["person_id"], frozenset((COMPANY,)))
            if touched.deals and segments.reading([DEALS]):
                deals = list(touched.deals)
                for _, person_id in await fetch_deal_people(connection, workspace, deals):
                    touched.add(person_id, frozenset((DEALS,)))
            survivors = await fetch_survivors(connection, workspace, list(touched.people))
        for person_id, survivor_id in survivors.items():
            touched.add(survivor_id, touched.people[person_id])

    # --- by the clock

    async def act_on_time(self) -> bool:
        """Evaluate whoever crosses a line now; whether anybody did."""
        async with self._service.work.connection(None) as connection:
            rows = await store.fetch_due(connection, self._service.clock.now(), _CHUNK)
        by_workspace: dict[UUID, dict[UUID, set[UUID]]] = defaultdict(lambda: defaultdict(set))
        for row in rows:
            segment_id, _, person_id = row["key"].partition(":")
            by_workspace[row["workspace_id"]][UUID(person_id)].add(UUID(segment_id))
        for workspace, people in by_workspace.items():
            segments = await self._evaluator.segments(workspace)
            wanted = {id_: frozenset(ids) & segments.asking.keys() for id_, ids in people.items()}
            await self._evaluator.evaluate(workspace, segments, wanted)
        if rows:
            async with self._service.work.connection(None) as connection:
                await store.forget_passed(connection, rows)
        return bool(rows)

    # --- whole segments

    async def work_on(self) -> bool:
        """Evaluate some people for a segment that is evaluated as a whole; whether there is one."""
        async with self._service.work.connection(None) as connection:
            work = await store.fetch_next(connection)
        if work is None:
            return False
        await self._seen()
        reached = await (self._freeze(work) if work["frozen_from"] else self._evaluate(work))
        if reached is None:
            await self._seen()  # who is told that everybody was looked at finds them all
        async with self._service.work.connection(None) as connection:
            await store.note_reached(connection, work, reached)
        return True

    async def _evaluate(self, work: Record) -> UUID | None:
        workspace, segment_id = work["workspace_id"], work["segment_id"]
        segments = await self._evaluator.segments(workspace)
        asking = segments.asking.get(segment_id)
        if asking is None:
            return None
        async with self._service.work.connection(None) as connection:
            # When times count, the moment at which they do is found for everybody.
            people = await (
                fetch_some_people(connection, workspace, work["reached"], _CHUNK)
                if asking.timed
                else fetch_misplaced(
                    connection,
                    workspace,
                    asking.condition,
                    self._service.clock.now(),
                    segment_id=segment_id,
                    after_id=work["reached"],
                    most=_CHUNK,
                )
            )
        await self._evaluator.go_through(workspace, asking, people)
        return people[-1] if len(people) == _CHUNK else None

    async def _freeze(self, work: Record) -> UUID | None:
        workspace, segment_id = work["workspace_id"], work["segment_id"]
        async with self._service.work.connection(None) as connection:
            people = await fetch_some_members(
                connection, workspace, work["frozen_from"], work["at"], work["reached"], _CHUNK
            )
        now, into = self._service.clock.now(), frozenset((segment_id,))
        commands = {id_: (Settle(id_, now, "frozen", enter=into),) for id_ in people}
        await self._evaluator.append(workspace, commands)
        return people[-1] if len(people) == _CHUNK else None


def _touch(touched: Touched, one: Arrived) -> None:
    """Note of whom an event tells something."""
    event = one.recorded.event if one.recorded is not None else None
    if moved := touching.OF_THE_STREAM.get(one.type):
        touched.add(id_of(one.stream), moved)
        if one.type in touching.OF_STANDING:
            touched.standing.add(id_of(one.stream))
    elif moved := touching.OF_THE_BODY.get(one.type):
        person_id = getattr(event, "person_id", None)
        if person_id is not None:
            touched.add(person_id, moved)
    elif one.type in touching.OF_COMPANIES:
        touched.companies.add(id_of(one.stream))
    elif one.type in touching.OF_DEALS:
        touched.deals.add(id_of(one.stream))
    elif one.type in touching.OF_SEGMENTS:
        touched.segments.append(one)
