"""Changing many people at once: one action for each of them, in the background.

It is run as imports are, a chunk of people in one transaction with how far it is, so that nobody is
left out and nobody is done twice when a process dies; and it is taken back like an import.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from chassis.errors import DomainError
from chassis.events import id_of
from chassis.imports import (
    Fail,
    ImportField,
    ImportKind,
    ImportRow,
    ImportRun,
    Outcome,
    Skip,
    Update,
)
from chassis.ports import Append, Context, Loaded
from contacts.crowds import ID_BYTES
from contacts.domain.person import PERSON
from contacts.domain.person.commands import (
    ChangePerson,
    PersonCommand,
    TagPerson,
    UntagPerson,
)
from contacts.domain.person.standing import itself
from contacts.domain.person.state import Person
from contacts.imports.people_undone import taken_back
from contacts.read_models.known_users import may_see

KIND = "bulk"
FAILED = "failed: "
"""Begins the remark that counts a reason."""
COLUMNS = {"id": "id", "action": "action"}
_MARK = b"everlog people 1\n"
_THEIRS = "There is no such person in this workspace, or they are somebody else's customer."
_SAID = {
    "erased": "This person was erased.",
    "merged": "This record was merged into another one of the same person.",
}
"""Reasons are counted, so they are in the same words for everybody whom they are about."""


class Action(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is to be done: one of these."""

    add_tag: str | None = None
    remove_tag: str | None = None
    set_owner: UUID | UnsetType | None = UNSET
    set: dict[str, Any] | None = None

    def command(self, at: datetime) -> PersonCommand:
        """What is asked of each person."""
        if self.add_tag is not None:
            return TagPerson(self.add_tag, at)
        if self.remove_tag is not None:
            return UntagPerson(self.remove_tag, at)
        if self.set_owner is not UNSET:
            return ChangePerson(at, owner_id=self.set_owner)
        given = dict(self.set or {})
        own: dict[str, Any] = {}
        if "company_id" in given:
            company = given.pop("company_id")
            own["company_id"] = UUID(company) if company else None
        if "company_role" in given:
            own["company_role"] = given.pop("company_role")
        return ChangePerson(at, profile=given, **own)

    def told(self) -> dict[str, Any]:
        """What may be kept in clear: of fields their names, not what they are set to."""
        if self.set is not None:
            return {"set": sorted(self.set)}
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


@dataclass(frozen=True, slots=True)
class Picked:
    """People who were picked, as the file of a job: the action, then their ids."""

    action: bytes
    ids: bytes
    format: str = "ids"
    encoding: str = ""
    delimiter: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def headers(self) -> tuple[str, ...]:
        """Its columns."""
        return tuple(COLUMNS)

    def __len__(self) -> int:
        return len(self.ids) // ID_BYTES

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """One for each person."""
        action, ids = self.action.decode(), self.ids
        for number, start in enumerate(range(0, len(ids), ID_BYTES), 1):
            yield number, [str(UUID(bytes=ids[start : start + ID_BYTES])), action]

    def written(self) -> bytes:
        """For storing."""
        return _MARK + len(self.action).to_bytes(4) + self.action + self.ids


def read_picked(content: bytes) -> Picked | None:
    """As it was stored; None if it is something else."""
    if not content.startswith(_MARK):
        return None
    begin = len(_MARK) + 4
    end = begin + int.from_bytes(content[len(_MARK) : begin])
    return Picked(content[begin:end], content[end:])


async def change_picked(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """What becomes of each person: the action is carried out, or cannot be, and why."""
    command = msgspec.json.decode(rows[0].values["action"], type=Action).command(run.now)
    streams = [PERSON.stream(UUID(row.values["id"])) for row in rows]
    asking = Context(run.workspace, run.actor, run.id)
    loaded = await run.service.work_log.load_many(asking, streams)
    return [
        _counted(_changed(run, row, command, loaded.get(stream)), UUID(row.values["id"]))
        for row, stream in zip(rows, streams, strict=True)
    ]


def _changed(
    run: ImportRun, row: ImportRow, command: PersonCommand, loaded: Loaded | None
) -> Outcome:
    events: Any = (each.event for each in loaded.events) if loaded else ()
    person: Person | None = PERSON.fold(events)
    if loaded is None or person is None or not may_see(person.owner_id, run.owners):
        return Fail(_THEIRS)
    try:
        events = PERSON.decide(command, itself(person))
    except DomainError as error:
        return Fail(_SAID.get(error.problem, error.detail), error.extra.get("field"))
    if not events:
        return Skip("is so already")
    made = PERSON.append_of(person.person_id, events, loaded.version)
    context = run.context(row)
    return Update(Append(made.stream, made.events, made.expected, made.claims, (), context))


async def take_changes_back(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """What becomes of each person whom the action changed."""
    outcomes = await taken_back(run, rows, "then")
    ids = [id_of(row.values["stream"]) for row in rows]
    return [_counted(each, id_) for each, id_ in zip(outcomes, ids, strict=True)]


def _counted(outcome: Outcome, person_id: UUID) -> Outcome:
    """Of whoever stays as they are the id is listed, and the reason is counted."""
    if not isinstance(outcome, Fail):
        return outcome
    notes = (*outcome.notes, f"{FAILED}{outcome.reason}")
    return replace(outcome, notes=notes, cells=(str(person_id),))


BULK_KIND = ImportKind(
    KIND,
    tuple(ImportField(name, name) for name in COLUMNS),
    "contacts.write",
    change_picked,
    readers=(read_picked,),
    undo=take_changes_back,
    noun="change",
)
