"""What operators can have repaired while the service answers; every repair is an errand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from chassis import swapping
from chassis.testing.service_bench import Client
from chassis.testing.workshop import SWITCH

pytestmark = pytest.mark.integration


@pytest.fixture
async def database(operator: Client, postgres_dsn: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(f"{postgres_dsn.rpartition('/')[0]}/everlog_workshop")
    yield connection
    await connection.close()


@pytest.fixture
def closed_depot() -> Iterator[None]:
    SWITCH.broken = True
    yield
    SWITCH.broken = False


async def repair(operator: Client, kind: str, read_model: str, **more: str) -> dict[str, Any]:
    """Ask for a repair and wait for its end."""
    body = {"kind": kind, "read_model": read_model, **more}
    status, errand, _ = await operator("POST", "/api/v1/ops/errands", body)
    assert status == 202, errand
    async with asyncio.timeout(60):
        while True:
            _, told, _ = await operator("GET", f"/api/v1/ops/errands/{errand['id']}")
            if told["status"] not in ("asked", "running"):
                assert told["asked_by"] == "Ada"
                return dict(told)
            await asyncio.sleep(0.05)


async def sent(operator: Client, city: str) -> str:
    status, made, _ = await operator("POST", "/api/v1/parcels", {"city": city})
    assert status == 201
    return str(made["id"])


async def cities(operator: Client, parcel: str, *, count: int) -> list[str]:
    """Where a parcel was seen, as its events tell, once there are as many."""
    async with asyncio.timeout(30):
        while True:
            _, feed, _ = await operator("GET", f"/api/v1/events?stream=parcel-{parcel}")
            if len(feed["items"]) >= count:
                return [item["data"]["city"] for item in feed["items"]]
            await asyncio.sleep(0.05)


async def parked(operator: Client, stream: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            _, found, _ = await operator("GET", "/api/v1/ops/parked")
            for item in found["items"]:
                if item["stream"] == stream:
                    return dict(item)
            await asyncio.sleep(0.05)


async def model(operator: Client, name: str, **where: Any) -> list[dict[str, Any]]:
    _, standing, _ = await operator("GET", "/api/v1/ops/standing")
    models = [m for m in standing["read_models"] if m["name"] == name]
    return [m for m in models if all(m[key] == value for key, value in where.items())]


@pytest.mark.usefixtures("closed_depot")
async def test_a_parked_reaction_that_is_tried_again_is_really_run(operator: Client) -> None:
    parcel = await sent(operator, "Rome")
    stream = f"parcel-{parcel}"
    item = await parked(operator, stream)
    assert (item["projection"], item["cause"]) == ("reaction:welcome", "failed")
    told = await repair(operator, "retry", "reaction:welcome", stream=stream)
    assert (told["status"], "the depot is closed" in told["result"]) == ("failed", True)
    assert (await parked(operator, stream))["attempts"] == 2
    SWITCH.broken = False
    told = await repair(operator, "retry", "reaction:welcome", stream=stream)
    assert (told["status"], told["result"]) == ("done", "1 event applied")
    # The order that had been carried out before is not carried out a second time.
    assert await cities(operator, parcel, count=3) == ["Rome", "border", "depot"]
    told = await repair(operator, "retry", "reaction:welcome", stream=stream)
    assert (told["status"], "not parked" in told["result"]) == ("failed", True)


@pytest.mark.usefixtures("closed_depot")
async def test_what_is_skipped_is_said_in_the_audit_and_not_run(operator: Client) -> None:
    parcel = await sent(operator, "Rome")
    stream = f"parcel-{parcel}"
    await parked(operator, stream)
    SWITCH.broken = False
    told = await repair(operator, "skip", "reaction:welcome", stream=stream)
    left_out = "parcels.parcel-sent.v1 (version 1) left out for good; 0 events applied"
    assert (told["status"], told["result"]) == ("done", left_out)
    assert await cities(operator, parcel, count=2) == ["Rome", "border"]


async def test_a_gap_in_the_reactions_lane_is_seen_and_closed_by_trying_again(
    operator: Client, database: Any
) -> None:
    """An event behind a gap was dropped without a word, and every later one of its stream."""
    parcel = await sent(operator, "London")
    stream = f"parcel-{parcel}"
    await cities(operator, parcel, count=1)
    guard = "update road.guards set version = $1 where lane = 'reactions' and stream = $2"
    async with asyncio.timeout(30):
        while await database.execute(guard, 0, stream) == "UPDATE 0":
            await asyncio.sleep(0.05)
    await database.execute("update road.offsets set epoch = epoch + 1 where lane = 'reactions'")
    await operator("POST", f"/api/v1/parcels/{parcel}/scans?city=Paris")
    item = await parked(operator, stream)
    assert (item["projection"], item["cause"]) == ("reaction:*", "gap")
    told = await repair(operator, "retry", "reaction:*", stream=stream)
    assert (told["status"], "is not on the topic" in told["result"]) == ("failed", True)
    await database.execute(guard, 1, stream)
    told = await repair(operator, "retry", "reaction:*", stream=stream)
    assert (told["status"], told["result"]) == ("done", "1 event applied")
    kept = "select version from road.guards where lane = 'reactions' and stream = $1"
    assert await database.fetchval(kept, stream) == 2


@pytest.mark.usefixtures("closed_depot")
async def test_a_parked_sequence_shows_why_and_its_events_with_sealed_parts_sealed(
    operator: Client,
) -> None:
    parcel = await sent(operator, "Rome")
    stream = f"parcel-{parcel}"
    await parked(operator, stream)
    path = f"/api/v1/ops/parked/reaction:welcome/{stream}"
    status, shown, _ = await operator("GET", path)
    assert (status, shown["error"]) == (200, "RuntimeError: the depot is closed")
    [event] = shown["events"]
    assert (event["version"], event["data"]["city"]) == (1, "Rome")
    assert "receiver" not in event["data"]
    assert len(event["data"]["sealed"]) > 20
    assert (await operator("GET", f"/api/v1/ops/parked/on_the_way/{stream}"))[0] == 404
    stranger = operator.other(workspace=operator.principal.workspace.__class__(int=7))
    assert (await stranger("GET", path))[0] == 404
    await stranger.close()


async def test_all_read_models_are_rebuilt_one_after_the_other(operator: Client) -> None:
    before = {
        m["name"]: m["generation"] for m in await model(operator, "on_the_way", status="live")
    }
    told = await repair(operator, "rebuild", "*")
    assert (told["status"], told["result"]) == ("done", "2 read models were rebuilt")
    assert told["step"].startswith("2/2 arrivals: ")
    after = {m["name"]: m["generation"] for m in await model(operator, "on_the_way", status="live")}
    assert after["on_the_way"] > before["on_the_way"]
    for kind in ("swap", "pause", "compare", "build", "resume"):
        status, problem, _ = await operator(
            "POST", "/api/v1/ops/errands", {"kind": kind, "read_model": "*"}
        )
        assert (status, "name one read model" in problem["detail"]) == (422, True)


async def test_a_paused_read_model_answers_as_it_was_and_says_so_until_it_is_resumed(
    operator: Client,
) -> None:
    parcel = await sent(operator, "London")
    path = f"/api/v1/parcels/{parcel}"
    await operator("GET", path, Everlog_Token=f"parcel-{parcel}@1")
    told = await repair(operator, "pause", "on_the_way")
    assert told["status"] == "done", told
    assert len(await model(operator, "on_the_way", status="paused", answers=True)) == 1
    assert (await repair(operator, "pause", "on_the_way"))["status"] == "failed"
    _, _, headers = await operator("POST", f"{path}/scans?city=Paris")
    status, shown, headers = await operator("GET", path, Everlog_Token=headers["Everlog-Token"])
    assert (status, shown["city"], headers["Everlog-Stale"]) == (200, "London", "true")
    told = await repair(operator, "resume", "on_the_way")
    assert told["status"] == "done", told
    status, shown, headers = await operator("GET", path)
    assert (status, shown["city"]) == (200, "Paris")
    assert "Everlog-Stale" not in headers
    await operator("POST", f"{path}/scans?city=Oslo")
    _, shown, _ = await operator("GET", path, Everlog_Token=f"parcel-{parcel}@3")
    assert shown["city"] == "Oslo"
    assert (await repair(operator, "resume", "on_the_way"))["result"] == "on_the_way is not paused."
    rolled_back = await repair(operator, "rollback", "on_the_way")
    assert rolled_back["status"] == "failed", "what stood still must not answer again"


async def test_a_read_model_is_built_beside_compared_and_swapped_in(
    operator: Client, database: Any
) -> None:
    parcel = await sent(operator, "London")
    await operator("GET", f"/api/v1/parcels/{parcel}", Everlog_Token=f"parcel-{parcel}@1")
    [live] = await model(operator, "on_the_way", status="live")
    told = await repair(operator, "build", "on_the_way")
    assert told["status"] == "done", told
    [beside] = await model(operator, "on_the_way", status="standby", answers=False)
    assert await model(operator, "on_the_way", status="live") == [live]
    told = await repair(operator, "compare", "on_the_way")
    assert (told["status"], "equal" in told["result"]) == ("done", True), told
    spoil = f"update on_the_way_g{live['generation']}.parcels set city = 'nowhere'"
    await database.execute(spoil)
    told = await repair(operator, "compare", "on_the_way")
    assert (told["status"], "differs: parcels" in told["result"]) == ("failed", True), told
    told = await repair(operator, "swap", "on_the_way")
    assert (told["status"], told["result"].split()[1]) == ("done", str(beside["generation"]))
    assert (await operator("GET", f"/api/v1/parcels/{parcel}"))[1]["city"] == "London"
    await repair(operator, "pause", "on_the_way")
    assert (await repair(operator, "rollback", "on_the_way"))["status"] == "done"
    told = await repair(operator, "swap", "on_the_way")
    assert (told["status"], "stands by" in told["result"]) == ("failed", True), "it stood still"


async def test_a_generation_built_beside_is_kept_a_while_before_it_is_retired(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await repair(operator, "build", "arrivals"))["status"] == "done"
    await asyncio.sleep(1.2)
    assert await model(operator, "arrivals", status="standby")
    monkeypatch.setattr(swapping, "_STANDBY_KEPT_S", 0)
    async with asyncio.timeout(30):
        while await model(operator, "arrivals", status="standby"):
            await asyncio.sleep(0.05)


async def test_a_read_model_whose_tables_are_gone_is_rebuilt_without_being_asked(
    operator: Client, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.releases._LOOK_S", 0.2)
    parcel = await sent(operator, "London")
    path = f"/api/v1/parcels/{parcel}"
    await operator("GET", path, Everlog_Token=f"parcel-{parcel}@1")
    [live] = await model(operator, "on_the_way", status="live")
    await database.execute(f"drop schema on_the_way_g{live['generation']} cascade")
    status, problem, headers = await operator("GET", path)
    assert (status, headers.get("Retry-After")) == (503, "5"), problem
    async with asyncio.timeout(30):
        while (await operator("GET", path))[0] != 200:
            await asyncio.sleep(0.1)
    assert (await operator("GET", path))[1]["city"] == "London"
    _, errands, _ = await operator("GET", "/api/v1/ops/errands")
    assert errands["items"][0]["asked_by"] == "its tables are gone"
    await operator("POST", f"{path}/scans?city=Oslo")
    _, shown, headers = await operator("GET", path, Everlog_Token=f"parcel-{parcel}@2")
    assert (shown["city"], headers.get("Everlog-Stale")) == ("Oslo", None)
