"""Who got which mail, what became of it, and why not? And: what has still to be sent?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    or_,
    select,
    text,
)

from campaigns.domain.message import (
    EVENTS,
    LinkClicked,
    MessageDeferred,
    MessageEvent,
    MessageOpened,
    MessagePlanned,
    MessageRefused,
    MessageSent,
    MessageUncertain,
)
from campaigns.read_models.broadcasts import BROADCASTS
from campaigns.read_models.recipients import RECIPIENTS, records_merged_into
from chassis.events import Recorded
from chassis.http.paging import after
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch
from chassis.projection import Add, Change, Projection, Put, read_table

MESSAGES: Table = read_table(
    "messages",
    Column("message_id", Uuid),
    Column("broadcast_id", Uuid),
    Column("person_id", Uuid),
    Column("status", Text),
    Column("reason", Text),
    Column("smtp_status", Text),
    Column("attempts", BigInteger, nullable=False, server_default="0"),
    Column("retry_at", DateTime(timezone=True)),
    Column("planned_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),
    Column("opened_at", DateTime(timezone=True)),
    Column("clicked_at", DateTime(timezone=True)),
    Column("opens", BigInteger, nullable=False, server_default="0"),
    Column("machine_opens", BigInteger, nullable=False, server_default="0"),
    Column("clicks", BigInteger, nullable=False, server_default="0"),
    Column("machine_clicks", BigInteger, nullable=False, server_default="0"),
    Index("messages_of_broadcast", "workspace_id", "broadcast_id", "message_id"),
    Index("messages_of_person", "workspace_id", "person_id", "planned_at"),
    Index(
        "messages_to_send",
        "workspace_id",
        "broadcast_id",
        "message_id",
        postgresql_where=text("status = 'planned'"),
    ),
    key=("message_id",),
)


def project(recorded: Recorded[MessageEvent]) -> Iterable[Change]:
    """One row per message."""
    e = recorded.event
    key = (e.message_id,)
    match e:
        case MessagePlanned():
            columns = {
                "broadcast_id": e.broadcast_id,
                "person_id": e.person_id,
                "status": "planned",
                "planned_at": e.occurred_at,
            }
            yield Put(MESSAGES, key, columns)
        case MessageDeferred():
            columns = {"reason": e.reason, "attempts": e.attempt, "retry_at": e.retry_at}
            yield Put(MESSAGES, key, columns)
        case MessageSent():
            yield Put(MESSAGES, key, _settled("sent", e.at, None))
        case MessageRefused():
            columns = {**_settled("refused", e.occurred_at, e.reason), "smtp_status": e.smtp_status}
            yield Put(MESSAGES, key, columns)
        case MessageUncertain():
            yield Put(MESSAGES, key, _settled("uncertain", e.occurred_at, None))
        case MessageOpened(machine=machine):
            yield Add(MESSAGES, key, {"machine_opens" if machine else "opens": 1})
            if e.first and not machine:
                yield Put(MESSAGES, key, {"opened_at": e.occurred_at})
        case LinkClicked(machine=machine):
            yield Add(MESSAGES, key, {"machine_clicks" if machine else "clicks": 1})
            if e.first and not machine:
                yield Put(MESSAGES, key, {"clicked_at": e.occurred_at})


def _settled(status: str, at: datetime, reason: str | None) -> dict[str, Any]:
    return {"status": status, "settled_at": at, "reason": reason, "retry_at": None}


PROJECTION = Projection("messages", 1, EVENTS, (MESSAGES,), project)

_M, _R, _B = MESSAGES.c, RECIPIENTS.c, BROADCASTS.c
_SHOWN = tuple(column for column in MESSAGES.c if column.name != "workspace_id")


def _with_people(workspace: UUID, owners: frozenset[UUID] | None) -> Select[Any]:
    """Messages with the names of their readers; only to people of these owners, and of nobody."""
    joined = MESSAGES.outerjoin(
        RECIPIENTS, and_(_R.workspace_id == _M.workspace_id, _R.person_id == _M.person_id)
    ).outerjoin(
        BROADCASTS, and_(_B.workspace_id == _M.workspace_id, _B.broadcast_id == _M.broadcast_id)
    )
    statement = (
        select(*_SHOWN, _R.first_name, _R.last_name, _R.email, _B.name.label("broadcast_name"))
        .select_from(joined)
        .where(_M.workspace_id == workspace)
    )
    if owners is not None:
        visible = and_(
            _R.person_id.is_not(None), or_(_R.owner_id.is_(None), _R.owner_id.in_(owners))
        )
        statement = statement.where(visible)
    return statement


async def fetch_of_broadcast(
    connection: Connection,
    workspace: UUID,
    broadcast_id: UUID,
    *,
    owners: frozenset[UUID] | None,
    status: str | None,
    limit: int,
    start: UUID | None,
) -> list[Record]:
    """A page of the messages of a broadcast."""
    statement = _with_people(workspace, owners).where(_M.broadcast_id == broadcast_id)
    if status is not None:
        statement = statement.where(_M.status == status)
    if start is not None:
        statement = statement.where(_M.message_id > start)
    return await fetch(connection, statement.order_by(_M.message_id).limit(limit))


async def fetch_of_person(
    connection: Connection,
    workspace: UUID,
    person_id: UUID,
    *,
    owners: frozenset[UUID] | None,
    limit: int,
    start: tuple[datetime, UUID] | None,
) -> list[Record]:
    """A page of the messages to a person, the latest first."""
    merged = records_merged_into(workspace, person_id)
    own = or_(_M.person_id == person_id, _M.person_id.in_(merged))
    statement = _with_people(workspace, owners).where(own)
    if start is not None:
        statement = statement.where(after((_M.planned_at, _M.message_id), start, descending=True))
    order = (_M.planned_at.desc(), _M.message_id.desc())
    return await fetch(connection, statement.order_by(*order).limit(limit))


async def fetch_to_send(
    connection: Connection,
    workspace: UUID,
    broadcast_id: UUID,
    *,
    now: datetime,
    beyond: UUID | None,
    most: int,
) -> Sequence[Record]:
    """Messages whose turn it is, in order, beyond a given one."""
    statement = select(_M.message_id, _M.person_id).where(
        _M.workspace_id == workspace,
        _M.broadcast_id == broadcast_id,
        _M.status == "planned",
        or_(_M.retry_at.is_(None), _M.retry_at <= now),
    )
    if beyond is not None:
        statement = statement.where(_M.message_id > beyond)
    return await fetch(connection, statement.order_by(_M.message_id).limit(most))
