"""Merging and taking it back, over HTTP, with the real log and read models."""

from __future__ import annotations

from typing import Any

import pytest

from chassis.ids import new_id

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any


async def two(desk: Desk) -> tuple[str, str]:
    ada = await desk.person(
        first_name="Ada", last_name="Byron", email="ada@x.example", tags=["VIP"], company="Acme"
    )
    copy = await desk.person(
        first_name="Augusta",
        last_name="Byron",
        email="augusta@y.example",
        tags=["math"],
        city="London",
        company="Acme",
        external_id="77",
    )
    return ada, copy


async def names(desk: Desk, query: str = "") -> list[str]:
    return sorted(item["id"] for item in (await desk.read(f"/contacts{query}"))["items"])


async def test_a_merged_record_keeps_answering_as_the_one_it_is_part_of(desk: Desk) -> None:
    ada, copy = await two(desk)
    await desk.write("POST", f"/contacts/{copy}/interactions", {"kind": "note", "text": "Hello"})
    done = await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    assert done["id"] == ada
    desk.saw(f"person-{copy}@3")
    record = await desk.read(f"/contacts/{copy}")
    assert (record["id"], record["merged_into"], record["asked_id"]) == (ada, ada, copy)
    assert record["city"] == "London"
    assert [one["name"] for one in record["merged"]] == ["Augusta Byron"]
    assert sorted(record["tags"]) == ["VIP", "math"]
    assert await names(desk) == [ada]
    assert await names(desk, "?q=augusta@y") == [ada]
    counted = {tag["tag"]: tag["count"] for tag in (await desk.read("/tags"))["items"]}
    assert counted == {"VIP": 1, "math": 1}
    told = await desk.read(f"/contacts/{copy}/timeline")
    assert "Hello" in [item["text"] for item in told["items"]]
    assert "merged a duplicate into this person" in [item["sentence"] for item in told["items"]]
    companies = (await desk.read("/companies"))["items"]
    assert [company["people"] for company in companies] == [1]


async def test_what_is_written_to_a_merged_record_is_refused_with_the_way_out(desk: Desk) -> None:
    ada, copy = await two(desk)
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    for method, path, body in (
        ("PATCH", f"/contacts/{copy}", {"city": "Rome"}),
        ("PUT", f"/contacts/{copy}/tags/new", None),
        ("POST", f"/contacts/{copy}/erase", None),
        ("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy}),
        ("POST", "/purchases", {
            "contact_id": copy, "currency": "EUR", "lines": [{"unit_price_minor": 1}],
        }),
    ):  # fmt: skip
        status, problem = await desk.refused(method, path, body, If_Match='"2"')
        if path == f"/contacts/{ada}/merge":
            status, problem = await desk.refused(method, path, body)
        assert (status, problem["code"]) == (409, "merged"), problem
        assert problem["survivor_id"] == ada


async def test_taking_back_is_shown_before_and_gives_each_their_own(desk: Desk) -> None:
    ada, copy = await two(desk)
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    await desk.change(f"/contacts/{ada}", city="Paris", last_name="Lovelace")
    wanted = {"duplicate_id": copy}
    status, shown, headers = await desk.ask(
        "POST", f"/api/v1/contacts/{ada}/unmerge?preview=true", wanted
    )
    assert status == 200, shown
    rows = {row["field"]: row for row in shown["fields"]}
    assert rows["city"] == {
        "field": "city", "now": "Paris", "survivor": None, "duplicate": "Paris",
        "changed_since": True,
    }  # fmt: skip
    assert rows["last_name"]["survivor"] == "Lovelace"
    assert shown["survivor"]["tags"] == ["VIP"]
    assert shown["duplicate"]["tags"] == ["math"]
    await desk.write("POST", f"/contacts/{ada}/unmerge", wanted, If_Match=headers["ETag"])
    desk.saw(f"person-{copy}@4")
    one, other = await desk.read(f"/contacts/{ada}"), await desk.read(f"/contacts/{copy}")
    assert (one["last_name"], one["city"], one["tags"]) == ("Lovelace", None, ["VIP"])
    assert (other["id"], other["city"], other["tags"]) == (copy, "Paris", ["math"])
    assert other["last_name"] == "Byron"
    assert "merged_into" not in other
    assert await names(desk) == sorted([ada, copy])
    for record, expected in ((one, shown["survivor"]), (other, shown["duplicate"])):
        for field in ("first_name", "last_name", "emails", "tags", "companies", "city"):
            assert record[field] == expected[field]


async def test_a_merge_is_previewed_field_by_field(desk: Desk) -> None:
    ada, copy = await two(desk)
    await desk.read(f"/contacts/{copy}")  # the company's name is known by then
    body = {"duplicate_id": copy, "choices": {"first_name": "duplicate"}}
    _, shown, _ = await desk.ask("POST", f"/api/v1/contacts/{ada}/merge?preview=true", body)
    rows = {row["field"]: row for row in shown["fields"]}
    assert rows["first_name"] == {
        "field": "first_name", "survivor": "Ada", "duplicate": "Augusta", "merged": "Augusta",
    }  # fmt: skip
    assert rows["company"]["merged"] == "Acme"
    assert await names(desk) == sorted([ada, copy])


async def test_a_merge_is_of_the_version_that_was_seen_and_done_once(desk: Desk) -> None:
    ada, copy = await two(desk)
    path, body = f"/contacts/{ada}/merge", {"duplicate_id": copy}
    status, problem = await desk.refused("POST", path, body, If_Match='"7"')
    assert (status, problem["code"]) == (412, "stale-version")
    key = str(new_id())
    first = await desk.write("POST", path, body, Idempotency_Key=key)
    assert await desk.write("POST", path, body, Idempotency_Key=key) == first


async def test_a_cluster_becomes_one_record_and_every_id_answers(desk: Desk) -> None:
    ada, copy = await two(desk)
    third = await desk.person(first_name="Ada", last_name="King")
    await desk.write("POST", f"/contacts/{copy}/merge", {"duplicate_id": third})
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    desk.saw(f"person-{third}@3")
    for id_ in (ada, copy, third):
        assert (await desk.read(f"/contacts/{id_}"))["id"] == ada
    status, problem = await desk.refused(
        "POST", f"/contacts/{ada}/unmerge", {"duplicate_id": third}
    )
    assert (status, problem["code"]) == (409, "came-along")
    await desk.write("POST", f"/contacts/{ada}/unmerge", {"duplicate_id": copy})
    desk.saw(f"person-{third}@4")
    assert (await desk.read(f"/contacts/{third}"))["id"] == copy


async def test_purchases_of_all_records_are_one_persons(desk: Desk) -> None:
    ada, copy = await two(desk)
    for id_ in (ada, copy):
        bought = {
            "contact_id": id_,
            "currency": "EUR",
            "lines": [{"title": "Tea", "unit_price_minor": 500}],
        }
        await desk.write("POST", "/purchases", bought)
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    desk.saw(f"person-{copy}@2")
    summary = (await desk.read(f"/contacts/{ada}"))["purchases"]
    assert summary["totals"][0]["total"] == {"amount_minor": 1000, "currency": "EUR"}
    items = (await desk.read(f"/contacts/{copy}/purchases"))["items"]
    assert {item["contact_id"] for item in items} == {ada}
    assert len(items) == 2


async def test_an_import_that_means_the_duplicate_changes_the_survivor(desk: Desk) -> None:
    ada, copy = await two(desk)
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    job = await desk.import_file("contacts", b"Id,Last name,Language\n77,Byron,fr\n")
    assert (job["updated"], job["created"]) == (1, 0), job["error"]
    assert (await desk.read(f"/contacts/{ada}"))["language"] == "fr"


async def test_erasing_somebody_erases_all_records_of_them(desk: Desk) -> None:
    ada, copy = await two(desk)
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    await desk.write("POST", f"/contacts/{ada}/erase")
    desk.saw(f"person-{copy}@3")
    for id_ in (ada, copy):
        status, problem = await desk.refused("GET", f"/contacts/{id_}")
        assert (status, problem["code"]) == (404, "erased")
    assert (await desk.read("/tags"))["items"] == []
