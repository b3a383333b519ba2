"""Which rules of retention are there, and when was each run last?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, Text, Uuid, select

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch, fetch_one
from chassis.projection import Change, Projection, Put, Remove, read_table
from contacts.domain.retention_rule import (
    RETENTION_RULE_EVENTS,
    RetentionRuleEvent,
    RetentionRuleRemoved,
    RetentionRuleRun,
)

RETENTION_RULES = read_table(
    "retention_rules",
    Column("rule_id", Uuid),
    Column("version", BigInteger),
    Column("name", Text),
    Column("months", Integer),
    Column("segment_id", Uuid),
    Column("spare_consenting", Boolean),
    Column("spare_buyers", Boolean),
    Column("run_at", DateTime(timezone=True)),
    key=("rule_id",),
)
_TERMS = ("name", "months", "segment_id", "spare_consenting", "spare_buyers")


def project(recorded: Recorded[RetentionRuleEvent]) -> Iterable[Change]:
    """What an event changes of a rule's row."""
    event, key = recorded.event, (recorded.event.rule_id,)
    if isinstance(event, RetentionRuleRemoved):
        yield Remove(RETENTION_RULES, key)
        return
    columns: dict[str, Any] = {"version": recorded.version}
    if isinstance(event, RetentionRuleRun):
        columns["run_at"] = event.occurred_at
    else:
        columns |= {name: getattr(event, name) for name in _TERMS}
    yield Put(RETENTION_RULES, key, columns)


RETENTION_RULES_PROJECTION = Projection(
    "retention_rules", 1, RETENTION_RULE_EVENTS, (RETENTION_RULES,), project
)

# --- fetching

_R = RETENTION_RULES.c


async def fetch_rules(connection: Connection, workspace: UUID) -> list[dict[str, Any]]:
    """All rules, by name; there are few."""
    mine = select(RETENTION_RULES).where(_R.workspace_id == workspace)
    rows = await fetch(connection, mine.order_by(_R.name, _R.rule_id).limit(500))
    return [_shown(row) for row in rows]


async def fetch_rule(
    connection: Connection, workspace: UUID, rule_id: UUID
) -> dict[str, Any] | None:
    """One rule."""
    mine = select(RETENTION_RULES).where(_R.workspace_id == workspace, _R.rule_id == rule_id)
    row = await fetch_one(connection, mine)
    return _shown(row) if row else None


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: row[name] for name in ("version", *_TERMS, "run_at")}
    return {"id": row["rule_id"], **told}
