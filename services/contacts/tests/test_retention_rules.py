"""Which rules there are, and when each was run last."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.retention_rule import (
    RetentionRuleChanged,
    RetentionRuleMade,
    RetentionRuleRemoved,
    RetentionRuleRun,
)
from contacts.read_models.retention_rules import RETENTION_RULES, RETENTION_RULES_PROJECTION

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 9, 12, tzinfo=UTC)
ID = new_id()


def test_a_row_says_what_the_rule_says_now_and_when_it_was_run() -> None:
    book = History()
    events = [
        book.add("retention_rule", ID, event)
        for event in (
            RetentionRuleMade(ID, "Quiet", 36, occurred_at=NOON),
            RetentionRuleRun(ID, new_id(), 7, NOON, occurred_at=LATER),
            RetentionRuleChanged(ID, "Quieter", 48, None, True, False, occurred_at=LATER),
        )
    ]
    assert project(RETENTION_RULES_PROJECTION, *events)[RETENTION_RULES] == [
        {
            "rule_id": ID,
            "version": 3,
            "name": "Quieter",
            "months": 48,
            "segment_id": None,
            "spare_consenting": True,
            "spare_buyers": False,
            "run_at": LATER,
        }
    ]
    gone = book.add("retention_rule", ID, RetentionRuleRemoved(ID, occurred_at=LATER))
    assert project(RETENTION_RULES_PROJECTION, *events, gone)[RETENTION_RULES] == []
