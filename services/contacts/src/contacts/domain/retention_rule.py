"""A rule of retention: after how long without anything people are to be erased.

Pure: no I/O, no clock, no random. A rule erases nobody by itself: somebody looks at whom it finds
and runs it. Who has an open deal is never found, whatever a rule says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

from chassis.decider import Decider
from chassis.errors import Conflict, NotFound
from chassis.events import Event
from contacts.domain.words import malformed, tidy

MONTHS_MOST = 240
_DAYS_A_MONTH = 30.4375


class _Terms(Event, frozen=True):
    """`months` without anything. `segment_id`: of its members alone. `spare_consenting`: nobody who
    agrees to anything now. `spare_buyers`: nobody who ever bought something or won a deal."""

    rule_id: UUID
    name: str
    months: int
    segment_id: UUID | None = None
    spare_consenting: bool = True
    spare_buyers: bool = True


class RetentionRuleMade(_Terms, frozen=True, tag="contacts.retention-rule-made.v1"):
    """There is a rule of retention."""


class RetentionRuleChanged(_Terms, frozen=True, tag="contacts.retention-rule-changed.v1"):
    """A rule says this from now on."""


class RetentionRuleRemoved(Event, frozen=True, tag="contacts.retention-rule-removed.v1"):
    """A rule is not used any more."""

    rule_id: UUID


class RetentionRuleRun(Event, frozen=True, tag="contacts.retention-rule-run.v1"):
    """Somebody has those erased whom the rule found: `people`, nothing of whom was known since
    `before`. `run_id`: the work, of which the erasures have the id as correlation."""

    rule_id: UUID
    run_id: UUID
    people: int
    before: datetime


RetentionRuleEvent = (
    RetentionRuleMade | RetentionRuleChanged | RetentionRuleRemoved | RetentionRuleRun
)
RETENTION_RULE_EVENTS: tuple[type[RetentionRuleEvent], ...] = (
    RetentionRuleMade,
    RetentionRuleChanged,
    RetentionRuleRemoved,
    RetentionRuleRun,
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule says."""

    name: str
    months: int
    segment_id: UUID | None = None
    spare_consenting: bool = True
    spare_buyers: bool = True

    def before(self, now: datetime) -> datetime:
        """Nothing may have happened since then."""
        return now - timedelta(days=round(self.months * _DAYS_A_MONTH))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it stands."""

    rule_id: UUID
    terms: Terms
    removed: bool = False


@dataclass(frozen=True, slots=True)
class MakeRetentionRule:
    rule_id: UUID
    terms: Terms
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangeRetentionRule:
    """What is named in `changes` changes."""

    at: datetime
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RemoveRetentionRule:
    at: datetime


@dataclass(frozen=True, slots=True)
class RunRetentionRule:
    run_id: UUID
    people: int
    before: datetime
    at: datetime


RetentionRuleCommand = (
    MakeRetentionRule | ChangeRetentionRule | RemoveRetentionRule | RunRetentionRule
)


def evolve(rule: Rule | None, event: RetentionRuleEvent) -> Rule:
    """The rule after an event."""
    match event:
        case RetentionRuleMade() | RetentionRuleChanged():
            return Rule(event.rule_id, _terms(event))
        case RetentionRuleRemoved():
            assert rule is not None, "the log removes a rule that was never made"
            return replace(rule, removed=True)
        case RetentionRuleRun():
            assert rule is not None, "the log runs a rule that was never made"
            return rule
        case _:
            assert_never(event)


def _terms(event: _Terms) -> Terms:
    return Terms(
        event.name, event.months, event.segment_id, event.spare_consenting, event.spare_buyers
    )


def existing(rule: Rule | None) -> Rule:
    """The rule. Raises NotFound if there is none (any more)."""
    if rule is None or rule.removed:
        raise NotFound("There is no such rule of retention in this workspace (any more).")
    return rule


def decide(command: RetentionRuleCommand, rule: Rule | None) -> list[RetentionRuleEvent]:
    """What a command comes to."""
    match command:
        case MakeRetentionRule():
            terms = _checked(command.terms)
            return [RetentionRuleMade(command.rule_id, **_told(terms), occurred_at=command.at)]
        case ChangeRetentionRule():
            found = existing(rule)
            terms = _checked(replace(found.terms, **command.changes))
            if terms == found.terms:
                return []
            return [RetentionRuleChanged(found.rule_id, **_told(terms), occurred_at=command.at)]
        case RemoveRetentionRule():
            return [RetentionRuleRemoved(existing(rule).rule_id, occurred_at=command.at)]
        case RunRetentionRule():
            found = existing(rule)
            if not command.people:
                raise Conflict("The rule finds nobody: there is nothing to do.", code="nobody")
            return [
                RetentionRuleRun(
                    found.rule_id,
                    command.run_id,
                    command.people,
                    command.before,
                    occurred_at=command.at,
                )
            ]
        case _:
            assert_never(command)


def _checked(terms: Terms) -> Terms:
    name = tidy(terms.name, "name", most=100)
    if name is None:
        raise malformed("name", "Give the rule a name.")
    if not 1 <= terms.months <= MONTHS_MOST:
        raise malformed("months", f"It must be between 1 and {MONTHS_MOST}.")
    return replace(terms, name=name)


def _told(terms: Terms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in Terms.__slots__}


RETENTION_RULE: Decider[RetentionRuleCommand, Rule | None, RetentionRuleEvent] = Decider(
    "retention_rule", None, decide, evolve, RETENTION_RULE_EVENTS
)
