"""Merging two records of one person and taking it back: both streams in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from chassis.decider import stale
from chassis.errors import StaleVersion
from chassis.ports import Append, Appended, Context, EventLog
from contacts.domain.person import PERSON
from contacts.domain.person.commands import (
    Absorb,
    BecomePart,
    ErasePerson,
    PersonCommand,
    Separate,
    StandAlone,
)
from contacts.domain.person.standing import there
from contacts.domain.person.state import Person, evolve
from contacts.domain.person.unmerging import absorption_of

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Known:
    """A record as it stands in the log."""

    person: Person
    version: int


async def known(log: EventLog, context: Context, ids: Sequence[UUID]) -> dict[UUID, Known]:
    """These records. Raises NotFound if one is not there."""
    loaded = await log.load_many(context, [PERSON.stream(id_) for id_ in ids])
    found = {}
    for id_ in ids:
        one = loaded.get(PERSON.stream(id_))
        state = PERSON.fold(cast(Any, r.event) for r in one.events) if one else None
        found[id_] = Known(there(state), one.version if one else 0)
    return found


class TwoRecords:
    """What is done to two records at once, for somebody."""

    def __init__(self, log: EventLog, context: Context, now: datetime) -> None:
        self._log = log
        self._context = context
        self._now = now
        self._first: UUID | None = None

    async def merge(
        self,
        survivor_id: UUID,
        duplicate_id: UUID,
        choices: Mapping[str, str],
        *,
        expected: int | None = None,
        score: float | None = None,
    ) -> Appended:
        """Let one record speak for both. Raises NotFound, Conflict, StaleVersion."""

        async def plan() -> list[Append]:
            both = await known(self._log, self._context, [survivor_id, duplicate_id])
            duplicate = both[duplicate_id]
            along = await known(self._log, self._context, duplicate.person.absorbed_ids)
            absorb = Absorb(duplicate.person, self._now, choices, score)
            become = BecomePart(survivor_id, self._now)
            again = replace(become, again=True)
            return [
                self._append(survivor_id, both[survivor_id], absorb, expected),
                self._append(duplicate_id, duplicate, become),
                *(self._append(id_, one, again) for id_, one in along.items()),
            ]

        return await self._carry_out(survivor_id, plan, expected)

    async def unmerge(
        self,
        survivor_id: UUID,
        duplicate_id: UUID,
        attributions: Mapping[str, str],
        *,
        expected: int | None = None,
    ) -> Appended:
        """Let both speak for themselves again. Raises NotFound, Conflict, StaleVersion."""

        async def plan() -> list[Append]:
            both = await known(self._log, self._context, [survivor_id, duplicate_id])
            survivor, duplicate = both[survivor_id], both[duplicate_id]
            was = absorption_of(survivor.person, duplicate.person)
            along = await known(self._log, self._context, was.with_ids)
            separate = Separate(duplicate.person, self._now, attributions)
            alone = StandAlone(survivor.person, self._now, attributions)
            again = BecomePart(duplicate_id, self._now, again=True)
            return [
                self._append(survivor_id, survivor, separate, expected),
                self._append(duplicate_id, duplicate, alone),
                *(self._append(id_, one, again) for id_, one in along.items()),
            ]

        return await self._carry_out(survivor_id, plan, expected)

    async def erase(self, person_id: UUID, *, expected: int | None = None) -> Appended:
        """Erase somebody, with all records of them."""

        async def plan() -> list[Append]:
            one = (await known(self._log, self._context, [person_id]))[person_id]
            along = await known(self._log, self._context, one.person.absorbed_ids)
            erase = ErasePerson(self._now)
            return [
                self._append(person_id, one, erase, expected),
                *(self._append(id_, each, erase) for id_, each in along.items()),
            ]

        return await self._carry_out(person_id, plan, expected)

    def _append(
        self, id_: UUID, one: Known, command: PersonCommand, expected: int | None = None
    ) -> Append:
        if expected is not None and expected != one.version:
            raise stale(PERSON.stream(id_), one.version, expected)
        append = PERSON.append_of(id_, PERSON.decide(command, one.person), one.version)
        # The key is for the first stream alone: it can be answered only once.
        first = id_ == self._first
        context = self._context if first else replace(self._context, key=None, fingerprint=None)
        return replace(append, context=context)

    async def _carry_out(self, id_: UUID, plan: Any, expected: int | None) -> Appended:
        self._first = id_
        for attempt in range(_ATTEMPTS):
            loaded = await self._log.load(self._context, PERSON.stream(id_))
            if loaded.answered is not None:
                return loaded.answered
            try:
                done = await self._log.append_many(self._context, await plan())
                return done[0]
            except StaleVersion:
                if expected is not None or attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")


async def after_merge(
    log: EventLog, context: Context, command: Absorb, survivor_id: UUID
) -> Person:
    """What the survivor would say."""
    person = (await known(log, context, [survivor_id]))[survivor_id].person
    return _after(person, PERSON.decide(command, person))


def after_unmerge(
    survivor: Person, duplicate: Person, at: datetime, attributions: Mapping[str, str]
) -> tuple[Person, Person]:
    """What each of the two would say."""
    separate = Separate(duplicate, at, attributions)
    alone = StandAlone(survivor, at, attributions)
    return (
        _after(survivor, PERSON.decide(separate, survivor)),
        _after(duplicate, PERSON.decide(alone, duplicate)),
    )


def _after(person: Person, events: Sequence[Any]) -> Person:
    after: Person | None = person
    for event in events:
        after = evolve(after, event)
    return there(after)
