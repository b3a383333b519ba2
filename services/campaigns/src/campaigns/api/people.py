"""Single people over HTTP: their messages, what they want no mail about, unsubscribing for them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from campaigns.domain.recipient import RECIPIENT, Unsubscribe
from campaigns.read_models import messages, recipients, subscriptions
from campaigns.sending.silence import address_hash
from chassis.errors import NotFound
from chassis.http.paging import Cursor, Limit, decode_cursor, page
from chassis.http.principal import Principal, require
from chassis.http.reading import Read, Reading
from chassis.http.writing import Writing
from chassis.postgres.database import Record

READ = Depends(require("campaigns.read"))
CARE = Depends(require("contacts.write"))

router = APIRouter(tags=["recipients"])


class UnsubscribeBody(BaseModel):
    """What a person told you they want no more mail about."""

    model_config = ConfigDict(extra="forbid")

    topic: str | None = Field(default=None, max_length=200, description="Null: about anything.")


@router.get("/messages", dependencies=[READ])
async def messages_of_person(
    read: Reading,
    person: Annotated[UUID, Query(description="The person's id.")],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The messages to a person, the latest first: sent, opened, clicked, or why not sent."""
    owners = read.principal.visible_owners()
    start = decode_cursor(cursor, (datetime, UUID)) if cursor else None
    async with read.connection() as connection:
        rows = await messages.fetch_of_person(
            connection,
            read.principal.workspace,
            person,
            owners=owners,
            limit=limit + 1,
            start=(start[0], start[1]) if start else None,
        )
    shown, following = page(rows, limit, lambda row: (row["planned_at"], row["message_id"]))
    return read.json({"items": [message_item(row) for row in shown], "next": following})


@router.get("/recipients/{person_id}", dependencies=[READ])
async def recipient(person_id: UUID, read: Reading) -> Response:
    """What a person wants no mail about, and why else they get none."""
    await visible_person(read, person_id)
    async with read.connection() as connection:
        unsubscribed, suppressed = await subscriptions.fetch_of_person(
            connection, read.principal.workspace, person_id
        )
    body = {
        "person_id": person_id,
        "unsubscribed": [{**row, "topic": row["topic"] or None} for row in unsubscribed],
        "suppressed": [dict(row) for row in suppressed],
    }
    return read.json(body)


@router.post("/recipients/{person_id}/unsubscribe", dependencies=[CARE])
async def unsubscribe(
    person_id: UUID, body: UnsubscribeBody, write: Writing, request: Request
) -> Response:
    """Unsubscribe a person who asked for it by other ways than a link."""
    service: Any = request.app.state.service
    workspace = write.principal.workspace
    async with service.api.connection(workspace) as connection:
        row = await recipients.fetch_person(connection, workspace, person_id)
    found = _visible(row, write.principal)
    hashed = (
        address_hash(service.keyring, workspace, found["email_key"]) if found["email_key"] else None
    )
    command = Unsubscribe(person_id, body.topic or None, "by-hand", write.now, address_hash=hashed)
    return await write.change(RECIPIENT, person_id, command)


async def visible_person(read: Read, person_id: UUID) -> Record:
    """A person whom whoever asks may see. Raises NotFound, Forbidden."""
    read.principal.visible_owners()
    async with read.connection() as connection:
        row = await recipients.fetch_person(connection, read.principal.workspace, person_id)
    return _visible(row, read.principal)


def _visible(row: Record | None, principal: Principal) -> Record:
    owners = principal.visible_owners()
    hidden = (
        row is not None
        and owners is not None
        and row["owner_id"] is not None
        and row["owner_id"] not in owners
    )
    if row is None or hidden:
        raise NotFound("There is no such person among those you can see.")
    return row


def message_item(row: Record) -> dict[str, Any]:
    """A message in a list."""
    name = " ".join(part for part in (row["first_name"], row["last_name"]) if part)
    return {
        "id": row["message_id"],
        "broadcast": {"id": row["broadcast_id"], "name": row["broadcast_name"]},
        "person": {"id": row["person_id"], "name": name or None, "email": row["email"]},
        "status": row["status"],
        "reason": row["reason"],
        "smtp_status": row["smtp_status"],
        "attempts": row["attempts"],
        "retry_at": row["retry_at"],
        "planned_at": row["planned_at"],
        "settled_at": row["settled_at"],
        "sent_at": row["settled_at"] if row["status"] == "sent" else None,
        "opened_at": row["opened_at"],
        "clicked_at": row["clicked_at"],
        "opens": row["opens"],
        "clicks": row["clicks"],
        "machine_opens": row["machine_opens"],
        "machine_clicks": row["machine_clicks"],
    }
