"""What becomes of a segment: named, asked otherwise, archived and used again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.errors import BadInput, Conflict, NotFound
from chassis.ids import new_id
from chassis.ports import Claim
from chassis.testing.deciders import given
from contacts.domain.segment import (
    SEGMENT,
    AddSegment,
    ArchiveSegment,
    ChangeSegment,
    RestoreSegment,
    SegmentAdded,
    SegmentArchived,
    SegmentConditionChanged,
    SegmentDescribed,
    SegmentRenamed,
    SegmentRestored,
    by_hand,
    claims,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID = new_id()
VIP: dict[str, Any] = {"field": "tags", "is": "has", "value": "VIP"}
PARIS: dict[str, Any] = {"field": "city", "is": "is", "value": "Paris"}
added = SegmentAdded(ID, "Best", "dynamic", None, VIP, occurred_at=NOON)
static = SegmentAdded(ID, "Best", "static", occurred_at=NOON)
archived = SegmentArchived(ID, occurred_at=NOON)


def test_a_segment_is_added_with_a_condition_or_without_any() -> None:
    given(SEGMENT).when(AddSegment(ID, "  Best ", "dynamic", NOON, None, VIP)).then(added)
    given(SEGMENT).when(AddSegment(ID, "Best", "static", NOON)).then(static)


@pytest.mark.parametrize(
    ("command", "saying"),
    [
        (AddSegment(ID, " ", "dynamic", NOON, None, VIP), "name"),
        (AddSegment(ID, "Best", "dynamic", NOON), "condition"),
        (AddSegment(ID, "Best", "dynamic", NOON, None, {"all": []}), "says nothing"),
        (AddSegment(ID, "Best", "static", NOON, None, VIP), "by hand"),
    ],
)
def test_what_makes_no_segment_is_refused(command: AddSegment, saying: str) -> None:
    given(SEGMENT).when(command).then_refused(BadInput, saying)


def test_only_what_is_otherwise_changes() -> None:
    changes = {"name": "Good", "description": "They buy.", "condition": PARIS}
    given(SEGMENT, added).when(ChangeSegment(NOON, changes)).then(
        SegmentRenamed(ID, "Good", "Best", occurred_at=NOON),
        SegmentDescribed(ID, "They buy.", occurred_at=NOON),
        SegmentConditionChanged(ID, PARIS, occurred_at=NOON),
    )
    same = {"name": "Best", "description": "", "condition": VIP}
    given(SEGMENT, added).when(ChangeSegment(NOON, same)).then_nothing()
    given(SEGMENT, static).when(ChangeSegment(NOON, {"condition": VIP})).then_refused(BadInput)
    given(SEGMENT).when(ChangeSegment(NOON, {})).then_refused(NotFound)


def test_an_archived_segment_rests_until_it_is_restored() -> None:
    given(SEGMENT, added).when(ArchiveSegment(NOON)).then(archived)
    given(SEGMENT, added, archived).when(ArchiveSegment(NOON)).then_nothing()
    given(SEGMENT, added, archived).when(ChangeSegment(NOON, {"name": "X"})).then_refused(
        Conflict, "Restore"
    )
    restored = SegmentRestored(ID, occurred_at=NOON)
    given(SEGMENT, added, archived).when(RestoreSegment(NOON)).then(restored)
    given(SEGMENT, added).when(RestoreSegment(NOON)).then_nothing()


def test_people_are_put_into_static_segments_only() -> None:
    assert by_hand(SEGMENT.fold([static])).name == "Best"
    with pytest.raises(Conflict, match="condition"):
        by_hand(SEGMENT.fold([added]))
    with pytest.raises(Conflict, match="archived"):
        by_hand(SEGMENT.fold([static, archived]))


def test_a_name_belongs_to_one_segment_whatever_its_case() -> None:
    assert list(claims(added)) == [Claim("segment_name", "best")]
    renamed = SegmentRenamed(ID, "Good", "Best", occurred_at=NOON)
    assert list(claims(renamed)) == [
        Claim("segment_name", "best", release=True),
        Claim("segment_name", "good"),
    ]
    assert list(claims(SegmentRenamed(ID, "BEST", "Best", occurred_at=NOON))) == []
