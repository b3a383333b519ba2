"""Who looks alike and is not the same person?"""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.person.events import PersonToldApart, PersonUnmerged
from contacts.read_models.told_apart import TOLD_APART, TOLD_APART_PROJECTION

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_pair_is_told_apart_by_word_or_by_taking_back_a_merge() -> None:
    book, (one, two, three) = History(), sorted(new_id() for _ in range(3))
    rows = project(
        TOLD_APART_PROJECTION,
        book.add("person", one, PersonToldApart(one, two, occurred_at=NOON)),
        book.add("person", two, PersonUnmerged(two, one, occurred_at=NOON)),
        book.add("person", three, PersonUnmerged(three, two, occurred_at=NOON)),
    )
    pairs = [(row["person_id"], row["other_id"]) for row in rows[TOLD_APART]]
    assert pairs == [(one, two), (two, three)]
