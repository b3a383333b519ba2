"""What somebody may see of the last hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from analytics.live_answers import told
from analytics.testing import principal
from chassis.http.principal import AGGREGATE, OWN
from chassis.ids import new_id

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADA, BOB = new_id(), new_id()


def row(**more: Any) -> dict[str, Any]:
    won = [
        {"owner_id": str(ADA), "currency": "EUR", "deals": 1, "amount_minor": 100_00},
        {"owner_id": str(BOB), "currency": "EUR", "deals": 2, "amount_minor": 50_00},
        {"owner_id": None, "currency": "USD", "deals": 1, "amount_minor": 7_00},
    ]
    snapshot = {
        "events_last_minute": 4,
        "events_last_hour": 9,
        "minutes": [0] * 59 + [4],
        "types": [],
        "won": won,
        "recent": [{"type": "pipeline.deal-won.v1", "stream": "deal-1"}],
    }
    return {"at": NOON, "snapshot": snapshot, "changes": 3} | more


def test_amounts_are_told_by_currency_in_major_units() -> None:
    body = told(row(), NOON, principal(new_id()))
    assert body["status"] == "live"
    assert [(w["currency"], w["deals"], w["amount"]) for w in body["won_last_hour"]] == [
        ("EUR", 3, 150.0),
        ("USD", 1, 7.0),
    ]
    assert body["recent"] == [{"type": "pipeline.deal-won.v1", "stream": "deal-1"}]


def test_a_sales_representative_sees_what_the_own_team_won() -> None:
    rep = principal(new_id(), "sales_representative", sees=OWN, owners={ADA})
    body = told(row(), NOON, rep)
    assert [w["amount"] for w in body["won_last_hour"]] == [100.0, 7.0]
    assert body["recent"] == [{"type": "pipeline.deal-won.v1"}]


def test_who_sees_aggregates_sees_no_single_records() -> None:
    manager = principal(new_id(), "marketing_manager", sees=AGGREGATE)
    body = told(row(), NOON, manager)
    assert [w["amount"] for w in body["won_last_hour"]] == [150.0, 7.0]
    assert body["recent"] == [{"type": "pipeline.deal-won.v1"}]


def test_without_a_sign_of_life_it_is_down_and_says_so() -> None:
    for quiet in (row(at=NOON - timedelta(seconds=11)), row(at=None)):
        body = told(quiet, NOON, principal(new_id()))
        assert body["status"] == "down"
        assert "not running" in body["detail"]
        assert (body["events_last_hour"], body["won_last_hour"]) == (0, [])


def test_a_quiet_workspace_is_live_with_nothing() -> None:
    body = told(row(snapshot=None, changes=None), NOON, principal(new_id()))
    assert (body["status"], body["events_last_hour"], body["changes"]) == ("live", 0, 0)
