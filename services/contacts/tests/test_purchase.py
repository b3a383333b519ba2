"""A purchase: recorded, found to have more lines, cancelled; and what its lines come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chassis.errors import BadInput, Conflict, NotFound
from chassis.ids import new_id
from chassis.ports import Claim
from chassis.testing.deciders import given
from contacts.domain.purchase import (
    LINES_MOST,
    PURCHASE,
    AddPurchaseLines,
    CancelPurchase,
    PurchaseCancelled,
    PurchaseLinesAdded,
    PurchaseRecorded,
    RecordPurchase,
)
from contacts.domain.purchase_line import AMOUNT_MOST, PurchaseLine, purchase_line

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ORDER, ADA = new_id(), new_id()
TEA = purchase_line(2, Decimal(250), "T1", "Tea")
CUP = purchase_line(1, Decimal(1200), title="Cup")

recorded = PurchaseRecorded(
    ORDER, ADA, "EUR", (TEA, CUP), 1700, "17", "till", "shop", occurred_at=NOON
)
added = PurchaseLinesAdded(ORDER, ADA, "EUR", (CUP,), 1200, 2900, occurred_at=NOON)
cancelled = PurchaseCancelled(ORDER, ADA, "EUR", 2900, "17", "twice", occurred_at=LATER)


def record(**changes: Any) -> RecordPurchase:
    fields: dict[str, Any] = {
        "purchase_id": ORDER,
        "lines": (TEA, CUP),
        "currency": "EUR",
        "bought_at": NOON,
        "at": LATER,
        "person_id": ADA,
        "number": " 17 ",
        "source": "till",
        "channel": "shop",
    }
    return RecordPurchase(**{**fields, **changes})


def test_a_purchase_is_recorded_when_it_was_made_with_what_it_came_to() -> None:
    given(PURCHASE).when(record()).then(recorded)
    given(PURCHASE, recorded).when(record()).then_refused(Conflict)
    nobodys = PurchaseRecorded(ORDER, None, "EUR", (TEA,), 500, occurred_at=NOON)
    told = record(lines=(TEA,), person_id=None, number=None, source=None, channel=" ")
    given(PURCHASE).when(told).then(nobodys)


@pytest.mark.parametrize(
    ("changes", "saying"),
    [
        ({"lines": ()}, "at least one line"),
        ({"currency": "euro"}, "no currency"),
        ({"bought_at": LATER + timedelta(hours=1)}, "future"),
        ({"lines": (purchase_line(1, Decimal(AMOUNT_MOST - 1), "X"),) * 2}, "out of bounds"),
        ({"number": "7" * 101}, "too many"),
    ],
)
def test_what_no_receipt_says_is_refused(changes: Any, saying: str) -> None:
    given(PURCHASE).when(record(**changes)).then_refused(BadInput, saying)


def test_further_lines_were_bought_when_the_purchase_was() -> None:
    given(PURCHASE, recorded).when(AddPurchaseLines((CUP,))).then(added)
    given(PURCHASE, recorded).when(AddPurchaseLines(())).then_nothing()
    given(PURCHASE).when(AddPurchaseLines((CUP,))).then_refused(NotFound)
    huge = purchase_line(1, Decimal(AMOUNT_MOST - 1), "X")
    given(PURCHASE, recorded).when(AddPurchaseLines((huge,))).then_refused(BadInput, "bounds")
    state = given(PURCHASE, recorded, added).state()
    assert state is not None
    assert (state.lines, state.total_minor, state.bought_at) == ((TEA, CUP, CUP), 2900, NOON)


def test_an_event_holds_so_many_lines_that_a_message_holds_it() -> None:
    lines = (TEA,) * (2 * LINES_MOST + 1)
    first, *more = PURCHASE.decide(record(lines=lines), None)
    assert isinstance(first, PurchaseRecorded)
    assert (len(first.lines), first.total_minor) == (LINES_MOST, 500 * LINES_MOST)
    told = [(len(e.lines), e.total_minor) for e in more if isinstance(e, PurchaseLinesAdded)]
    assert told == [(LINES_MOST, 1000 * LINES_MOST), (1, 1000 * LINES_MOST + 500)]
    state = PURCHASE.fold([first, *more])
    assert state is not None
    assert state.lines == lines


def test_a_cancelled_purchase_stays_cancelled_and_gets_no_more_lines() -> None:
    cancel = CancelPurchase(LATER, " twice ")
    given(PURCHASE, recorded, added).when(cancel).then(cancelled)
    given(PURCHASE, recorded, added, cancelled).when(cancel).then_nothing()
    refused = given(PURCHASE, recorded, cancelled).when(AddPurchaseLines((CUP,)))
    refused.then_refused(Conflict, "cancelled on 2026-03-03")
    given(PURCHASE).when(cancel).then_refused(NotFound)


def test_a_number_is_held_for_good_within_its_source() -> None:
    assert list(PURCHASE.claims(recorded)) == [Claim("purchase_number", "till\x1f17")]
    without = PurchaseRecorded(ORDER, None, "EUR", (TEA,), 500, occurred_at=NOON)
    for event in (without, added, cancelled):
        assert list(PURCHASE.claims(event)) == []


def test_a_purchase_says_nothing_of_a_person_but_who_it_is() -> None:
    for event in PURCHASE.events:
        assert event.subject_field is None


def test_a_log_that_begins_in_the_middle_is_not_folded() -> None:
    with pytest.raises(AssertionError):
        PURCHASE.fold([added])


# --- lines


@pytest.mark.parametrize(
    ("quantity", "price", "amount", "whole", "exact"),
    [
        (6, "255", 1530, 255, None),
        (-6, "255", -1530, 255, None),
        (1, "0.1", 0, 0, "0.1"),
        (1000, "0.1", 100, 0, "0.1"),
        (5, "0.1", 1, 0, "0.1"),
        (-5, "0.1", -1, 0, "0.1"),
        (3, "33.333333", 100, 33, "33.333333"),
        (1, "255.000", 255, 255, None),
        (1, "-1106206", -1106206, -1106206, None),
        (0, "255", 0, 255, None),
    ],
)
def test_the_amount_of_a_line_is_rounded_once_and_its_price_not_at_all(
    quantity: int, price: str, amount: int, whole: int, exact: str | None
) -> None:
    line = purchase_line(quantity, Decimal(price), "X")
    assert line == PurchaseLine(quantity, whole, amount, "X", None, exact)


@pytest.mark.parametrize(
    ("quantity", "price", "title", "pointer"),
    [
        (1, "100", " ", "#/lines/3/title"),
        (1, "100", "x" * 301, "#/title"),
        (10**9 + 1, "1", "X", "#/lines/3/quantity"),
        (1, str(AMOUNT_MOST), "X", "#/lines/3/unit_price_minor"),
        (1, "1e40", "X", "#/lines/3/unit_price_minor"),
        (10**9, "1000000", "X", "#/lines/3/unit_price_minor"),
        (1, "0.0000001", "X", "#/lines/3/unit_price_minor"),
    ],
)
def test_a_line_that_cannot_be_is_refused_at_its_place(
    quantity: int, price: str, title: str, pointer: str
) -> None:
    with pytest.raises(BadInput) as refused:
        purchase_line(quantity, Decimal(price), title=title, pointer="#/lines/3")
    assert refused.value.extra["errors"][0]["pointer"] == pointer
