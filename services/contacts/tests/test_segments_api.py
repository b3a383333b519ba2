"""Segments over HTTP: members come and go by events, and it can be said why."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.clock import SystemClock
from chassis.ids import new_id
from chassis.service import WORKER, Service
from contacts.manifest import MANIFEST

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any
VIP = {"field": "tags", "is": "has", "value": "VIP"}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_PATIENCE_S = 10.0
SUMMED = "select sum(next_offset) from road.offsets where lane = 'segments'"


async def segment(desk: Desk, condition: Any = None, **fields: Any) -> str:
    body = {"name": f"Segment {new_id()}", "condition": condition, **fields}
    return str((await desk.write("POST", "/segments", body))["id"])


async def members(desk: Desk, id_: str, query: str = "") -> set[str]:
    return {item["id"] for item in (await desk.read(f"/segments/{id_}/members{query}"))["items"]}


async def holds_soon(desk: Desk, id_: str, expected: Collection[str]) -> None:
    """The segment has exactly these members, before long."""
    async with asyncio.timeout(_PATIENCE_S):
        while await members(desk, id_) != set(expected):
            await asyncio.sleep(0.05)


async def settled(desk: Desk, id_: str) -> None:
    """Everybody was looked at."""
    async with asyncio.timeout(_PATIENCE_S):
        while (await desk.read(f"/segments/{id_}"))["evaluating"]:
            await asyncio.sleep(0.05)


async def test_people_who_are_there_already_are_found_and_others_come_and_go(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", tags=["vip"])
    bob = await desk.person(first_name="Bob")
    id_ = await segment(desk, VIP)
    await holds_soon(desk, id_, [ada])
    await desk.write("PUT", f"/contacts/{bob}/tags/VIP", {})
    await holds_soon(desk, id_, [ada, bob])
    await desk.write("DELETE", f"/contacts/{ada}/tags/vip")
    await holds_soon(desk, id_, [bob])
    listed = (await desk.read(f"/contacts?segment={id_}"))["items"]
    assert [item["id"] for item in listed] == [bob]
    shown = await desk.read(f"/segments/{id_}")
    assert (shown["members"], shown["kind"], shown["condition"]) == (1, "dynamic", VIP)
    moves = (await desk.read(f"/segments/{id_}/moves"))["items"]
    assert [(one["id"], one["move"]) for one in moves] == [
        (ada, "left"),
        (bob, "entered"),
        (ada, "entered"),
    ]
    paged: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await desk.read(f"/segments/{id_}/moves?limit=1&cursor={cursor}")
        paged, cursor = [*paged, *page["items"]], page["next"]
    assert paged == moves


async def test_a_changed_condition_moves_everybody_once(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", tags=["VIP"], city="London")
    bob = await desk.person(first_name="Bob", city="Paris")
    id_ = await segment(desk, VIP)
    await holds_soon(desk, id_, [ada])
    paris = {"any": [{"field": "city", "is": "is", "value": "PARIS"}]}
    await desk.change(f"/segments/{id_}", condition=paris)
    await holds_soon(desk, id_, [bob])


async def test_companies_deals_purchases_consents_and_mails_move_people(desk: Desk) -> None:
    kinds, deal, news, mail = desk.others.kinds, new_id(), new_id(), new_id()
    ada = await desk.person(first_name="Ada", company="Acme")
    await desk.person(first_name="Bob")
    conditions = {
        "company": {"field": "company.sector", "is": "is", "value": "retail"},
        "deal": {"field": "deals.open", "is": "at_least", "value": 1},
        "purchase": {
            "field": "purchases.total",
            "is": "at_least",
            "value": {"amount_minor": 500, "currency": "EUR"},
        },
        "consent": {"field": "consent.email.news", "is": "is_given"},
        "mail": {"field": "mails.sent", "is": "at_least", "value": 1},
        "talk": {"field": "interactions.last_at", "is": "is_filled"},
    }
    ids = {name: await segment(desk, condition) for name, condition in conditions.items()}
    for id_ in ids.values():
        await settled(desk, id_)
        assert await members(desk, id_) == set()
    company = (await desk.read(f"/contacts/{ada}"))["company_id"]
    await desk.change(f"/companies/{company}", sector="Retail")
    await desk.write("PUT", f"/contacts/{ada}/consents/email/news", {})
    await desk.write("POST", f"/contacts/{ada}/interactions", {"kind": "note", "text": "Hi"})
    line = {"title": "Tea", "unit_price_minor": 500}
    body = {"contact_id": ada, "currency": "EUR", "lines": [line]}
    bought = await desk.write("POST", "/purchases", body)
    opened = kinds["DealOpened"](deal, "Lamps", new_id(), contact_id=ada, occurred_at=NOON)
    sent = kinds["MessageSent"](mail, news, ada, NOON, occurred_at=NOON)
    desk.saw(await desk.others.publish(("deal", deal, opened), ("message", mail, sent)))
    for id_ in ids.values():
        await holds_soon(desk, id_, [ada])
    away = kinds["DealRelinked"](deal, None, None, occurred_at=NOON)
    desk.saw(await desk.others.publish(("deal", deal, away)))
    await desk.write("POST", f"/purchases/{bought['id']}/cancel")
    await desk.write("DELETE", f"/contacts/{ada}/consents/email/news")
    for name in ("deal", "purchase", "consent"):
        await holds_soon(desk, ids[name], [])


async def test_who_was_in_at_a_moment_is_known(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", tags=["VIP"])
    before = SystemClock().now()
    id_ = await segment(desk, VIP)
    await holds_soon(desk, id_, [ada])
    then = SystemClock().now()
    await desk.write("DELETE", f"/contacts/{ada}/tags/VIP")
    await holds_soon(desk, id_, [])
    at = then.isoformat().replace("+00:00", "Z")
    told = await desk.read(f"/segments/{id_}/members?as_of={at}")
    assert ([item["id"] for item in told["items"]], told["count"]) == ([ada], 1)
    earlier = before.isoformat().replace("+00:00", "Z")
    assert await members(desk, id_, f"?as_of={earlier}") == set()


async def test_it_is_told_why_somebody_is_in_and_what_is_missing(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", tags=["VIP"], city="London")
    london = {"field": "city", "is": "is", "value": "London"}
    both = {"all": [VIP, {"not": london}]}
    inside, outside = await segment(desk, {"any": [VIP, london]}), await segment(desk, both)
    await holds_soon(desk, inside, [ada])
    await settled(desk, outside)
    told = {one["id"]: one for one in (await desk.read(f"/contacts/{ada}/segments"))["items"]}
    assert told[inside]["member"]
    assert told[inside]["missing"] == []
    assert told[inside]["why"]["any"][0]["holds"] is True
    assert told[inside]["why"]["any"][1]["found"] == "london"
    assert not told[outside]["member"]
    assert told[outside]["missing"] == ["not “City is London”"]
    assert told[outside]["why"]["all"][1]["not"]["holds"] is True


async def test_static_segments_are_filled_by_hand_and_others_frozen(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", tags=["VIP"])
    bob = await desk.person(first_name="Bob")
    id_ = await segment(desk, kind="static")
    wanted = {"contact_ids": [ada, bob]}
    assert (await desk.write("POST", f"/segments/{id_}/members", wanted))["changed"] == 2
    assert await members(desk, id_) == {ada, bob}
    await desk.write("POST", f"/segments/{id_}/members/remove", {"contact_ids": [bob]})
    assert await members(desk, id_) == {ada}
    dynamic = await segment(desk, VIP)
    await holds_soon(desk, dynamic, [ada])
    frozen = (await desk.write("POST", f"/segments/{dynamic}/freeze", {"name": "Then"}))["id"]
    await holds_soon(desk, frozen, [ada])
    await desk.write("DELETE", f"/contacts/{ada}/tags/VIP")
    await holds_soon(desk, dynamic, [])
    assert await members(desk, frozen) == {ada}
    status, problem = await desk.refused("POST", f"/segments/{dynamic}/members", wanted)
    assert (status, problem["code"]) == (409, "segment-dynamic")


async def test_a_merged_record_leaves_and_its_survivor_takes_over(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada")
    copy = await desk.person(first_name="Ada", tags=["VIP"])
    dynamic, static = await segment(desk, VIP), await segment(desk, kind="static")
    await desk.write("POST", f"/segments/{static}/members", {"contact_ids": [copy]})
    await holds_soon(desk, dynamic, [copy])
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    for id_ in (dynamic, static):
        await holds_soon(desk, id_, [ada])
    await desk.write("POST", f"/contacts/{ada}/unmerge", {"duplicate_id": copy})
    await holds_soon(desk, dynamic, [copy])
    await holds_soon(desk, static, [ada, copy])


async def test_nothing_stays_of_who_was_erased_but_the_counts_are_right(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", tags=["VIP"])
    bob = await desk.person(first_name="Bob", tags=["VIP"])
    id_ = await segment(desk, VIP)
    await holds_soon(desk, id_, [ada, bob])
    at = SystemClock().now().isoformat().replace("+00:00", "Z")
    await desk.write("POST", f"/contacts/{ada}/erase")
    await holds_soon(desk, id_, [bob])
    async with asyncio.timeout(_PATIENCE_S):
        while (await desk.read(f"/segments/{id_}"))["members"] != 1:
            await asyncio.sleep(0.05)
    assert await members(desk, id_, f"?as_of={at}") == {bob}
    told = (await desk.read(f"/segments/{id_}/moves"))["items"]
    assert {one["id"] for one in told} == {bob}


async def test_a_line_in_time_is_crossed_without_an_event(desk: Desk) -> None:
    recent = SystemClock().now() - timedelta(days=30) + timedelta(seconds=4)
    ada = await desk.person(first_name="Ada", at=recent.isoformat())
    new = {"field": "created_at", "is": "in_last_days", "value": 30}
    young, old = await segment(desk, new), await segment(desk, {"not": new})
    await holds_soon(desk, young, [ada])
    await holds_soon(desk, young, [])
    await holds_soon(desk, old, [ada])


async def test_an_unsaved_condition_is_counted(desk: Desk) -> None:
    await desk.person(first_name="Ada", tags=["VIP"])
    await desk.read("/contacts")
    status, told, _ = await desk.ask("POST", "/api/v1/segments/preview", {"condition": VIP})
    assert (status, told["count"], told["examples"][0]["name"]) == (200, 1, "Ada")
    status, problem, _ = await desk.ask(
        "POST", "/api/v1/segments/preview", {"condition": {"all": [{"field": "shoe", "is": "is"}]}}
    )
    assert status == 422
    assert problem["errors"][0]["pointer"] == "#/condition/all/0/field"


async def test_an_archived_segment_rests_and_is_found_anew_when_it_is_restored(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", tags=["VIP"])
    id_ = await segment(desk, VIP)
    await holds_soon(desk, id_, [ada])
    await desk.write("POST", f"/segments/{id_}/archive")
    assert [s["id"] for s in (await desk.read("/segments"))["items"]] == []
    assert [s["id"] for s in (await desk.read("/segments?archived=true"))["items"]] == [id_]
    await desk.write("DELETE", f"/contacts/{ada}/tags/VIP")
    await asyncio.sleep(0.5)
    assert await members(desk, id_) == {ada}
    await desk.write("POST", f"/segments/{id_}/restore")
    await holds_soon(desk, id_, [])


async def test_a_representative_sees_only_their_own_in_it(desk: Desk) -> None:
    rep = new_id()
    mine = await desk.person(first_name="Ada", tags=["VIP"], owner_id=str(rep))
    theirs = await desk.person(first_name="Bob", tags=["VIP"], owner_id=str(new_id()))
    id_ = await segment(desk, VIP)
    await holds_soon(desk, id_, [mine, theirs])
    other = desk.other(user_id=rep, sees="own", owners=[rep])
    assert await members(other, id_) == {mine}
    assert (await other.read("/segments"))["items"][0]["members"] == 1
    status, _ = await other.refused("GET", f"/contacts/{theirs}/segments")
    assert status == 404
    await other.ask.close()


async def test_who_sees_figures_only_is_told_of_no_small_group(desk: Desk) -> None:
    for n in range(5):
        await desk.person(first_name=f"Reader{n}", tags=["VIP"] if n else ["VIP", "rare"])
    rare = {"field": "tags", "is": "has", "value": "rare"}
    ids = [await segment(desk, condition) for condition in (VIP, rare)]
    for id_ in ids:
        await settled(desk, id_)
    marketing = desk.other(sees="aggregate", role="marketing_manager")
    shown = {one["id"]: one["members"] for one in (await marketing.read("/segments"))["items"]}
    assert [shown[id_] for id_ in ids] == [5, None]
    for condition, expected in ((VIP, 5), (rare, None)):
        body = {"condition": condition}
        _, told, _ = await marketing.ask("POST", "/api/v1/segments/preview", body)
        assert (told["count"], told["examples"]) == (expected, [])
    status, _ = await marketing.refused("GET", f"/segments/{ids[0]}/members")
    assert status == 403
    await marketing.ask.close()


async def test_reading_the_topics_from_their_beginning_moves_nobody(
    desk: Desk,
) -> None:
    ada = await desk.person(first_name="Ada")
    copy = await desk.person(first_name="Ada", tags=["VIP"])
    dynamic, static = await segment(desk, VIP), await segment(desk, kind="static")
    await desk.write("POST", f"/segments/{static}/members", {"contact_ids": [copy]})
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    await holds_soon(desk, static, [ada])
    await desk.write("POST", f"/segments/{static}/members/remove", {"contact_ids": [ada]})
    await holds_soon(desk, dynamic, [ada])
    worker = Service(MANIFEST, desk.ask.settings, SystemClock(), WORKER)
    await worker.start()
    try:
        async with worker.work.connection(None) as connection:
            count = "select count(*) from log.events where workspace_id = $1"
            before = await connection.fetchval(count, desk.workspace)
            upto = await connection.fetchval(SUMMED)
            await connection.execute("delete from road.guards where lane = 'segments'")
            await connection.execute(
                "update road.offsets set next_offset = 0, epoch = epoch + 1 where lane = 'segments'"
            )
            await desk.person(first_name="Bob")  # is fenced, and so looks where the lane is
            async with asyncio.timeout(30):
                while await connection.fetchval(SUMMED) <= upto:
                    await asyncio.sleep(0.1)
            assert await connection.fetchval(count, desk.workspace) == before + 1
    finally:
        await worker.stop()
