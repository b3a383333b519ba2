"""Companies: the list, adding one, and one company with its people, deals and timeline."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused, parts
from gateway.web.fields import Field
from gateway.web.pages.inline import Choices, Editable, inline_router
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/companies")

_PAGE = 50
SORTS = (("name", "Name"), ("-created", "Newest first"), ("created", "Oldest first"))
FIELDS = (
    Field("name", "Name"),
    Field("sector", "Sector"),
    Field("website", "Website", "url"),
    Field("owner_id", "Owner", choices="owners"),
    Field("city", "City"),
    Field("country", "Country", hint="Two letters, like DE"),
    Field("employees", "Employees", "number"),
    Field("revenue", "Revenue", "money"),
    Field("founded", "Founded", "number"),
)
_TYPED = ("name", "sector", "website", "city", "country", "employees", "owner_id")


async def _field_choices(visit: Visit) -> Choices:
    return {"owners": list((await visit.names()).items())}


COMPANY = Editable("/companies", "/companies", FIELDS, "contacts.write", _field_choices, "company")
fields_router = inline_router(COMPANY)


@router.get("")
async def companies(visit: Visiting, q: str = "", sort: str = "name", cursor: str = "") -> Response:
    """The list, or only its rows."""
    wanted = {"q": q, "sort": sort}
    listed, names = await asyncio.gather(
        visit.api.get("/companies", **wanted, cursor=cursor, limit=_PAGE), visit.names()
    )
    template = "companies/rows.html" if visit.is_partial else "companies/list.html"
    return visit.page(template, listed=listed, names=names, wanted=wanted, sorts=SORTS)


@router.get("/new")
async def new_company(visit: Visiting) -> Response:
    """The drawer that adds one."""
    return visit.page("companies/new.html", given={}, names=await visit.names())


@router.post("")
async def add_company(visit: Visiting) -> Response:
    """Add one; what is wrong is said at the fields."""
    given = {name: visit.text(name) for name in _TYPED}
    body: dict[str, Any] = {name: value for name, value in given.items() if value}
    try:
        if given["employees"]:
            body |= Field("employees", "", "number").sent(given["employees"], {}, visit.currency)
        written = await visit.api.post("/companies", body, once=visit.text("once"))
    except ValueError as wrong:
        problem = {"errors": [{"pointer": "#/employees", "detail": str(wrong)}]}
        return await _again(visit, given, Refused(422, problem))
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        return await _again(visit, given, refused)
    return visit.done(f"{given['name']} is added", go=f"/companies/{written.id}")


async def _again(visit: Visit, given: dict[str, str], refused: Refused) -> Response:
    names = await visit.names()
    return visit.page("companies/new.html", status=422, given=given, refused=refused, names=names)


@router.get("/{company_id}")
async def company(
    visit: Visiting, company_id: str, tab: str = "timeline", as_of: str = ""
) -> Response:
    """The record; with `as_of` as it was then."""
    path = f"/companies/{company_id}"
    record = await visit.api.get(path, as_of=as_of)
    asked = [visit.api.get(f"{path}/people", limit=50), visit.api.get(f"{path}/history")]
    if tab == "timeline":
        asked.append(visit.api.get(f"{path}/timeline", as_of=as_of, limit=40))
    elif tab == "deals":
        asked.append(visit.api.get("/deals", company=company_id, limit=50))
    found, names = await asyncio.gather(parts(*asked), visit.names())
    return visit.page(
        "companies/record.html",
        record=record,
        kind=COMPANY,
        choices={"owners": list(names.items())},
        names=names,
        people=found[0],
        history=found[1],
        shown=found[2] if len(found) > 2 else None,
        tab=tab,
        as_of=as_of,
        only="",
        base=path,
        comparable=True,
        may_edit=visit.may("contacts.write") and not as_of,
        new_deal=f"/pipeline/deals/new?company={company_id}",
    )


@router.get("/{company_id}/timeline")
async def timeline(
    visit: Visiting, company_id: str, kind: str = "", cursor: str = "", as_of: str = ""
) -> Response:
    """More rows of the timeline, or those of one kind."""
    path = f"/companies/{company_id}"
    shown = await visit.api.get(f"{path}/timeline", kind=kind, as_of=as_of, cursor=cursor, limit=40)
    return visit.page(
        "record/timeline_rows.html",
        shown=shown,
        base=path,
        only=kind,
        more=bool(cursor),
        as_of=as_of,
    )
