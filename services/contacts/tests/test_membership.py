"""In which segments one person is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chassis.ids import new_id
from chassis.testing.deciders import given
from contacts.domain.membership import (
    MEMBERSHIP,
    EraseMemberships,
    MembershipsErased,
    Rest,
    Return,
    SegmentEntered,
    SegmentLeft,
    Settle,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ADA, ONE, TWO = new_id(), new_id(), new_id()
entered = SegmentEntered(ADA, ONE, "condition", occurred_at=NOON)
left = SegmentLeft(ADA, ONE, NOON, "condition", occurred_at=LATER)


def test_who_is_in_does_not_enter_again_and_who_is_out_does_not_leave() -> None:
    enter = Settle(ADA, NOON, "condition", enter=frozenset((ONE,)))
    leave = Settle(ADA, LATER, "condition", leave=frozenset((ONE,)))
    given(MEMBERSHIP).when(enter).then(entered)
    given(MEMBERSHIP, entered).when(enter).then_nothing()
    given(MEMBERSHIP, entered).when(leave).then(left)
    given(MEMBERSHIP, entered, left).when(leave).then_nothing()


def test_a_merged_record_leaves_all_and_returns_to_those_it_is_wanted_in() -> None:
    other = SegmentEntered(ADA, TWO, "by-hand", occurred_at=NOON)
    rested = [SegmentLeft(ADA, id_, NOON, "merge", occurred_at=LATER) for id_ in (ONE, TWO)]
    given(MEMBERSHIP, entered, other).when(Rest(ADA, LATER)).then(*rested)
    back = Return(ADA, LATER, frozenset((TWO,)))
    given(MEMBERSHIP, entered, other, *rested).when(back).then(
        SegmentEntered(ADA, TWO, "unmerge", occurred_at=LATER)
    )
    given(MEMBERSHIP, entered, other).when(back).then_nothing()


def test_nobody_returns_to_where_they_were_taken_out_since() -> None:
    rest = SegmentLeft(ADA, ONE, NOON, "merge", occurred_at=LATER)
    again = SegmentEntered(ADA, ONE, "unmerge", occurred_at=LATER)
    out = SegmentLeft(ADA, ONE, LATER, "by-hand", occurred_at=LATER)
    back = Return(ADA, LATER, frozenset((ONE,)))
    given(MEMBERSHIP, entered, rest, again, out).when(back).then_nothing()


def test_an_erased_person_is_in_no_segment_and_it_is_told_once() -> None:
    erased = MembershipsErased(ADA, (ONE,), occurred_at=LATER)
    given(MEMBERSHIP, entered).when(EraseMemberships(ADA, LATER)).then(erased)
    given(MEMBERSHIP, entered, erased).when(EraseMemberships(ADA, LATER)).then_nothing()
    given(MEMBERSHIP).when(EraseMemberships(ADA, LATER)).then_nothing()
