"""From which likeness on duplicates are merged by themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chassis.errors import BadInput
from chassis.ids import new_id
from chassis.testing.deciders import given
from contacts.domain.merging_rule import MERGING_RULE, MergingRuleSet, SetMergingRule

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULE = new_id()


def test_a_threshold_is_set_and_taken_away() -> None:
    was = MergingRuleSet(RULE, 0.99, occurred_at=NOON)
    given(MERGING_RULE).when(SetMergingRule(RULE, 0.99, NOON)).then(was)
    given(MERGING_RULE, was).when(SetMergingRule(RULE, 0.99, NOON)).then_nothing()
    given(MERGING_RULE, was).when(SetMergingRule(RULE, None, NOON)).then(
        MergingRuleSet(RULE, None, occurred_at=NOON)
    )


@pytest.mark.parametrize("threshold", [0.5, 1.5])
def test_what_is_a_guess_is_never_merged_by_itself(threshold: float) -> None:
    given(MERGING_RULE).when(SetMergingRule(RULE, threshold, NOON)).then_refused(BadInput, "0.9")
