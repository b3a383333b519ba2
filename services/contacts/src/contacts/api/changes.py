"""Taking one change of a person or a company back over HTTP, and what that would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from chassis.decider import AnyDecider, handle
from chassis.errors import BadInput, Conflict, DomainError, Forbidden, NotFound
from chassis.events import Recorded, category_of, id_of
from chassis.http.principal import require
from chassis.http.writing import Write, Writing, answer
from chassis.imports import can_be_taken_back
from chassis.ports import Context
from contacts.api.access import Names, check_owner, fetch_names, user_in
from contacts.api.bodies import Undoing
from contacts.api.field_words import companies_in, label, text, users_in
from contacts.api.histories import said_by
from contacts.api.records import load_seen
from contacts.domain.company import COMPANY
from contacts.domain.company import undoing as of_companies
from contacts.domain.person import PERSON
from contacts.domain.person import undoing as of_people
from contacts.domain.sentences import sentence
from contacts.domain.undoing import (
    Around,
    ChangeUndone,
    Reversal,
    UndoChange,
    around,
    choose,
    last_changed,
    undone_by,
)
from contacts.imports import KINDS

router = APIRouter(prefix="/changes", tags=["contacts"])
writes = Depends(require("contacts.write"))
Preview = Annotated[bool, Query(description="Only say what it would come to; nothing changes.")]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record whose changes can be undone."""

    collection: str
    decider: AnyDecider
    fields: Callable[[Any], Mapping[str, Any]]
    reversals: Callable[[Any, Any], list[Reversal]]


_KINDS: Mapping[str, Kind] = {
    "person": Kind("contacts", PERSON, of_people.undoable, of_people.person_reversals),
    "company": Kind("companies", COMPANY, of_companies.undoable, of_companies.company_reversals),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A change that is to be undone, in the history of its record."""

    kind: Kind
    record_id: UUID
    history: Sequence[Recorded[Any]]
    around: Around
    command: UndoChange[Any, Any]

    @property
    def changed(self) -> Recorded[Any]:
        """The change itself."""
        return self.around.change[0]

    @property
    def now(self) -> Any:
        """The record as it is."""
        return self.kind.decider.fold(each.event for each in self.history)


@router.post("/{change_id}/undo", dependencies=[writes])
async def undo(
    change_id: UUID,
    request: Request,
    write: Writing,
    body: Undoing | None = None,
    preview: Preview = False,
) -> Response:
    """Take back one change of a person or a company, by the id of its event. What somebody changed
    since stays, unless `fields` names it; then send If-Match with the ETag you saw."""
    fields = frozenset(body.fields) if body is not None and body.fields is not None else None
    asked = await _asked(write, change_id, fields)
    if preview:
        return await _previewed(request, write, asked)
    if fields is not None:
        write.need_version()
    await _check(request, write, asked)
    because = replace(write.context, causation_id=change_id)
    decider, id_ = asked.kind.decider, asked.record_id
    done = await handle(write.log, decider, id_, asked.command, because, expected=write.expected)
    told = await _marker(write, asked, done.version)
    return answer(
        done,
        200,
        more={
            "event_id": told.id,
            "restored": list(told.event.fields),
            "kept": list(told.event.kept),
        },
    )


async def _asked(write: Write, change_id: UUID, fields: frozenset[str] | None) -> Asked:
    """The change and its record. Raises NotFound."""
    principal = write.principal
    asking = Context(principal.workspace, str(principal.user_id), write.context.correlation_id)
    stream = await write.log.stream_of(asking, change_id)
    kind = _KINDS.get(category_of(stream)) if stream else None
    if stream is None or kind is None:
        raise NotFound(
            "There is no such change of a person or a company in this workspace. Take the id of a "
            "change from the history of a record."
        )
    history = await load_seen(write.log, principal, kind.decider, id_of(stream))
    found = around(history, change_id)
    command: UndoChange[Any, Any] = UndoChange(
        change_id,
        kind.decider.fold(each.event for each in found.before),
        tuple(each.event for each in found.change),
        write.now,
        fields,
    )
    return Asked(kind, id_of(stream), history, found, command)


async def _check(request: Request, write: Write, asked: Asked) -> list[Reversal]:
    """The fields of the change. Raises what speaks against undoing it."""
    kind, workspace = asked.kind, write.principal.workspace
    if kind.decider is PERSON:
        of_people.refuse_merging(asked.history, asked.changed)
    found = kind.reversals(asked.command, asked.now)
    async with request.app.state.service.api.connection(workspace) as connection:
        import_id = asked.changed.correlation_id
        if await can_be_taken_back(connection, workspace, import_id, KINDS):
            raise Conflict(
                "An import made this change. Take the import back "
                f"(POST /api/v1/imports/{import_id}/undo), or change the field.",
                code="imported",
                import_id=str(import_id),
            )
    for each in found:
        if each.field == "owner_id" and not each.done and _wanted(asked, each):
            check_owner(write.principal, each.before)
    return found


def _wanted(asked: Asked, reversal: Reversal) -> bool:
    fields = asked.command.fields
    return reversal.field in fields if fields is not None else not reversal.contested


async def _marker(write: Write, asked: Asked, version: int) -> Recorded[Any]:
    """The event that tells of an undo, up to the version that the undo led to."""
    history = await load_seen(write.log, write.principal, asked.kind.decider, asked.record_id)
    return next(
        each
        for each in reversed(history[:version])
        if isinstance(each.event, ChangeUndone) and each.event.undone_id == asked.command.undone_id
    )


# --- what it would do


async def _previewed(request: Request, write: Write, asked: Asked) -> Response:
    against: DomainError | None = None
    restored: list[Reversal] = []
    found: list[Reversal] = []
    try:
        found = await _check(request, write, asked)
        asked.kind.decider.decide(asked.command, asked.now)
        restored, _ = choose(found, asked.command.fields)
    except (Conflict, Forbidden, BadInput) as error:
        if error.extra.get("field") == "fields":
            raise  # the request is wrong, not the undo
        against = error
    later = last_changed(
        asked.kind.decider.fold(
            each.event for each in (*asked.around.before, *asked.around.change)
        ),
        asked.around.since,
        asked.kind.decider.evolve,
        asked.kind.fields,
    )
    names = await _names(request, write, asked, found, later.values())
    told = {
        "id": asked.command.undone_id,
        "record": {"kind": asked.kind.collection, "id": asked.record_id},
        "version": asked.history[-1].version,
        **_event(asked.changed, names),
        "undone_by": undone_by(asked.history).get(asked.command.undone_id),
        "possible": against is None or against.problem == "changed-since",
        "why_not": _why(against),
        "fields": [_field(each, each in restored, later, names) for each in found],
    }
    headers = {"ETag": f'"{asked.history[-1].version}"'}
    return Response(msgspec.json.encode(told), headers=headers, media_type="application/json")


def _why(against: DomainError | None) -> dict[str, Any] | None:
    if against is None:
        return None
    return {"code": against.problem, "detail": against.detail, **against.extra}


def _field(
    reversal: Reversal, restored: bool, later: Mapping[str, Recorded[Any]], names: Names
) -> dict[str, Any]:
    field, changed = reversal.field, later.get(reversal.field)
    conflict = None
    if reversal.contested and changed is not None:
        conflict = {"event_id": changed.id, **_event(changed, names)}
        conflict["to"] = text(field, reversal.now, names)
    return {
        "field": field,
        "label": label(field, names),
        "before": text(field, reversal.before, names),
        "made": text(field, reversal.made, names),
        "now": text(field, reversal.now, names),
        "becomes": text(field, reversal.before if restored else reversal.now, names),
        "restored": restored,
        "as_before": reversal.done,
        "conflict": conflict,
    }


def _event(recorded: Recorded[Any], names: Names) -> dict[str, Any]:
    return {
        "type": recorded.type,
        "at": recorded.occurred_at,
        "recorded_at": recorded.recorded_at,
        "actor": names.actor(recorded.actor),
        "sentence": sentence(recorded.type, said_by(recorded.event, names)),
    }


async def _names(
    request: Request,
    write: Write,
    asked: Asked,
    found: Sequence[Reversal],
    later: Any,
) -> Names:
    events = [asked.changed, *later]
    values = [(each.field, value) for each in found for value in (each.before, each.made, each.now)]
    users = {user_in(each.actor) for each in events} | users_in(values)
    users |= {getattr(each.event, "owner_id", None) for each in events}
    firms = companies_in(values) | {getattr(each.event, "company_id", None) for each in events}
    workspace = write.principal.workspace
    async with request.app.state.service.api.connection(workspace) as connection:
        return await fetch_names(connection, workspace, users=users, companies=firms)
