"""What a rule of retention says, and that running one is noted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chassis.errors import BadInput, Conflict, NotFound
from chassis.ids import new_id
from chassis.testing.deciders import given
from contacts.domain.retention_rule import (
    RETENTION_RULE,
    ChangeRetentionRule,
    MakeRetentionRule,
    RemoveRetentionRule,
    RetentionRuleChanged,
    RetentionRuleMade,
    RetentionRuleRemoved,
    RetentionRuleRun,
    RunRetentionRule,
    Terms,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID, RUN, SEGMENT = new_id(), new_id(), new_id()
made = RetentionRuleMade(ID, "Quiet", 36, None, True, True, occurred_at=NOON)
removed = RetentionRuleRemoved(ID, occurred_at=NOON)


def test_a_rule_is_made_changed_and_removed() -> None:
    given(RETENTION_RULE).when(MakeRetentionRule(ID, Terms(" Quiet ", 36), NOON)).then(made)
    changed = RetentionRuleChanged(ID, "Quiet", 24, SEGMENT, True, True, occurred_at=NOON)
    changes = {"months": 24, "segment_id": SEGMENT}
    given(RETENTION_RULE, made).when(ChangeRetentionRule(NOON, changes)).then(changed)
    given(RETENTION_RULE, made, changed).when(ChangeRetentionRule(NOON, changes)).then()
    given(RETENTION_RULE, made).when(RemoveRetentionRule(NOON)).then(removed)
    for command in (RemoveRetentionRule(NOON), RunRetentionRule(RUN, 1, NOON, NOON)):
        given(RETENTION_RULE, made, removed).when(command).then_refused(NotFound)


def test_a_rule_has_a_name_and_a_time() -> None:
    for terms in (Terms(" ", 36), Terms("x", 0), Terms("x", 241)):
        given(RETENTION_RULE).when(MakeRetentionRule(ID, terms, NOON)).then_refused(BadInput)
    given(RETENTION_RULE, made).when(ChangeRetentionRule(NOON, {"months": 0})).then_refused(
        BadInput
    )


def test_a_run_is_noted_unless_there_is_nobody() -> None:
    run = RetentionRuleRun(ID, RUN, 7, NOON, occurred_at=NOON)
    given(RETENTION_RULE, made).when(RunRetentionRule(RUN, 7, NOON, NOON)).then(run)
    given(RETENTION_RULE, made).when(RunRetentionRule(RUN, 0, NOON, NOON)).then_refused(Conflict)


def test_months_are_counted_back_from_now() -> None:
    assert Terms("x", 12).before(NOON) == NOON - timedelta(days=365)
