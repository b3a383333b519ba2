"""How do our broadcasts stand, and what came of them? Every person counts once per broadcast."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
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
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from campaigns.domain import broadcast
from campaigns.domain.broadcast import (
    BroadcastCancelled,
    BroadcastEvent,
    BroadcastFinished,
    BroadcastLaunched,
    BroadcastPaused,
    BroadcastPlanned,
    BroadcastResumed,
    BroadcastScheduled,
    BroadcastStarted,
)
from campaigns.domain.message import (
    LinkClicked,
    MessageOpened,
    MessageRefused,
    MessageSent,
    MessageUncertain,
)
from campaigns.domain.recipient import PersonUnsubscribed
from campaigns.read_models.templates import TEMPLATES
from chassis.events import Recorded
from chassis.http.paging import after
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch, fetch_one
from chassis.projection import Add, Change, Projection, Put, read_table

COUNTERS = (
    "sent",
    "refused",
    "uncertain",
    "opened",
    "machine_opened",
    "clicked",
    "machine_clicked",
    "unsubscribed",
)

BROADCASTS: Table = read_table(
    "broadcasts",
    Column("broadcast_id", Uuid),
    Column("version", BigInteger),
    Column("name", Text),
    Column("template_id", Uuid),
    Column("template_version", BigInteger),
    Column("subject", Text),
    Column("topic", Text),
    Column("audience", JSONB),
    Column("audience_size", BigInteger),
    Column("status", Text),
    Column("send_at", DateTime(timezone=True)),
    Column("planned_at", DateTime(timezone=True)),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Index("broadcasts_planned", "workspace_id", "planned_at", "broadcast_id"),
    Index("broadcasts_status", "status"),
    key=("broadcast_id",),
)
COUNTS: Table = read_table(
    "broadcast_counts",
    Column("broadcast_id", Uuid),
    *(Column(name, BigInteger, nullable=False, server_default="0") for name in COUNTERS),
    key=("broadcast_id",),
)
LINKS: Table = read_table(
    "broadcast_links",
    Column("broadcast_id", Uuid),
    Column("url", Text),
    Column("clicked", BigInteger, nullable=False, server_default="0"),
    Column("machine_clicked", BigInteger, nullable=False, server_default="0"),
    key=("broadcast_id", "url"),
)

EVENTS = (
    *broadcast.EVENTS,
    MessageSent,
    MessageRefused,
    MessageUncertain,
    MessageOpened,
    LinkClicked,
    PersonUnsubscribed,
)


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """One row per broadcast; beside it what its messages add up to, in all and per link."""
    e = recorded.event
    match e:
        case MessageOpened() | LinkClicked():
            yield from _tracked(e)
        case PersonUnsubscribed():
            if e.first and e.broadcast_id is not None:
                yield Add(COUNTS, (e.broadcast_id,), {"unsubscribed": 1})
        case MessageSent() | MessageRefused() | MessageUncertain():
            yield Add(COUNTS, (e.broadcast_id,), {_OUTCOMES[type(e)]: 1})
        case _:
            columns = {"version": recorded.version, **_columns(e)}
            yield Put(BROADCASTS, (e.broadcast_id,), columns)


_OUTCOMES: Mapping[type[Any], str] = {
    MessageSent: "sent",
    MessageRefused: "refused",
    MessageUncertain: "uncertain",
}


def _tracked(event: MessageOpened | LinkClicked) -> Iterable[Change]:
    word = "clicked" if isinstance(event, LinkClicked) else "opened"
    counter = f"machine_{word}" if event.machine else word
    if event.first:
        yield Add(COUNTS, (event.broadcast_id,), {counter: 1})
    if isinstance(event, LinkClicked) and event.first_of_link:
        yield Add(LINKS, (event.broadcast_id, event.url), {counter: 1})


def _columns(event: BroadcastEvent) -> dict[str, Any]:
    match event:
        case BroadcastPlanned() as e:
            return {
                "name": e.name,
                "template_id": e.template_id,
                "topic": e.topic,
                "audience": msgspec.to_builtins(e.audience),
                "status": "planned",
                "send_at": e.send_at,
                "planned_at": e.occurred_at,
            }
        case BroadcastScheduled():
            return {"send_at": event.send_at}
        case BroadcastLaunched():
            return {"status": "starting"}
        case BroadcastStarted() as e:
            return {
                "status": "sending",
                "subject": e.subject,
                "audience_size": e.audience,
                "template_version": e.template_version,
                "started_at": e.occurred_at,
            }
        case BroadcastPaused():
            return {"status": "paused"}
        case BroadcastResumed():
            return {"status": "sending"}
        case BroadcastFinished():
            return {"status": "finished", "finished_at": event.occurred_at}
        case BroadcastCancelled():
            return {"status": "cancelled"}


PROJECTION = Projection(
    "broadcasts", 1, EVENTS, (BROADCASTS, COUNTS, LINKS), project, shared=(COUNTS, LINKS)
)

_B, _N, _T = BROADCASTS.c, COUNTS.c, TEMPLATES.c


def _counted() -> Select[Any]:
    counts = [func.coalesce(_N[name], 0).label(name) for name in COUNTERS]
    joined = BROADCASTS.outerjoin(
        COUNTS, and_(_N.workspace_id == _B.workspace_id, _N.broadcast_id == _B.broadcast_id)
    ).outerjoin(
        TEMPLATES, and_(_T.workspace_id == _B.workspace_id, _T.template_id == _B.template_id)
    )
    subject = func.coalesce(_B.subject, _T.subject).label("subject")
    named = _T.name.label("template_name")
    others = [column for column in BROADCASTS.c if column.name != "subject"]
    return select(*others, subject, named, *counts).select_from(joined)


async def fetch_page(
    connection: Connection,
    workspace: UUID,
    status: str | None,
    limit: int,
    start: tuple[datetime, UUID] | None,
) -> list[Record]:
    """Broadcasts with their counts, the last planned first."""
    statement = _counted().where(_B.workspace_id == workspace)
    if status is not None:
        statement = statement.where(_B.status == status)
    if start is not None:
        statement = statement.where(after((_B.planned_at, _B.broadcast_id), start, descending=True))
    order = (_B.planned_at.desc(), _B.broadcast_id.desc())
    return await fetch(connection, statement.order_by(*order).limit(limit))


async def fetch_broadcast(
    connection: Connection, workspace: UUID, broadcast_id: UUID
) -> Record | None:
    """One broadcast with its counts."""
    statement = _counted().where(_B.workspace_id == workspace, _B.broadcast_id == broadcast_id)
    return await fetch_one(connection, statement)


async def fetch_links(connection: Connection, workspace: UUID, broadcast_id: UUID) -> list[Record]:
    """The links of a broadcast that were followed, the most followed first."""
    c = LINKS.c
    statement = select(c.url, c.clicked, c.machine_clicked).where(
        c.workspace_id == workspace, c.broadcast_id == broadcast_id
    )
    return await fetch(connection, statement.order_by(c.clicked.desc(), c.url).limit(100))


async def fetch_under_way(connection: Connection) -> list[Record]:
    """Broadcasts of all workspaces that wait for the sender, with what was done so far."""
    done = func.coalesce(_N.sent, 0) + func.coalesce(_N.refused, 0) + func.coalesce(_N.uncertain, 0)
    statement = (
        select(
            _B.workspace_id,
            _B.broadcast_id,
            _B.status,
            _B.audience_size,
            func.coalesce(_N.sent, 0).label("sent"),
            func.coalesce(_N.refused, 0).label("refused"),
            func.coalesce(_N.uncertain, 0).label("uncertain"),
            (done >= _B.audience_size).label("complete"),
        )
        .select_from(
            BROADCASTS.outerjoin(
                COUNTS, and_(_N.workspace_id == _B.workspace_id, _N.broadcast_id == _B.broadcast_id)
            )
        )
        .where(_B.status.in_(["starting", "sending", "paused"]))
        .order_by(_B.started_at, _B.broadcast_id)
    )
    return await fetch(connection, statement)
