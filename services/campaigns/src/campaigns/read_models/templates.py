"""Which templates are there, and what do they say?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Index, Table, Text, Uuid, select

from campaigns.domain.template import EVENTS, TemplateEvent
from chassis.events import Recorded
from chassis.http.paging import after
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch, fetch_one
from chassis.projection import Change, Projection, Put, read_table

TEMPLATES: Table = read_table(
    "templates",
    Column("template_id", Uuid),
    Column("version", BigInteger),
    Column("name", Text),
    Column("subject", Text),
    Column("format", Text),
    Column("body", Text),
    Column("text", Text),
    Column("changed_at", DateTime(timezone=True)),
    Index("templates_changed", "workspace_id", "changed_at", "template_id"),
    key=("template_id",),
)


def project(recorded: Recorded[TemplateEvent]) -> Iterable[Change]:
    """One row per template: what it says now."""
    e = recorded.event
    yield Put(
        TEMPLATES,
        (e.template_id,),
        {
            "version": recorded.version,
            "name": e.name,
            "subject": e.subject,
            "format": e.format,
            "body": e.body,
            "text": e.text,
            "changed_at": e.occurred_at,
        },
    )


PROJECTION = Projection("templates", 1, EVENTS, (TEMPLATES,), project)


async def fetch_page(
    connection: Connection, workspace: UUID, limit: int, start: tuple[datetime, UUID] | None
) -> list[Record]:
    """Templates, the last changed first, without their bodies."""
    t = TEMPLATES.c
    statement = select(t.template_id, t.version, t.name, t.subject, t.format, t.changed_at).where(
        t.workspace_id == workspace
    )
    if start is not None:
        statement = statement.where(after((t.changed_at, t.template_id), start, descending=True))
    order = (t.changed_at.desc(), t.template_id.desc())
    return await fetch(connection, statement.order_by(*order).limit(limit))


async def fetch_template(
    connection: Connection, workspace: UUID, template_id: UUID
) -> Record | None:
    """One template."""
    t = TEMPLATES.c
    return await fetch_one(
        connection,
        select(TEMPLATES).where(t.workspace_id == workspace, t.template_id == template_id),
    )
