"""Which fields of its own does a workspace have, and what may stand in them?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Select, Text, Uuid, func, select
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch, fetch_value
from chassis.projection import Change, Projection, Put, Remove, read_table
from contacts.domain.own_field import (
    OWN_FIELD_EVENTS,
    OwnField,
    OwnFieldAdded,
    OwnFieldArranged,
    OwnFieldEvent,
    OwnFieldRetired,
    OwnFieldRetitled,
)

OWN_FIELDS = read_table(
    "own_fields",
    Column("field_id", Uuid),
    Column("version", BigInteger),
    Column("key", Text),
    Column("title", Text),
    Column("type", Text),
    Column("choices", JSONB),
    Column("required", Boolean),
    Column("description", Text),
    Column("added_at", DateTime(timezone=True)),
    key=("field_id",),
)


def project(recorded: Recorded[OwnFieldEvent]) -> Iterable[Change]:
    """What an event changes of a field's row; a field that is retired has none."""
    event = recorded.event
    if isinstance(event, OwnFieldRetired):
        yield Remove(OWN_FIELDS, (event.field_id,))
        return
    moved = {"version": recorded.version}
    yield Put(OWN_FIELDS, (event.field_id,), {**moved, **_columns(event)})


def _columns(event: OwnFieldAdded | OwnFieldRetitled | OwnFieldArranged) -> dict[str, Any]:
    match event:
        case OwnFieldAdded():
            return {
                "key": event.key,
                "title": event.title,
                "type": event.value_type,
                "choices": list(event.choices),
                "required": event.required,
                "description": event.description,
                "added_at": event.occurred_at,
            }
        case OwnFieldRetitled():
            return {"title": event.title, "description": event.description}
        case OwnFieldArranged():
            return {"choices": list(event.choices), "required": event.required}


OWN_FIELDS_PROJECTION = Projection("own_fields", 1, OWN_FIELD_EVENTS, (OWN_FIELDS,), project)

# --- fetching

_F = OWN_FIELDS.c


def _in(workspace: UUID) -> Select[Any]:
    return select(OWN_FIELDS).where(_F.workspace_id == workspace).order_by(_F.added_at, _F.key)


async def fetch_own_fields(connection: Connection, workspace: UUID) -> dict[str, OwnField]:
    """A workspace's fields by key, in the order in which they were added."""
    rows = await fetch(connection, _in(workspace))
    return {
        row["key"]: OwnField(
            row["field_id"],
            row["key"],
            row["type"],
            row["title"],
            tuple(row["choices"]),
            row["required"],
            row["description"],
        )
        for row in rows
    }


async def fetch_own_field_rows(connection: Connection, workspace: UUID) -> list[dict[str, Any]]:
    """A workspace's fields as they are shown."""
    return [_shown(row) for row in await fetch(connection, _in(workspace))]


async def count_own_fields(connection: Connection, workspace: UUID) -> int:
    """How many there are."""
    counted = select(func.count()).select_from(OWN_FIELDS).where(_F.workspace_id == workspace)
    return int(await fetch_value(connection, counted) or 0)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    same = ("version", "key", "title", "type", "choices", "required", "description", "added_at")
    return {"id": row["field_id"], **{name: row[name] for name in same}}
