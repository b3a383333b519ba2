"""Timelines: rows of people, companies and deals, and what is seen of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chassis.events import Event
from chassis.http.principal import OWN
from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.company import CompanyAdded, CompanyRenamed
from contacts.domain.email_address import EmailAddress
from contacts.domain.person.events import (
    InteractionLogged,
    PersonAdded,
    PersonEmailsChanged,
    PersonErased,
    PersonJoinedCompany,
    PersonProfileChanged,
)
from contacts.domain.purchase import PurchaseCancelled, PurchaseLinesAdded, PurchaseRecorded
from contacts.domain.purchase_line import purchase_line
from contacts.read_models.timeline import TIMELINE, TIMELINE_PROJECTION
from contacts.received import DealOpened, LinkClicked, MessageOpened, MessageSent

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADA, ACME, DEAL, NEWS, MESSAGE = (new_id() for _ in range(5))
Desk = Any

added = PersonAdded(
    ADA,
    "Ada",
    "",
    emails=(),
    phones=(),
    tags=(),
    custom={},
    company_id=ACME,
    source="fair",
    occurred_at=NOON,
)


def rows_after(*events: tuple[str, Any, Event]) -> list[dict[str, Any]]:
    book = History()
    recorded = [book.add(category, id_, event) for category, id_, event in events]
    return project(TIMELINE_PROJECTION, *recorded)[TIMELINE]


def test_a_new_person_shows_up_at_the_company_too_without_personal_data() -> None:
    rows = {row["subject_id"]: row for row in rows_after(("person", ADA, added))}
    assert (rows[ADA]["kind"], rows[ADA]["data"]) == (
        "added",
        {"source": "fair", "external_source": None},
    )
    assert (rows[ACME]["kind"], rows[ACME]["person_id"], rows[ACME]["data"]) == ("company", ADA, {})


def test_a_row_says_what_changed_and_nothing_else() -> None:
    profile = PersonProfileChanged(ADA, ("city",), city="Rome", country="Italy", occurred_at=NOON)
    emails = PersonEmailsChanged(ADA, (EmailAddress("a@x.de"),), occurred_at=NOON)
    [one, two] = rows_after(("person", ADA, profile), ("person", ADA, emails))
    assert {str(one["data"]), str(two["data"])} >= {str({"changed": ["city"], "city": "Rome"})}
    assert [each["kind"] for each in (one, two)] == ["change", "change"]


def test_interactions_are_of_their_own_kind() -> None:
    call = InteractionLogged(new_id(), ADA, "call", "hello", NOON, occurred_at=NOON)
    [row] = rows_after(("person", ADA, call))
    assert (row["kind"], row["data"]["text"], row["at"]) == ("call", "hello", NOON)


def test_deals_are_rows_of_the_deal_and_messages_of_the_person() -> None:
    opened = DealOpened(DEAL, "Lamp", "lead", 100, "EUR", contact_id=ADA, occurred_at=NOON)
    sent = MessageSent(MESSAGE, NEWS, ADA, occurred_at=NOON)
    rows = {r["kind"]: r for r in rows_after(("deal", DEAL, opened), ("message", MESSAGE, sent))}
    assert (rows["deal"]["subject_id"], rows["deal"]["deal_id"]) == (DEAL, DEAL)
    assert (rows["campaign"]["subject_id"], rows["campaign"]["broadcast_id"]) == (ADA, NEWS)


def test_purchases_are_rows_of_who_bought_and_say_where_they_came_from() -> None:
    order = new_id()
    line = purchase_line(2, Decimal(250), "T1", "Tea")
    recorded = PurchaseRecorded(
        order, ADA, "EUR", (line,), 500, "17", "till", "shop", occurred_at=NOON
    )
    more = PurchaseLinesAdded(order, ADA, "EUR", (line,), 500, 1000, occurred_at=NOON)
    gone = PurchaseCancelled(order, ADA, "EUR", 1000, "17", "twice", occurred_at=NOON)
    rows = rows_after(*(("purchase", order, event) for event in (recorded, more, gone)))
    assert {(row["subject_id"], row["kind"], row["purchase_id"]) for row in rows} == {
        (ADA, "purchase", order)
    }
    assert {row["type"]: row["data"] for row in rows} == {
        "contacts.purchase-recorded.v1": {"number": "17", "source": "till", "channel": "shop"},
        "contacts.purchase-cancelled.v1": {
            "currency": "EUR",
            "total_minor": 1000,
            "number": "17",
            "reason": "twice",
        },
    }
    nobodys = PurchaseRecorded(order, None, "EUR", (line,), 500, occurred_at=NOON)
    assert rows_after(("purchase", order, nobodys)) == []


def test_machines_and_repetitions_are_left_out() -> None:
    def opened(*, machine: bool, first: bool) -> MessageOpened:
        return MessageOpened(MESSAGE, NEWS, ADA, machine, first, occurred_at=NOON)

    def clicked(url: str, *, first: bool, first_of_link: bool) -> LinkClicked:
        return LinkClicked(MESSAGE, NEWS, ADA, url, False, first, first_of_link, occurred_at=NOON)

    rows = rows_after(
        ("message", MESSAGE, opened(machine=True, first=True)),
        ("message", MESSAGE, opened(machine=False, first=True)),
        ("message", MESSAGE, opened(machine=False, first=False)),
        ("message", MESSAGE, clicked("https://a", first=True, first_of_link=True)),
        ("message", MESSAGE, clicked("https://b", first=False, first_of_link=True)),
        ("message", MESSAGE, clicked("https://a", first=False, first_of_link=False)),
    )
    assert sorted(row["data"].get("url", "") for row in rows) == ["", "https://a", "https://b"]


def test_an_erased_persons_own_rows_go_and_the_others_name_nobody() -> None:
    note = InteractionLogged(new_id(), ADA, "note", "secret", NOON, occurred_at=NOON)
    sent = MessageSent(MESSAGE, NEWS, ADA, occurred_at=NOON)
    rows = rows_after(
        ("person", ADA, added),
        ("person", ADA, PersonJoinedCompany(ADA, ACME, None, ACME, occurred_at=NOON)),
        ("person", ADA, note),
        ("message", MESSAGE, sent),
        ("person", ADA, PersonErased(ADA, occurred_at=NOON)),
    )
    assert [(row["subject_id"], row["origin"]) for row in rows if row["subject_id"] == ADA] == [
        (ADA, "message")
    ]
    assert not any("secret" in str(row["data"]) for row in rows)


def test_companies_have_rows_of_their_own() -> None:
    rows = rows_after(
        ("company", ACME, CompanyAdded(ACME, "Acme", occurred_at=NOON)),
        ("company", ACME, CompanyRenamed(ACME, "Beta", occurred_at=NOON)),
    )
    assert sorted((row["kind"], row["data"].get("name")) for row in rows) == [
        ("added", None),
        ("change", "Beta"),
    ]


# --- through the whole service


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_deals_and_campaigns_stand_in_the_timeline_of_person_and_company(desk: Desk) -> None:
    kinds, deal, pipeline = desk.others.kinds, new_id(), new_id()
    ada = await desk.person(first_name="Ada", company="Acme")
    bob = await desk.person(first_name="Bob")
    company = (await desk.read(f"/contacts/{ada}"))["company"]["id"]
    at = NOON + timedelta(days=1)
    opened = kinds["DealOpened"](
        deal, "Lamps", pipeline, contact_id=ada, company_id=company, occurred_at=NOON
    )
    started = kinds["BroadcastStarted"](NEWS, "Spring news", new_id(), occurred_at=NOON)
    message = new_id()
    sent = kinds["MessageSent"](message, NEWS, ada, at, occurred_at=at)
    desk.saw(
        await desk.others.publish(
            ("deal", deal, opened),
            ("deal", deal, kinds["DealMoved"](deal, "lead", "offer", occurred_at=at)),
            ("broadcast", NEWS, started),
            ("message", message, sent),
        )
    )
    rows = (await desk.read(f"/contacts/{ada}/timeline?kind=deal,campaign"))["items"]
    assert [row["sentence"] for row in rows] == [
        "was sent Spring news",
        "moved the deal Lamps from lead to offer",
        "opened the deal Lamps (1,000.00 EUR)",
    ]
    assert rows[1]["deal"] == {"id": str(deal), "title": "Lamps"}
    assert rows[0]["actor"]["name"] == "somebody"
    firm = (await desk.read(f"/companies/{company}/timeline"))["items"]
    assert {(row["kind"], (row["person"] or {}).get("name")) for row in firm} == {
        ("deal", None),
        ("company", "Ada"),
        ("added", None),
    }
    moved = kinds["DealRelinked"](deal, bob, None, occurred_at=at)
    desk.saw(await desk.others.publish(("deal", deal, moved)))
    assert [r["kind"] for r in (await desk.read(f"/contacts/{bob}/timeline"))["items"]].count(
        "deal"
    ) == 2
    left = (await desk.read(f"/contacts/{ada}/timeline?kind=deal"))["items"]
    assert left == []


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_representatives_do_not_see_others_people_and_deals_in_a_shared_company(
    desk: Desk,
) -> None:
    kinds, me, stranger = desk.others.kinds, new_id(), new_id()
    company = await desk.company(name="Acme")
    for name, owner in (("Mine", me), ("Theirs", stranger), ("Theirs too", stranger)):
        await desk.person(first_name=name, company_id=company, owner_id=str(owner))
    for owner in (me, stranger):
        deal = new_id()
        opened = kinds["DealOpened"](
            deal, f"Deal of {owner}", new_id(), company_id=company, owner_id=owner, occurred_at=NOON
        )
        desk.saw(await desk.others.publish(("deal", deal, opened)))
    rep = desk.other(user_id=me, sees=OWN, owners=[me], role="sales_representative")
    page = await rep.read(f"/companies/{company}/timeline?limit=2")
    rest = await rep.read(f"/companies/{company}/timeline?limit=2&cursor={page['next']}")
    seen = [*page["items"], *rest["items"]]
    assert [row["person"]["name"] for row in seen if row["person"]] == ["Mine"]
    assert [row["deal"]["title"] for row in seen if row["deal"]] == [f"Deal of {me}"]
    assert [item["name"] for item in (await rep.read(f"/companies/{company}/people"))["items"]] == [
        "Mine"
    ]
    assert len((await desk.read(f"/companies/{company}/timeline"))["items"]) == 6
    await rep.ask.close()
