"""Timelines as answers: rows with names and a sentence each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from chassis.postgres.database import Connection
from contacts.api.access import Names, fetch_names, user_in
from contacts.domain.sentences import sentence
from contacts.read_models.timeline import TimelineWanted, fetch_timeline

CHANGES = ("added", "change", "tag", "owner", "company", "consent")
Kinds = Annotated[
    str | None,
    Query(
        description="Only these kinds, separated by commas: note, call, meeting, email, chat, "
        "deal, campaign, purchase, tag, owner, company, consent; change for all of "
        f"{', '.join(CHANGES)}."
    ),
]


async def shown_timeline(
    connection: Connection, wanted: TimelineWanted, kinds: str | None
) -> dict[str, Any]:
    """A page of a timeline."""
    named = [kind.strip() for kind in (kinds or "").split(",") if kind.strip()]
    expanded = [each for kind in named for each in (CHANGES if kind == "change" else (kind,))]
    rows, following = await fetch_timeline(connection, replace(wanted, kinds=tuple(expanded)))
    owners = [_id(row["data"].get(name)) for row in rows for name in ("owner_id",)]
    users = [*owners, *(user_in(row["actor"]) for row in rows)]
    names = await fetch_names(connection, wanted.workspace, users=users)
    return {"items": [_shown(row, names) for row in rows], "next": following}


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def _shown(row: Mapping[str, Any], names: Names) -> dict[str, Any]:
    data = dict(row["data"])
    if row["deal"] is not None:
        data |= {"deal_id": row["deal"]["id"], "title": row["deal"]["title"]}
    owner = names.user(_id(data.get("owner_id"))) or {"name": "nobody"}
    said = {
        **(row["purchase"] or {}),
        **data,
        "deal": (row["deal"] or {}).get("title") or "",
        "company": (row["company"] or {}).get("name") or "a company",
        "broadcast": (row["broadcast"] or {}).get("name") or "a mailing",
        "owner": owner["name"] or "somebody",
    }
    return {
        **row,
        "data": data,
        "text": data.get("text"),
        "sentence": sentence(row["type"], said),
        "actor": names.actor(row["actor"]),
    }
