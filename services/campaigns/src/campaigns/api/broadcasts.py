"""Broadcasts over HTTP: plan, start, pause, resume; what came of them; audiences counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from campaigns.api.people import message_item
from campaigns.domain.audience import Audience, check
from campaigns.domain.broadcast import (
    BROADCAST,
    CancelBroadcast,
    LaunchBroadcast,
    PauseBroadcast,
    PlanBroadcast,
    ResumeBroadcast,
    ScheduleBroadcast,
    Status,
)
from campaigns.domain.template import TEMPLATE, existing
from campaigns.read_models import broadcasts, messages, recipients
from campaigns.sending.standing import fetch_away
from chassis.errors import NotFound
from chassis.http.paging import Cursor, Limit, decode_cursor, page
from chassis.http.principal import AGGREGATE, OWN, Principal, require
from chassis.http.reading import Reading
from chassis.http.writing import Writing
from chassis.ids import new_id
from chassis.postgres.database import Record

READ = Depends(require("campaigns.read"))
WRITE = Depends(require("campaigns.write"))
LOCATION = "/api/v1/broadcasts"
GROUP_LEAST = 5
"""Roles that work with figures about groups see none about fewer people than this."""

router = APIRouter(tags=["broadcasts"])


class AudienceBody(BaseModel):
    """Whom it is for: people who are in (any of) these segments, with (any or all of) these tags,
    for whom the filter holds."""

    model_config = ConfigDict(extra="forbid")

    tag: str | None = Field(default=None, max_length=200)
    tags: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list, max_length=50)
    match: Literal["any", "all"] = "any"
    filter: dict[str, str | UUID | list[str]] = Field(
        default_factory=dict,
        description="Field to value or values: city, company, country, language, owner, source, "
        "tag; company and owner by id.",
    )
    segment: UUID | None = None
    segments: list[UUID] = Field(default_factory=list, max_length=50)
    everyone: bool = False

    def audience(self, principal: Principal) -> Audience:
        """As the domain has it; for whoever sees only some people, only those."""
        tags = [*([self.tag] if self.tag else []), *self.tags]
        filter_ = {
            field: list(value) if isinstance(value, list) else [str(value)]
            for field, value in self.filter.items()
        }
        owners = sorted(principal.owners) if principal.sees == OWN else None
        segments = [*([self.segment] if self.segment else []), *self.segments]
        return Audience(self.everyone, tags, self.match, filter_, owners, segments)


class CountBody(AudienceBody):
    """Whom to count."""

    topic: str = Field(default="", max_length=200)


class BroadcastBody(BaseModel):
    """A broadcast to plan. With `send_at` it starts by itself."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    template_id: UUID
    audience: AudienceBody
    topic: str = Field(
        default="Newsletter",
        max_length=200,
        description="What readers subscribe to and unsubscribe from.",
    )
    send_at: AwareDatetime | None = None


class ScheduleBody(BaseModel):
    """When it starts by itself; null: when somebody starts it."""

    model_config = ConfigDict(extra="forbid")

    send_at: AwareDatetime | None


@router.post("/audiences/count", dependencies=[READ])
async def count_audience(body: CountBody, read: Reading) -> Response:
    """How many people are meant, and how many of them can be reached by mail."""
    audience = body.audience(read.principal)
    check(audience)
    async with read.connection() as connection:
        people, reachable = await recipients.fetch_count(
            connection, read.principal.workspace, audience, body.topic
        )
    if read.principal.sees == AGGREGATE:
        return read.json(
            {
                "people": _unless_small(people),
                "reachable": _unless_small(reachable),
                "group_least": GROUP_LEAST,
            }
        )
    return read.json({"people": people, "reachable": reachable})


@router.post("/broadcasts", status_code=201, dependencies=[WRITE])
async def plan_broadcast(body: BroadcastBody, write: Writing) -> Response:
    """Plan a broadcast."""
    existing(await write.state(TEMPLATE, body.template_id))
    broadcast = new_id()
    command = PlanBroadcast(
        broadcast,
        body.name,
        body.template_id,
        body.topic,
        body.audience.audience(write.principal),
        _utc(body.send_at),
        write.now,
    )
    return await write.new(BROADCAST, broadcast, command, location=LOCATION)


@router.post("/broadcasts/{broadcast_id}/schedule", dependencies=[WRITE])
async def schedule_broadcast(broadcast_id: UUID, body: ScheduleBody, write: Writing) -> Response:
    """Let a planned broadcast start by itself at another time, or not by itself."""
    command = ScheduleBroadcast(_utc(body.send_at), write.now)
    return await write.change(BROADCAST, broadcast_id, command)


@router.post("/broadcasts/{broadcast_id}/start", status_code=202, dependencies=[WRITE])
async def start_broadcast(broadcast_id: UUID, write: Writing) -> Response:
    """Freeze the audience and begin to send; GET the broadcast to watch it."""
    return await write.change(BROADCAST, broadcast_id, LaunchBroadcast(write.now), status=202)


@router.post("/broadcasts/{broadcast_id}/pause", dependencies=[WRITE])
async def pause_broadcast(broadcast_id: UUID, write: Writing) -> Response:
    """Stop sending for the time being; mails that are being handed over still go out."""
    return await write.change(BROADCAST, broadcast_id, PauseBroadcast(write.now))


@router.post("/broadcasts/{broadcast_id}/resume", dependencies=[WRITE])
async def resume_broadcast(broadcast_id: UUID, write: Writing) -> Response:
    """Go on sending."""
    return await write.change(BROADCAST, broadcast_id, ResumeBroadcast(write.now))


@router.post("/broadcasts/{broadcast_id}/cancel", dependencies=[WRITE])
async def cancel_broadcast(broadcast_id: UUID, write: Writing) -> Response:
    """Give up a broadcast that has not started."""
    return await write.change(BROADCAST, broadcast_id, CancelBroadcast(write.now))


@router.get("/broadcasts", dependencies=[READ])
async def list_broadcasts(
    read: Reading, status: Status | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Broadcasts with their results, the last planned first."""
    start = decode_cursor(cursor, (datetime, UUID)) if cursor else None
    async with read.connection() as connection:
        rows = await broadcasts.fetch_page(
            connection,
            read.principal.workspace,
            status,
            limit + 1,
            (start[0], start[1]) if start else None,
        )
    shown, following = page(rows, limit, lambda row: (row["planned_at"], row["broadcast_id"]))
    items = [_item(row, read.principal) for row in shown]
    return read.json({"items": items, "next": following})


@router.get("/broadcasts/{broadcast_id}", dependencies=[READ])
async def one_broadcast(broadcast_id: UUID, read: Reading) -> Response:
    """How a broadcast stands and what came of it."""
    async with read.connection() as connection:
        row = await _broadcast(connection, read.principal, broadcast_id)
        links = await broadcasts.fetch_links(connection, read.principal.workspace, broadcast_id)
        away = await fetch_away(connection) if row["status"] == "sending" else None
    item = _item(row, read.principal)
    hidden = _too_small(row, read.principal)
    item["links"] = [] if hidden else [dict(link) for link in links]
    item["waiting"] = dict(away) if away is not None else None
    return read.json(item)


@router.get("/broadcasts/{broadcast_id}/messages", dependencies=[READ])
async def list_messages(
    broadcast_id: UUID,
    read: Reading,
    status: Annotated[
        Literal["planned", "sent", "refused", "uncertain"] | None,
        Query(description="Only messages that stand so."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The messages of a broadcast: who got it, and why not."""
    owners = read.principal.visible_owners()
    start = decode_cursor(cursor, (UUID,))[0] if cursor else None
    async with read.connection() as connection:
        await _broadcast(connection, read.principal, broadcast_id)
        rows = await messages.fetch_of_broadcast(
            connection,
            read.principal.workspace,
            broadcast_id,
            owners=owners,
            status=status,
            limit=limit + 1,
            start=start,
        )
    shown, following = page(rows, limit, lambda row: (row["message_id"],))
    return read.json({"items": [message_item(row) for row in shown], "next": following})


async def _broadcast(connection: Any, principal: Principal, broadcast_id: UUID) -> Record:
    row = await broadcasts.fetch_broadcast(connection, principal.workspace, broadcast_id)
    if row is None:
        raise NotFound("There is no such broadcast. GET /api/v1/broadcasts lists those there are.")
    return row


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at is not None else None


def _unless_small(people: int) -> int | None:
    return people if people == 0 or people >= GROUP_LEAST else None


def _too_small(row: Record, principal: Principal) -> bool:
    return principal.sees == AGGREGATE and 0 < (row["audience_size"] or 0) < GROUP_LEAST


def _item(row: Record, principal: Principal) -> dict[str, Any]:
    return {
        "id": row["broadcast_id"],
        "version": row["version"],
        "name": row["name"],
        "template": {"id": row["template_id"], "name": row["template_name"]},
        "template_id": row["template_id"],
        "subject": row["subject"],
        "topic": row["topic"],
        "audience": row["audience"],
        "status": row["status"],
        "send_at": row["send_at"],
        "planned_at": row["planned_at"],
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
        "counts": _counts(row, _too_small(row, principal)),
    }


def _counts(row: Record, too_small: bool) -> dict[str, Any]:
    counts = {name: row[name] for name in broadcasts.COUNTERS}
    sent = counts["sent"]
    behaviour = ("opened", "clicked", "unsubscribed", "machine_opened", "machine_clicked")
    if too_small:
        counts.update(dict.fromkeys(behaviour))
    rates = {
        f"{name}_rate": round(counts[f"{past}"] / sent, 4)
        if sent and counts[past] is not None
        else None
        for name, past in (
            ("open", "opened"),
            ("click", "clicked"),
            ("unsubscribe", "unsubscribed"),
        )
    }
    return {"audience": row["audience_size"], **counts, **rates}
