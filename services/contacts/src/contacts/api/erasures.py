"""Erasing somebody over HTTP, and the certificate that it was done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from chassis.certificate import certify
from chassis.decider import handle
from chassis.errors import Conflict, Forbidden, NotFound
from chassis.events import wire_name
from chassis.http.principal import Principal, require
from chassis.http.reading import Reading
from chassis.http.writing import Write, Writing, answer
from chassis.ids import new_id
from chassis.ports import Appended, Context
from chassis.postgres.erasures import testimony
from contacts.domain.person import PERSON
from contacts.domain.person.commands import ErasePerson
from contacts.domain.person.events import PersonErased
from contacts.domain.person.standing import itself
from contacts.domain.person.state import Person
from contacts.two_records import TwoRecords

router = APIRouter(prefix="/contacts/{person_id}", tags=["contacts"])

METHOD = "AES-256-GCM, one key per person; every copy of the key is destroyed"


@router.post("/erase", dependencies=[Depends(require("contacts.write"))])
async def erase(person_id: UUID, request: Request, write: Writing) -> Response:
    """Erase a person, with all records merged into theirs: their keys are destroyed, and nobody can
    read their data ever again. The answer holds the certificate."""
    _check(write.principal)
    person = await write.state(PERSON, person_id)
    done = await _erased(write, person_id, person)
    return answer(done, 200, more=await _certificate(request, write.principal, person_id))


@router.get("/certificate", dependencies=[Depends(require("contacts.read"))])
async def certificate(person_id: UUID, request: Request, read: Reading) -> Response:
    """The certificate that somebody was erased: signed, without any of their data. It can be
    checked without Everlog's servers: `everlog certificate verify FILE`."""
    _check(read.principal)
    return read.json(await _certificate(request, read.principal, person_id))


def _check(principal: Principal) -> None:
    if principal.visible_owners() is not None:
        raise Forbidden(
            "Erasing cannot be undone. Ask somebody who sees all records, e.g. an administrator."
        )


async def _erased(write: Write, person_id: UUID, person: Person | None) -> Appended:
    if person is None or person.erased_at is not None or not itself(person).absorptions:
        command, seen = ErasePerson(write.now), write.expected
        return await handle(write.log, PERSON, person_id, command, write.context, expected=seen)
    two = TwoRecords(write.log, write.context, write.now)
    return await two.erase(person_id, expected=write.expected)


async def _certificate(request: Request, who: Principal, person_id: UUID) -> dict[str, Any]:
    service = request.app.state.service
    context = Context(who.workspace, str(who.user_id), new_id())
    loaded = await service.log.load(context, PERSON.stream(person_id))
    person = PERSON.fold(recorded.event for recorded in loaded.events)
    if person is None:
        raise NotFound("There is no such person in this workspace.")
    if person.erased_at is None:
        raise Conflict("This person is not erased; there is nothing to certify.", code="not-erased")
    streams = [PERSON.stream(id_) for id_ in (person_id, *person.absorbed_ids)]
    async with service.api.connection(who.workspace) as connection:
        found = await testimony(connection, who.workspace, streams, wire_name(PersonErased))
    statement = {
        "kind": "erasure of a person",
        "workspace_id": who.workspace,
        "person_id": person_id,
        "method": METHOD,
        "checked_at": service.clock.now(),
        **found,
    }
    return certify(service.keyring, statement)
