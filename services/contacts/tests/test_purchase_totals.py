"""How much a person bought: counters that only add, whatever the order of the purchases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

from chassis.events import Event
from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.purchase import PurchaseCancelled, PurchaseLinesAdded, PurchaseRecorded
from contacts.domain.purchase_line import purchase_line
from contacts.read_models.purchase_totals import PURCHASE_TOTALS, PURCHASE_TOTALS_PROJECTION

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ADA = new_id()


def bought(order: UUID, total: int, currency: str = "EUR", person: UUID | None = ADA) -> Event:
    line = purchase_line(1 if total >= 0 else -1, Decimal(abs(total)), "X")
    return PurchaseRecorded(order, person, currency, (line,), total, occurred_at=NOON)


def more(order: UUID, amount: int, total: int) -> Event:
    return PurchaseLinesAdded(order, ADA, "EUR", (), amount, total, occurred_at=NOON)


def gone(order: UUID, total: int) -> Event:
    return PurchaseCancelled(order, ADA, "EUR", total, occurred_at=LATER)


def totals(*streams: tuple[UUID, list[Event]]) -> list[dict[str, Any]]:
    book = History()
    events = [book.add("purchase", order, event) for order, told in streams for event in told]
    return project(PURCHASE_TOTALS_PROJECTION, *events)[PURCHASE_TOTALS]


def row(purchases: int, bought: int, returns: int = 0, returned: int = 0) -> dict[str, Any]:
    return {
        "person_id": ADA,
        "currency": "EUR",
        "purchases": purchases,
        "bought_minor": bought,
        "returns": returns,
        "returned_minor": returned,
    }


def test_purchases_add_up_and_what_came_back_is_counted_by_itself() -> None:
    one, two, back = new_id(), new_id(), new_id()
    streams = [(one, [bought(one, 1000)]), (two, [bought(two, 500)]), (back, [bought(back, -300)])]
    assert totals(*streams) == [row(2, 1500, 1, -300)]


def test_the_order_of_purchases_does_not_matter() -> None:
    one, two, three = new_id(), new_id(), new_id()
    streams = [
        (one, [bought(one, 1000), more(one, 500, 1500)]),
        (two, [bought(two, 700), gone(two, 700)]),
        (three, [bought(three, -100), more(three, 400, 300)]),
    ]
    for order in permutations(streams):
        assert totals(*order) == [row(2, 1800)]


def test_further_lines_change_the_amount_and_can_make_a_return_of_a_purchase() -> None:
    one = new_id()
    assert totals((one, [bought(one, 1000), more(one, 500, 1500)])) == [row(1, 1500)]
    assert totals((one, [bought(one, 1000), more(one, -1500, -500)])) == [row(0, 0, 1, -500)]
    assert totals((one, [bought(one, -1000), more(one, 1500, 500)])) == [row(1, 500)]


def test_a_cancelled_purchase_or_return_counts_no_more() -> None:
    one, two = new_id(), new_id()
    lines = [bought(one, 1000), more(one, 500, 1500), gone(one, 1500)]
    assert totals((one, lines)) == [row(0, 0)]
    assert totals((two, [bought(two, -300), gone(two, -300)])) == [row(0, 0)]


def test_currencies_are_counted_apart_and_nobodys_purchases_not_at_all() -> None:
    one, two, three = new_id(), new_id(), new_id()
    streams = [
        (one, [bought(one, 1000)]),
        (two, [bought(two, 900, "USD")]),
        (three, [bought(three, 800, person=None)]),
    ]
    counted = {r["currency"]: r["bought_minor"] for r in totals(*streams)}
    assert counted == {"EUR": 1000, "USD": 900}


def test_the_rows_are_added_to_only() -> None:
    assert PURCHASE_TOTALS_PROJECTION.shared == (PURCHASE_TOTALS,)
