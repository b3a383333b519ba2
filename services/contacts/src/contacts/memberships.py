"""Puts people into segments and takes them out: many streams in one transaction, each change once.

What is in the log decides, not a read model: whoever is in already does not enter again, however
often it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from chassis.errors import StaleVersion
from chassis.ports import Append, Appended, Context, EventLog
from contacts.domain.membership import MEMBERSHIP, Membership, MembershipCommand

_ATTEMPTS = 8


async def memberships(
    log: EventLog, context: Context, people: Sequence[UUID]
) -> dict[UUID, tuple[Membership, int]]:
    """In which segments these people are, and at which version."""
    loaded = await log.load_many(context, [MEMBERSHIP.stream(id_) for id_ in people])
    found = {}
    for id_ in people:
        one = loaded.get(MEMBERSHIP.stream(id_))
        events: Any = (recorded.event for recorded in one.events) if one else ()
        found[id_] = (MEMBERSHIP.fold(events), one.version if one else 0)
    return found


async def settle(
    log: EventLog, context: Context, commands: Mapping[UUID, Sequence[MembershipCommand]]
) -> list[Appended]:
    """Carry out commands on the memberships of these people; what was appended. One transaction."""
    for attempt in range(_ATTEMPTS):
        appends = await _decided(log, context, commands)
        if not appends:
            return []
        try:
            return await log.append_many(context, appends)
        except StaleVersion:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


async def _decided(
    log: EventLog, context: Context, commands: Mapping[UUID, Sequence[MembershipCommand]]
) -> list[Append]:
    known = await memberships(log, context, list(commands))
    appends = []
    for person_id, wanted in commands.items():
        membership, version = known[person_id]
        events = []
        for command in wanted:
            decided = MEMBERSHIP.decide(command, membership)
            for event in decided:
                membership = MEMBERSHIP.evolve(membership, event)
            events += decided
        if events:
            appends.append(MEMBERSHIP.append_of(person_id, events, version))
    return appends
