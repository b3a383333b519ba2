"""A service that tells what the owner of people tells, whole: for the tests of campaigns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response

from chassis.decider import Decider
from chassis.events import PERSONAL, Event
from chassis.http.writing import Writing, answer
from chassis.manifest import Manifest
from chassis.ports import Append


class Address(msgspec.Struct):
    address: str
    kind: str = "work"
    primary: bool = True


class PersonAdded(Event, frozen=True, tag="contacts.person-added.v1"):
    """As the owner of people publishes it, whole."""

    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    first_name: Annotated[str, PERSONAL]
    last_name: Annotated[str, PERSONAL]
    emails: Annotated[list[Address], PERSONAL]
    phones: Annotated[list[Address], PERSONAL] = msgspec.field(default_factory=list)
    birthday: Annotated[str | None, PERSONAL] = None
    company_id: UUID | None = None
    company_role: str | None = None
    owner_id: UUID | None = None
    tags: list[str] = msgspec.field(default_factory=list)
    source: str | None = None
    language: str | None = None
    time_zone: str | None = None
    city: Annotated[str | None, PERSONAL] = None
    country: str | None = None
    external_id: str | None = None
    external_source: str | None = None
    custom: Annotated[dict[str, Any], PERSONAL] = msgspec.field(default_factory=dict)


class PersonErased(Event, frozen=True, tag="contacts.person-erased.v1"):
    person_id: UUID


class ConsentWithdrawn(Event, frozen=True, tag="contacts.consent-withdrawn.v1"):
    person_id: UUID
    channel: str
    purpose: str
    source: str
    text_version: str | None = None


class CompanyAdded(Event, frozen=True, tag="contacts.company-added.v1"):
    company_id: UUID
    name: str


class SegmentEntered(Event, frozen=True, tag="contacts.segment-entered.v1"):
    person_id: UUID
    segment_id: UUID
    cause: str = "condition"


class SegmentLeft(SegmentEntered, frozen=True, tag="contacts.segment-left.v1"):
    entered_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)


def _book(category: str, *events: type[Event]) -> Decider[Any, Any, Any]:
    return Decider(category, None, lambda command, _: [command], lambda _, event: event, events)


PERSON = _book("person", PersonAdded, PersonErased, ConsentWithdrawn)
COMPANY = _book("company", CompanyAdded)
BOOKS = (PERSON, COMPANY, _book("membership", SegmentEntered, SegmentLeft))
_BY_TAG = {str(event.__struct_config__.tag): event for book in BOOKS for event in book.events}
book_router = APIRouter()


@book_router.post("/facts")
async def record_fact(request: Request, write: Writing) -> Response:
    """Record whatever is said about people and companies."""
    body = await request.json()
    event = msgspec.convert(body["event"], _BY_TAG[body["event"]["type"]])
    forget = [event.person_id] if isinstance(event, PersonErased) else []
    append = Append(body["stream"], [event], None, forget=forget)
    return answer(await write.log.append(write.context, append), 201)


BOOK = Manifest("addressbook", deciders=BOOKS, routers=(book_router,))
