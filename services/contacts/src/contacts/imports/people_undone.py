"""Taking an import of people back: who was added is erased, who was changed is as before.

What somebody changed since stays as they wrote it, and is listed. Opt-outs and ids of other systems
stay in any case: they are facts about the person, whoever told them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, islice
from typing import Any
from uuid import UUID

from chassis.errors import DomainError
from chassis.events import Recorded, id_of
from chassis.imports import Change, Fail, ImportRow, ImportRun, Outcome, Remove, Skip, Update
from chassis.ports import Append, Context
from contacts.domain.person import PERSON
from contacts.domain.person.commands import (
    ChangePerson,
    ErasePerson,
    WithdrawConsent,
)
from contacts.domain.person.events import PersonEvent
from contacts.domain.person.standing import there
from contacts.domain.person.state import Person
from contacts.imports.people_past import Versions
from contacts.imports.people_shown import described, differences
from contacts.read_models.known_deals import fetch_people_with_deals
from contacts.read_models.known_users import may_see
from contacts.read_models.purchases import fetch_people_with_purchases

_PEOPLE = f"{PERSON.category}-"
_UNDONE = "import undone"


@dataclass(frozen=True, slots=True)
class Past:
    """A person before an import, just after it, and now; `since`: others wrote after its beginning;
    `later`: at each change of theirs after its end."""

    before: Person | None
    after: Person | None
    now: Person | None
    since: bool
    later: tuple[Person | None, ...]
    version: int

    @classmethod
    def of(cls, history: Sequence[Recorded[Any]], undone: UUID) -> Past:
        """Fold a person's history up to the places that count."""
        ours = [n for n, each in enumerate(history) if each.correlation_id == undone]
        events = [each.event for each in history]
        first, last = ours[0], ours[-1] + 1
        others = any(each.correlation_id != undone for each in history[first:])
        after: Any = PERSON.fold(events[:last])
        states: Iterable[Any] = accumulate(events[last:], PERSON.evolve, initial=after)
        written = (each.correlation_id != undone for each in history[last:])
        later = tuple(compress(islice(states, 1, None), written))
        return cls(
            PERSON.fold(events[:first]),
            after,
            PERSON.fold(events),
            others,
            later,
            len(history),
        )


async def take_back(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """What becomes of each record that an import wrote to."""
    return await taken_back(run, rows, "the import")


async def taken_back(run: ImportRun, rows: Sequence[ImportRow], what: str) -> list[Outcome]:
    """What becomes of each record that a job wrote to; `what`: how the job is called."""
    assert run.undoes is not None
    streams = {row.number: row.values["stream"] for row in rows}
    people = {n: stream for n, stream in streams.items() if stream.startswith(_PEOPLE)}
    asking = Context(run.workspace, run.actor, run.id)
    loaded = await run.service.work_log.load_many(asking, list(people.values()))
    ids = [id_of(stream) for stream in people.values()]
    async with run.service.work.connection(run.workspace) as connection:
        needed = await fetch_people_with_deals(connection, run.workspace, ids)
        needed |= await fetch_people_with_purchases(connection, run.workspace, ids)
    outcomes: list[Outcome] = []
    for row in rows:
        if row.number not in people:
            outcomes.append(Skip("companies that were added along the way stay"))
            continue
        history = loaded[people[row.number]].events
        past = Past.of(history, run.undoes)
        try:
            outcomes.append(_outcome(run, row, past, needed, what))
        except DomainError as error:
            outcomes.append(Fail(error.detail, cells=(_name(past), "", "", "")))
    return outcomes


def _name(past: Past) -> str:
    return past.now.name if past.now is not None and past.now.erased_at is None else ""


def _outcome(run: ImportRun, row: ImportRow, past: Past, needed: set[UUID], what: str) -> Outcome:
    if past.now is None or past.now.erased_at is not None:
        return Skip("erased since")
    if not may_see(past.now.owner_id, run.owners):
        return Fail("This person is somebody else's customer.", cells=(past.now.name, "", "", ""))
    if past.before is None:
        return _removed(run, row, past, past.now, needed)
    assert past.after is not None
    later = tuple(person for person in past.later if person is not None)
    versions = Versions(past.before, past.after, past.now, later)
    return _restored(run, row, past.version, versions, what)


def _removed(
    run: ImportRun, row: ImportRow, past: Past, person: Person, needed: set[UUID]
) -> Outcome:
    """A person that the import had added is erased, unless somebody worked with them since."""
    cells = (person.name, "", "", "")
    if past.since:
        return Fail("Somebody changed this person since the import: kept.", cells=cells)
    if person.person_id in needed:
        return Fail("This person has deals or purchases by now: kept.", cells=cells)
    events = PERSON.decide(ErasePerson(run.now), person)
    told = tuple(described(person, {}).items())
    gone = tuple(Change(label, text, "") for label, text in told if text)
    return Remove(
        _append(run, row, past.version, person, events), shown=lambda: (person.name, gone)
    )


def _restored(run: ImportRun, row: ImportRow, version: int, person: Versions, what: str) -> Outcome:
    """A person that the job had changed is as before, but for what was changed since."""
    now, (changes, conflicts) = person.now, person.restoring()
    events = PERSON.decide(ChangePerson(run.now, **changes), now)
    for consent in person.consents_given():
        state = now
        for event in events:
            state = there(PERSON.evolve(state, event))
        taken = WithdrawConsent(consent.channel, consent.purpose, _UNDONE, run.now)
        events += PERSON.decide(taken, state)
    notes = person.kept()
    append = _append(run, row, version, now, events) if events else None
    if conflicts:
        first = conflicts[0]
        fields = ", ".join(conflict.field for conflict in conflicts)
        why = f"Changed since {what}, and kept: {fields}."
        cells = (now.name, fields, first.now, first.before)
        return Fail(why, first.field, notes, append, cells)
    if append is None:
        return Skip("is as before already", notes)
    return Update(append, notes, lambda: differences(now, events, {}))


def _append(
    run: ImportRun, row: ImportRow, version: int, person: Person, events: Sequence[PersonEvent]
) -> Append:
    made = PERSON.append_of(person.person_id, events, version)
    context = run.context(row)
    return Append(made.stream, made.events, made.expected, made.claims, made.forget, context)
