"""Taking one change of a person back. Pure.

What says that somebody does not want to be written to stays in any case: an undo never makes a
consent. Nor does it take back what happened, as a talk, or what other systems call somebody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from chassis.errors import Conflict
from chassis.events import Recorded
from contacts.domain.person.changing import change
from contacts.domain.person.commands import ChangePerson, Profile, UndoPersonChange
from contacts.domain.person.events import (
    ConsentWithdrawn,
    InteractionLogged,
    Merging,
    PersonAdded,
    PersonChangeUndone,
    PersonErased,
    PersonEvent,
    PersonIdentified,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonRoleChanged,
)
from contacts.domain.person.standing import there
from contacts.domain.person.state import ConsentState, Job, Person, evolve
from contacts.domain.undoing import Reversal, choose, nothing_left, reversals
from contacts.domain.words import folded

UNDONE = "change undone"
"""Where a consent's end comes from that was given by a change that was undone."""
_PROFILE = tuple(name for name in Profile.__slots__ if name != "custom")
_STAYING = PersonAdded | InteractionLogged | PersonIdentified | ConsentWithdrawn | PersonErased


def compared(person: Person) -> dict[str, Any]:
    """All that is known of a person, field by field: what two moments differ in."""
    return {
        "first_name": person.first_name or None,
        "last_name": person.last_name or None,
        "emails": person.emails or None,
        "phones": person.phones or None,
        "owner_id": person.owner_id,
        **{name: getattr(person.profile, name) for name in _PROFILE},
        **{f"custom.{name}": value for name, value in person.profile.custom.items()},
        **{f"tags.{folded(tag)}": tag for tag in person.tags},
        **{f"companies.{job.company_id}": job for job in person.jobs},
        **{f"consents.{each.channel}.{each.purpose}": each for each in person.consents},
        "external_ids": person.external_ids or None,
    }


def undoable(person: Person) -> dict[str, Any]:
    """The same, of what an undo can restore: that somebody does not agree is no value of its own,
    and what other systems call them stays."""
    return {
        name: value
        for name, value in compared(person).items()
        if name != "external_ids" and not (isinstance(value, ConsentState) and not value.given)
    }


def can_be_undone(event: PersonEvent) -> bool:
    """Whether an event is of a kind that can be taken back at all."""
    return not isinstance(event, _STAYING | Merging)


def refuse_merging(history: Sequence[Recorded[Any]], changed: Recorded[Any]) -> None:
    """Raises Conflict if a change came about by a merge or its end."""
    for recorded in history:
        if recorded.correlation_id == changed.correlation_id and isinstance(
            recorded.event, Merging
        ):
            raise _merging()


def undo(command: UndoPersonChange, person: Person) -> list[PersonEvent]:
    """What restores the fields of a change. Raises Conflict and BadInput."""
    before = _before(command)
    restored, kept = choose(person_reversals(command, person), command.fields)
    events = _restoring(command, before, person, restored)
    if not events:
        raise nothing_left()
    told = PersonChangeUndone(
        undone_id=command.undone_id,
        brought=len(events),
        person_id=person.person_id,
        fields=tuple(each.field for each in restored),
        kept=kept,
        occurred_at=command.at,
    )
    return [told, *events]


def person_reversals(command: UndoPersonChange, person: Person) -> list[Reversal]:
    """Every field that the change had changed. Raises Conflict if it cannot be taken back."""
    before = _before(command)
    made: Person | None = before
    for event in command.change:
        made = evolve(made, event)
    found = reversals(undoable(before), undoable(there(made)), undoable(person))
    if any(isinstance(each.before, ConsentState) for each in found):
        raise _consenting()
    return found


def _before(command: UndoPersonChange) -> Person:
    event = command.change[0]
    match event:
        case PersonAdded():
            raise Conflict(
                "This is how the person became known; it cannot be undone. Erase the person if "
                "they are not to be kept.",
                code="added",
            )
        case InteractionLogged():
            raise Conflict(
                "This tells what happened, and changed no field; it cannot be undone. Add a note "
                "if something about it is wrong.",
                code="happened",
            )
        case PersonIdentified():
            raise Conflict("What another system calls this person stays.", code="identified")
        case ConsentWithdrawn():
            raise _consenting()
    if isinstance(event, Merging):
        raise _merging()
    return there(command.before)


def _consenting() -> Conflict:
    return Conflict(
        "Undoing this would say that the person agrees to be contacted, which only they can say. "
        "Record their consent if they gave it anew.",
        code="opt-out",
    )


def _merging() -> Conflict:
    return Conflict(
        "This is part of a merge of two records, or of its end. Take the merge back instead "
        "(unmerge).",
        code="merging",
    )


def _restoring(
    command: UndoPersonChange, before: Person, person: Person, restored: Sequence[Reversal]
) -> list[PersonEvent]:
    former = {each.field: each.before for each in restored}
    return [
        *change(_changes(command, person, former), person),
        *_work(command, before, person, former),
        *(_consent_taken(command, person, each) for each in restored if _is_consent(each)),
    ]


def _changes(command: UndoPersonChange, person: Person, former: Mapping[str, Any]) -> ChangePerson:
    """The former values as a change of several fields."""
    changes: dict[str, Any] = {
        name: former[name] or "" for name in ("first_name", "last_name") if name in former
    }
    changes |= {name: former[name] or () for name in ("emails", "phones") if name in former}
    if "owner_id" in former:
        changes["owner_id"] = former["owner_id"]
    profile = {name: former[name] for name in _PROFILE if name in former}
    custom = {
        name.removeprefix("custom."): value
        for name, value in former.items()
        if name.startswith("custom.")
    }
    profile |= {"custom": custom} if custom else {}
    tags = {name: tag for name, tag in former.items() if name.startswith("tags.")}
    if tags:
        worn = [tag for tag in person.tags if f"tags.{folded(tag)}" not in tags]
        changes["tags"] = (*worn, *(tag for tag in tags.values() if tag))
    return ChangePerson(command.at, profile=profile, **changes)


def _work(
    command: UndoPersonChange, before: Person, person: Person, former: Mapping[str, Any]
) -> Iterable[PersonEvent]:
    """The former places in companies; the main one is as before, if no other one became it."""
    for name, job in former.items():
        if not name.startswith("companies."):
            continue
        company = UUID(name.removeprefix("companies."))
        held = next((each for each in person.jobs if each.company_id == company), None)
        for event in _job(command, before, person, company, held, job):
            yield event
            person = there(evolve(person, event))


def _job(
    command: UndoPersonChange,
    before: Person,
    person: Person,
    company: UUID,
    held: Job | None,
    job: Job | None,
) -> Iterable[PersonEvent]:
    id_, at = person.person_id, command.at
    others = [each.company_id for each in person.jobs if each.company_id != company]
    main = person.jobs[0].company_id if person.jobs else None
    former_main = before.jobs[0].company_id if before.jobs else None
    if job is None:
        if main == company:
            main = former_main if former_main in others else next(iter(others), None)
        yield PersonLeftCompany(id_, company, main, occurred_at=at)
    elif held is None:
        if main is None or (company == former_main and not _replaced(command, before, main)):
            main = company
        yield PersonJoinedCompany(id_, company, job.role, main, occurred_at=at)
    else:
        yield PersonRoleChanged(id_, company, job.role, occurred_at=at)


def _replaced(command: UndoPersonChange, before: Person, main: UUID) -> bool:
    """Whether another company than the change had left as the main one is it by now."""
    made: Person | None = before
    for event in command.change:
        made = evolve(made, event)
    jobs = there(made).jobs
    return not jobs or jobs[0].company_id != main


def _is_consent(reversal: Reversal) -> bool:
    return isinstance(reversal.made, ConsentState)


def _consent_taken(
    command: UndoPersonChange, person: Person, reversal: Reversal
) -> ConsentWithdrawn:
    given: ConsentState = reversal.made
    return ConsentWithdrawn(
        person.person_id, given.channel, given.purpose, UNDONE, occurred_at=command.at
    )
