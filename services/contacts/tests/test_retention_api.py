"""Rules of retention over HTTP: whom they find and spare, and having those erased."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from chassis.clock import SystemClock
from chassis.http.principal import OWN
from chassis.ids import new_id
from chassis.imports import Fail, ImportRow, ImportRun, Remove, Skip
from chassis.service import WORKER, Service
from contacts.domain.retention_rule import Terms
from contacts.manifest import MANIFEST
from contacts.retention import Search, erase_found

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any
LONG_AGO = datetime(2019, 3, 2, 12, tzinfo=UTC)
RULE = {"name": "Quiet for three years", "months": 36}


@pytest_asyncio.fixture(loop_scope="module")
async def boss(desk: Desk) -> AsyncIterator[Desk]:
    """Who oversees the workspace."""
    rights = desk.ask.principal.permissions | {"settings.write"}
    overseer = desk.other(user_id=new_id(), permissions=rights)
    yield overseer
    await overseer.ask.close()


async def _known_since_long_ago(desk: Desk, *names: str) -> list[str]:
    at = LONG_AGO.isoformat()
    return [await desk.person(first_name=name, at=at) for name in names]


async def _rule(boss: Desk, **more: Any) -> str:
    made = await boss.write("POST", "/retention/rules", {**RULE, **more})
    return f"/retention/rules/{made['id']}"


async def _found(boss: Desk, rule: str) -> set[str]:
    found = await boss.read(f"{rule}/preview")
    names = {item["person"]["name"] for item in found["items"]}
    assert len(names) == found["people"]
    return names


async def _run(boss: Desk, rule: str, people: int, **headers: str) -> Any:
    """The rule is run to the end; what became of it."""
    version = {"If_Match": f'"{(await boss.read(rule))["version"]}"', **headers}
    path = f"/api/v1{rule}/run"
    status, started, got = await boss.ask("POST", path, {"people": people}, **version)
    assert status == 202, started
    assert got["Location"] == f"/api/v1/retention/runs/{started['id']}"
    async with asyncio.timeout(60):
        while True:
            run = await boss.read(f"/retention/runs/{started['id']}")
            if run["status"] in ("done", "failed"):
                return run
            await asyncio.sleep(0.05)


async def test_nobody_is_found_with_whom_anything_happened(desk: Desk, boss: Desk) -> None:
    kinds, deals = desk.others.kinds, [new_id() for _ in range(2)]
    quiet, noted, agreed, bought, sold, selling = await _known_since_long_ago(
        desk, "Quiet", "Noted", "Agreed", "Bought", "Sold", "Selling"
    )
    await desk.person(first_name="New")
    await desk.write("POST", f"/contacts/{noted}/interactions", {"kind": "note", "text": "x"})
    await desk.write("PUT", f"/contacts/{agreed}/consents/email/news", {})
    line = {"title": "Tea", "unit_price_minor": 100}
    order = {"contact_id": bought, "currency": "EUR", "lines": [line]}
    await desk.write("POST", "/purchases", {**order, "bought_at": LONG_AGO.isoformat()})
    opened, won = kinds["DealOpened"], kinds["DealWon"]
    day = date(2019, 3, 2)
    made = [
        (opened(deals[0], "Lamps", new_id(), contact_id=sold, occurred_at=LONG_AGO), deals[0]),
        (won(deals[0], 1, "EUR", day, occurred_at=LONG_AGO), deals[0]),
        (opened(deals[1], "Desks", new_id(), contact_id=selling, occurred_at=LONG_AGO), deals[1]),
    ]
    desk.saw(await desk.others.publish(*(("deal", deal, event) for event, deal in made)))
    assert await _found(boss, await _rule(boss)) == {"Quiet"}
    buyers = await _rule(boss, name="Buyers, too", spare_buyers=False)
    assert await _found(boss, buyers) == {"Quiet", "Bought", "Sold"}
    everybody = await _rule(boss, name="All", spare_buyers=False, spare_consenting=False)
    # The consent was given just now: that is something that happened.
    assert await _found(boss, everybody) == {"Quiet", "Bought", "Sold"}
    lost = kinds["DealMoved"](deals[0], "a", "b", occurred_at=datetime(2026, 3, 2, tzinfo=UTC))
    desk.saw(await desk.others.publish(("deal", deals[0], lost)))
    assert await _found(boss, everybody) == {"Quiet", "Bought"}
    assert (await desk.read(f"/contacts/{quiet}"))["first_name"] == "Quiet"


async def test_a_rule_may_be_about_a_segment_and_is_changed_and_removed(
    desk: Desk, boss: Desk
) -> None:
    ada, _ = await _known_since_long_ago(desk, "Ada", "Bob")
    segment = await desk.write("POST", "/segments", {"name": "Some", "kind": "static"})
    await desk.write("POST", f"/segments/{segment['id']}/members", {"contact_ids": [ada]})
    desk.saw(f"membership-{ada}@1")
    rule = await _rule(boss, segment_id=segment["id"])
    assert await _found(boss, rule) == {"Ada"}
    await boss.change(rule, segment_id=None, name="Everybody")
    assert await _found(boss, rule) == {"Ada", "Bob"}
    [listed] = (await boss.read("/retention/rules"))["items"]
    assert (listed["name"], listed["months"], listed["run_at"]) == ("Everybody", 36, None)
    status, _ = await boss.refused("POST", "/retention/rules", {**RULE, "segment_id": str(ada)})
    assert status == 404
    assert (await boss.refused("PATCH", rule, {"months": 5}))[0] == 428
    await boss.write("DELETE", rule)
    assert (await boss.read("/retention/rules"))["items"] == []
    for path in (rule, f"{rule}/preview"):
        assert (await boss.refused("GET", path))[0] == 404


async def test_those_who_were_found_are_erased_with_certificates(desk: Desk, boss: Desk) -> None:
    ada, copy, bob = await _known_since_long_ago(desk, "Ada", "Augusta", "Bob")
    cleo = await desk.person(first_name="Cleo")
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    desk.saw(f"person-{copy}@2")
    rule = await _rule(boss)
    assert await _found(boss, rule) == {"Ada", "Bob"}
    version = (await boss.read(rule))["version"]
    seen = {"If_Match": f'"{version}"'}
    status, problem = await boss.refused("POST", f"{rule}/run", {"people": 3}, **seen)
    assert (status, problem["code"], problem["people"]) == (409, "others-by-now", 2)
    assert (await boss.refused("POST", f"{rule}/run", {"people": 2}))[0] == 428
    stale = await boss.refused("POST", f"{rule}/run", {"people": 2}, If_Match='"9"')
    assert stale[0] == 412
    assert await _found(boss, rule) == {"Ada", "Bob"}

    run = await _run(boss, rule, 2, Idempotency_Key="once")
    assert (run["status"], run["erased"], run["kept"], run["people"]) == ("done", 3, 0, 2)
    for person in (ada, bob):
        proof = (await boss.read(f"/contacts/{person}/certificate"))["certificate"]
        assert {each["erasure"]["actor"] for each in proof["records"]} == {
            str(boss.ask.principal.user_id)
        }
    assert len((await boss.read(f"/contacts/{ada}/certificate"))["certificate"]["records"]) == 2
    assert (await desk.read(f"/contacts/{cleo}"))["first_name"] == "Cleo"
    assert await _found(boss, rule) == set()
    again = await boss.ask(
        "POST", f"/api/v1{rule}/run", {"people": 2}, Idempotency_Key="once", **seen
    )
    assert (again[0], again[1]["id"], again[2]["Idempotent-Replayed"]) == (202, run["id"], "true")
    assert [each["id"] for each in (await boss.read("/retention/runs"))["items"]] == [run["id"]]
    after = f'"{version + 1}"'
    status, problem = await boss.refused("POST", f"{rule}/run", {"people": 0}, If_Match=after)
    assert (status, problem["code"]) == (409, "nobody")


async def test_whoever_is_needed_meanwhile_stays_with_all_their_records(
    desk: Desk, boss: Desk
) -> None:
    """As a worker meets them that comes to them later than the run was asked for."""
    ada, copy, bob, gone = await _known_since_long_ago(desk, "Ada", "Augusta", "Bob", "Gone")
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    desk.saw(f"person-{copy}@2")
    deal, kinds = new_id(), desk.others.kinds
    opened = kinds["DealOpened"](deal, "Lamps", new_id(), contact_id=copy, occurred_at=LONG_AGO)
    desk.saw(await desk.others.publish(("deal", deal, opened)))
    await desk.write("POST", f"/contacts/{gone}/erase")
    await desk.read("/contacts")
    worker = Service(MANIFEST, desk.ask.settings, SystemClock(), WORKER)
    await worker.start()
    try:
        now = worker.clock.now()
        run = ImportRun(worker, new_id(), desk.workspace, "somebody", now)
        action = msgspec.json.encode(Search.of(Terms("Quiet", 36), now)).decode()
        people = (ada, copy, bob, gone)
        rows = [ImportRow(n, {"id": id_, "action": action}) for n, id_ in enumerate(people, 1)]
        outcomes = await erase_found(run, rows)
    finally:
        await worker.stop()
    assert [type(outcome) for outcome in outcomes] == [Fail, Fail, Remove, Skip]


async def test_only_who_oversees_everybody_may_have_people_erased(desk: Desk, boss: Desk) -> None:
    rule = await _rule(boss)
    me = new_id()
    rights = boss.ask.principal.permissions
    some = desk.other(user_id=me, sees=OWN, owners=[me], permissions=rights)
    for method, path, body in (
        ("GET", "/retention/rules", None),
        ("POST", "/retention/rules", RULE),
        ("GET", rule, None),
        ("PATCH", rule, {"months": 1}),
        ("DELETE", rule, None),
        ("GET", f"{rule}/preview", None),
        ("POST", f"{rule}/run", {"people": 0}),
        ("GET", "/retention/runs", None),
        ("GET", f"/retention/runs/{new_id()}", None),
    ):
        for who in (desk, some):
            assert (await who.refused(method, path, body, If_Match='"1"'))[0] == 403, path
    await some.ask.close()
