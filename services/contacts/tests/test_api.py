"""The contacts service as a whole: HTTP in, the road, HTTP out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chassis.http.principal import AGGREGATE, OWN
from chassis.ids import new_id

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

Desk = Any
ADA = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "Ada@Example.com",
    "phone": "+44 20 7946 0958",
    "company": "Analytical Engines",
    "company_role": "Analyst",
    "tags": ["math", "VIP"],
    "birthday": "1985-12-10",
    "language": "en-GB",
    "time_zone": "Europe/London",
    "city": "London",
    "country": "UK",
    "source": "fair",
    "external_id": "7",
    "external_source": "hubspot",
    "custom": {"shoe": 38, "likes": ["tea"]},
}


async def test_a_person_is_added_and_seen_with_everything_that_was_said(desk: Desk) -> None:
    status, made, headers = await desk.ask("POST", "/api/v1/contacts", ADA)
    assert (status, headers["ETag"]) == (201, '"1"')
    assert headers["Location"] == f"/api/v1/contacts/{made['id']}"
    desk.saw(headers["Everlog-Token"])
    person = await desk.read(f"/contacts/{made['id']}")
    told = {name: person[name] for name in ADA if name not in ("company", "company_role")}
    assert told == {name: ADA[name] for name in told}
    assert person["company"]["name"] == "Analytical Engines"
    assert [job["role"] for job in person["companies"]] == ["Analyst"]
    assert person["emails"] == [
        {"address": "Ada@Example.com", "kind": "work", "primary": True, "folded": "ada@example.com"}
    ]
    assert person["phones"][0]["e164"] == "+442079460958"
    assert (person["name"], person["version"], person["consents"]) == ("Ada Lovelace", 1, [])
    [item] = (await desk.read("/contacts"))["items"]
    assert item["company"] == person["company"]
    assert (item["tags"], item["version"]) == (["math", "VIP"], 1)


async def test_what_is_wrong_is_said_at_its_field(desk: Desk) -> None:
    for body, pointer in (
        ({"first_name": "A", "email": "ada@"}, "#/email"),
        (
            {"first_name": "A", "emails": [{"address": "a@x.de"}, {"address": "b"}]},
            "#/emails/1/address",
        ),
        ({"first_name": "A", "phone": "+999 1"}, "#/phone"),
        ({"first_name": "A", "phones": [{"number": "x"}]}, "#/phones/0/number"),
        ({"first_name": "A", "birthday": "2199-01-01"}, "#/birthday"),
        ({"first_name": "A", "language": "klingon!"}, "#/language"),
        ({"first_name": "A", "time_zone": "Mars/Olympus"}, "#/time_zone"),
        ({"first_name": "A\u0000"}, "#/first_name"),
        ({"firstname": "A"}, "#/firstname"),
        ({"email": "a@x.de", "emails": []}, "#/email"),
        ({}, "#/first_name"),
    ):
        status, problem = await desk.refused("POST", "/contacts", body)
        assert status == 422, body
        assert pointer in [error["pointer"] for error in problem["errors"]], problem
    assert (await desk.read("/contacts"))["items"] == []


async def test_only_what_changed_is_written_and_a_stale_version_is_refused(desk: Desk) -> None:
    ada = await desk.person(**ADA)
    path = f"/contacts/{ada}"
    assert (await desk.change(path, first_name="Ada"))["version"] == 1
    assert (await desk.change(path, last_name="King", city="Paris"))["version"] == 3
    status, problem = await desk.refused("PATCH", path, {"city": "Rome"}, If_Match='"1"')
    assert (status, problem["actual"]) == (412, 3)
    assert (await desk.refused("PATCH", path, {"city": "Rome"}))[0] == 428
    person = await desk.read(path)
    assert (person["last_name"], person["city"], person["email"]) == (
        "King",
        "Paris",
        "Ada@Example.com",
    )


async def test_a_field_is_emptied_with_null_and_ways_to_reach_are_changed(desk: Desk) -> None:
    path = f"/contacts/{await desk.person(**ADA)}"
    await desk.change(
        path,
        birthday=None,
        phone=None,
        emails=[{"address": "a@x.de", "kind": "home"}, {"address": "b@x.de", "primary": True}],
        company=None,
        custom={"shoe": None, "hat": "L"},
        tags=["new"],
    )
    person = await desk.read(path)
    assert (person["birthday"], person["phone"], person["company"]) == (None, None, None)
    assert (person["email"], person["tags"]) == ("b@x.de", ["new"])
    assert person["custom"] == {"likes": ["tea"], "hat": "L"}
    await desk.change(path, email="c@x.de", phone="030 1234567", country="Germany")
    person = await desk.read(path)
    assert [e["address"] for e in person["emails"]] == ["c@x.de", "a@x.de"]
    assert person["phones"][0]["e164"] == "+49301234567"
    await desk.change(path, phone="030 7654321")
    assert (await desk.read(path))["phones"][0]["e164"] == "+49307654321"


async def test_a_company_named_twice_at_the_same_moment_is_made_once(desk: Desk) -> None:
    people = [{"first_name": f"P{n}", "company": " Acme  CORP"} for n in range(6)]
    await asyncio.gather(*(desk.write("POST", "/contacts", body) for body in people))
    [company] = (await desk.read("/companies"))["items"]
    assert (company["name"], company["people"]) == ("Acme CORP", 6)
    await desk.person(first_name="P7", company=company["id"])
    await desk.person(first_name="P8", company="acme corp")
    assert (await desk.read(f"/companies/{company['id']}"))["people"] == 8
    status, _ = await desk.refused(
        "POST", "/contacts", {"first_name": "X", "company": str(new_id())}
    )
    assert status == 404


async def test_an_external_id_belongs_to_one_person_of_its_source(desk: Desk) -> None:
    ada = await desk.person(**ADA)
    status, problem = await desk.refused("POST", "/contacts", ADA)
    assert (status, problem["code"], problem["holder"]) == (409, "already-taken", f"person-{ada}")
    await desk.person(**{**ADA, "external_source": "zoho"})


async def test_the_same_request_with_the_same_key_makes_one_person_and_one_company(
    desk: Desk,
) -> None:
    body = {"first_name": "Ada", "company": "Once"}
    first = await desk.write("POST", "/contacts", body, Idempotency_Key="k")
    again = await desk.write("POST", "/contacts", body, Idempotency_Key="k")
    assert first == again
    assert len((await desk.read("/contacts"))["items"]) == 1
    assert len((await desk.read("/companies"))["items"]) == 1


async def test_tags_are_put_on_taken_off_and_counted(desk: Desk) -> None:
    ada, bob = (
        await desk.person(first_name="Ada", tags=["VIP"]),
        await desk.person(first_name="Bob"),
    )
    await desk.write("PUT", f"/contacts/{bob}/tags/vip")
    await desk.write("PUT", f"/contacts/{bob}/tags/new%20one")
    await desk.write("DELETE", f"/contacts/{ada}/tags/ViP")
    assert (await desk.read("/tags"))["items"] == [
        {"tag": "new one", "count": 1},
        {"tag": "vip", "count": 1},
    ]
    [item] = (await desk.read("/contacts?tag=VIP"))["items"]
    assert item["name"] == "Bob"


async def test_interactions_line_up_in_the_timeline_and_move_the_last_activity(desk: Desk) -> None:
    path = f"/contacts/{await desk.person(first_name='Ada', at='2026-01-01T00:00:00Z')}"
    call = {"kind": "call", "text": "about tea", "at": "2026-02-01T10:00:00Z"}
    await desk.write("POST", f"{path}/interactions", call)
    note = {"kind": "note", "text": "likes tea", "at": "2026-01-15T10:00:00Z"}
    await desk.write("POST", f"{path}/interactions", note)
    rows = (await desk.read(f"{path}/timeline"))["items"]
    assert [(row["kind"], row["text"]) for row in rows] == [
        ("call", "about tea"),
        ("note", "likes tea"),
        ("added", None),
    ]
    assert (await desk.read(path))["last_activity_at"] == call["at"]
    status, problem = await desk.refused("POST", f"{path}/interactions", {"kind": "dream"})
    assert (status, problem["field"]) == (422, "kind")


async def test_a_timeline_is_paged_and_filtered(desk: Desk) -> None:
    path = f"/contacts/{await desk.person(first_name='Ada', tags=['a'])}"
    for n in range(5):
        await desk.write("POST", f"{path}/interactions", {"kind": "note", "text": f"n{n}"})
    await desk.write("PUT", f"{path}/tags/b")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await desk.read(f"{path}/timeline?limit=2&cursor={cursor}")
        seen += [row["text"] or row["kind"] for row in page["items"]]
        cursor = page["next"]
    assert seen == ["tag", "n4", "n3", "n2", "n1", "n0", "added"]
    notes = (await desk.read(f"{path}/timeline?kind=note&limit=3"))["items"]
    assert [row["text"] for row in notes] == ["n4", "n3", "n2"]
    changes = (await desk.read(f"{path}/timeline?kind=change"))["items"]
    assert [row["kind"] for row in changes] == ["tag", "added"]


async def test_a_timeline_is_seen_as_of_a_day_and_as_it_was_known(desk: Desk) -> None:
    path = f"/contacts/{await desk.person(first_name='Ada')}"
    for day in ("2026-01-05", "2026-02-05", "2026-03-05"):
        note = {"kind": "note", "text": day, "at": f"{day}T12:00:00Z"}
        await desk.write("POST", f"{path}/interactions", note)

    async def days(asked: str) -> list[str]:
        shown = await desk.read(f"{path}/timeline?kind=note&{asked}")
        return [row["text"] for row in shown["items"]]

    assert await days("") == ["2026-03-05", "2026-02-05", "2026-01-05"]
    assert await days("as_of=2026-02-05") == ["2026-02-05", "2026-01-05"]
    assert await days("as_of=2026-02-05T11:00:00Z") == ["2026-01-05"]
    assert await days("as_of=2026-02-05&limit=1") == ["2026-02-05"]
    assert await days("known_at=2026-02-05") == []
    _, problem = await desk.refused("GET", f"{path}/timeline?as_of=soon")
    assert problem["detail"].startswith("as_of=soon is no time")


async def test_consent_is_on_the_record_with_its_source(desk: Desk) -> None:
    path = f"/contacts/{await desk.person(first_name='Ada')}"
    text = {"source": "form", "text_version": "v2"}
    await desk.write("PUT", f"{path}/consents/email/newsletter", text)
    await desk.write("PUT", f"{path}/consents/phone/offers", {})
    await desk.write("DELETE", f"{path}/consents/phone/offers?source=call")
    consents = (await desk.read(path))["consents"]
    assert [(c["channel"], c["purpose"], c["given"], c["source"]) for c in consents] == [
        ("email", "newsletter", True, "form"),
        ("phone", "offers", False, "call"),
    ]


async def test_a_history_says_who_changed_what_from_what_to_what(desk: Desk) -> None:
    me = desk.ask.principal.user_id
    desk.saw(await desk.others.users(Grace_Hopper=me))
    path = f"/contacts/{await desk.person(**ADA)}"
    await desk.change(path, city="Paris", custom={"shoe": 39}, owner_id=str(me), company="Babbage")
    history = await desk.read(f"{path}/history")
    assert [entry["version"] for entry in history["items"]] == [5, 4, 3, 2, 1]
    by = {(e["actor"]["name"]) for e in history["items"]}
    assert by == {"Grace Hopper"}
    changes = [change for entry in history["items"][:4] for change in entry["changes"]]
    assert changes == [
        {"field": "owner", "old": None, "new": "Grace Hopper"},
        {"field": "companies", "old": None, "new": "Babbage"},
        {"field": "companies", "old": "Analyst at Analytical Engines", "new": None},
        {"field": "city", "old": "London", "new": "Paris"},
        {"field": "shoe", "old": 38, "new": 39},
    ]
    sentences = [entry["sentence"] for entry in history["items"]]
    assert sentences == [
        "made Grace Hopper the owner",
        "linked to Babbage",
        "unlinked from Analytical Engines",
        "changed city, own fields",
        "added this person",
    ]
    first = await desk.read(f"{path}/history?limit=2")
    rest = await desk.read(f"{path}/history?cursor={first['next']}")
    assert [e["version"] for e in [*first["items"], *rest["items"]]] == [5, 4, 3, 2, 1]


async def test_a_record_is_seen_as_it_was_and_as_it_was_known(desk: Desk) -> None:
    body = {"first_name": "Ada", "city": "London", "at": "2026-01-01T00:00:00Z"}
    path = f"/contacts/{await desk.person(**body)}"
    known = (await desk.read(f"{path}/history"))["items"][0]["recorded_at"]
    call = {"kind": "call", "text": "x", "at": "2026-02-01T10:00:00Z"}
    await desk.write("POST", f"{path}/interactions", call)
    await desk.change(path, city="Paris")
    january = await desk.read(f"{path}?as_of=2026-01-31")
    assert (january["city"], january["last_activity_at"]) == ("London", "2026-01-01T00:00:00Z")
    february = await desk.read(f"{path}?as_of=2026-02-01T10:00:00Z")
    assert (february["city"], february["last_activity_at"]) == ("London", call["at"])
    then = await desk.read(f"{path}?known_at={known}")
    assert (then["city"], then["version"]) == ("London", 1)
    now = await desk.read(f"{path}?as_of=2199-01-01")
    current = await desk.read(path)
    assert {name: now[name] for name in current} == current
    status, problem = await desk.refused("GET", f"{path}?as_of=2025-12-31")
    assert (status, problem["code"]) == (404, "not-yet")
    assert (await desk.refused("GET", f"{path}?as_of=yesterday"))[0] == 422


async def test_the_record_of_today_is_the_fold_of_its_events(desk: Desk) -> None:
    """Two roads to the same answer: read models, and the log itself."""
    other = await desk.company(name="Second")
    path = f"/contacts/{await desk.person(**ADA)}"
    await desk.change(path, email="new@x.de", owner_id=str(new_id()), country="Germany")
    await desk.write("POST", f"{path}/companies", {"company_id": other, "role": "Owner"})
    await desk.write("POST", f"{path}/companies", {"company_id": other, "role": "Boss"})
    await desk.write("PUT", f"{path}/consents/email/news", {})
    await desk.write("PUT", f"{path}/tags/extra")
    current = await desk.read(path)
    folded = await desk.read(f"{path}?as_of=2199-01-01")
    assert {name: folded[name] for name in current} == current
    assert [job["role"] for job in current["companies"]] == ["Analyst", "Boss"]


async def test_an_erased_person_is_gone_everywhere_and_counts_stay_right(desk: Desk) -> None:
    ada = await desk.person(**ADA)
    await desk.person(first_name="Bob", company="Analytical Engines", tags=["VIP"])
    path = f"/contacts/{ada}"
    await desk.write("POST", f"{path}/interactions", {"kind": "note", "text": "secret"})
    await desk.write("POST", f"{path}/erase")
    assert [item["name"] for item in (await desk.read("/contacts"))["items"]] == ["Bob"]
    assert (await desk.read("/contacts?q=ada"))["items"] == []
    for part in ("", "/timeline", "/history", "?as_of=2199-01-01"):
        status, problem = await desk.refused("GET", f"{path}{part}")
        assert (status, problem["code"]) == (404, "erased"), part
    assert (await desk.read("/tags"))["items"] == [{"tag": "VIP", "count": 1}]
    [company] = (await desk.read("/companies"))["items"]
    assert company["people"] == 1
    _, feed, _ = await desk.ask("GET", f"/api/v1/events?stream=person-{ada}")
    assert feed["items"][0]["data"]["first_name"] == "[erased]"
    assert (await desk.write("POST", f"{path}/erase"))["version"] == 3
    await desk.person(**ADA)  # the external id is free again


async def test_sales_representatives_see_their_own_and_nobodys_people(desk: Desk) -> None:
    me, colleague, stranger = new_id(), new_id(), new_id()
    mine = await desk.person(first_name="Mine", owner_id=str(me))
    theirs = await desk.person(first_name="Theirs", owner_id=str(stranger))
    free = await desk.person(first_name="Free")
    rep = desk.other(user_id=me, sees=OWN, owners=[me, colleague], role="sales_representative")
    seen = [item["name"] for item in (await rep.read("/contacts"))["items"]]
    assert seen == ["Free", "Mine"]
    for method, path, body in (
        ("GET", f"/contacts/{theirs}", None),
        ("GET", f"/contacts/{theirs}?as_of=2199-01-01", None),
        ("GET", f"/contacts/{theirs}/timeline", None),
        ("GET", f"/contacts/{theirs}/history", None),
        ("PUT", f"/contacts/{theirs}/tags/x", None),
        ("POST", f"/contacts/{theirs}/interactions", {"kind": "note", "text": "x"}),
    ):
        assert (await rep.refused(method, path, body))[0] == 404, path
    assert (await rep.refused("PATCH", f"/contacts/{theirs}", {"city": "X"}, If_Match='"1"'))[
        0
    ] == 404
    await rep.change(f"/contacts/{free}", owner_id=str(colleague))
    await rep.write("PUT", f"/contacts/{mine}/tags/x")
    status, _ = await rep.refused(
        "PATCH", f"/contacts/{mine}", {"owner_id": str(stranger)}, If_Match='"2"'
    )
    assert status == 403
    new = await rep.person(first_name="New")
    assert (await rep.read(f"/contacts/{new}"))["owner_id"] == str(me)
    assert (await rep.refused("POST", f"/contacts/{mine}/erase"))[0] == 403
    await rep.ask.close()


async def test_roles_for_groups_get_figures_and_no_records(desk: Desk) -> None:
    people = [
        {"first_name": f"P{n}", "country": "Germany" if n < 6 else "Japan", "tags": ["a"]}
        for n in range(9)
    ]
    await asyncio.gather(*(desk.write("POST", "/contacts", body) for body in people))
    await desk.person(first_name="X", tags=["rare"], country="Italy")
    role = desk.other(
        sees=AGGREGATE, role="marketing_manager", permissions={"analytics.read", "contacts.read"}
    )
    for path in ("/contacts", f"/contacts/{new_id()}", "/companies", "/tags"):
        assert (await role.refused("GET", path))[0] == 403
    summary = await role.read("/contacts/summary")
    assert (summary["people"], summary["smallest_group"]) == (10, 5)
    assert summary["by_tag"] == {
        "items": [],
        "others": 10,
    }
    assert summary["by_country"]["items"] == []
    everything = await desk.read("/contacts/summary")
    assert everything["by_country"]["items"][0] == {"key": "DE", "label": "Germany", "people": 6}
    assert {item["label"] for item in everything["by_tag"]["items"]} == {"a", "rare"}
    await role.ask.close()
