"""The list of people as of a moment over HTTP: who is in it, who sees whom, what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from chassis.clock import SystemClock
from chassis.http.paging import encode_cursor
from chassis.http.principal import OWN
from chassis.ids import new_id
from chassis.postgres.statements import render
from chassis.service import API, WORKER, Service
from contacts.manifest import MANIFEST
from contacts.past_list import PastWanted, fetch_past_people, narrowed_then, wanted_then
from contacts.read_models.purchase_totals import Point

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any
SINCE = "2026-01-05T09:00:00Z"
THEN = "2026-01-06"


async def now(desk: Desk, path: str) -> str:
    """The moment of the latest change of a record: what comes after it is later."""
    return quote((await desk.read(f"{path}/history"))["items"][0]["at"])


async def names(desk: Desk, query: str) -> list[str]:
    return [item["name"] for item in (await desk.read(f"/contacts?{query}"))["items"]]


async def test_people_are_as_they_were_and_by_that_they_are_found(desk: Desk) -> None:
    acme = await desk.company(name="Acme")
    ada = await desk.person(
        first_name="Ada",
        last_name="Byron",
        email="ada@byron.example",
        city="London",
        tags=["VIP"],
        company_id=acme,
        company_role="Analyst",
        at=SINCE,
    )
    await desk.change(
        f"/contacts/{ada}", last_name="King", email="ada@king.example", tags=["new"], company=None
    )
    later = await desk.person(first_name="Later", last_name="Person")
    page = await desk.read(f"/contacts?as_of={THEN}")
    [item] = page["items"]
    assert (item["id"], item["name"], item["email"]) == (ada, "Ada Byron", "ada@byron.example")
    assert (item["tags"], item["company"]) == (["VIP"], {"id": acme, "name": "Acme"})
    assert not {"version", "last_activity_at"} & set(item)
    assert (page["as_of"], page["known_at"]) == ("2026-01-06T23:59:59.999999Z", None)
    for asked, found in (
        ("q=byron", True),
        ("q=king", False),
        ("q=acme", True),
        ("tag=vip", True),
        ("tag=new", False),
        (f"company={acme}", True),
    ):
        assert await names(desk, f"as_of={THEN}&{asked}") == ["Ada Byron"] * found, asked
    [item] = (await desk.read(f"/contacts?as_of={THEN}&company={acme}"))["items"]
    assert item["role"] == "Analyst"
    assert await names(desk, "as_of=2026-01-04") == []
    assert await names(desk, "as_of=2199-01-01") == ["Ada King", "Later Person"]
    # What was entered today of earlier days was not known yet.
    assert await names(desk, f"as_of={THEN}&known_at={THEN}") == []
    await desk.read(f"/contacts/{later}")


async def test_who_was_merged_since_is_shown_apart_and_who_was_erased_never(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", last_name="B", at=SINCE)
    copy = await desk.person(first_name="Augusta", last_name="B", at=SINCE)
    gone = await desk.person(first_name="Gone", last_name="B", at=SINCE)
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    desk.saw(f"person-{copy}@2")
    assert await names(desk, f"as_of={THEN}") == ["Ada B", "Augusta B", "Gone B"]
    assert await names(desk, "as_of=2199-01-01") == ["Ada B", "Gone B"]
    merged = await now(desk, f"/contacts/{ada}")
    await desk.write("POST", f"/contacts/{ada}/unmerge", {"duplicate_id": copy})
    desk.saw(f"person-{copy}@3")
    assert await names(desk, f"as_of={merged}") == ["Ada B", "Gone B"]
    await desk.write("POST", f"/contacts/{gone}/erase")
    assert await names(desk, f"as_of={THEN}") == ["Ada B", "Augusta B"]


async def test_nobody_sees_more_of_the_past_than_of_now(desk: Desk) -> None:
    me, stranger = new_id(), new_id()
    mine = await desk.person(first_name="Mine", owner_id=str(me), at=SINCE)
    lost = await desk.person(first_name="Lost", owner_id=str(me), at=SINCE)
    got = await desk.person(first_name="Got", owner_id=str(stranger), at=SINCE)
    copy = await desk.person(first_name="Copy", owner_id=str(me), at=SINCE)
    await desk.change(f"/contacts/{lost}", owner_id=str(stranger))
    await desk.change(f"/contacts/{got}", owner_id=str(me))
    rep = desk.other(user_id=me, sees=OWN, owners=[me], role="sales_representative")
    assert await names(rep, f"as_of={THEN}") == ["Copy", "Got", "Mine"]
    assert await names(rep, f"as_of={THEN}&owner={me}") == ["Copy", "Mine"]
    assert await names(desk, f"as_of={THEN}&owner={me}") == ["Copy", "Lost", "Mine"]
    await desk.write("POST", f"/contacts/{lost}/merge", {"duplicate_id": copy})
    desk.saw(f"person-{copy}@2")  # a stranger's record answers for it
    assert await names(rep, f"as_of={THEN}") == ["Got", "Mine"]
    assert (await rep.read(f"/contacts/{mine}"))["name"] == "Mine"
    await rep.ask.close()


async def test_what_is_not_known_of_the_past_is_refused_at_its_parameter(desk: Desk) -> None:
    for asked, pointer in (
        ("as_of=2026-01-06&sort=-activity", "#/sort"),
        ("known_at=2026-01-06&sort=activity", "#/sort"),
        (f"known_at=2026-01-06&segment={new_id()}", "#/segment"),
    ):
        status, problem = await desk.refused("GET", f"/contacts?{asked}")
        assert (status, problem["errors"][0]["pointer"]) == (422, pointer), problem
    status, problem = await desk.refused("GET", "/contacts?as_of=yesterday")
    assert (status, "as_of=yesterday" in problem["detail"]) == (422, True)
    assert (await desk.refused("POST", "/contacts/bulk", {"filter": {"as_of": THEN}}))[0] == 422
    cursor = encode_cursor(["x"])
    assert (await desk.refused("GET", f"/contacts?as_of={THEN}&cursor={cursor}"))[0] == 422


async def test_a_segment_has_the_members_it_had(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", at=SINCE)
    await desk.person(first_name="Bob", at=SINCE)
    made = await desk.write("POST", "/segments", {"name": "Friends", "kind": "static"})
    path = f"/segments/{made['id']}/members"
    await desk.write("POST", path, {"contact_ids": [ada]})
    [member] = (await desk.read(path))["items"]
    await desk.write("POST", f"{path}/remove", {"contact_ids": [ada]})
    assert (await desk.read(path))["items"] == []
    asked = f"segment={made['id']}"
    assert await names(desk, asked) == []
    assert await names(desk, f"{asked}&as_of={quote(member['since'])}") == ["Ada"]
    assert await names(desk, f"{asked}&as_of={THEN}") == []


async def _filled(worker: Service, workspace: UUID, size: int) -> None:
    """A workspace full of people who were renamed once, put straight into the read model."""
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    rows: list[tuple[Any, ...]] = []
    people: list[tuple[Any, ...]] = []
    for n in range(size):
        id_, at = new_id(), begun + timedelta(minutes=n)
        owner = UUID(int=n % 50 + 1)
        rows += [
            (workspace, id_, 1, "all", at, at, f"name{n:05}", owner),
            (workspace, id_, 2, "name", at + timedelta(days=90), at, f"other{n:05}", None),
        ]
        people.append((workspace, id_, 2, owner))
    told = "workspace_id person_id version told at recorded_at sort_name owner_id"
    async with worker.work.connection(None) as connection:
        for table, columns, records in (
            ("past_people", told, rows),
            ("people", "workspace_id person_id version owner_id", people),
        ):
            await connection.copy_records_to_table(table, columns=columns.split(), records=records)
            await connection.execute(f"analyze {table}")


async def _emptied(worker: Service, workspace: UUID) -> None:
    """The log has nothing of all these people."""
    async with worker.work.connection(None) as connection:
        for table in ("past_people", "people"):
            await connection.execute(f"delete from {table} where workspace_id = $1", workspace)


async def test_a_page_of_the_past_is_read_in_the_order_of_an_index(desk: Desk) -> None:
    worker = Service(MANIFEST, desk.ask.settings, SystemClock(), WORKER)
    api = Service(MANIFEST, desk.ask.settings, SystemClock(), API)
    await worker.start()
    await api.start()
    try:
        await _filled(worker, desk.workspace, 5000)
        wanted = PastWanted(desk.workspace, Point(datetime(2026, 3, 1, tzinfo=UTC)))
        async with api.api.connection(desk.workspace) as connection:
            for asked, index in (
                (wanted, "past_people_by_sort_name"),
                (replace(wanted, sort="-created"), "past_people_by_creation"),
                (replace(wanted, owner=UUID(int=7)), r"past_people_\w+"),
                (replace(wanted, q="name012"), r"past_people_\w+"),
            ):
                items, cursor = await fetch_past_people(connection, asked)
                assert len(items) == 50
                following = replace(asked, cursor=cursor)
                narrowed = await narrowed_then(connection, following)
                plan = await _plan(connection, wanted_then(following, narrowed))
                assert re.search(f" using {index} on past_people n", plan), plan
                assert "Seq Scan on past_people" not in plan, plan
                if asked.q is None and asked.owner is None:
                    assert "Sort" not in plan, plan
                    assert re.search(
                        r"Index Cond: .* AND \(ROW\(\w+, person_id\) [<>] ROW", plan
                    ), plan
            begun = Point(datetime(2026, 1, 1, 8, tzinfo=UTC))
            assert len(await narrowed_then(connection, replace(wanted, point=begun))) == 1
            assert await narrowed_then(connection, wanted) == [], "too many are known to be listed"
            team = frozenset(UUID(int=n) for n in (3, 4))
            mine = replace(wanted, owners=team)
            items, _ = await fetch_past_people(connection, mine)
            assert {item["owner_id"] for item in items} == team
            plan = await _plan(connection, wanted_then(mine, await narrowed_then(connection, mine)))
            assert plan.count(" using people_pkey on people") == 2, plan
            assert "Seq Scan on people" not in plan, plan
    finally:
        await _emptied(worker, desk.workspace)
        await api.stop()
        await worker.stop()


async def _plan(connection: Any, statement: Any) -> str:
    text, arguments = render(statement)
    return "\n".join(row[0] for row in await connection.fetch(f"explain {text}", *arguments))
