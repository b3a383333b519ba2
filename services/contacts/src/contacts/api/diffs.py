"""What a person or a company differs in between two moments, and the events that did it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from chassis.decider import AnyDecider
from chassis.errors import BadInput, NotFound
from chassis.http.principal import require
from chassis.http.reading import Read, Reading
from contacts.api.access import fetch_names
from contacts.api.field_words import companies_in, label, text, users_in
from contacts.api.histories import told
from contacts.api.points import point
from contacts.api.records import load
from contacts.domain import company
from contacts.domain.company import COMPANY
from contacts.domain.company.undoing import compared as compared_company
from contacts.domain.history import difference, history
from contacts.domain.person import PERSON, state
from contacts.domain.person.undoing import compared as compared_person

router = APIRouter(tags=["contacts"])
reads = Depends(require("contacts.read"))

From = Annotated[
    str | None,
    Query(
        alias="from",
        description="The earlier moment: a time (RFC 3339), or a day, to its end; when the record "
        "began if it is left out.",
    ),
]
To = Annotated[
    str | None, Query(description="The later moment, written the same way; now if it is left out.")
]


@router.get("/contacts/{person_id}/diff", dependencies=[reads])
async def person_diff(
    person_id: UUID, request: Request, read: Reading, earlier: From = None, to: To = None
) -> Response:
    """What a person differs in between two moments, as things had happened by then."""
    found = await _diff(
        request, read, (PERSON, compared_person, state.facts), person_id, earlier, to
    )
    return read.json(found)


@router.get("/companies/{company_id}/diff", dependencies=[reads])
async def company_diff(
    company_id: UUID, request: Request, read: Reading, earlier: From = None, to: To = None
) -> Response:
    """What a company differs in between two moments, as things had happened by then."""
    kind = (COMPANY, compared_company, company.facts)
    return read.json(await _diff(request, read, kind, company_id, earlier, to))


async def _diff(
    request: Request,
    read: Read,
    kind: tuple[AnyDecider, Callable[[Any], Mapping[str, Any]], Callable[[Any], Mapping[str, Any]]],
    id_: UUID,
    earlier: str | None,
    later: str | None,
) -> dict[str, Any]:
    decider, fields, facts = kind
    then, until = point(earlier, "from"), point(later, "to")
    events = await load(request, read, decider, id_)
    then = then or events[0].occurred_at
    if until is not None and earlier is not None and until < then:
        raise BadInput("from lies after to. Exchange them.", field="from")
    found = difference(events, decider.evolve, fields, then, until)
    if found is None:
        raise NotFound(f"This {decider.category} was not known yet at that time.", code="not-yet")
    values = [(each.field, value) for each in found.fields for value in (each.before, each.after)]
    async with read.connection() as connection:
        workspace = read.principal.workspace
        names = await fetch_names(
            connection, workspace, users=users_in(values), companies=companies_in(values)
        )
    between = {each.id for each in found.events}
    entries = [
        entry
        for entry in history(found.until, decider.evolve, facts)
        if entry.recorded.id in between
    ]
    return {
        "from": then,
        "to": until,
        "fields": [
            {
                "field": each.field,
                "label": label(each.field, names),
                "old": text(each.field, each.before, names),
                "new": text(each.field, each.after, names),
                "events": each.events,
            }
            for each in found.fields
        ],
        "events": await told(read, events, entries),
    }
