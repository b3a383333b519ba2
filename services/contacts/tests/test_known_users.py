"""Names of those who work here."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.read_models.known_users import KNOWN_USERS, KNOWN_USERS_PROJECTION, may_see
from contacts.received import UserAdded, UserRenamed

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_user_goes_by_the_latest_name() -> None:
    book, user = History(), new_id()
    rows = project(
        KNOWN_USERS_PROJECTION,
        book.add("user", user, UserAdded(user, "Zoë", occurred_at=NOON)),
        book.add("user", user, UserRenamed(user, "Zoë King", occurred_at=NOON)),
    )
    assert rows[KNOWN_USERS] == [{"user_id": user, "name": "Zoë King", "folded": "zoe king"}]


def test_records_of_ones_own_and_of_nobody_are_seen() -> None:
    me, stranger = new_id(), new_id()
    assert may_see(stranger, None)
    assert may_see(None, frozenset({me}))
    assert may_see(me, frozenset({me}))
    assert not may_see(stranger, frozenset({me}))
