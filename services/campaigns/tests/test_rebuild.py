"""Live read models are what a fold of the log makes of it, and stay so when they are rebuilt."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.manifest import MANIFEST
from chassis.clock import SystemClock
from chassis.errands import rebuild, rebuilding
from chassis.service import WORKER, Service

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def test_every_read_model_equals_the_fold_and_answers_the_same_after_a_rebuild(
    world: Any, find_link: Any
) -> None:
    people = [await world.person(f"Reader{n}", "reader", city="Rome") for n in range(12)]
    await world.person("Mute", emails=[])
    html = '<a href="https://shop.example.com/">Shop</a>'
    broadcast, _ = await world.send({"everyone": True}, template=await world.template(html))
    for n in range(4):
        mail = world.post.to(f"reader{n}@example.org")[0]
        await world.reader("GET", find_link(mail, "t/o/"))
        await world.reader("GET", find_link(mail, "t/c/"), User_Agent="" if n else "Mozilla/5.0 x")
        await world.reader("POST", find_link(mail, "u/"), {"List-Unsubscribe": "One-Click"})
    await world.fact(
        "person",
        people[0],
        {"type": "contacts.person-erased.v1", "person_id": str(people[0])},
    )
    await world.until(broadcast, lambda b: b["counts"]["unsubscribed"] == 4)

    async def answers() -> list[Any]:
        token = {"Everlog_Token": world.headers["Everlog_Token"]}
        asked = [
            await world.ask("GET", f"/api/v1/broadcasts/{broadcast}", **token),
            await world.ask("GET", f"/api/v1/broadcasts/{broadcast}/messages?limit=200"),
            await world.ask("GET", "/api/v1/templates"),
            await world.ask("GET", f"/api/v1/recipients/{people[1]}"),
            await world.ask("POST", "/api/v1/audiences/count", {"tag": "reader"}),
        ]
        return [body for _, body, _ in asked]

    before = await answers()
    assert before[4] == {"people": 11, "reachable": 11}
    worker = Service(MANIFEST, world.ask.settings, SystemClock(), WORKER)
    await worker.start()
    try:
        for projection in MANIFEST.projections:
            compared = await rebuilding(worker, projection.name).compare()
            assert [c for c in compared if not c.equal] == []
            assert sum(c.live_rows for c in compared) > 0
            await rebuild(worker, projection.name)
    finally:
        await worker.stop()
    assert await answers() == before
