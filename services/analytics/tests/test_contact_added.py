"""People and companies added as facts."""

from __future__ import annotations

from analytics.facts.contact_added import CONTACTS_ADDED, PROJECTION
from analytics.received import PersonAdded
from analytics.testing import Story, noon
from chassis.codec import Codec
from chassis.testing.projections import project


def test_a_person_and_a_company_are_facts_of_their_own(story: Story) -> None:
    owner = story.user("Ada")
    person = story.person("2017-01-05", known="2017-01-08", owner_id=owner, source="web")
    company = story.company("Acme", "toys", on="2017-01-06")
    rows = project(PROJECTION, *story.events, workspace=story.workspace)[CONTACTS_ADDED]
    found = {row["contact_id"]: row for row in rows}
    assert (found[person]["people"], found[person]["companies"]) == (1, 0)
    assert (found[person]["owner_id"], found[person]["source"]) == (owner, "web")
    assert found[person]["recorded_at"] == noon("2017-01-08")
    assert (found[company]["people"], found[company]["companies"]) == (0, 1)


def test_a_fact_holds_nothing_personal_and_needs_no_persons_key() -> None:
    assert not Codec([PersonAdded]).needs_key("contacts.person-added.v1")
