"""The shape of answers: links, held-back groups, what roles see."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest

from analytics.testing import Bench, Story, principal
from chassis.http.principal import AGGREGATE, OWN, Principal

pytestmark = pytest.mark.integration


def parameters(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def manager(story: Story) -> Principal:
    return principal(story.workspace, "marketing_manager", sees=AGGREGATE)


async def test_every_figure_links_to_the_events_behind_it(bench: Bench, story: Story) -> None:
    lamp = story.product("Lamp")
    story.deal(1, "2017-01-02", product=lamp).win("2017-02-10")
    await bench.load(story)
    body = await bench.ask(
        "revenue_won",
        story,
        group_by="product,month",
        from_="2017-02-05",
        as_of="2017-06-01",
        filter_source="(none)",
    )
    assert urlsplit(body["events_url"]).path == "/api/v1/kpis/revenue_won/events"
    [group] = body["series"]
    assert parameters(group["series"][0]["events_url"]) == {
        "from": "2017-02-05",
        "to": "2017-02-28",
        "filter[source]": "(none)",
        "filter[product]": str(lamp),
        "currency": "EUR",
        "as_of": "2017-06-01T23:59:59.999999Z",
    }


async def test_the_link_of_a_stock_leads_to_all_that_made_it(bench: Bench, story: Story) -> None:
    story.deal(1, "2017-01-02")
    await bench.load(story)
    body = await bench.ask("open_deals", story, group_by="month", to="2017-02-28")
    assert parameters(body["series"][1]["events_url"]) == {"to": "2017-02-28"}


async def test_following_the_links_gives_the_figures_again(bench: Bench, story: Story) -> None:
    for day in ("2017-01-10", "2017-01-11", "2017-02-10"):
        story.deal(1, "2017-01-02", source="web").win(day)
    story.deal(1, "2017-01-02").win("2017-01-20")
    await bench.load(story)
    body = await bench.ask("deals_won", story, group_by="source,month")
    for group in body["series"]:
        for point in (group, *group["series"]):
            asked = parameters(point["events_url"])
            named = {
                {"from": "from_"}.get(k, k.replace("[", "_").rstrip("]")): v
                for k, v in asked.items()
            }
            facts = await bench.facts("deals_won", story, **named)
            assert sum(fact["contribution"]["won"] for fact in facts) == point["value"]


async def test_a_listed_fact_names_its_event_its_stream_and_its_amount(
    bench: Bench, story: Story
) -> None:
    deal = story.deal(100_00, "2017-01-02", title="Lamps").win("2017-02-01", known="2017-02-03")
    event = story.events[-1]
    await bench.load(story)
    [fact] = await bench.facts("revenue_won", story)
    assert fact["event_id"] == event.id
    assert (fact["service"], fact["stream"]) == ("pipeline", f"deal-{deal.id}")
    assert (fact["occurred_at"], fact["recorded_at"]) == (event.occurred_at, event.recorded_at)
    assert fact["about"] == {"type": "deal", "id": deal.id, "title": "Lamps"}
    assert fact["amount"] == {"amount_minor": 100_00, "currency": "EUR", "amount": 100.0}
    assert fact["event_url"] == f"/api/v1/events?service=pipeline&ids={event.id}"


async def test_groups_of_too_few_people_are_held_back_from_aggregate_roles(
    bench: Bench, story: Story
) -> None:
    for source, count in (("web", 9), ("fair", 6), ("friends", 3)):
        for _ in range(count):
            story.person("2017-01-10", source=source)
    await bench.load(story)
    body = await bench.ask("new_contacts", manager(story), group_by="source")
    told = {item["key"]: item["value"] for item in body["series"]}
    assert told == {"web": 9, "fair": None, "friends": None}
    assert [item.get("suppressed", False) for item in body["series"]] == [False, True, True]
    assert body["value"] == 18
    assert body["events_url"] is None
    assert all(item["events_url"] is None for item in body["series"])
    assert (await bench.series("new_contacts", story, "source"))["friends"] == 3


async def test_so_is_a_whole_of_too_few_people(bench: Bench, story: Story) -> None:
    for _ in range(4):
        story.person("2017-01-10")
    await bench.load(story)
    body = await bench.ask("new_contacts", manager(story), group_by="month")
    assert (body["value"], body["suppressed"]) == (None, True)
    assert [item["value"] for item in body["series"]] == [None]


async def test_people_are_counted_not_messages(bench: Bench, story: Story) -> None:
    """Nine messages, but to three people only."""
    spring, summer = story.broadcast("Spring"), story.broadcast("Summer")
    readers = [story.person("2017-01-01") for _ in range(3)]
    for reader in readers:
        for _ in range(3):
            story.message(spring, "2017-01-31", reader).open("2017-02-01")
    for _ in range(7):
        story.message(summer, "2017-01-31")
        story.message(summer, "2017-01-31").open("2017-02-01")
    await bench.load(story)
    body = await bench.ask("campaign_open_rate", manager(story), group_by="broadcast,month")
    told = {item["label"]: item["value"] for item in body["series"]}
    assert told == {"Spring": None, "Summer": None}
    only = await bench.ask("campaign_open_rate", manager(story), filter_broadcast=str(summer))
    assert only["value"] == 0.5


async def test_a_sales_representative_gets_the_figures_of_the_own_team(
    bench: Bench, story: Story
) -> None:
    ada, bob, cyd = (story.user(name) for name in ("Ada", "Bob", "Cyd"))
    for owner in (ada, bob, cyd, None):
        story.deal(100_00, "2017-01-02", owner=owner).win("2017-02-01")
        story.deal(100_00, "2017-01-02", owner=owner)
        story.person("2017-01-02", owner_id=owner)
    await bench.load(story)
    rep = principal(story.workspace, "sales_representative", sees=OWN, owners={ada, bob})
    for name in ("deals_won", "open_deals", "new_contacts"):
        assert await bench.value(name, rep) == 3
        assert await bench.value(name, rep, as_of="2017-06-01") == 3
        assert await bench.value(name, story) == 4
    owners = await bench.series("deals_won", rep, "owner")
    assert owners == {"Ada": 1, "Bob": 1, "No owner": 1}
    assert await bench.value("deals_won", rep, filter_owner=str(cyd)) == 0
    for name in ("revenue_won", "open_deals"):
        facts = await bench.facts(name, rep)
        streams = {fact["stream"] for fact in facts}
        assert len(streams) == (3 if name == "revenue_won" else 6)


async def test_one_workspace_sees_nothing_of_another(bench: Bench, story: Story) -> None:
    other = Story()
    story.deal(1, "2017-01-02").win("2017-02-01")
    await bench.load(story, other)
    assert await bench.value("deals_won", other) == 0
    assert await bench.facts("deals_won", other) == []


async def test_long_lists_of_groups_are_cut_and_say_so(bench: Bench, story: Story) -> None:
    for n in range(501):
        story.deal(n + 1, "2017-01-02", company=UUID(int=n + 1)).win("2017-02-01")
    await bench.load(story)
    body = await bench.ask("revenue_won", story, group_by="company")
    assert len(body["series"]) == 500
    assert body["series"][0]["value"] == 5.01
    assert "500 largest" in body["notes"][0]
