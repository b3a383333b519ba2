"""Companies over HTTP: the list, one record now or at any moment, people, timeline, changes."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from chassis.http.paging import Cursor, Limit
from chassis.http.principal import require
from chassis.http.reading import Read, Reading
from chassis.http.writing import Writing
from chassis.ids import new_id
from contacts.api.access import check_company, check_owner, default_owner
from contacts.api.bodies import CompanyChanges, CompanyFields, NewCompany
from contacts.api.histories import Page, company_history
from contacts.api.people import page_of_people
from contacts.api.points import AsOf, KnownAt, point
from contacts.api.records import company_as_of, not_there
from contacts.api.timelines import Kinds, shown_timeline
from contacts.domain.company import COMPANY, AddCompany, ChangeCompany, CompanyProfile
from contacts.domain.external_id import ExternalId
from contacts.domain.words import malformed
from contacts.read_models.companies import CompaniesWanted, fetch_companies, fetch_company
from contacts.read_models.timeline import TimelineWanted

router = APIRouter(prefix="/companies", tags=["companies"])
reads = Depends(require("contacts.read"))
writes = Depends(require("contacts.write"))

_PROFILE = ("sector", "country", "city", "employees", "founded", "website", "parent_id")


class CompaniesQuery(BaseModel):
    """What the list can be narrowed to, and its order."""

    q: Annotated[
        str | None, Field(max_length=200, description="Beginnings of words of the name.")
    ] = None
    owner: UUID | None = None
    sector: str | None = None
    country: Annotated[str | None, Field(description="A name or an ISO code.")] = None
    sort: Literal["name", "-name", "created", "-created"] = "name"


@router.get("", dependencies=[reads])
async def list_companies(
    read: Reading,
    asked: Annotated[CompaniesQuery, Depends()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Companies, a page at a time."""
    workspace, owners = read.principal.workspace, read.principal.visible_owners()
    wanted = CompaniesWanted(workspace, owners, **dict(asked), limit=limit, cursor=cursor)
    async with read.connection() as connection:
        items, following = await fetch_companies(connection, wanted)
    return read.json({"items": items, "next": following})


@router.post("", status_code=201, dependencies=[writes])
async def add_company(body: NewCompany, write: Writing) -> Response:
    """Add a company."""
    company_id = new_id()
    owner = body.owner_id if "owner_id" in body.model_fields_set else default_owner(write.principal)
    check_owner(write.principal, owner)
    if body.parent_id is not None:
        await check_company(write, body.parent_id)
    command = AddCompany(
        company_id=company_id,
        name=body.name,
        at=write.now,
        profile=CompanyProfile(**_profile(body)),
        owner_id=owner,
        external_id=_external_id(body),
        since=body.at,
    )
    return await write.new(COMPANY, company_id, command, location="/api/v1/companies")


@router.get("/{company_id}", dependencies=[reads])
async def one_company(
    company_id: UUID, read: Reading, request: Request, as_of: AsOf = None, known_at: KnownAt = None
) -> Response:
    """A company now; with `as_of` and `known_at` as it was, or was known, at that moment."""
    if as_of or known_at:
        return read.json(await company_as_of(request, read, company_id, (as_of, known_at)))
    company = await _company(read, request, company_id)
    return read.json(company, version=company["version"])


@router.patch("/{company_id}", dependencies=[writes])
async def change_company(company_id: UUID, body: CompanyChanges, write: Writing) -> Response:
    """Change fields of a company; send If-Match with the ETag you saw."""
    write.need_version()
    await check_company(write, company_id)
    given = body.model_fields_set
    if "owner_id" in given:
        check_owner(write.principal, body.owner_id)
    if body.parent_id is not None:
        await check_company(write, body.parent_id)
    if "name" in given and body.name is None:
        raise malformed("name", "A company needs a name.")
    changes: dict[str, Any] = body.given("name", "owner_id")
    if body.external_id:
        changes["external_id"] = _external_id(body)
    command = ChangeCompany(write.now, profile=_profile(body), **changes)
    return await write.change(COMPANY, company_id, command)


@router.get("/{company_id}/history", dependencies=[reads])
async def history(
    company_id: UUID, request: Request, read: Reading, limit: Limit = 200, cursor: Cursor = None
) -> Response:
    """Who changed what and when, from what to what; the latest first."""
    return read.json(await company_history(request, read, company_id, Page(limit, cursor)))


@router.get("/{company_id}/people", dependencies=[reads])
async def people(
    company_id: UUID, request: Request, read: Reading, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """The people who work for a company, by name."""
    await _company(read, request, company_id)
    return read.json(await page_of_people(read, limit, cursor, company=company_id))


@router.get("/{company_id}/timeline", dependencies=[reads])
async def timeline(
    company_id: UUID,
    request: Request,
    read: Reading,
    kind: Kinds = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """What happened with a company: its deals, its people coming and going, its changes."""
    await _company(read, request, company_id)
    workspace, owners = read.principal.workspace, read.principal.visible_owners()
    wanted = TimelineWanted(
        workspace,
        owners,
        company_id=company_id,
        as_of=point(as_of, "as_of"),
        known_at=point(known_at, "known_at"),
        limit=limit,
        cursor=cursor,
    )
    async with read.connection() as connection:
        return read.json(await shown_timeline(connection, wanted, kind))


async def _company(read: Read, request: Request, company_id: UUID) -> dict[str, Any]:
    workspace, owners = read.principal.workspace, read.principal.visible_owners()
    async with read.connection() as connection:
        company = await fetch_company(connection, workspace, company_id, owners)
    if company is None:
        raise await not_there(request, read, COMPANY, company_id)
    return company


def _profile(body: CompanyFields) -> dict[str, Any]:
    profile = body.given(*_PROFILE)
    if "revenue" in body.model_fields_set:
        money = body.revenue
        profile["revenue_minor"] = money.amount_minor if money else None
        profile["revenue_currency"] = money.currency if money else None
    if "tags" in body.model_fields_set:
        profile["tags"] = tuple(body.tags or ())
    return profile


def _external_id(body: CompanyFields) -> ExternalId | None:
    return ExternalId(body.external_id, body.external_source) if body.external_id else None
