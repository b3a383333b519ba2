"""Histories, sentences and figures about groups: pure, and for people to read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from chassis.events import wire_name
from chassis.ids import new_id
from chassis.testing.projections import History
from contacts.domain.company import COMPANY, COMPANY_EVENTS, CompanyAdded, CompanyRenamed, facts
from contacts.domain.groups import large_enough
from contacts.domain.history import FieldChange, history, known_by
from contacts.domain.money import exact_minor_units, major_units, minor_units, readable
from contacts.domain.person.events import PERSON_EVENTS, PersonErased
from contacts.domain.purchase import PURCHASE_EVENTS
from contacts.domain.sentences import field_name, sentence
from contacts.read_models.timeline import TIMELINE_PROJECTION
from contacts.received import RECEIVED

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACME = new_id()
_TEA = {
    "total_minor": 123_456,
    "currency": "EUR",
    "first_title": "Tea",
    "first_quantity": 2,
    "lines": 3,
    "number": "17",
}
added = CompanyAdded(ACME, "Acme", occurred_at=NOON)
renamed = CompanyRenamed(ACME, "Beta", occurred_at=NOON + timedelta(days=1))


@dataclass(frozen=True)
class Box:
    """Something whose label can be changed."""

    label: str
    id: int = 1


def test_a_history_tells_each_field_that_changed_and_leaves_out_what_began_empty() -> None:
    book = History()
    events = [book.add("company", ACME, event) for event in (added, renamed)]
    first, second = history(events, COMPANY.evolve, facts)
    assert first.changes == ()
    assert second.changes == ()  # the name is told by the sentence

    def evolve(box: Box | None, event: Any) -> Box:
        return replace(box, label=event.name) if box else Box(event.name)

    first, second = history(events, evolve, lambda box: {"label": box.label, "id": box.id})
    assert first.changes == (FieldChange("label", None, "Acme"),)
    assert second.changes == (FieldChange("label", "Acme", "Beta"),)


def test_a_record_is_not_known_before_the_event_that_made_it() -> None:
    book = History()
    events = [book.add("company", ACME, event) for event in (added, renamed)]
    assert known_by(events, lambda r: r.occurred_at <= NOON) == events[:1]
    assert known_by(events, lambda r: r.occurred_at > NOON) == []
    assert known_by([], lambda r: True) == []


def test_every_event_of_a_timeline_has_a_sentence_of_its_own() -> None:
    said = {
        "changed": ["city", "time_zone"],
        "first_name": "Ada",
        "last_name": "King",
        "name": "Acme",
        "external_id": "7",
        "tag": "VIP",
        "owner": "Bob",
        "company": "Acme",
        "role": "Boss",
        "kind": "call",
        "fields": ("city", "tags.vip"),
        "channel": "email",
        "purpose": "news",
        "deal": "Lamps",
        "value_minor": 123_456,
        "from_value_minor": 0,
        "to_value_minor": 1,
        "from_stage": "lead",
        "to_stage": "offer",
        "closed_on": "2026-03-30",
        "reason": "price",
        "broadcast": "Spring news",
        "url": "https://x.example",
        **_TEA,
    }
    told = {
        wire_name(event): sentence(wire_name(event), said)
        for event in TIMELINE_PROJECTION.events
        if event is not PersonErased
    }
    assert told["contacts.person-profile-changed.v1"] == "changed city, time zone"
    assert told["pipeline.deal-moved.v1"] == "moved the deal Lamps from lead to offer"
    assert told["pipeline.deal-lost.v1"] == (
        "lost the deal Lamps (1,234.56 EUR) on 2026-03-30: price"
    )
    assert told["contacts.consent-withdrawn.v1"] == "recorded the end of consent to news by email"
    shortened = [
        name for name, text in told.items() if text == name.split(".")[1].replace("-", " ")
    ]
    assert shortened == [], "these events have no sentence"
    assert sentence("somebody.thing-happened.v1", {}) == "thing happened"
    assert field_name("parent_id") == "parent company"


def test_a_purchase_is_told_by_its_first_line_and_its_total() -> None:
    def told(what: str = "recorded", **said: Any) -> str:
        return sentence(f"contacts.purchase-{what}.v1", {**_TEA, **said})

    assert told() == "bought 2 × Tea and 2 more for 1,234.56 EUR"
    assert told(first_quantity=1, lines=1) == "bought Tea for 1,234.56 EUR"
    assert told(total_minor=-500, first_quantity=-2, lines=1) == "returned 2 × Tea for 5.00 EUR"
    assert told(lines=None) == "bought something"
    assert told("cancelled", reason="twice") == "cancelled the purchase 17 of 1,234.56 EUR: twice"
    assert told("cancelled", number=None) == "cancelled a purchase of 1,234.56 EUR"


def test_a_timeline_reads_what_this_service_publishes_and_receives() -> None:
    known = {*PERSON_EVENTS, *COMPANY_EVENTS, *PURCHASE_EVENTS, *RECEIVED}
    assert set(TIMELINE_PROJECTION.events) <= known


def test_money_is_shown_with_the_decimals_of_its_currency() -> None:
    assert readable(123_456, "EUR") == "1,234.56 EUR"
    assert readable(1234, "JPY") == "1,234 JPY"
    assert minor_units(Decimal("1100.04") * 1_000_000, "USD") == 110_004_000_000
    assert minor_units(Decimal("12"), "JPY") == 12
    assert exact_minor_units(Decimal("0.001"), "GBP") == Decimal("0.1")
    assert major_units(Decimal("0.1"), "GBP") == Decimal("0.001")


def test_groups_of_few_people_are_not_shown_and_cannot_be_told_by_subtraction() -> None:
    assert large_enough({"a": 9, "b": 5, "c": 4, "d": 2}) == ({"a": 9, "b": 5}, 6)
    assert large_enough({"a": 9, "b": 5, "c": 4}) == ({"a": 9}, 9)
    assert large_enough({"a": 9, "b": 1}) == ({}, 10)
    assert large_enough({"a": 9, "b": 5}) == ({"a": 9, "b": 5}, 0)
    assert large_enough({"a": 2}) == ({}, 2)
    assert large_enough({"a": 2}, 0) == ({"a": 2}, 0)
