"""A whole service in one process on real servers: HTTP in, road, HTTP out."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import pytest
from fastapi import APIRouter, Depends
from joserfc.jwk import OKPKey

from chassis.clock import SystemClock
from chassis.errands import rebuild
from chassis.http.principal import INSTALLATION, Principal, require, sign
from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.measuring import exposition, of_service
from chassis.reaction import Ask, Later, Order, Reaction
from chassis.service import WORKER, Service
from chassis.testing.parcel_routes import SCANNING, SENDING, SHOWING
from chassis.testing.parcels import (
    ON_THE_WAY,
    PARCEL,
    ParcelScanned,
    ParcelSent,
    Scan,
)
from chassis.testing.service_bench import Client, running
from chassis.verify import check_log
from embedded.ports import free_port

pytestmark = pytest.mark.integration

router = APIRouter()


@router.get("/secret")
async def secret(_: Annotated[Principal, Depends(require("secrets.read"))]) -> dict[str, str]:
    return {"secret": "42"}


public = APIRouter()


@public.get("/where/{city}")
async def where(city: str) -> dict[str, str]:
    return {"city": city}


def _scan_in_depot(recorded: Any) -> list[Order]:
    event: ParcelSent = recorded.event
    if event.city != "Rome":
        return []
    later = Later("nothing", str(event.parcel_id), event.occurred_at)
    return [Ask(PARCEL, event.parcel_id, Scan("Rome depot", event.occurred_at)), later]


MANIFEST = Manifest(
    "depot",
    deciders=(PARCEL,),
    projections=(ON_THE_WAY,),
    reactions=(Reaction("scan_in_depot", (ParcelSent,), _scan_in_depot),),
    routers=(SENDING, SCANNING, SHOWING, router),
    public=(public,),
)


@pytest.fixture
async def ask(postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[Client]:
    may = frozenset({"ops", INSTALLATION, "events.read"})
    async with running(MANIFEST, postgres_dsn, kafka_bootstrap, tmp_path, may) as client:
        yield client


async def test_a_write_is_seen_by_the_read_that_brings_its_token(ask: Client) -> None:
    status, made, headers = await ask(
        "POST", "/api/v1/parcels", {"receiver": "Ada", "city": "London"}
    )
    assert status == 201
    assert headers["ETag"] == '"1"'
    assert headers["Location"] == f"/api/v1/parcels/{made['id']}"
    token = headers["Everlog-Token"]
    status, parcel, headers = await ask("GET", headers["Location"], Everlog_Token=token)
    assert (status, parcel["receiver"], parcel["city"]) == (200, "Ada", "London")
    assert "Everlog-Stale" not in headers


async def test_a_read_that_waits_for_too_much_says_that_it_is_stale(ask: Client) -> None:
    _, made, headers = await ask("POST", "/api/v1/parcels", {"receiver": "A", "city": "Rom"})
    await ask("GET", headers["Location"], Everlog_Token=headers["Everlog-Token"])
    token = f"parcel-{made['id']}@9"
    status, _, headers = await ask("GET", headers["Location"], Everlog_Token=token)
    assert (status, headers["Everlog-Stale"]) == (200, "true")


async def test_the_same_key_gets_the_same_answer(ask: Client) -> None:
    body = {"receiver": "Ada", "city": "London"}
    first = await ask("POST", "/api/v1/parcels", body, Idempotency_Key="k1")
    second = await ask("POST", "/api/v1/parcels", body, Idempotency_Key='"k1"')
    assert first[:2] == second[:2]
    assert second[2]["Idempotent-Replayed"] == "true"
    other = await ask("POST", "/api/v1/parcels", {**body, "city": "X"}, Idempotency_Key="k1")
    assert (other[0], other[1]["code"]) == (422, "idempotency-key-reused")


async def test_a_request_cannot_be_guessed_from_what_is_kept_of_it(
    ask: Client, postgres_dsn: str
) -> None:
    body = b'{"receiver":"Ada","city":"London"}'
    await ask("POST", "/api/v1/parcels", {"receiver": "Ada", "city": "London"}, Idempotency_Key="k")
    connection = await asyncpg.connect(postgres_dsn.rpartition("/")[0] + "/everlog_depot")
    kept = await connection.fetchval(
        "select fingerprint from log.commands where workspace_id = $1", ask.principal.workspace
    )
    await connection.close()
    spaced = body.replace(b":", b": ").replace(b",", b", ")
    guesses = [hashlib.sha256(b"POST /api/v1/parcels\n" + b).digest() for b in (body, spaced)]
    assert len(kept) == 32
    assert kept not in guesses


async def test_the_loser_of_two_writers_gets_412(ask: Client) -> None:
    _, made, _ = await ask("POST", "/api/v1/parcels", {"receiver": "Ada", "city": "London"})
    path = f"/api/v1/parcels/{made['id']}/scans?city=Paris"
    first, second = await asyncio.gather(
        ask("POST", path, If_Match='"1"'), ask("POST", path, If_Match='"1"')
    )
    assert sorted([first[0], second[0]]) == [200, 412]
    _, problem, headers = first if first[0] == 412 else second
    assert problem["code"] == "stale-version"
    assert problem["actual"] == 2
    assert headers["Everlog-Token"] == f"parcel-{made['id']}@2", "to read what changed with"


async def test_bad_requests_get_problems_that_say_what_to_do(ask: Client) -> None:
    status, problem, headers = await ask("POST", "/api/v1/parcels", {"receiver": 3})
    assert status == 422
    assert headers["Content-Type"] == "application/problem+json"
    assert {e["pointer"] for e in problem["errors"]} == {"#/receiver", "#/city"}
    status, problem, _ = await ask("GET", f"/api/v1/parcels/{new_id()}")
    assert (status, problem["code"]) == (404, "not-found")
    status, problem, _ = await ask("GET", "/api/v1/nowhere")
    assert (status, problem["code"]) == (404, "not-found")
    status, problem, _ = await ask("GET", "/api/v1/secret")
    assert (status, problem["permission"]) == (403, "secrets.read")
    status, problem, _ = await ask("GET", "/api/v1/secret", Authorization="Bearer x.y.z")
    assert (status, problem["code"]) == (401, "unauthenticated")


async def test_whose_token_has_expired_or_is_forged_gets_nothing(ask: Client) -> None:
    late = ask.other(lifetime_s=-1)
    status, problem, headers = await late("GET", "/api/v1/secret")
    assert (status, problem["code"], headers["WWW-Authenticate"]) == (
        401,
        "token-expired",
        "Bearer",
    )
    await late.close()
    theirs = sign(OKPKey.generate_key("Ed25519"), ask.principal, now=time.time(), lifetime_s=60)
    for said in ("", "Bearer ", "Basic YTpi", "Bearer x", f"Bearer {theirs}"):
        status, problem, headers = await ask("GET", "/api/v1/secret", Authorization=said)
        found = (status, problem["code"], headers["WWW-Authenticate"])
        assert found == (401, "unauthenticated", "Bearer"), said


async def test_public_links_lie_at_the_root_and_need_no_token(ask: Client) -> None:
    status, body, _ = await ask("GET", "/where/Rome", Authorization="")
    assert (status, body) == (200, {"city": "Rome"})
    status, _, _ = await ask("GET", "/api/v1/where/Rome")
    assert status == 404


async def test_a_reaction_asks_a_command_once(ask: Client) -> None:
    _, made, _ = await ask("POST", "/api/v1/parcels", {"receiver": "Ada", "city": "Rome"})
    token = f"parcel-{made['id']}@2"
    _, parcel, _ = await ask("GET", f"/api/v1/parcels/{made['id']}", Everlog_Token=token)
    assert (parcel["city"], parcel["scans"]) == ("Rome depot", 1)
    sent, scanned = await _feed_of(ask, made["id"], events=2)
    assert scanned["causation_id"] == sent["id"]
    assert scanned["correlation_id"] == sent["correlation_id"]
    assert scanned["actor"] == "reaction:scan_in_depot"
    assert scanned["type"] == ParcelScanned.__struct_config__.tag


async def _feed_of(ask: Client, id_: str, *, events: int) -> list[dict[str, Any]]:
    """A parcel's events, once so many are on the feed: it numbers what Kafka has acknowledged."""
    async with asyncio.timeout(10):
        while True:
            _, feed, _ = await ask("GET", f"/api/v1/events?stream=parcel-{id_}")
            if len(feed["items"]) >= events:
                found: list[dict[str, Any]] = feed["items"]
                return found
            await asyncio.sleep(0.02)


async def test_the_feed_shows_the_log_with_numbers_and_clear_text(ask: Client) -> None:
    for city in ("London", "Paris"):
        await ask("POST", "/api/v1/parcels", {"receiver": "Ada", "city": city})
    _, feed, _ = await ask("GET", "/api/v1/events?limit=1&wait_s=5")
    _, rest, _ = await ask("GET", f"/api/v1/events?after={feed['next']}&wait_s=5")
    items = feed["items"] + rest["items"]
    assert [item["number"] for item in items] == [1, 2]
    assert items[0]["data"]["receiver"] == "Ada"


async def test_operators_see_lag_and_read_models(ask: Client) -> None:
    _, _, headers = await ask("POST", "/api/v1/parcels", {"receiver": "Ada", "city": "Rome"})
    await ask("GET", headers["Location"], Everlog_Token=headers["Everlog-Token"])
    status, standing, _ = await ask("GET", "/api/v1/ops/standing")
    assert status == 200
    assert {lane["lane"] for lane in standing["lanes"]} >= {"live"}
    assert [m["name"] for m in standing["read_models"]] == ["on_the_way"]
    status, _, _ = await ask("GET", "/livez")
    assert status == 200


async def test_lag_is_unknown_and_not_nothing_while_kafka_is_away(ask: Client) -> None:
    await ask("POST", "/api/v1/parcels", {"receiver": "Ada", "city": "London"})
    async with asyncio.timeout(10):
        while (await ask("GET", "/api/v1/ops/standing"))[1]["outbox"]["events"]:
            await asyncio.sleep(0.05)
    settings = ask.settings.model_copy(update={"kafka": f"127.0.0.1:{free_port()}"})
    service = Service(MANIFEST, settings, SystemClock(), WORKER)
    await service.start()
    try:
        standing = await service.standing()
        lanes = {lane["lane"]: (lane["lag_events"], lane["lag_s"]) for lane in standing["lanes"]}
        assert lanes == {"live": (None, None), "reactions": (None, None)}
        assert sum(lane["applied"] for lane in standing["lanes"]) > 0
        metrics = exposition(await of_service(service)).decode().splitlines()
        assert "everlog_outbox_events 0.0" in metrics
        assert not [line for line in metrics if line.startswith("everlog_consumer_lag_")]
    finally:
        await service.stop()
    _, seen, _ = await ask("GET", "/api/v1/ops/standing")
    assert {type(lane["lag_events"]) for lane in seen["lanes"]} == {int}


async def test_an_operator_can_have_a_read_model_rebuilt_while_it_answers(ask: Client) -> None:
    _, _, headers = await ask("POST", "/api/v1/parcels", {"receiver": "Ada", "city": "Rome"})
    location = headers["Location"]
    await ask("GET", location, Everlog_Token=headers["Everlog-Token"])
    status, problem, _ = await ask(
        "POST", "/api/v1/ops/errands", {"kind": "rebuild", "read_model": "nothing"}
    )
    assert (status, "on_the_way" in problem["detail"]) == (422, True)
    before = await _generation(ask)
    await rebuild_here(ask, "on_the_way")
    async with asyncio.timeout(10):
        while await _generation(ask) == before:
            assert (await ask("GET", location))[0] == 200
            await asyncio.sleep(0.02)
    assert (await ask("GET", location))[1]["receiver"] == "Ada"
    status, errand, _ = await ask(
        "POST", "/api/v1/ops/errands", {"kind": "rollback", "read_model": "on_the_way"}
    )
    assert status == 202
    async with asyncio.timeout(10):
        while (await ask("GET", f"/api/v1/ops/errands/{errand['id']}"))[1]["status"] != "done":
            await asyncio.sleep(0.05)
    assert await _generation(ask) == before
    assert (await ask("GET", location))[1]["receiver"] == "Ada"


async def _generation(ask: Client) -> int:
    _, standing, _ = await ask("GET", "/api/v1/ops/standing")
    [live] = [m["generation"] for m in standing["read_models"] if m["status"] == "live"]
    return int(live)


async def test_a_rebuild_orders_nothing_even_if_it_is_forgotten_what_was_ordered(
    ask: Client, postgres_dsn: str
) -> None:
    _, made, _ = await ask("POST", "/api/v1/parcels", {"receiver": "Ada", "city": "Rome"})
    await _feed_of(ask, made["id"], events=2)
    admin: Any = await asyncpg.connect(postgres_dsn.rpartition("/")[0] + "/everlog_depot")
    forgotten = await admin.execute("delete from log.commands where key like 'reaction:%'")
    await admin.execute("delete from road.due")
    assert forgotten != "DELETE 0", "nothing would keep a reaction from ordering again"
    await rebuild_here(ask, "on_the_way")
    _, later, _ = await ask("POST", "/api/v1/parcels", {"receiver": "Bob", "city": "Rome"})
    assert len(await _feed_of(ask, later["id"], events=2)) == 2
    assert len(await _feed_of(ask, made["id"], events=2)) == 2
    assert await admin.fetchval("select count(*) from road.due where key = $1", made["id"]) == 0
    await admin.close()


async def rebuild_here(ask: Client, name: str) -> None:
    """In this process: the errand would start `python -m depot`, which is no module."""
    service = Service(MANIFEST, ask.settings, SystemClock(), "worker")
    await service.start()
    await rebuild(service, name)
    await service.stop()


async def test_the_log_verifies_and_what_was_changed_behind_it_is_found(
    ask: Client, postgres_dsn: str
) -> None:
    _, made, headers = await ask("POST", "/api/v1/parcels", {"receiver": "Ada", "city": "Rome"})
    await ask("GET", headers["Location"], Everlog_Token=f"parcel-{made['id']}@2")
    service = Service(MANIFEST, ask.settings, SystemClock(), "worker")
    await service.start()
    admin = await asyncpg.connect(f"{postgres_dsn.rsplit('/', 1)[0]}/everlog_depot")

    async def wrong() -> list[str]:
        return [told for told in (await check_log(service)).wrong if made["id"] in told]

    try:
        assert await wrong() == []
        await admin.execute("alter table log.events disable trigger append_only")
        await admin.execute(
            "update log.events set actor = 'somebody else' where stream = $1 and version = 1",
            f"parcel-{made['id']}",
        )
        assert await wrong() == [f"parcel-{made['id']}@1: the event is not what was recorded"]
    finally:
        await admin.execute("alter table log.events enable trigger append_only")
        await admin.close()
        await service.stop()
