"""Who belongs to the workspace: one row per user."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.projections import History, project
from identity.domain.user_events import (
    PasswordSet,
    UserAdded,
    UserDeactivated,
    UserEmailChanged,
    UserJoinedTeam,
    UserReactivated,
    UserRenamed,
    UserRoleChanged,
    UserSignedIn,
)
from identity.read_models.users import USERS, USERS_LIST

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANNA, TEAM = new_id(), new_id()


def test_a_user_is_shown_as_last_changed() -> None:
    book = History()
    added = UserAdded(ANNA, "Ána", "a@x.org", "administrator", None, True, "7", occurred_at=NOON)
    events = [
        added,
        PasswordSet(ANNA, ANNA, occurred_at=NOON),
        UserSignedIn(ANNA, new_id(), None, None, occurred_at=NOON),
        UserRenamed(ANNA, "Ána Öst", occurred_at=NOON),
        UserEmailChanged(ANNA, "b@x.org", "a@x.org", occurred_at=NOON),
        UserRoleChanged(ANNA, "marketing_manager", occurred_at=NOON),
        UserJoinedTeam(ANNA, TEAM, occurred_at=NOON),
        UserDeactivated(ANNA, occurred_at=NOON),
    ]
    recorded = [book.add("user", ANNA, event) for event in events]
    assert project(USERS_LIST, *recorded)[USERS] == [
        {
            "user_id": ANNA,
            "name": "Ána Öst",
            "name_folded": "ana ost",
            "email": "b@x.org",
            "role": "marketing_manager",
            "team_id": TEAM,
            "active": False,
            "external_id": "7",
            "added_at": NOON,
            "version": 8,
        }
    ]
    back = book.add("user", ANNA, UserReactivated(ANNA, occurred_at=NOON))
    assert project(USERS_LIST, *recorded, back)[USERS][0]["active"] is True


def test_signing_in_does_not_move_the_version() -> None:
    book = History()
    added = UserAdded(ANNA, "Ana", None, "administrator", None, False, occurred_at=NOON)
    recorded = [
        book.add("user", ANNA, added),
        book.add("user", ANNA, UserSignedIn(ANNA, new_id(), None, None, occurred_at=NOON)),
    ]
    assert project(USERS_LIST, *recorded)[USERS][0]["version"] == 1
