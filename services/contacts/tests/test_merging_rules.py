"""From which likeness on are duplicates merged by themselves?"""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.merging_rule import MergingRuleSet
from contacts.read_models.merging_rules import MERGING_RULES, MERGING_RULES_PROJECTION

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_last_word_counts() -> None:
    book, rule = History(), new_id()
    events = [
        book.add("merging_rule", rule, MergingRuleSet(rule, threshold, occurred_at=NOON))
        for threshold in (0.99, None, 0.95)
    ]
    rows = project(MERGING_RULES_PROJECTION, *events)[MERGING_RULES]
    assert rows == [{"rule_id": rule, "threshold": 0.95}]
