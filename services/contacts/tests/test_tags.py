"""Tags in use and how many people carry each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.person.events import PersonAdded, PersonErased, PersonTagged, PersonUntagged
from contacts.read_models.tags import TAGS, TAGS_PROJECTION

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_each_spelling_is_counted_by_the_people_who_carry_it() -> None:
    book, ada, bob = History(), new_id(), new_id()
    nothing: dict[str, Any] = {"emails": (), "phones": (), "custom": {}, "occurred_at": NOON}
    events = [
        book.add("person", ada, PersonAdded(ada, "Ada", "", tags=("VIP", "math"), **nothing)),
        book.add("person", bob, PersonAdded(bob, "Bob", "", tags=(), **nothing)),
        book.add("person", bob, PersonTagged(bob, "vip", occurred_at=NOON)),
        book.add("person", bob, PersonTagged(bob, "math", occurred_at=NOON)),
        book.add("person", bob, PersonUntagged(bob, "math", occurred_at=NOON)),
    ]
    rows = project(TAGS_PROJECTION, *events)[TAGS]
    assert {row["tag"]: row["people"] for row in rows} == {"VIP": 1, "math": 1, "vip": 1}
    gone = PersonErased(ada, tags=("VIP", "math"), occurred_at=NOON)
    rows = project(TAGS_PROJECTION, *events, book.add("person", ada, gone))[TAGS]
    assert {row["tag"]: row["people"] for row in rows} == {"VIP": 0, "math": 0, "vip": 1}
    assert TAGS_PROJECTION.shared == (TAGS,)
