"""An import is taken back: what it made goes, what it changed is as before, others' work stays."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chassis.ids import new_id

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any


async def taken_back(desk: Desk, import_id: str, preview: bool = False) -> Any:
    """Take an import back, to the end; what became of its records."""
    path = f"/api/v1/imports/{import_id}/undo?preview={str(preview).lower()}"
    status, started, _ = await desk.ask("POST", path)
    assert status == 202, started
    async with asyncio.timeout(60):
        while True:
            _, job, _ = await desk.ask("GET", f"/api/v1/imports/{started['id']}")
            if job["status"] in ("done", "failed"):
                assert job["status"] == "done", job["error"]
                return job
            await asyncio.sleep(0.05)


def counts(job: Any) -> tuple[int, int, int, int, int]:
    """rows, removed, updated, skipped, failed"""
    return (job["rows"], job["removed"], job["updated"], job["skipped"], job["failed"])


async def test_who_was_added_goes_and_who_was_changed_is_as_before(desk: Desk) -> None:
    ada = await desk.person(
        first_name="Ada",
        last_name="King",
        email="ada@x.de",
        phone="+44 20 7946 0958",
        city="London",
        tags=["VIP"],
        company="Engines",
    )
    before = await desk.read(f"/contacts/{ada}")
    content = (
        b"Email,First name,Last name,City,Tags,Phone,Company,Wants mailings (yes/no),Nickname\n"
        b"ada@x.de,Augusta,Lovelace,Paris,new,+1 212 555 0100,Acme,yes,Countess\n"
        b"bob@x.de,Bob,Builder,,,,,,\n"
    )
    mapping = (
        '{"Email":"email","First name":"first_name","Last name":"last_name","City":"city",'
        '"Tags":"tags","Phone":"phone","Company":"company","Nickname":"custom.nickname",'
        '"Wants mailings (yes/no)":"email_consent"}'
    )
    job = await desk.import_file("contacts", content, mapping=mapping)
    assert (job["created"], job["updated"]) == (1, 1)
    changed = await desk.read(f"/contacts/{ada}")
    assert (changed["name"], changed["custom"]) == ("Augusta Lovelace", {"nickname": "Countess"})
    preview = await taken_back(desk, job["id"], preview=True)
    assert counts(preview) == (3, 1, 1, 1, 0)
    _, told, _ = await desk.ask("GET", f"/api/v1/imports/{preview['id']}/examples")
    by_outcome = {each["outcome"]: each for each in told["items"]}
    assert by_outcome["removed"]["title"] == "Bob Builder"
    changes = {c["field"]: (c["before"], c["after"]) for c in by_outcome["updated"]["changes"]}
    assert changes["City"] == ("Paris", "London")
    assert (await desk.read(f"/contacts/{ada}"))["version"] == changed["version"]

    undone = await taken_back(desk, job["id"])
    assert counts(undone) == counts(preview)
    assert undone["notes"] == {"skipped: companies that were added along the way stay": 1}
    after = await desk.read(f"/contacts/{ada}")
    same = ("name", "city", "tags", "emails", "phones", "companies", "owner_id", "custom")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert [consent["given"] for consent in after["consents"]] == [False]
    assert [each["name"] for each in (await desk.read("/contacts"))["items"]] == ["Ada King"]
    history = (await desk.read(f"/contacts/{ada}/history"))["items"]
    assert len(history) > 2, "nothing is removed from the log"

    status, problem = await desk.refused("POST", f"/imports/{job['id']}/undo")
    assert (status, problem["code"]) == (409, "undone-already")
    again = await desk.import_file("contacts", content, mapping=mapping)
    assert (again["created"], again["updated"]) == (1, 1)


async def test_what_others_did_since_stays_and_is_listed(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", email="ada@x.de", city="London")
    content = (
        b"Email,First name,City,Country\n"
        b"ada@x.de,Augusta,Paris,France\nbob@x.de,Bob,,\ncleo@x.de,Cleo,,\n"
    )
    job = await desk.import_file("contacts", content)
    found = {each["first_name"]: each["id"] for each in (await desk.read("/contacts"))["items"]}
    await desk.change(f"/contacts/{ada}", city="Rome")
    await desk.change(f"/contacts/{found['Bob']}", last_name="Builder")
    undone = await taken_back(desk, job["id"])
    assert counts(undone) == (3, 1, 0, 0, 2)
    _, errors, _ = await desk.ask("GET", f"/api/v1/imports/{undone['id']}/errors")
    listed = {row["cells"][0]: row for row in errors["items"]}
    assert listed["Augusta"]["cells"] == ["Augusta", "city", "Rome", "London"]
    assert listed["Augusta"]["reason"] == "Changed since the import, and kept: city."
    assert listed["Bob Builder"]["reason"].startswith("Somebody changed this person")
    record = await desk.read(f"/contacts/{ada}")
    assert (record["first_name"], record["city"], record["country"]) == ("Ada", "Rome", None)


async def test_a_list_of_what_stays_outlives_the_people_that_go(desk: Desk) -> None:
    rows = 1500  # two chunks: the second erases people after the first has listed somebody
    text = "Email,First name\n" + "".join(f"p{n}@x.de,P{n}\n" for n in range(rows))
    job = await desk.import_file("contacts", text.encode())
    [first] = (await desk.read("/contacts?q=p0@x.de"))["items"]
    await desk.change(f"/contacts/{first['id']}", last_name="Changed")
    undone = await taken_back(desk, job["id"])
    assert counts(undone) == (rows, rows - 1, 0, 0, 1)
    assert "P0 Changed" in await desk.ask.get_text(undone["errors_url"])


async def test_people_with_purchases_by_now_are_kept(desk: Desk) -> None:
    job = await desk.import_file("contacts", b"Email,First name\nbob@x.de,Bob\n")
    [bob] = (await desk.read("/contacts"))["items"]
    line = {"title": "Ulysses", "quantity": 1, "unit_price_minor": 2450}
    order = {"contact_id": bob["id"], "number": "17", "currency": "EUR", "lines": [line]}
    await desk.write("POST", "/purchases", order)
    undone = await taken_back(desk, job["id"])
    assert counts(undone) == (1, 0, 0, 0, 1)
    assert "deals or purchases" in await desk.ask.get_text(undone["errors_url"])


async def test_opt_outs_and_ids_stay_when_an_import_is_taken_back(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", email="ada@x.de")
    content = b"Email,Record ID,Unsubscribed\nada@x.de,77,yes\n"
    job = await desk.import_file("contacts", content, options='{"external_source": "hubspot"}')
    undone = await taken_back(desk, job["id"])
    assert undone["notes"] == {
        "ids of other systems stay": 1,
        "opt-outs stay": 1,
        "skipped: is as before already": 1,
    }
    record = await desk.read(f"/contacts/{ada}")
    assert [consent["given"] for consent in record["consents"]] == [False]


async def test_what_cannot_be_taken_back_is_refused_in_words(desk: Desk) -> None:
    content = b"Name\nAcme\n"
    companies = await desk.import_file("companies", content)
    check = await desk.import_file("contacts", b"Email\na@x.de\n", dry_run="true")
    for import_id in (companies["id"], check["id"]):
        status, problem = await desk.refused("POST", f"/imports/{import_id}/undo")
        assert (status, problem["code"]) == (409, "not-undoable")
    status, _ = await desk.refused("POST", f"/imports/{new_id()}/undo")
    assert status == 404
