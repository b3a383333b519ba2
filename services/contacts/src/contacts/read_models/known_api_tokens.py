"""Which API token is whose, and from when to when was it good? For looking into a breach."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Text, Uuid, select

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch, fetch_one
from chassis.projection import Change, Projection, Put, read_table
from contacts.received import ApiTokenMade, ApiTokenRevoked

KNOWN_API_TOKENS = read_table(
    "known_api_tokens",
    Column("token_id", Uuid),
    Column("user_id", Uuid),
    Column("name", Text),
    Column("made_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    key=("token_id",),
)


def project(recorded: Recorded[ApiTokenMade | ApiTokenRevoked]) -> Iterable[Change]:
    """A token is good from when it is made until it is revoked, or expires."""
    match recorded.event:
        case ApiTokenMade() as e:
            columns: dict[str, Any] = {
                "user_id": e.user_id,
                "name": e.name,
                "made_at": recorded.recorded_at,
                "expires_at": e.expires_at,
            }
            yield Put(KNOWN_API_TOKENS, (e.token_id,), columns)
        case ApiTokenRevoked() as e:
            revoked = {"revoked_at": recorded.recorded_at}
            yield Put(KNOWN_API_TOKENS, (e.token_id,), revoked)


KNOWN_API_TOKENS_PROJECTION = Projection(
    "known_api_tokens", 1, (ApiTokenMade, ApiTokenRevoked), (KNOWN_API_TOKENS,), project
)

# --- fetching

_T = KNOWN_API_TOKENS.c
_SHOWN = (
    _T.token_id.label("id"),
    _T.user_id,
    _T.name,
    _T.made_at,
    _T.expires_at,
    _T.revoked_at,
)


async def fetch_api_tokens(connection: Connection, workspace: UUID) -> list[dict[str, Any]]:
    """The latest 500 tokens, those that are no good any more, too."""
    statement = select(*_SHOWN).where(_T.workspace_id == workspace, _T.name.is_not(None))
    rows = await fetch(connection, statement.order_by(_T.made_at.desc(), _T.token_id).limit(500))
    return [dict(row) for row in rows]


async def fetch_api_token(
    connection: Connection, workspace: UUID, token_id: UUID
) -> dict[str, Any] | None:
    """One token."""
    statement = select(*_SHOWN).where(_T.workspace_id == workspace, _T.token_id == token_id)
    row = await fetch_one(connection, statement)
    return dict(row) if row else None
