"""Idempotency keys of requests whose effect is no event: the same table, so the same promise."""

from __future__ import annotations

from datetime import datetime

from chassis.decider import key_reused
from chassis.ports import Context
from chassis.postgres.database import Connection

_CLAIM = """
insert into log.commands (workspace_id, key, fingerprint, stream, version, at)
values ($1, $2, $3, $4, 0, $5) on conflict do nothing
"""
_KNOWN = "select stream, fingerprint from log.commands where workspace_id = $1 and key = $2"


async def claim_key(
    connection: Connection, context: Context, thing: str, at: datetime
) -> str | None:
    """Note that `thing` answers the request with this key; what answered it before, if any did.

    In the transaction that makes the thing. Raises BadInput if the key came with another request.
    """
    if context.key is None:
        return None
    done = await connection.execute(
        _CLAIM, context.workspace, context.key, context.fingerprint, thing, at
    )
    if done == "INSERT 0 1":
        return None
    known = await connection.fetchrow(_KNOWN, context.workspace, context.key)
    if known["fingerprint"] != context.fingerprint:
        raise key_reused()
    return str(known["stream"])
