"""Templates as they are listed: what they say now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from campaigns.domain.template import TemplateDrafted, TemplateRevised
from campaigns.read_models.templates import PROJECTION, TEMPLATES
from chassis.ids import new_id
from chassis.testing.projections import History, project

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
ID = new_id()


def test_a_template_is_listed_as_it_was_last_revised() -> None:
    book, later = History(), NOON + timedelta(hours=1)
    rows = project(
        PROJECTION,
        book.add("template", ID, TemplateDrafted(ID, "A", "S", "html", "b", occurred_at=NOON)),
        book.add(
            "template", ID, TemplateRevised(ID, "B", "T", "mjml", "c", "t", occurred_at=later)
        ),
    )
    assert rows[TEMPLATES] == [
        {
            "template_id": ID,
            "version": 2,
            "name": "B",
            "subject": "T",
            "format": "mjml",
            "body": "c",
            "text": "t",
            "changed_at": later,
        }
    ]
