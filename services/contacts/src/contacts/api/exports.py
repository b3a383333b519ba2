"""The register of exports over HTTP: who took data of people out, what, and when."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from chassis.errors import Forbidden
from chassis.http.paging import Cursor, Limit
from chassis.http.principal import Principal, require
from chassis.http.reading import Reading
from chassis.postgres.database import Connection
from contacts.api.access import fetch_names, user_in
from contacts.api.points import Span, span
from contacts.read_models.exports import ExportsWanted, fetch_exports

router = APIRouter(prefix="/exports", tags=["contacts"])


def check_oversight(principal: Principal) -> None:
    """Raises Forbidden for whoever sees some people only: this is about everybody."""
    if principal.visible_owners() is not None:
        raise Forbidden("This is about everybody's contacts. Ask an administrator.")


@router.get("", dependencies=[Depends(require("settings.write"))])
async def list_exports(
    read: Reading,
    time: Annotated[Span, Depends(span)],
    user: UUID | None = None,
    kind: Annotated[Literal["person", "consents", "breach"] | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Files with data of people that were taken out, the latest first."""
    check_oversight(read.principal)
    actor = str(user) if user else None
    wanted = ExportsWanted(
        read.principal.workspace, actor, kind, time.since, time.until, limit, cursor
    )
    async with read.connection() as connection:
        items, following = await shown_exports(connection, wanted)
    return read.json({"items": items, "next": following})


async def shown_exports(
    connection: Connection, wanted: ExportsWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of exports with the names of who made them, and the cursor of the next page."""
    rows, following = await fetch_exports(connection, wanted)
    users = {user_in(row["actor"]) for row in rows}
    names = await fetch_names(connection, wanted.workspace, users=users)
    return [{**row, "actor": names.actor(row["actor"])} for row in rows], following
