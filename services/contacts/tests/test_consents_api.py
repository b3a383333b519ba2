"""The ledger of consents over HTTP: filters, what each change is known by, and who sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.http.principal import OWN
from chassis.ids import new_id

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def _ledger(desk: Desk, query: str = "") -> list[dict[str, Any]]:
    return list((await desk.read(f"/consents?{query}"))["items"])


def _brief(items: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(i["person"]["name"], i["purpose"], i["given"], i["now"]) for i in items]


async def test_every_change_is_there_with_what_holds_now(desk: Desk) -> None:
    ada, bob = await desk.person(first_name="Ada"), await desk.person(first_name="Bob")
    me = desk.ask.principal.user_id
    desk.saw(await desk.others.users(Grace_Hopper=me))
    news = {"source": "=the form", "text_version": "v3"}
    await desk.write("PUT", f"/contacts/{ada}/consents/email/news", news)
    await desk.write("PUT", f"/contacts/{bob}/consents/sms/offers", {})
    await desk.write("DELETE", f"/contacts/{ada}/consents/email/news?source=on the phone")
    items = await _ledger(desk)
    assert _brief(items) == [
        ("Ada", "news", False, False),
        ("Bob", "offers", True, True),
        ("Ada", "news", True, False),
    ]
    assert items[2]["text_version"] == "v3"
    assert items[2]["proof"] == {"kind": "written-down"}
    assert items[2]["actor"] == {"id": str(me), "name": "Grace Hopper"}
    first = await desk.read("/consents?limit=2")
    rest = await desk.read(f"/consents?limit=2&cursor={first['next']}")
    assert [*first["items"], *rest["items"]] == items
    for query, found in (
        ("channel=SMS", [1]),
        ("purpose=News", [0, 2]),
        ("state=given", [1, 2]),
        ("state=withdrawn", [0]),
        ("source=FORM", [2]),
        ("source=%25", []),
        (f"person={bob}", [1]),
        ("from=2026-01-01", [0, 1, 2]),
        ("to=2026-01-01", []),
    ):
        assert await _ledger(desk, query) == [items[n] for n in found], query
    assert (await desk.read("/consents/words")) == {
        "channels": ["email", "sms"],
        "purposes": ["news", "offers"],
    }
    status, problem = await desk.refused("GET", "/consents?from=2026-05-01&to=2026-04-01")
    assert (status, problem["field"]) == (422, "from")
    rows = await desk.csv("/consents/export")
    assert [(row["agreed"], row["agrees_now"], row["source"]) for row in rows] == [
        ("no", "no", "on the phone"),
        ("yes", "yes", ""),
        ("yes", "no", "'=the form"),
    ]
    assert {row["written_down_by"] for row in rows} == {"Grace Hopper"}


async def test_whoever_unsubscribed_does_not_agree_whatever_they_said_before(desk: Desk) -> None:
    kinds, news = desk.others.kinds, new_id()
    ada = await desk.person(first_name="Ada")
    await desk.write("PUT", f"/contacts/{ada}/consents/email/news", {})
    await desk.write("PUT", f"/contacts/{ada}/consents/sms/news", {})
    started = kinds["BroadcastStarted"](news, "Spring", new_id(), occurred_at=NOON)
    gone = kinds["PersonUnsubscribed"](ada, news, None, None, occurred_at=NOON)
    desk.saw(await desk.others.publish(("broadcast", news, started), ("recipient", ada, gone)))
    left, *_ = [each for each in await _ledger(desk) if each["proof"]["kind"] == "unsubscribe"]
    assert (left["purpose"], left["given"], left["now"]) == ("all mailings", False, False)
    broadcast = {"id": str(news), "name": "Spring"}
    assert left["proof"] == {"kind": "unsubscribe", "via": "one-click", "broadcast": broadcast}
    now = {each["channel"]: each["now"] for each in await _ledger(desk, "purpose=news")}
    assert now == {"email": False, "sms": True}


async def test_a_file_and_an_undo_are_named_as_what_a_change_is_known_by(desk: Desk) -> None:
    content = b"First name,E-mail,Email consent\nAda,ada@example.org,yes\n"
    mapping = '{"First name": "first_name", "E-mail": "email", "Email consent": "email_consent"}'
    job = await desk.import_file("contacts", content, mapping=mapping)
    [item] = await _ledger(desk)
    assert item["proof"] == {
        "kind": "import",
        "import_id": job["id"],
        "file_name": "contacts.csv",
    }
    ada = item["person"]["id"]
    await desk.write("PUT", f"/contacts/{ada}/consents/sms/offers", {})
    given = (await _ledger(desk, "channel=sms"))[0]
    await desk.write("POST", f"/changes/{given['id']}/undo")
    undone = (await _ledger(desk, "channel=sms&state=withdrawn"))[0]
    assert undone["proof"] == {"kind": "undo", "change_id": given["id"]}
    known = {row["event_id"]: row["known_by"] for row in await desk.csv("/consents/export")}
    assert known[item["id"]] == "import: contacts.csv"
    assert known[undone["id"]] == f"undo of the change {given['id']}"


async def test_what_was_merged_is_told_of_the_record_that_answers(desk: Desk) -> None:
    ada, copy = await desk.person(first_name="Ada"), await desk.person(first_name="Augusta")
    await desk.write("PUT", f"/contacts/{copy}/consents/email/news", {})
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    desk.saw(f"person-{copy}@3")
    for person in (ada, copy):
        items = await _ledger(desk, f"person={person}")
        assert {item["person"]["id"] for item in items} == {ada}
        assert [item["now"] for item in items] == [True, True]


async def test_nobody_sees_more_than_their_own_and_nothing_is_left_of_the_erased(
    desk: Desk,
) -> None:
    me = new_id()
    theirs = await desk.person(first_name="Ada", owner_id=str(new_id()))
    mine = await desk.person(first_name="Bob", owner_id=str(me))
    for person in (theirs, mine):
        await desk.write("PUT", f"/contacts/{person}/consents/email/news", {})
    rep = desk.other(user_id=me, sees=OWN, owners=[me], role="sales_representative")
    assert [item["person"]["name"] for item in await _ledger(rep)] == ["Bob"]
    assert [row["person"] for row in await rep.csv("/consents/export")] == ["Bob"]
    await rep.ask.close()
    marketing = desk.other(sees="aggregate", role="marketing_manager")
    assert (await marketing.refused("GET", "/consents"))[0] == 403
    assert (await marketing.refused("GET", "/consents/words"))[0] == 403
    await marketing.ask.close()
    kinds = desk.others.kinds
    gone = kinds["PersonUnsubscribed"](mine, None, None, "news", occurred_at=NOON)
    desk.saw(await desk.others.publish(("recipient", mine, gone)))
    assert len(await _ledger(desk, f"person={mine}")) == 2
    await desk.write("POST", f"/contacts/{mine}/erase")
    assert [item["person"]["name"] for item in await _ledger(desk)] == ["Ada"]
