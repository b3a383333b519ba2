"""From when to when an API token was good."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.read_models.known_api_tokens import KNOWN_API_TOKENS, KNOWN_API_TOKENS_PROJECTION
from contacts.received import ApiTokenMade, ApiTokenRevoked

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 9, 12, tzinfo=UTC)


def test_a_token_is_known_with_its_beginning_and_its_end() -> None:
    book, eve, token = History(), new_id(), new_id()
    made = book.add("user", eve, ApiTokenMade(eve, token, "Shop", LATER, occurred_at=NOON))
    [row] = project(KNOWN_API_TOKENS_PROJECTION, made)[KNOWN_API_TOKENS]
    assert row == {
        "token_id": token,
        "user_id": eve,
        "name": "Shop",
        "made_at": NOON,
        "expires_at": LATER,
        "revoked_at": None,
    }
    revoked = book.add("user", eve, ApiTokenRevoked(eve, token, occurred_at=LATER))
    [row] = project(KNOWN_API_TOKENS_PROJECTION, made, revoked)[KNOWN_API_TOKENS]
    assert (row["made_at"], row["revoked_at"], row["name"]) == (NOON, LATER, "Shop")
