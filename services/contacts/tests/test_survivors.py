"""Which record answers for this one?"""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.person.events import PersonErased, PersonMerged, PersonUnmerged
from contacts.read_models.survivors import SURVIVORS, SURVIVORS_PROJECTION

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_row_lasts_as_long_as_another_record_answers() -> None:
    book = History()
    ada, copy, other = new_id(), new_id(), new_id()
    events = [
        book.add("person", copy, PersonMerged(copy, ada, occurred_at=NOON)),
        book.add("person", other, PersonMerged(other, ada, occurred_at=NOON)),
        book.add("person", copy, PersonMerged(copy, other, occurred_at=NOON)),
    ]
    rows = project(SURVIVORS_PROJECTION, *events)[SURVIVORS]
    assert {row["person_id"]: row["survivor_id"] for row in rows} == {copy: other, other: ada}
    events += [
        book.add("person", copy, PersonUnmerged(copy, other, occurred_at=NOON)),
        book.add("person", other, PersonErased(other, occurred_at=NOON)),
    ]
    assert project(SURVIVORS_PROJECTION, *events)[SURVIVORS] == []
