"""One change is taken back over HTTP, with a preview; two moments of a record are compared."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chassis.http.principal import OWN
from chassis.ids import new_id

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any


async def latest(desk: Desk, path: str, n: int = 0) -> Any:
    """An entry of a record's history, the latest first."""
    return (await desk.read(f"{path}/history"))["items"][n]


async def preview(desk: Desk, change: str, body: Any = None) -> Any:
    """What an undo would do."""
    path = f"/api/v1/changes/{change}/undo?preview=true"
    status, shown, _ = await desk.ask("POST", path, body)
    assert status == 200, shown
    return shown


async def moved(desk: Desk) -> tuple[str, str]:
    """Somebody who moved from London to Paris, and the id of that change."""
    path = f"/contacts/{await desk.person(first_name='Ada', city='London', tags=['VIP'])}"
    await desk.change(path, city="Paris", custom={"shoe": 38})
    return path, (await latest(desk, path))["id"]


async def test_a_preview_changes_nothing_and_an_undo_adds_to_the_log(desk: Desk) -> None:
    path, change = await moved(desk)
    before = await desk.read(path)
    shown = await preview(desk, change)
    assert shown["possible"]
    assert shown["why_not"] is None
    assert shown["record"] == {"kind": "contacts", "id": before["id"]}
    assert shown["version"] == before["version"]
    fields = {each["field"]: (each["now"], each["becomes"]) for each in shown["fields"]}
    assert fields == {"city": ("Paris", "London"), "custom.shoe": (38, None)}
    assert (await desk.read(path))["version"] == before["version"]

    done = await desk.write("POST", f"/changes/{change}/undo")
    assert (done["restored"], done["kept"]) == (["city", "custom.shoe"], [])
    after = await desk.read(path)
    assert (after["city"], after["custom"], after["version"]) == ("London", {}, 4)
    brought, told, undone = (await desk.read(f"{path}/history"))["items"][:3]
    assert told["id"] == done["event_id"]
    assert told["sentence"] == "undid a change of city, shoe"
    assert told["undoes"] == undone["id"] == change
    assert undone["undone_by"] == brought["part_of"] == told["id"]
    row = (await desk.read(f"{path}/timeline"))["items"][1]
    assert row["sentence"] == "undid a change of city, shoe"


async def test_the_cause_is_in_the_envelope_of_every_event(desk: Desk) -> None:
    path, change = await moved(desk)
    done = await desk.write("POST", f"/changes/{change}/undo")
    await desk.read(path)
    log = await desk.read(f"/events?stream=person-{done['id']}")
    assert [event["causation_id"] for event in log["items"]] == [None, None, change, change]


async def test_what_somebody_changed_since_stays_unless_it_is_named(desk: Desk) -> None:
    path, change = await moved(desk)
    eve = desk.other(user_id=new_id(), name="Eve")
    await desk.others.users(Eve=eve.ask.principal.user_id)
    await eve.change(path, city="Rome")
    await eve.ask.close()
    shown = await preview(desk, change)
    conflicts = {each["field"]: each["conflict"] for each in shown["fields"]}
    assert conflicts["custom.shoe"] is None
    assert conflicts["city"]["to"] == "Rome"
    assert conflicts["city"]["actor"]["id"] == str(eve.ask.principal.user_id)
    assert conflicts["city"]["event_id"] == (await latest(desk, path))["id"]
    done = await desk.write("POST", f"/changes/{change}/undo")
    assert (done["restored"], done["kept"]) == (["custom.shoe"], ["city"])
    assert (await desk.read(path))["city"] == "Rome"

    status, problem = await desk.refused("POST", f"/changes/{change}/undo")
    assert (status, problem["code"], problem["fields"]) == (409, "changed-since", ["city"])
    shown = await preview(desk, change)
    assert shown["possible"], "what is named can be restored"
    assert shown["why_not"]["code"] == "changed-since"
    named = {"fields": ["city"]}
    status, problem = await desk.refused("POST", f"/changes/{change}/undo", named)
    assert (status, problem["code"]) == (428, "precondition-required")
    seen = f'"{shown["version"]}"'
    stale = f'"{shown["version"] - 1}"'
    status, _ = await desk.refused("POST", f"/changes/{change}/undo", named, If_Match=stale)
    assert status == 412
    await desk.write("POST", f"/changes/{change}/undo", named, If_Match=seen)
    assert (await desk.read(path))["city"] == "London"


async def test_an_undo_is_done_once_and_can_be_undone_itself(desk: Desk) -> None:
    path, change = await moved(desk)
    once = {"Idempotency_Key": str(new_id())}
    first = await desk.write("POST", f"/changes/{change}/undo", **once)
    again = await desk.write("POST", f"/changes/{change}/undo", **once)
    assert first == again
    status, problem = await desk.refused("POST", f"/changes/{change}/undo")
    assert (status, problem["code"]) == (409, "already-undone")
    shown = await preview(desk, change)
    assert (shown["possible"], shown["why_not"]["code"]) == (False, "already-undone")
    assert shown["undone_by"] == first["event_id"]
    await desk.write("POST", f"/changes/{first['event_id']}/undo")
    after = await desk.read(path)
    assert (after["city"], after["custom"]) == ("Paris", {"shoe": 38})


async def test_of_two_who_undo_the_same_change_at_once_one_does(desk: Desk) -> None:
    path, change = await moved(desk)
    url = f"/api/v1/changes/{change}/undo"
    answers = await asyncio.gather(*(desk.ask("POST", url) for _ in range(4)))
    assert sorted(status for status, _, _ in answers) == [200, 409, 409, 409]
    refused = {body["code"] for status, body, _ in answers if status == 409}
    assert refused == {"already-undone"}
    desk.saw(next(headers["Everlog-Token"] for status, _, headers in answers if status == 200))
    assert (await desk.read(path))["version"] == 4


async def test_what_cannot_be_undone_says_why(desk: Desk) -> None:
    path = f"/contacts/{await desk.person(first_name='Ada')}"
    await desk.write("PUT", f"{path}/consents/email/news", {})
    await desk.write("DELETE", f"{path}/consents/email/news")
    for n, code in ((0, "opt-out"), (2, "added")):
        change = (await latest(desk, path, n))["id"]
        shown = await preview(desk, change)
        assert (shown["possible"], shown["why_not"]["code"]) == (False, code)
        status, problem = await desk.refused("POST", f"/changes/{change}/undo")
        assert (status, problem["code"]) == (409, code)
    status, problem = await desk.refused("POST", f"/changes/{new_id()}/undo")
    assert (status, "history of a record" in problem["detail"]) == (404, True)
    unknown = {"fields": ["zip"]}
    for suffix in ("", "?preview=true"):
        path_ = f"/changes/{(await latest(desk, path, 1))['id']}/undo{suffix}"
        status, problem = await desk.refused("POST", path_, unknown, If_Match='"3"')
        assert (status, problem["field"]) == (422, "fields")


async def test_an_import_is_taken_back_as_a_whole_and_a_merge_by_unmerging(desk: Desk) -> None:
    path = f"/contacts/{await desk.person(first_name='Ada', email='ada@x.de', city='London')}"
    job = await desk.import_file("contacts", b"Email,City\nada@x.de,Paris\n")
    imported = (await latest(desk, path))["id"]
    status, problem = await desk.refused("POST", f"/changes/{imported}/undo")
    assert (status, problem["code"], problem["import_id"]) == (409, "imported", job["id"])
    copy = await desk.person(first_name="Ada", last_name="King", tags=["math"])
    await desk.write("POST", f"{path}/merge", {"duplicate_id": copy})
    brought = next(
        entry
        for entry in (await desk.read(f"{path}/history"))["items"]
        if entry["type"] == "contacts.person-tagged.v1"
    )
    assert (await preview(desk, brought["id"]))["why_not"]["code"] == "merging"
    beginning = (await desk.ask("GET", f"/api/v1/contacts/{copy}/history"))[1]["items"]
    assert beginning, "the history of a record that rests stays"


async def test_a_change_before_an_erasure_is_gone_with_the_person(desk: Desk) -> None:
    path, change = await moved(desk)
    await desk.write("POST", f"{path}/erase")
    for suffix in ("", "?preview=true"):
        status, problem = await desk.refused("POST", f"/changes/{change}/undo{suffix}")
        assert (status, problem["code"]) == (404, "erased")


async def test_who_may_not_change_a_record_may_not_undo_in_it(desk: Desk) -> None:
    mine, other = new_id(), new_id()
    rep = desk.other(user_id=mine, sees=OWN, owners=[mine], role="sales_representative")
    path = f"/contacts/{await desk.person(first_name='Ada', owner_id=str(other))}"
    await desk.change(path, city="Paris")
    status, _ = await rep.refused("POST", f"/changes/{(await latest(desk, path))['id']}/undo")
    assert status == 404, "others' customers are not theirs to see"
    await desk.change(path, owner_id=str(mine))
    handed_over = (await latest(desk, path))["id"]
    assert (await preview(rep, handed_over))["why_not"]["code"] == "forbidden"
    status, problem = await rep.refused("POST", f"/changes/{handed_over}/undo")
    assert (status, problem["field"]) == (403, "owner_id")
    reader = desk.other(permissions=frozenset({"contacts.read"}))
    assert (await reader.refused("POST", f"/changes/{handed_over}/undo"))[0] == 403
    for one in (rep, reader):
        await one.ask.close()


async def test_changes_of_a_company_are_undone_too(desk: Desk) -> None:
    revenue = {"amount_minor": 100_000, "currency": "EUR"}
    path = f"/companies/{await desk.company(name='Acme', city='Kiel')}"
    await desk.change(path, revenue=revenue, city="Bonn")
    change = (await latest(desk, path))["id"]
    await desk.change(path, city="Köln")
    shown = await preview(desk, change, {"fields": ["city"]})
    restored = {each["field"]: each["restored"] for each in shown["fields"]}
    assert restored == {"city": True, "revenue": False}
    done = await desk.write("POST", f"/changes/{change}/undo")
    after = await desk.read(path)
    assert (done["kept"], after["city"], after["revenue"]) == (["city"], "Köln", None)
    assert after["version"] == 5


async def test_two_moments_differ_in_fields_and_tell_which_events_did_it(desk: Desk) -> None:
    path, change = await moved(desk)
    at = [entry["at"] for entry in (await desk.read(f"{path}/history"))["items"]]
    await desk.write("DELETE", f"{path}/tags/VIP")
    untagged = await latest(desk, path)
    found = await desk.read(f"{path}/diff?from={at[1]}".replace("+00:00", "Z"))
    told = {each["field"]: (each["old"], each["new"], each["events"]) for each in found["fields"]}
    assert told == {
        "city": ("London", "Paris", [change]),
        "custom.shoe": (None, 38, [change]),
        "tags.vip": ("VIP", None, [untagged["id"]]),
    }
    assert [each["sentence"] for each in found["events"]] == [
        "changed city, own fields",
        "took off the tag VIP",
    ]
    narrow = await desk.read(f"{path}/diff?from={at[0]}&to={untagged['at']}".replace("+00:00", "Z"))
    assert [each["label"] for each in narrow["fields"]] == ["tag vip"]
    assert (await desk.read(f"{path}/diff"))["fields"] == found["fields"], "since its beginning"
    fresh = await desk.read(f"{path}/diff?from=2020-01-01")
    assert {"first_name", "city"} <= {each["field"] for each in fresh["fields"]}
    for query, status, code in (
        ("from=2020-01-01&to=2020-01-02", 404, "not-yet"),
        ("from=2020-01-02&to=2020-01-01", 422, "bad-input"),
        ("from=soon", 422, "bad-input"),
    ):
        got, problem = await desk.refused("GET", f"{path}/diff?{query}")
        assert (got, problem["code"]) == (status, code)


async def test_two_moments_of_a_company_differ_in_its_name_too(desk: Desk) -> None:
    path = f"/companies/{await desk.company(name='Acme')}"
    at = (await latest(desk, path))["at"].replace("+00:00", "Z")
    parent = await desk.company(name="Holding")
    await desk.change(path, name="Beta", parent_id=parent)
    found = await desk.read(f"{path}/diff?from={at}")
    told = {each["field"]: (each["old"], each["new"]) for each in found["fields"]}
    assert told == {"name": ("Acme", "Beta"), "parent_id": (None, "Holding")}
