"""A workspace's rule for duplicates: from which likeness on they are merged by themselves. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.decider import Decider
from chassis.events import Event
from contacts.domain.words import malformed

LEAST = 0.9
"""Nothing less likely is ever merged without somebody looking at it."""


class MergingRuleSet(Event, frozen=True, tag="contacts.merging-rule-set.v1"):
    """Duplicates at least this likely are merged by themselves from now on; null: none are."""

    rule_id: UUID
    threshold: float | None


@dataclass(frozen=True, slots=True)
class SetMergingRule:
    rule_id: UUID
    threshold: float | None
    at: datetime


def decide(command: SetMergingRule, threshold: float | None) -> list[MergingRuleSet]:
    """The rule is set, unless it is so already."""
    if command.threshold is not None and not LEAST <= command.threshold <= 1:
        raise malformed("threshold", f"It must be between {LEAST} and 1, or null.")
    if command.threshold == threshold:
        return []
    return [MergingRuleSet(command.rule_id, command.threshold, occurred_at=command.at)]


def evolve(_: float | None, event: MergingRuleSet) -> float | None:
    """The threshold after an event."""
    return event.threshold


MERGING_RULE: Decider[SetMergingRule, float | None, MergingRuleSet] = Decider(
    "merging_rule", None, decide, evolve, (MergingRuleSet,)
)
