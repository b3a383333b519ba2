"""What happened, in words."""

from __future__ import annotations

from typing import Any

from gateway.web.sentences import timeline_text

ADA = {"id": "7", "name": "Ada"}


def told(sentence: str, **row: Any) -> str:
    return str(timeline_text({"type": "pipeline.deal-won.v1", "sentence": sentence, **row}))


def test_amounts_and_days_are_written_as_everywhere_on_the_pages() -> None:
    text = told("won the deal Shelves (1,500.00 EUR) on 2026-11-11")
    assert text == "Won the deal Shelves (€1,500) on 11 Nov 2026"
    assert told("changed it from 16.50 EUR to 2,000.00 CZK").endswith("from €16.50 to CZK 2,000")


def test_a_title_is_linked_and_left_as_it_is() -> None:
    deal = {"id": "1", "title": "Renewal <2026-01-01> for 5.00 EUR"}
    text = told("opened the deal Renewal <2026-01-01> for 5.00 EUR (10.00 EUR)", deal=deal)
    link = "Renewal &lt;2026-01-01&gt; for 5.00 EUR</a>"
    assert text == f'Opened the deal <a href="/pipeline/deals/1">{link} (€10)'


def test_who_did_it_and_whom_it_is_about_are_named() -> None:
    row = {"type": "contacts.interaction-logged.v1", "actor": {"name": "Mira"}, "person": ADA}
    text = str(timeline_text({**row, "sentence": "called this person"}))
    assert text == '<b>Mira</b> called <a href="/contacts/7">Ada</a>'


def test_mails_are_read_and_purchases_made_by_the_person() -> None:
    row = {"type": "contacts.purchase-recorded.v1", "actor": {"name": "Mira"}, "person": ADA}
    assert str(timeline_text({**row, "sentence": "bought Tea for 16.00 EUR"})) == (
        "<b>Ada</b> bought Tea for €16"
    )
