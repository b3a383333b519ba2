"""Companies with sector and country."""

from __future__ import annotations

from analytics.read_models.known_companies import KNOWN_COMPANIES, PROJECTION
from analytics.received import CompanyProfileChanged, CompanyRenamed
from analytics.testing import Story, noon
from chassis.testing.projections import project


def test_a_company_is_known_as_it_is_now(story: Story) -> None:
    acme, at = story.company("Acme", "toys"), noon("2017-01-01")
    renamed = CompanyRenamed(company_id=acme, name="Acme Inc", occurred_at=at)
    changed = CompanyProfileChanged(company_id=acme, sector="tools", country="FR", occurred_at=at)
    story.tell("company", acme, renamed)
    story.tell("company", acme, changed)
    rows = project(PROJECTION, *story.events, workspace=story.workspace)[KNOWN_COMPANIES]
    assert rows == [{"company_id": acme, "name": "Acme Inc", "sector": "tools", "country": "FR"}]
