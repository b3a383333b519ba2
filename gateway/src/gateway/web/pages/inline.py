"""Editing a field where it is shown, on any record; two people at once are told of each other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused
from gateway.web.fields import Field, find
from gateway.web.visiting import Visit, Visiting

Choices = Mapping[str, Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Editable:
    """A kind of record whose fields are edited in place.

    `page` is where its pages are, `path` where the API has it. `choices` finds what the fields with
    choices can be set to. `cells`: they are edited in a list, where a field is a cell of many rows.
    `own`: finds fields that the workspace has added.
    """

    page: str
    path: str
    fields: tuple[Field, ...]
    permission: str
    choices: Callable[[Visit], Awaitable[Choices]]
    noun: str
    cells: bool = False
    own: Callable[[Visit], Awaitable[Sequence[Field]]] | None = None

    def spot(self, record: Mapping[str, Any], name: str) -> str:
        """The id of the element that shows a field."""
        return f"cell-{record['id']}-{name}" if self.cells else f"field-{name}"


def inline_router(kind: Editable) -> APIRouter:
    """The endpoints that edit its fields."""
    router = APIRouter(prefix=kind.page)

    @router.get("/{record_id}/fields/{name}")
    async def edit(visit: Visiting, record_id: str, name: str) -> Response:
        """The control of a field."""
        field = await _known(visit, kind, name)
        record, choices = await asyncio.gather(_record(visit, kind, record_id), kind.choices(visit))
        return _control(visit, kind, record, field, choices=choices, text=field.typed(record))

    @router.get("/{record_id}/fields/{name}/shown")
    async def shown(visit: Visiting, record_id: str, name: str) -> Response:
        """The field as it is: what is shown when somebody leaves the control."""
        return await _shown(visit, kind, record_id, await _known(visit, kind, name))

    @router.post("/{record_id}/fields/{name}")
    async def save(visit: Visiting, record_id: str, name: str) -> Response:
        """Save it, unless somebody else has changed the record meanwhile."""
        field = await _known(visit, kind, name)
        text, version = "; ".join(visit.texts("value")), visit.text("version")
        record = await _record(visit, kind, record_id)
        try:
            body = field.sent(text, record, visit.currency)
            await visit.api.patch(f"{kind.path}/{record_id}", body, version=version)
        except ValueError as wrong:
            return await _again(visit, kind, record, field, text, str(wrong))
        except Refused as refused:
            if refused.status == 412:
                return await _conflict(visit, kind, record_id, field, text)
            if refused.status in (409, 422):
                return await _again(visit, kind, record, field, text, refused.at_one_field())
            raise
        response = await _shown(visit, kind, record_id, field)
        # A list is not loaded anew for a cell of it: it would jump to its beginning.
        told = ("everlog:close",) if kind.cells else ("everlog:changed", "everlog:close")
        response.headers["HX-Trigger"] = json.dumps({event: {} for event in told})
        return response

    return router


async def _known(visit: Visit, kind: Editable, name: str) -> Field:
    field = find(kind.fields, name)
    if field is None and kind.own is not None:
        field = find(await kind.own(visit), name)
    if field is None:
        raise Refused(404, {"detail": f"A {kind.noun} has no field of this name."})
    return field


async def _record(visit: Visit, kind: Editable, record_id: str) -> Mapping[str, Any]:
    record: Mapping[str, Any] = await visit.api.get(f"{kind.path}/{record_id}")
    return record


async def _shown(visit: Visit, kind: Editable, record_id: str, field: Field) -> Response:
    record, choices = await asyncio.gather(_record(visit, kind, record_id), kind.choices(visit))
    return visit.page(
        "inline/cell.html" if kind.cells else "inline/shown.html",
        kind=kind,
        record=record,
        field=field,
        choices=choices,
    )


def _control(
    visit: Visit, kind: Editable, record: Mapping[str, Any], field: Field, **context: Any
) -> Response:
    return visit.page("inline/control.html", kind=kind, record=record, field=field, **context)


async def _again(
    visit: Visit, kind: Editable, record: Mapping[str, Any], field: Field, text: str, wrong: str
) -> Response:
    choices = await kind.choices(visit)
    return _control(visit, kind, record, field, choices=choices, text=text, wrong=wrong)


async def _conflict(
    visit: Visit, kind: Editable, record_id: str, field: Field, text: str
) -> Response:
    record, choices = await asyncio.gather(_record(visit, kind, record_id), kind.choices(visit))
    response = visit.page(
        "inline/conflict.html", kind=kind, record=record, field=field, choices=choices, text=text
    )
    response.headers["HX-Retarget"] = "#box"
    response.headers["HX-Reswap"] = "innerHTML"
    return response
