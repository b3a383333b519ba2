"""Loads the sample through the public API, like any other user of it.

Ended half-way it can be loaded again: what is asked for has a key under which it is done once.
Files are imported, what happened later is told one by one, mails really go out, and their readers
really open them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from random import Random

from embedded.errors import Trouble
from everlog.api import Api, signed_in
from everlog.sample import campaigns, files
from everlog.sample.bookshop import Bookshop, Deal, bookshop

_AT_ONCE = 8

Say = Callable[[str], None]


def load(url: str, email: str, password: str, say: Say, today: date) -> None:
    """Fill the workspace of an administrator; `today`: up to when there has been life in it, the
    same day each time."""
    asyncio.run(_load(url, email, password, say, bookshop(today)))


async def _load(url: str, email: str, password: str, say: Say, shop: Bookshop) -> None:
    async with signed_in(url, email, password) as api:
        await _colleagues(api, shop)
        for template in ("pre-orders", "in-store-event"):
            await api.post(
                "/api/v1/pipelines", {"template": template}, key=f"sample pipeline {template}"
            )
        for type_, content in (
            ("companies", files.companies(shop)),
            ("contacts", files.people(shop)),
            ("products", files.products()),
            ("deals", files.deals(shop)),
            ("purchases", files.orders(shop)),
        ):
            await _import(api, type_, content, say)
        await _interactions(api, shop)
        say(f"  {len(shop.interactions)} notes, calls and meetings")
        await _deals(api, shop)
        say(f"  {len(shop.deals)} deals with their history")
        sent = await campaigns.run(api, url, Random(7))
        say(f"  {sent} mails sent")


async def _at_once(work: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Several requests at a time."""
    left = iter(work)

    async def worker() -> None:
        for task in left:
            await task()

    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))


async def _import(api: Api, type_: str, content: bytes, say: Say) -> None:
    named = (f"{type_}.csv", {"type": type_})
    job = await api.import_file(content, *named, key=f"sample import {type_}")
    if job["status"] == "failed" or job["failed"]:
        raise Trouble(
            f"The sample's {type_} could not be imported.",
            "Start with EVERLOG_SAMPLE=none to do without it.",
            str(job["error"] or f"{job['failed']} rows failed, see {job['errors_url']}"),
        )
    say(f"  {job['rows']} {type_}")


async def _colleagues(api: Api, shop: Bookshop) -> None:
    roles = {"sales": "sales_representative", "marketing": "marketing_manager"}
    teams: dict[str, str] = {}
    for colleague in shop.colleagues:
        if colleague.team not in teams:
            body = {"name": colleague.team, "region": "Home"}
            made = await api.post("/api/v1/teams", body, key=f"sample team {colleague.team}")
            teams[colleague.team] = made["id"]
        await api.post(
            "/api/v1/users",
            {
                "name": colleague.name,
                "email": colleague.email,
                "role": roles[colleague.role],
                "team_id": teams[colleague.team],
            },
            key=f"sample user {colleague.email}",
        )


async def _interactions(api: Api, shop: Bookshop) -> None:
    # The list of people shows addresses, and no ids of other systems.
    found = {person["email"]: person["id"] for person in await api.everything("/api/v1/contacts")}
    ids = {person.external_id: found[person.email] for person in shop.people}

    def one(number: int) -> Callable[[], Awaitable[object]]:
        interaction = shop.interactions[number]
        path = f"/api/v1/contacts/{ids[interaction.person]}/interactions"
        body = {"kind": interaction.kind, "text": interaction.text, "at": _time(interaction.at)}
        return lambda: api.post(path, body, key=f"sample interaction {number}")

    await _at_once([one(number) for number in range(len(shop.interactions))])


async def _deals(api: Api, shop: Bookshop) -> None:
    ids = {d["external_id"]: d["id"] for d in await api.everything("/api/v1/deals")}
    await _at_once([_history(api, deal, ids[deal.external_id]) for deal in shop.deals])


def _history(api: Api, deal: Deal, id_: str) -> Callable[[], Awaitable[object]]:
    """What happened to a deal after it was opened, in order."""

    async def tell() -> None:
        path, key = f"/api/v1/deals/{id_}", f"sample {deal.external_id}"
        for stage, day in deal.path:
            body = {"stage": stage, "at": day.isoformat()}
            await api.post(f"{path}/moves", body, key=f"{key} {stage}")
        if deal.end == "won":
            body = {"closed_on": _day(deal.closed)}
            await api.post(f"{path}/win", body, key=f"{key} won")
        elif deal.end == "lost":
            body = {"closed_on": _day(deal.closed), "reason": deal.reason}
            await api.post(f"{path}/lose", body, key=f"{key} lost")

    return tell


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
