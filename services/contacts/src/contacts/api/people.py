"""People over HTTP: the list, one record now or at any moment, adding and changing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from chassis.errors import BadInput
from chassis.http.paging import Cursor, Limit
from chassis.http.principal import require
from chassis.http.reading import Read, Reading
from chassis.http.writing import Write, Writing
from chassis.ids import new_id
from chassis.postgres.database import Connection
from contacts.api.access import (
    NamedCompany,
    check_company,
    check_owner,
    check_person,
    company_meant,
    default_owner,
)
from contacts.api.bodies import NewPerson, PersonChanges, PersonFields
from contacts.api.own_fields import changed_values, new_values
from contacts.api.points import AsOf, KnownAt, point
from contacts.api.records import answering, not_there, person_as_of, shown_person
from contacts.domain.country import country_code
from contacts.domain.duplicates.traits import Traits, name_traits, profile_traits, traits
from contacts.domain.email_address import EmailAddress, parse_email, parse_emails
from contacts.domain.entry import Entry
from contacts.domain.external_id import ExternalId
from contacts.domain.person import PERSON
from contacts.domain.person.commands import AddPerson, ChangePerson, Profile
from contacts.domain.phone_number import PhoneNumber, matched_as, parse_phone, parse_phones
from contacts.domain.words import folded, malformed
from contacts.past_list import PastWanted, fetch_past_people
from contacts.read_models.companies import fetch_companies_called
from contacts.read_models.people import PeopleWanted, fetch_people
from contacts.read_models.person_record import fetch_person
from contacts.read_models.purchase_totals import Point

router = APIRouter(prefix="/contacts", tags=["contacts"])
reads = Depends(require("contacts.read"))
writes = Depends(require("contacts.write"))

_PROFILE = tuple(Profile.__slots__)


class PeopleFilter(BaseModel):
    """What the list can be narrowed to."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[
        str | None,
        Field(max_length=200, description="Beginnings of words: name, e-mail, phone, company."),
    ] = None
    tag: str | None = None
    owner: UUID | None = None
    company: UUID | None = None
    country: Annotated[str | None, Field(description="A name or an ISO code.")] = None
    segment: Annotated[UUID | None, Field(description="Only its members.")] = None


class PeopleQuery(PeopleFilter):
    """What the list can be narrowed to, and its order."""

    sort: Literal["name", "-name", "created", "-created", "activity", "-activity"] = "name"


@router.get("", dependencies=[reads])
async def list_people(
    read: Reading,
    asked: Annotated[PeopleQuery, Depends()],
    limit: Limit = 50,
    cursor: Cursor = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """People, a page at a time; with `as_of` and `known_at` those there were, as they were, or were
    known, at that moment, of those whom the caller sees now."""
    if as_of or known_at:
        return read.json(await page_of_the_past(read, asked, (as_of, known_at), limit, cursor))
    return read.json(await page_of_people(read, limit, cursor, **dict(asked)))


async def page_of_people(
    read: Read, limit: int, cursor: str | None, **asked: Any
) -> dict[str, Any]:
    """A page of the people whom the caller sees."""
    workspace, owners = read.principal.workspace, read.principal.visible_owners()
    wanted = PeopleWanted(workspace, owners, **asked, limit=limit, cursor=cursor)
    async with read.connection() as connection:
        items, following = await fetch_people(connection, wanted)
    return {"items": items, "next": following}


async def page_of_the_past(
    read: Read,
    asked: PeopleQuery,
    points: tuple[str | None, str | None],
    limit: int,
    cursor: str | None,
) -> dict[str, Any]:
    """A page of the people there were, of those whom the caller sees. Raises BadInput for what is
    not known of the past."""
    then = Point(point(points[0], "as_of"), point(points[1], "known_at"))
    if asked.sort.endswith("activity"):
        why = "The last activity of earlier days is not kept. Sort the past by name or created."
        raise malformed("sort", why)
    if asked.segment is not None and then.known_at is not None:
        why = "Who was in a segment is known by as_of only. Leave known_at out, or the segment."
        raise malformed("segment", why)
    workspace, owners = read.principal.workspace, read.principal.visible_owners()
    wanted = PastWanted(workspace, then, owners, **dict(asked), limit=limit, cursor=cursor)
    async with read.connection() as connection:
        items, following = await fetch_past_people(connection, wanted)
    where = {"as_of": then.as_of, "known_at": then.known_at}
    return {"items": items, "next": following, **where}


@router.post("", status_code=201, dependencies=[writes])
async def add_person(body: NewPerson, request: Request, write: Writing, read: Reading) -> Response:
    """Add a person."""
    body.custom = await new_values(read, body.custom)
    person_id, company = new_id(), await _company(request, write, body)
    owner = body.owner_id if "owner_id" in body.model_fields_set else default_owner(write.principal)
    check_owner(write.principal, owner)
    region = _region(request, body.country)
    command = AddPerson(
        person_id=person_id,
        at=write.now,
        first_name=body.first_name or "",
        last_name=body.last_name or "",
        emails=_emails(body) or (),
        phones=_phones(body, region) or (),
        profile=Profile(**{n: v for n in _PROFILE if (v := getattr(body, n)) is not None}),
        company_id=company.company_id if company else None,
        company_role=body.company_role,
        owner_id=owner,
        tags=tuple(body.tags or ()),
        external_id=_external_id(body),
        since=body.at,
    )
    answer = await write.new(PERSON, person_id, command, location="/api/v1/contacts")
    return _with_token(answer, company)


@router.get("/{person_id}", dependencies=[reads])
async def one_person(
    person_id: UUID, read: Reading, request: Request, as_of: AsOf = None, known_at: KnownAt = None
) -> Response:
    """A person now; of a record that was merged, the one that answers for it. With `as_of` and
    `known_at` as they were, or were known, at that moment."""
    if as_of or known_at:
        return read.json(await person_as_of(request, read, person_id, (as_of, known_at)))
    principal = read.principal
    async with read.connection() as connection:
        asked, person_id = person_id, await answering(connection, principal.workspace, person_id)
        found = await fetch_person(
            connection, principal.workspace, person_id, principal.visible_owners()
        )
        if found is None:
            raise await not_there(request, read, PERSON, person_id)
        facts, version = found
        shown = await shown_person(connection, principal.workspace, facts)
    if asked != person_id:
        shown |= {"merged_into": person_id, "asked_id": asked}
    answer = read.json({**shown, "version": version}, version=version, whole=False)
    answer.headers["Content-Location"] = f"/api/v1/contacts/{person_id}"
    return answer


@router.patch("/{person_id}", dependencies=[writes])
async def change_person(
    person_id: UUID, body: PersonChanges, request: Request, write: Writing, read: Reading
) -> Response:
    """Change fields of a person; send If-Match with the ETag you saw."""
    write.need_version()
    await check_person(write, person_id)
    if "owner_id" in body.model_fields_set:
        check_owner(write.principal, body.owner_id)
    if body.custom:
        body.custom = await changed_values(read, body.custom)
    company = await _company(request, write, body)
    command = await _changes(request, write, person_id, body)
    if company is not None:
        command = replace(command, company_id=company.company_id)
    elif {"company", "company_id"} & body.model_fields_set:
        command = replace(command, company_id=None)
    return _with_token(await write.change(PERSON, person_id, command), company)


async def _changes(
    request: Request, write: Write, person_id: UUID, body: PersonChanges
) -> ChangePerson:
    """The command, but for the company. Phone numbers are read for the person's country."""
    given, country = body.model_fields_set, body.country
    if {"phone", "phones"} & given and "country" not in given:
        person = await write.state(PERSON, person_id)
        country = person.profile.country if person else None
    changes: dict[str, Any] = body.given("owner_id", "company_role")
    changes |= {name: text or "" for name, text in body.given("first_name", "last_name").items()}
    for one, several, entered in (
        ("email", "emails", _emails(body)),
        ("phone", "phones", _phones(body, _region(request, country))),
    ):
        if several in given:
            changes[several] = entered or ()
        elif one in given:
            changes[one] = entered[0] if entered else None
    if "tags" in given:
        changes["tags"] = tuple(body.tags or ())
    if body.external_id:
        changes["external_id"] = _external_id(body)
    return ChangePerson(write.now, profile=body.given(*_PROFILE), **changes)


async def entered_traits(
    connection: Connection, workspace: UUID, request: Request, body: PersonFields
) -> Traits:
    """What somebody is entering, as it is compared; what is no address or number yet is not."""
    emails: tuple[EmailAddress, ...] = ()
    phones: tuple[PhoneNumber, ...] = ()
    with suppress(BadInput):
        emails = _emails(body) or ()
    with suppress(BadInput):
        phones = _phones(body, _region(request, body.country)) or ()
    company = body.company_id
    if company is None and body.company:
        called = await fetch_companies_called(connection, workspace, [folded(body.company)])
        company = called.get(folded(body.company))
    return traits(
        name_traits(body.first_name or "", body.last_name or ""),
        profile_traits(body.birthday, body.city, body.custom or {}),
        emails=[folded(email.folded or email.address) for email in emails],
        phones=[matched_as(phone) for phone in phones],
        companies=[str(company)] if company else (),
    )


def _emails(body: PersonFields) -> tuple[EmailAddress, ...] | None:
    if body.emails is not None:
        if body.email is not None:
            raise malformed("email", "Send email or emails, not both.")
        return parse_emails([Entry(e.address, e.kind, e.primary) for e in body.emails])
    return (parse_email(Entry(body.email, primary=True)),) if body.email else None


def _phones(body: PersonFields, region: str | None) -> tuple[PhoneNumber, ...] | None:
    if body.phones is not None:
        if body.phone is not None:
            raise malformed("phone", "Send phone or phones, not both.")
        return parse_phones([Entry(p.number, p.kind, p.primary) for p in body.phones], region)
    return (parse_phone(Entry(body.phone, primary=True), region),) if body.phone else None


def _region(request: Request, country: str | None) -> str | None:
    default: str | None = request.app.state.service.settings.phone_region
    return country_code(country) or default


def _external_id(body: PersonFields) -> ExternalId | None:
    return ExternalId(body.external_id, body.external_source) if body.external_id else None


async def _company(request: Request, write: Write, body: PersonFields) -> NamedCompany | None:
    if body.company_id is not None:
        if body.company:
            raise malformed("company", "Send company or company_id, not both.")
        return NamedCompany((await check_company(write, body.company_id)).company_id)
    return await company_meant(request, write, body.company) if body.company else None


def _with_token(answer: Response, company: NamedCompany | None) -> Response:
    """A read that brings the token waits for a company that was made on the way, too."""
    if company is not None and company.token is not None:
        answer.headers["Everlog-Token"] += f",{company.token}"
    return answer
