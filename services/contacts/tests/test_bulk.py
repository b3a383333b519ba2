"""Many people are changed at once, in the background, and it is taken back as one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chassis.http.principal import OWN
from chassis.ids import new_id

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any


async def to_the_end(desk: Desk, started: Any, headers: Any) -> Any:
    """What became of a change that was accepted."""
    where = headers["Location"]
    assert where == f"/api/v1/contacts/bulk/{started['id']}"
    async with asyncio.timeout(60):
        while True:
            status, job, _ = await desk.ask("GET", where)
            assert status == 200, job
            if job["status"] in ("done", "failed"):
                assert job["status"] == "done", job["error"]
                return job
            await asyncio.sleep(0.05)


async def changed(desk: Desk, action: Any, headers: Any = None, **whom: Any) -> Any:
    """Change people, to the end."""
    token = ",".join(f"{stream}@{version}" for stream, version in desk.tokens.items())
    body = {**whom, "action": action}
    status, started, got = await desk.ask(
        "POST", "/api/v1/contacts/bulk", body, Everlog_Token=token, **(headers or {})
    )
    assert status == 202, started
    return await to_the_end(desk, started, got)


async def undone(desk: Desk, job: Any, preview: bool = False) -> Any:
    """Take it back, to the end."""
    path = f"/api/v1/contacts/bulk/{job['id']}/undo?preview={str(preview).lower()}"
    status, started, got = await desk.ask("POST", path)
    assert status == 202, started
    return await to_the_end(desk, started, got)


def counts(job: Any) -> tuple[int, int, int, int]:
    """total, changed, unchanged, failed"""
    assert job["done"] == job["total"]
    return (job["total"], job["changed"], job["unchanged"], job["failed"])


async def tags(desk: Desk, *people: str) -> list[list[str]]:
    return [(await desk.read(f"/contacts/{id_}"))["tags"] for id_ in people]


async def test_people_are_tagged_and_it_is_taken_back_as_one(desk: Desk) -> None:
    ada, bob = await desk.person(first_name="Ada"), await desk.person(first_name="Bob")
    cleo = await desk.person(first_name="Cleo", tags=["vip"])
    nobody = str(new_id())
    job = await changed(desk, {"add_tag": "VIP"}, ids=[ada, bob, cleo, nobody, ada])
    assert counts(job) == (4, 2, 1, 1)
    [failure] = job["failures"]
    assert (failure["count"], failure["ids"]) == (1, [nobody])
    assert failure["reason"].startswith("There is no such person")
    assert await tags(desk, ada, bob, cleo) == [["VIP"], ["VIP"], ["vip"]]
    _, failures, _ = await desk.ask("GET", f"/api/v1/contacts/bulk/{job['id']}/failures")
    assert failures["items"] == [{"id": nobody, "reason": failure["reason"]}]

    preview = await undone(desk, job, preview=True)
    assert (counts(preview), preview["preview"]) == ((2, 2, 0, 0), True)
    assert await tags(desk, ada) == [["VIP"]]
    assert counts(await undone(desk, job)) == (2, 2, 0, 0)
    assert await tags(desk, ada, bob, cleo) == [[], [], ["vip"]]
    assert (await desk.read(f"/contacts/{ada}"))["version"] == 3, "nothing is rewritten"
    status, problem = await desk.refused("POST", f"/contacts/bulk/{job['id']}/undo")
    assert (status, problem["code"]) == (409, "undone-already")
    _, listed, _ = await desk.ask("GET", "/api/v1/contacts/bulk")
    first = listed["items"][-1]
    assert (first["action"], first["undone_by"]) == ({"add_tag": "VIP"}, listed["items"][0]["id"])


async def test_what_was_changed_since_stays_and_is_told(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", city="London", tags=["lead"])
    bob = await desk.person(first_name="Bob", city="Paris", tags=["lead"])
    cities = await changed(desk, {"set": {"city": "Rome", "custom": {"x": 1}}}, ids=[ada, bob])
    owner = str(new_id())
    await changed(desk, {"set_owner": owner}, ids=[ada])
    gone = await changed(desk, {"remove_tag": "LEAD"}, ids=[ada, bob])
    await desk.change(f"/contacts/{ada}", city="Oslo")
    await desk.write("PUT", f"/contacts/{bob}/tags/lead", {})
    back = await undone(desk, cities)
    assert counts(back) == (2, 1, 0, 1)
    assert back["failures"] == [
        {"reason": "Changed since then, and kept: city.", "count": 1, "ids": [ada]}
    ]
    assert counts(await undone(desk, gone)) == (2, 1, 1, 0)
    records = [await desk.read(f"/contacts/{id_}") for id_ in (ada, bob)]
    assert [record["city"] for record in records] == ["Oslo", "Paris"]
    assert [record["custom"] for record in records] == [{}, {}]
    assert [record["tags"] for record in records] == [["lead"], ["lead"]]
    assert records[0]["owner"]["id"] == owner


async def test_what_somebody_took_into_hand_since_stays_though_it_says_the_same(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", city="London", tags=["lead"])
    jobs = [
        await changed(desk, action, ids=[ada])
        for action in ({"set": {"city": "Rome"}}, {"add_tag": "VIP"}, {"remove_tag": "lead"})
    ]
    for city in ("Oslo", "Rome"):
        await desk.change(f"/contacts/{ada}", city=city)
    for method in ("DELETE", "PUT"):
        await desk.write(method, f"/contacts/{ada}/tags/VIP")
    for method in ("PUT", "DELETE"):
        await desk.write(method, f"/contacts/{ada}/tags/lead")
    for job, field in zip(jobs, ("city", "tags", "tags"), strict=True):
        back = await undone(desk, job)
        assert counts(back) == (1, 0, 0, 1)
        assert back["failures"][0]["reason"] == f"Changed since then, and kept: {field}."
    record = await desk.read(f"/contacts/{ada}")
    assert (record["city"], record["tags"]) == ("Rome", ["VIP"])


async def test_all_that_a_filter_finds_are_meant_and_no_others(desk: Desk) -> None:
    for n in range(3):
        await desk.person(first_name=f"P{n}", country="Norway", tags=["north"])
    await desk.person(first_name="Other", country="Spain")
    assert await desk.read("/contacts/count?country=NO&tag=north") == {"people": 3}
    assert await desk.read("/contacts/count") == {"people": 4}
    job = await changed(desk, {"set": {"language": "nb"}}, filter={"country": "NO", "q": "p"})
    assert counts(job) == (3, 3, 0, 0)
    assert job["action"] == {"set": ["language"]}, "what it is set to is not kept in clear"
    found = (await desk.read("/contacts?sort=created"))["items"]
    languages = [(await desk.read(f"/contacts/{each['id']}"))["language"] for each in found]
    assert languages == ["nb", "nb", "nb", None]
    nobody = await changed(desk, {"add_tag": "x"}, filter={"tag": "no such"})
    assert counts(nobody) == (0, 0, 0, 0)


async def test_who_sees_only_their_own_changes_no_others(desk: Desk) -> None:
    me, them = new_id(), new_id()
    mine = await desk.person(first_name="Mine", owner_id=str(me))
    theirs = await desk.person(first_name="Theirs", owner_id=str(them))
    seller = desk.other(user_id=me, sees=OWN, owners=frozenset({me}))
    job = await changed(seller, {"add_tag": "a"}, filter={})
    assert counts(job) == (1, 1, 0, 0)
    job = await changed(seller, {"add_tag": "b"}, ids=[mine, theirs])
    assert counts(job) == (2, 1, 0, 1)
    assert await tags(desk, theirs) == [[]]
    body = {"ids": [mine], "action": {"set_owner": str(them)}}
    assert (await seller.refused("POST", "/contacts/bulk", body))[0] == 403
    others = await changed(desk, {"add_tag": "c"}, ids=[mine])
    assert (await seller.refused("GET", f"/contacts/bulk/{others['id']}"))[0] == 404
    reader = desk.other(permissions=frozenset({"contacts.read", "imports.run"}))
    body = {"ids": [mine], "action": {"add_tag": "d"}}
    assert (await reader.refused("POST", "/contacts/bulk", body))[0] == 403
    assert (await reader.refused("POST", f"/contacts/bulk/{others['id']}/undo"))[0] == 403
    for somebody in (seller, reader):
        await somebody.ask.close()


async def test_the_same_key_does_it_once(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada")
    key = {"Idempotency_Key": str(new_id())}
    first = await changed(desk, {"add_tag": "VIP"}, filter={}, headers=key)
    bob = await desk.person(first_name="Bob")
    again = await changed(desk, {"add_tag": "VIP"}, filter={}, headers=key)
    assert again["id"] == first["id"]
    assert await tags(desk, ada, bob) == [["VIP"], []]


@pytest.mark.parametrize(
    "body",
    [
        {"action": {"add_tag": "x"}},
        {"ids": [], "action": {"add_tag": "x"}},
        {"filter": {"nonsense": 1}, "action": {"add_tag": "x"}},
        {"filter": {}, "action": {}},
        {"filter": {}, "action": {"add_tag": "x", "remove_tag": "y"}},
        {"filter": {}, "action": {"set": {}}},
        {"filter": {}, "action": {"set": {"email": "all@x.de"}}},
        {"filter": {}, "action": {"set": {"company_role": "Boss"}}},
        {"filter": {}, "action": {"add_tag": None}},
    ],
)
async def test_what_makes_no_sense_is_refused_at_once(desk: Desk, body: Any) -> None:
    status, problem = await desk.refused("POST", "/contacts/bulk", body)
    assert status == 422, problem
    assert problem["detail"]


async def test_merged_and_erased_people_are_told_by_reason(desk: Desk) -> None:
    ada, twin = await desk.person(first_name="Ada"), await desk.person(first_name="Ada")
    gone = await desk.person(first_name="Gone")
    job = await changed(desk, {"add_tag": "VIP"}, ids=[ada, twin, gone])
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": twin})
    await desk.write("POST", f"/contacts/{gone}/erase")
    more = await changed(desk, {"add_tag": "new"}, ids=[ada, twin, gone])
    reasons = {each["reason"]: each["ids"] for each in more["failures"]}
    assert reasons == {
        "This record was merged into another one of the same person.": [twin],
        "This person was erased.": [gone],
    }
    back = await undone(desk, job)
    assert counts(back) == (3, 1, 1, 1)
