"""The audit trail: one row per happening."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.projections import History, project
from identity.domain.user_events import (
    ApiTokenMade,
    ApiTokenRevoked,
    PasswordSet,
    SignInFailed,
    SignInLocked,
    UserAdded,
    UserDeactivated,
    UserReactivated,
    UserRoleChanged,
    UserSignedIn,
    UserSignedOut,
)
from identity.read_models.sign_ins import AUDIT, SIGN_INS

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANNA = new_id()


def test_every_happening_is_a_row_with_who_and_from_where() -> None:
    book, session, token = History(actor="user-9"), new_id(), new_id()
    events = [
        UserAdded(ANNA, "Ana", None, "administrator", None, False, occurred_at=NOON),
        UserSignedIn(ANNA, session, "192.0.2.1", "Firefox", occurred_at=NOON),
        SignInFailed(ANNA, "192.0.2.66", "curl", occurred_at=NOON),
        SignInLocked(ANNA, NOON, occurred_at=NOON),
        ApiTokenMade(ANNA, token, "Reports", ["deals.read", "ops"], occurred_at=NOON),
        ApiTokenRevoked(ANNA, token, occurred_at=NOON),
        UserRoleChanged(ANNA, "marketing_manager", occurred_at=NOON),
        PasswordSet(ANNA, ANNA, occurred_at=NOON),
        UserDeactivated(ANNA, occurred_at=NOON),
        UserReactivated(ANNA, occurred_at=NOON),
        UserSignedOut(ANNA, session, occurred_at=NOON),
    ]
    rows = project(AUDIT, *(book.add("user", ANNA, event) for event in events))[SIGN_INS]
    rows.sort(key=lambda row: int(row["version"]))
    assert [row["version"] for row in rows] == list(range(2, 12))
    assert [row["what"] for row in rows] == [
        "signed-in",
        "failed",
        "locked",
        "token-made",
        "token-revoked",
        "role-changed",
        "password-set",
        "deactivated",
        "reactivated",
        "signed-out",
    ]
    assert (rows[0]["address"], rows[0]["agent"]) == ("192.0.2.1", "Firefox")
    assert rows[2]["detail"] == "until 2026-03-01 12:00:00 UTC"
    assert rows[3]["detail"] == "Reports: deals.read, ops"
    assert {row["actor"] for row in rows} == {"user-9"}
