"""Deals with a person or a company, by title and owner."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.read_models.known_deals import KNOWN_DEALS, KNOWN_DEALS_PROJECTION
from contacts.received import DealAssigned, DealOpened, DealRelinked, DealRetitled

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_deal_is_known_by_its_latest_title_owner_and_links() -> None:
    book, deal, ada, acme, bob = History(), new_id(), new_id(), new_id(), new_id()
    opened = DealOpened(deal, "Lamp", "lead", 100, "EUR", contact_id=ada, occurred_at=NOON)
    rows = project(
        KNOWN_DEALS_PROJECTION,
        book.add("deal", deal, opened),
        book.add("deal", deal, DealRetitled(deal, "Lamps", occurred_at=NOON)),
        book.add("deal", deal, DealAssigned(deal, bob, occurred_at=NOON)),
        book.add("deal", deal, DealRelinked(deal, None, acme, occurred_at=NOON)),
    )
    assert rows[KNOWN_DEALS] == [
        {
            "deal_id": deal,
            "title": "Lamps",
            "contact_id": None,
            "company_id": acme,
            "owner_id": bob,
        }
    ]
