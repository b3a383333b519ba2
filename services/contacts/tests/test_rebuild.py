"""Live read models are what a fold of the log makes of it, and stay so when they are rebuilt."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.clock import SystemClock
from chassis.errands import rebuild, rebuilding
from chassis.ids import new_id
from chassis.service import WORKER, Service
from contacts.manifest import MANIFEST

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

Desk = Any
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HEADER = "Order number,Ordered at,Customer id,Item,Quantity,Unit price\n"


async def a_story(desk: Desk) -> tuple[str, str]:
    """Everything that reaches a read model of this service has happened; two people of it."""
    kinds, user, news, deal = desk.others.kinds, new_id(), new_id(), new_id()
    await desk.others.open_workspace("EUR")
    desk.saw(await desk.others.users(Grace_Hopper=user))
    ada = await desk.person(
        first_name="Ada", company="Acme", tags=["VIP"], external_id="7", phone="+44 20 7946 0958"
    )
    bob = await desk.person(first_name="Bob", company="Acme", tags=["VIP"], email="bob@x.de")
    started = kinds["BroadcastStarted"](news, "News", new_id(), occurred_at=NOON)
    opened = kinds["DealOpened"](deal, "Lamps", new_id(), contact_id=ada, occurred_at=NOON)
    desk.saw(await desk.others.publish(("broadcast", news, started), ("deal", deal, opened)))
    await desk.write("PUT", f"/contacts/{ada}/consents/email/news", {})
    await desk.write("POST", f"/contacts/{ada}/interactions", {"kind": "note", "text": "x"})
    rows = [
        f"{n % 40},2026-02-01,{7 if n % 2 else ''},Thing {n},{1 - n % 3},2.50" for n in range(90)
    ]
    for upto in (60, 90):
        content = (HEADER + "\n".join(rows[:upto])).encode()
        assert (await desk.import_file("purchases", content))["failed"] == 0
    for contact, amount in ((ada, 100), (bob, 200), (bob, 300)):
        line = {"title": "Tea", "unit_price_minor": amount}
        body = {"contact_id": contact, "currency": "EUR", "lines": [line]}
        made = await desk.write("POST", "/purchases", body)
    await desk.write("POST", f"/purchases/{made['id']}/cancel")
    copy = await desk.person(first_name="Bob", company="Acme", tags=["new"], city="Bonn")
    await desk.write("POST", f"/contacts/{bob}/merge", {"duplicate_id": copy})
    desk.saw(f"person-{copy}@2")
    cleo = await desk.person(first_name="Cleo")
    await desk.write("POST", f"/contacts/{cleo}/told-apart", {"other_id": bob})
    administrator = desk.other(permissions=desk.ask.principal.permissions | {"settings.write"})
    await administrator.write("PUT", "/contacts/duplicates/rule", {"threshold": 0.999})
    await administrator.write("POST", "/retention/rules", {"name": "Quiet", "months": 36})
    await administrator.write("POST", "/contacts/fields", {"title": "Size", "type": "text"})
    await administrator.ask.close()
    vip = {"field": "tags", "is": "has", "value": "VIP"}
    body = {"name": "Best customers", "condition": vip}
    segment = (await desk.write("POST", "/segments", body))["id"]
    async with asyncio.timeout(10):
        while (await desk.read(f"/segments/{segment}"))["members"] < 2:
            await asyncio.sleep(0.05)
    views = [
        (await desk.write("POST", "/contacts/views", {"name": name, "shared": True}))["id"]
        for name in ("North", "South")
    ]
    await desk.change(f"/contacts/views/{views[0]}", filters={"tag": "VIP"}, shared=False)
    await desk.write("PUT", "/contacts/views/default", {"view_id": views[0]})
    await desk.write("DELETE", f"/contacts/views/{views[1]}")
    await desk.csv("/consents/export")
    token = kinds["ApiTokenMade"](user, new_id(), "Shop", ["contacts.read"], occurred_at=NOON)
    desk.saw(await desk.others.publish(("user", user, token)))
    await desk.write("POST", f"/contacts/{cleo}/erase")
    return ada, bob


async def test_every_read_model_equals_the_fold_and_answers_the_same_after_a_rebuild(
    desk: Desk,
) -> None:
    people = await a_story(desk)

    async def answers() -> list[Any]:
        paths = ["/contacts", "/companies", "/tags", "/contacts?q=ad"]
        for person in people:
            own = f"/contacts/{person}"
            paths += [own, f"{own}/timeline", f"{own}/purchases", f"{own}?as_of=2199-01-01"]
        return [await desk.read(path) for path in (*paths, "/contacts/views", "/consents")]

    before = await answers()
    figures = [before[place]["purchases"] for place in (4, 8)]
    assert [(each["count"], each["returns"]) for each in figures] == [(16, 5), (1, 0)]
    worker = Service(MANIFEST, desk.ask.settings, SystemClock(), WORKER)
    await worker.start()
    try:
        for projection in MANIFEST.projections:
            compared = await rebuilding(worker, projection.name).compare()
            assert [c for c in compared if not c.equal] == []
            assert sum(c.live_rows for c in compared) > 0, projection.name
            await rebuild(worker, projection.name)
    finally:
        await worker.stop()
    assert await answers() == before
