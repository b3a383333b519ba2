"""Looks up many people at once: what is known of them, who fulfils a condition, who moves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch, fetch_value
from contacts.domain.conditions.tree import Condition, Leaf
from contacts.domain.conditions.truth import Traits
from contacts.read_models.people import PEOPLE, full_name
from contacts.read_models.traits import TRAITS
from contacts.segmenting.asking import fulfilling, misplaced, traits_statement

_T = TRAITS.c


async def fetch_traits(
    connection: Connection, workspace: UUID, people: Sequence[UUID], leaves: Iterable[Leaf]
) -> dict[UUID, Traits]:
    """What is known of these people that the leaves ask about; `merged_into` besides."""
    by_trait = {leaf.trait: leaf for leaf in leaves}
    if not people:
        return {}
    statement = traits_statement(workspace, people, list(by_trait.values()))
    found: dict[UUID, Traits] = {}
    for row in await fetch(connection, statement):
        traits = {name: row[f"t{i}"] for i, name in enumerate(by_trait)}
        found[row["person_id"]] = {**traits, "merged_into": row["merged_into"]}
    return found


async def fetch_fulfilling(
    connection: Connection,
    workspace: UUID,
    condition: Condition,
    now: datetime,
    owners: frozenset[UUID] | None,
    examples: int,
) -> tuple[int, list[dict[str, Any]]]:
    """How many people fulfil a condition, of those the caller sees, and some of them."""
    counted = fulfilling(workspace, condition, now, owners, func.count())
    count = int(await fetch_value(connection, counted) or 0)
    some = fulfilling(workspace, condition, now, owners, _T.person_id).limit(examples).subquery()
    p = PEOPLE.c
    named = select(p.person_id, p.first_name, p.last_name, p.email, p.phone).where(
        p.workspace_id == workspace, p.person_id.in_(select(some.c.person_id))
    )
    rows = await fetch(connection, named.order_by(p.sort_name, p.person_id)) if count else []
    people = [
        {"id": row["person_id"], "name": full_name(row), "email": row["email"]} for row in rows
    ]
    return count, people


async def fetch_misplaced(
    connection: Connection,
    workspace: UUID,
    condition: Condition,
    now: datetime,
    *,
    segment_id: UUID,
    after_id: UUID,
    most: int,
) -> list[UUID]:
    """People who have to enter a segment or to leave it, by id."""
    statement = misplaced(workspace, condition, now, segment_id).where(_T.person_id > after_id)
    rows = await fetch(connection, statement.order_by(_T.person_id).limit(most))
    return [row["person_id"] for row in rows]


async def fetch_some_people(
    connection: Connection, workspace: UUID, after_id: UUID, most: int
) -> list[UUID]:
    """People by id, for going through everybody in chunks."""
    statement = (
        select(_T.person_id)
        .where(_T.workspace_id == workspace, _T.person_id > after_id)
        .order_by(_T.person_id)
        .limit(most)
    )
    return [row["person_id"] for row in await fetch(connection, statement)]
