"""Users from a file, on a whole service: teams come with them, and a repetition changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from identity.testing import PASSWORD, Identity, Person, new_email

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

TEAMS = b"""sales_agent,manager,regional_office
Anna Snelling,Dustin Brinkmann,Central
Cecily Lampkin,Dustin Brinkmann,Central
Moses Frase,Melvin Marxen,West
,Melvin Marxen,West
Anna Snelling,Dustin Brinkmann,Central
"""
REAL = Path(__file__).parents[4] / "shared/data/crm_sales_opportunities/sales_teams.csv"


async def send(person: Person, content: bytes, **fields: str) -> dict[str, Any]:
    """Send a file and wait for the end of its import."""
    form = aiohttp.FormData({"type": "users", **fields})
    form.add_field("file", content, filename="users.csv")
    headers = {"Authorization": f"Bearer {person.token}"}
    url = f"{person.base}/api/v1/imports"
    async with person.http.post(url, data=form, headers=headers) as response:
        started = await response.json()
        assert response.status == 202, started
    async with asyncio.timeout(30):
        while True:
            _, job, _ = await person("GET", f"/imports/{started['id']}")
            if job["status"] in ("done", "failed"):
                return dict(job)
            await asyncio.sleep(0.05)


def counts(job: dict[str, Any]) -> tuple[int, int, int, int, int]:
    assert job["status"] == "done", job
    return (job["rows"], job["created"], job["updated"], job["skipped"], job["failed"])


async def test_agents_come_with_their_managers_teams(identity: Identity) -> None:
    admin = await identity.sign_in()
    assert counts(await send(admin, TEAMS, dry_run="true")) == (5, 3, 0, 1, 1)
    assert (await admin("GET", "/teams"))[1]["items"] == []
    assert counts(await send(admin, TEAMS)) == (5, 3, 0, 1, 1)
    _, teams, _ = await admin("GET", "/teams")
    assert [(t["name"], t["region"]) for t in teams["items"]] == [
        ("Dustin Brinkmann", "Central"),
        ("Melvin Marxen", "West"),
    ]
    _, users, _ = await admin("GET", f"/users?team={teams['items'][0]['id']}")
    assert [user["name"] for user in users["items"]] == ["Anna Snelling", "Cecily Lampkin"]
    assert users["items"][0]["role"] == "sales_representative"
    assert counts(await send(admin, TEAMS)) == (5, 0, 0, 4, 1)
    assert (await admin("GET", "/teams"))[1] == teams


async def test_known_users_are_changed_where_the_file_says_something_else(
    identity: Identity,
) -> None:
    admin = await identity.sign_in()
    email = new_email()
    body = {"name": "Anna Snelling", "email": email, "password": PASSWORD}
    _, anna, _ = await admin("POST", "/users", body)
    content = f"name,email,role,team,region\nAnna S.,{email},Marketing Manager,North,Oslo\n"
    assert counts(await send(admin, content.encode())) == (1, 0, 1, 0, 0)
    _, shown, _ = await admin("GET", f"/users/{anna['id']}")
    assert (shown["name"], shown["role"]) == ("Anna S.", "marketing_manager")
    assert shown["team"]["name"] == "North"
    moved = content.replace("Oslo", "Bergen")
    assert counts(await send(admin, moved.encode())) == (1, 0, 0, 1, 0)
    assert (await admin("GET", "/teams"))[1]["items"][0]["region"] == "Bergen"
    wrong = "name,role\nBea,Boss\nCarl,administrator\n"
    job = await send(admin, wrong.encode())
    assert counts(job) == (2, 1, 0, 0, 1)


async def test_only_who_manages_users_imports_them(identity: Identity) -> None:
    admin = await identity.sign_in()
    email = new_email()
    await admin("POST", "/users", {"name": "A", "email": email, "password": PASSWORD})
    anna = await identity.sign_in(email)
    form = aiohttp.FormData({"type": "users"})
    form.add_field("file", TEAMS, filename="users.csv")
    headers = {"Authorization": f"Bearer {anna.token}"}
    url = f"{identity.base}/api/v1/imports"
    async with identity.http.post(url, data=form, headers=headers) as response:
        assert response.status == 403


async def test_a_name_that_several_have_says_too_little(identity: Identity) -> None:
    admin = await identity.sign_in()
    for _ in range(2):
        body = {"name": "Anna Snelling", "email": new_email(), "password": PASSWORD}
        await admin("POST", "/users", body)
    await admin("GET", "/users")
    job = await send(admin, b"name\nanna  snelling\n")
    assert counts(job) == (1, 0, 0, 0, 1)


@pytest.mark.skipif(not REAL.exists(), reason="the sales teams' file is not on this machine")
async def test_the_agents_of_the_sales_data_come_in_six_teams(identity: Identity) -> None:
    admin = await identity.sign_in()
    job = await send(admin, REAL.read_bytes())
    assert counts(job)[1:] == (35, 0, 0, 0)
    _, teams, _ = await admin("GET", "/teams")
    assert len(teams["items"]) == 6
    assert {team["region"] for team in teams["items"]} == {"Central", "East", "West"}
    assert counts(await send(admin, REAL.read_bytes()))[1:] == (0, 0, 35, 0)
