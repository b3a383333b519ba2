"""Evaluates people against segments, and lets them enter and leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.ids import new_id
from chassis.lane_reader import Stream
from chassis.ports import Context
from chassis.service import Service
from contacts.domain.conditions.tree import Condition, is_timed, leaves_of, parse, reads
from contacts.domain.conditions.truth import Traits, holds, turns_at
from contacts.domain.membership import (
    EraseMemberships,
    MembershipCommand,
    Rest,
    Return,
    Settle,
)
from contacts.memberships import memberships, settle
from contacts.read_models.segment_members import fetch_members_among
from contacts.read_models.segments import fetch_all_segments
from contacts.segmenting import store
from contacts.segmenting.looking_up import fetch_traits

ACTOR = "segments"
_PEOPLE_EACH = 1_000
NONE: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Asking:
    """A segment with a condition, as it is evaluated."""

    segment_id: UUID
    condition: Condition
    reads: frozenset[str]
    timed: bool


@dataclass(frozen=True, slots=True)
class Segments:
    """All segments of a workspace that are in use, by what they read."""

    asking: Mapping[UUID, Asking]
    static: frozenset[UUID]

    def reading(self, moved: Collection[str]) -> frozenset[UUID]:
        """The segments that read something that moved."""
        return frozenset(id_ for id_, one in self.asking.items() if not one.reads.isdisjoint(moved))


class Evaluator:
    """Evaluates the people of one workspace at a time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._parsed: dict[tuple[UUID, int], Asking] = {}
        self.appended: dict[Stream, int] = {}
        """Up to which versions membership was written since somebody last waited for it."""

    async def segments(self, workspace: UUID) -> Segments:
        """The segments of a workspace; each condition is parsed once per version."""
        async with self._service.work.connection(None) as connection:
            rows = await fetch_all_segments(connection, workspace)
        static = frozenset(row["id"] for row in rows if row["condition"] is None)
        asking = {row["id"]: self._asking(row) for row in rows if row["condition"] is not None}
        return Segments(asking, static)

    def _asking(self, row: Mapping[str, Any]) -> Asking:
        place = (row["id"], row["version"])
        known = self._parsed.get(place)
        if known is None:
            if len(self._parsed) > 10_000:
                self._parsed.clear()
            condition = parse(row["condition"])
            known = Asking(row["id"], condition, reads(condition), is_timed(condition))
            self._parsed[place] = known
        return known

    async def evaluate(
        self,
        workspace: UUID,
        segments: Segments,
        wanted: Mapping[UUID, frozenset[UUID]],
        standing: Collection[UUID] = (),
    ) -> None:
        """Evaluate each of these people against the segments named with them. `standing`: those who
        may have been erased or merged, or answer for themselves again."""
        people = list({**wanted, **dict.fromkeys(standing)})
        for start in range(0, len(people), _PEOPLE_EACH):
            some = people[start : start + _PEOPLE_EACH]
            await self._evaluate(
                workspace, segments, {id_: wanted.get(id_, frozenset()) for id_ in some}
            )

    async def go_through(self, workspace: UUID, one: Asking, people: Sequence[UUID]) -> None:
        """Evaluate people for one segment as a whole. The read models must know all that was
        appended: whoever is where they belong is not looked up in the log."""
        leaves = list(leaves_of(one.condition))
        async with self._service.work.connection(None) as connection:
            known = await fetch_traits(connection, workspace, people, leaves)
            inside = await fetch_members_among(connection, workspace, one.segment_id, people)
        now = self._service.clock.now()
        moments: dict[str, datetime | None] = {}
        commands: dict[UUID, list[MembershipCommand]] = {}
        segment = frozenset((one.segment_id,))
        for person_id, traits in known.items():
            if traits["merged_into"] is None:
                moments |= _moments(person_id, traits, [one], now)
                belongs = holds(one.condition, traits, now)
                if belongs is not (person_id in inside):
                    enter, leave = (segment, NONE) if belongs else (NONE, segment)
                    commands[person_id] = [Settle(person_id, now, "condition", enter, leave)]
        await self.append(workspace, commands)
        async with self._service.work.connection(None) as connection:
            await store.remember(connection, workspace, moments)

    async def _evaluate(
        self, workspace: UUID, segments: Segments, wanted: Mapping[UUID, frozenset[UUID]]
    ) -> None:
        asked = {id_ for ids in wanted.values() for id_ in ids if id_ in segments.asking}
        leaves = [leaf for id_ in asked for leaf in leaves_of(segments.asking[id_].condition)]
        async with self._service.work.connection(None) as connection:
            known = await fetch_traits(connection, workspace, list(wanted), leaves)
        now = self._service.clock.now()
        commands: dict[UUID, list[MembershipCommand]] = {}
        merged: dict[UUID, UUID] = {}
        moments: dict[str, datetime | None] = {}
        for person_id, ids in wanted.items():
            traits = known.get(person_id)
            asking = [segments.asking[id_] for id_ in ids if id_ in segments.asking]
            if traits is None:
                commands[person_id] = [EraseMemberships(person_id, now)]
            elif traits["merged_into"] is not None:
                merged[person_id] = traits["merged_into"]
            else:
                commands[person_id] = _commands(person_id, traits, segments, asking, now)
            moments |= _moments(person_id, traits, asking, now)
        await self.append(workspace, commands)
        await self._rest(workspace, segments, merged)
        async with self._service.work.connection(None) as connection:
            await store.remember(connection, workspace, moments)

    async def append(
        self, workspace: UUID, commands: Mapping[UUID, Sequence[MembershipCommand]]
    ) -> None:
        """Carry out commands on memberships, in one transaction."""
        context = Context(workspace, ACTOR, new_id())
        done = await settle(self._service.work_log, context, commands)
        self.appended.update({(workspace, one.stream): one.version for one in done})

    async def _rest(self, workspace: UUID, segments: Segments, merged: Mapping[UUID, UUID]) -> None:
        """Records that were merged are in no segment; in static ones the survivor takes over."""
        context, now = Context(workspace, ACTOR, new_id()), self._service.clock.now()
        commands: dict[UUID, list[MembershipCommand]] = defaultdict(list)
        known = await memberships(self._service.work_log, context, list(merged))
        for person_id, (membership, _) in known.items():
            if membership.since:
                commands[person_id].append(Rest(person_id, now))
            were_in = membership.since.keys() & segments.static
            if were_in:
                survivor = merged[person_id]
                enter = Settle(survivor, now, "merge", enter=frozenset(were_in))
                commands[survivor].append(enter)
        await self.append(workspace, commands)


def _commands(
    person_id: UUID, traits: Traits, segments: Segments, asking: Sequence[Asking], now: datetime
) -> list[MembershipCommand]:
    """In which they belong, and in which they do not."""
    enter = frozenset(one.segment_id for one in asking if holds(one.condition, traits, now))
    leave = frozenset(one.segment_id for one in asking) - enter
    return [
        Return(person_id, now, segments.static),
        Settle(person_id, now, "condition", enter, leave),
    ]


def _moments(
    person_id: UUID, traits: Traits | None, asking: Sequence[Asking], now: datetime
) -> dict[str, datetime | None]:
    """When to look at them again, by segment."""
    itself = traits if traits is not None and traits["merged_into"] is None else None
    return {
        store.key_of(one.segment_id, person_id): (
            turns_at(one.condition, itself, now) if itself is not None else None
        )
        for one in asking
        if one.timed
    }
