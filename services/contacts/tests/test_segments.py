"""Which segments there are, and how many people are in each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.membership import MembershipsErased, SegmentEntered, SegmentLeft
from contacts.domain.segment import (
    SegmentAdded,
    SegmentArchived,
    SegmentConditionChanged,
    SegmentDescribed,
    SegmentRenamed,
    SegmentRestored,
)
from contacts.read_models.segments import SEGMENT_SIZES, SEGMENTS, SEGMENTS_PROJECTION

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID, ADA, BOB = new_id(), new_id(), new_id()
VIP = {"field": "tags", "is": "has", "value": "VIP"}


def test_a_row_says_what_the_segment_says_now() -> None:
    book = History()
    events = [
        book.add("segment", ID, event)
        for event in (
            SegmentAdded(ID, "Best", "dynamic", None, VIP, occurred_at=NOON),
            SegmentRenamed(ID, "Élite", "Best", occurred_at=NOON),
            SegmentDescribed(ID, "They buy.", occurred_at=NOON),
            SegmentConditionChanged(ID, {"not": VIP}, occurred_at=NOON),
            SegmentArchived(ID, occurred_at=NOON),
        )
    ]
    [row] = project(SEGMENTS_PROJECTION, *events)[SEGMENTS]
    expected: dict[str, Any] = {
        "version": 5,
        "name": "Élite",
        "sort_name": "elite",
        "description": "They buy.",
        "condition": {"not": VIP},
        "archived": True,
    }
    assert {name: row[name] for name in expected} == expected
    events.append(book.add("segment", ID, SegmentRestored(ID, occurred_at=NOON)))
    [row] = project(SEGMENTS_PROJECTION, *events)[SEGMENTS]
    assert row["archived"] is False


def test_members_are_counted_whoever_comes_and_goes() -> None:
    book = History()
    events = [
        book.add("membership", ADA, SegmentEntered(ADA, ID, "condition", occurred_at=NOON)),
        book.add("membership", BOB, SegmentEntered(BOB, ID, "by-hand", occurred_at=NOON)),
        book.add("membership", ADA, SegmentLeft(ADA, ID, NOON, "condition", occurred_at=NOON)),
        book.add("membership", BOB, MembershipsErased(BOB, (ID,), occurred_at=NOON)),
    ]
    for upto, expected in ((2, (2, 2, 0)), (3, (1, 2, 1)), (4, (0, 2, 2))):
        [row] = project(SEGMENTS_PROJECTION, *events[:upto])[SEGMENT_SIZES]
        assert (row["members"], row["entered"], row["left"]) == expected
