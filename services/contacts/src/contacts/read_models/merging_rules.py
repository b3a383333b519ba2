"""From which likeness on are duplicates merged by themselves?"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Column, Float, Uuid, select

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch_value
from chassis.projection import Change, Projection, Put, read_table
from contacts.domain.merging_rule import MergingRuleSet

MERGING_RULES = read_table(
    "merging_rules", Column("rule_id", Uuid), Column("threshold", Float), key=("rule_id",)
)


def project(recorded: Recorded[MergingRuleSet]) -> Iterable[Change]:
    """One row per workspace."""
    event = recorded.event
    yield Put(MERGING_RULES, (event.rule_id,), {"threshold": event.threshold})


MERGING_RULES_PROJECTION = Projection(
    "merging_rules", 1, (MergingRuleSet,), (MERGING_RULES,), project
)


async def fetch_threshold(connection: Connection, workspace: UUID) -> float | None:
    """The threshold; None if nothing is merged by itself."""
    rule = MERGING_RULES.c
    statement = select(rule.threshold).where(rule.workspace_id == workspace)
    found: float | None = await fetch_value(connection, statement)
    return found
