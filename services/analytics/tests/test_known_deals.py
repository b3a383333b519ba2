"""What is known of deals, now and at any moment."""

from __future__ import annotations

import pytest

from analytics.moment import Moment
from analytics.read_models.known_deals import (
    DEAL_ASSIGNMENTS,
    DEAL_LINKS,
    KNOWN_DEALS,
    PROJECTION,
    deals_as_of,
)
from analytics.testing import Bench, Story, noon
from chassis.postgres.statements import fetch
from chassis.testing.projections import project


def test_a_deal_is_known_as_it_is_and_as_it_was_opened(story: Story) -> None:
    ada, bob = story.user("Ada"), story.user("Bob")
    acme, lamp = story.company("Acme"), story.product("Lamp")
    deal = story.deal(1, "2017-01-05", owner=ada, source="web", title="Lamps")
    deal.assign(bob, "2017-02-01").relink("2017-02-02", company=acme, product=lamp)
    rows = project(PROJECTION, *story.events, workspace=story.workspace)
    [row] = rows[KNOWN_DEALS]
    assert (row["title"], row["owner_id"], row["first_owner_id"]) == ("Lamps", bob, ada)
    assert (row["company_id"], row["first_company_id"]) == (acme, None)
    assert len(rows[DEAL_ASSIGNMENTS]) == len(rows[DEAL_LINKS]) == 1


@pytest.mark.integration
async def test_the_owner_is_the_one_of_the_asked_moment(bench: Bench, story: Story) -> None:
    ada, bob, cyd = (story.user(name) for name in ("Ada", "Bob", "Cyd"))
    deal = story.deal(1, "2017-01-05", owner=ada)
    deal.assign(bob, "2017-02-01", known="2017-02-10").assign(cyd, "2017-03-01")
    await bench.load(story)
    for moment, owner in (
        (Moment(), cyd),
        (Moment(as_of=noon("2017-02-15")), bob),
        (Moment(as_of=noon("2017-01-15")), ada),
        (Moment(known_at=noon("2017-02-05")), ada),
        (Moment(as_of=noon("2017-02-15"), known_at=noon("2017-02-12")), bob),
    ):
        async with bench.api.connection(story.workspace) as connection:
            statement = deals_as_of(story.workspace, moment).select()
            [row] = await fetch(connection, statement)
        assert row["owner_id"] == owner


@pytest.mark.integration
async def test_company_and_product_are_those_of_the_asked_moment(
    bench: Bench, story: Story
) -> None:
    acme, lamp = story.company("Acme"), story.product("Lamp")
    story.deal(1, "2017-01-05", product=lamp).relink("2017-02-02", company=acme, product=None)
    await bench.load(story)
    for moment, links in (
        (Moment(), (acme, None)),
        (Moment(as_of=noon("2017-02-01")), (None, lamp)),
        (Moment(as_of=noon("2017-02-03")), (acme, None)),
    ):
        async with bench.api.connection(story.workspace) as connection:
            [row] = await fetch(connection, deals_as_of(story.workspace, moment).select())
        assert (row["company_id"], row["product_id"]) == links
