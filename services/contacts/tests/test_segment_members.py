"""Who is and was in a segment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.membership import MembershipsErased, SegmentEntered, SegmentLeft
from contacts.read_models.segment_members import SEGMENT_MEMBERS_PROJECTION, STAYS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ID, ADA = new_id(), new_id()


def test_a_stay_lasts_from_entering_to_leaving_and_there_can_be_several() -> None:
    book = History()
    events = [
        book.add("membership", ADA, SegmentEntered(ADA, ID, "condition", occurred_at=NOON)),
        book.add("membership", ADA, SegmentLeft(ADA, ID, NOON, "condition", occurred_at=LATER)),
        book.add("membership", ADA, SegmentEntered(ADA, ID, "by-hand", occurred_at=LATER)),
    ]
    rows = project(SEGMENT_MEMBERS_PROJECTION, *events)[STAYS]
    stays = {(row["entered_at"], row["left_at"], row["came_by"]) for row in rows}
    assert stays == {(NOON, LATER, "condition"), (LATER, None, "by-hand")}
    events.append(book.add("membership", ADA, MembershipsErased(ADA, (ID,), occurred_at=LATER)))
    assert project(SEGMENT_MEMBERS_PROJECTION, *events)[STAYS] == []
