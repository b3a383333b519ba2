"""After a breach: whose data was touched, by whom, when; what was taken out; what nobody knows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from chassis.http.principal import OWN
from chassis.ids import new_id

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SINCE = "from=2026-01-01"


@pytest_asyncio.fixture(loop_scope="module")
async def boss(desk: Desk) -> AsyncIterator[Desk]:
    """Who oversees the workspace."""
    rights = desk.ask.principal.permissions | {"settings.write"}
    overseer = desk.other(user_id=new_id(), permissions=rights)
    yield overseer
    await overseer.ask.close()


@pytest_asyncio.fixture(loop_scope="module")
async def eve(desk: Desk) -> AsyncIterator[Desk]:
    """Whoever got in: a user with rights of their own."""
    intruder = desk.other(user_id=new_id())
    desk.saw(await desk.others.users(Eve=intruder.ask.principal.user_id))
    yield intruder
    await intruder.ask.close()


def _touched(found: Any) -> dict[str, dict[str, int]]:
    return {item["person"]["name"]: item["kinds"] for item in found["items"]}


async def test_a_user_is_followed_through_all_they_did(desk: Desk, boss: Desk, eve: Desk) -> None:
    ada, bob, cleo = [await desk.person(first_name=name) for name in ("Ada", "Bob", "Cleo")]
    user = eve.ask.principal.user_id
    await eve.write("PUT", f"/contacts/{ada}/tags/seen")
    await eve.write("POST", f"/contacts/{ada}/interactions", {"kind": "note", "text": "x"})
    await eve.take_out(f"/contacts/{bob}/export")
    await desk.write("PUT", f"/contacts/{cleo}/tags/fine")
    found = await boss.read(f"/breach?user={user}&{SINCE}")
    assert _touched(found) == {"Bob": {"export": 1}, "Ada": {"tag": 1, "note": 1}}
    assert (found["people"], found["events"], found["nameless"]) == (2, 3, 0)
    assert found["user"] == {"id": str(user), "name": "Eve"}
    [taken] = found["exports"]
    assert (taken["kind"], taken["person"]["name"], found["more_exports"]) == (
        "person",
        "Bob",
        False,
    )
    latest = [(event["kind"], event["actor"]["name"]) for event in found["items"][1]["latest"]]
    assert latest == [("note", "Eve"), ("tag", "Eve")]
    assert any("is not logged" in said for said in found["not_known"])
    first = await boss.read(f"/breach?user={user}&{SINCE}&limit=1")
    rest = await boss.read(f"/breach?user={user}&{SINCE}&limit=1&cursor={first['next']}")
    assert [*first["items"], *rest["items"]] == found["items"]
    ends = await boss.read(f"/breach?user={user}&{SINCE}&to=2026-02-01")
    assert (ends["people"], ends["items"], ends["exports"]) == (0, [], [])


async def test_without_a_user_the_whole_time_is_looked_at(desk: Desk, boss: Desk) -> None:
    kinds, deal = desk.others.kinds, new_id()
    ada = await desk.person(first_name="Ada", company="Acme")
    bob = await desk.person(first_name="Bob")
    opened = kinds["DealOpened"](deal, "Lamps", new_id(), contact_id=ada, occurred_at=NOON)
    moved = kinds["DealMoved"](deal, "lead", "offer", occurred_at=NOON)
    relinked = kinds["DealRelinked"](deal, bob, None, occurred_at=NOON)
    events = [("deal", deal, event) for event in (opened, moved, relinked)]
    desk.saw(await desk.others.publish(*events))
    found = await boss.read(f"/breach?{SINCE}")
    # A deal counts for whoever it was with, too.
    both = {"added": 1, "deal": 2}
    assert _touched(found) == {"Ada": both, "Bob": both}
    assert (found["user"], found["token"], found["events"]) == (None, None, 6)


async def test_what_was_merged_and_who_was_erased(desk: Desk, boss: Desk) -> None:
    kinds = desk.others.kinds
    ada, copy = await desk.person(first_name="Ada"), await desk.person(first_name="Augusta")
    gone = await desk.person(first_name="Gone")
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    desk.saw(f"person-{copy}@2")
    sent = kinds["MessageSent"](new_id(), new_id(), gone, NOON, occurred_at=NOON)
    desk.saw(await desk.others.publish(("message", sent.message_id, sent)))
    await desk.write("POST", f"/contacts/{gone}/erase")
    found = await boss.read(f"/breach?{SINCE}")
    [item] = found["items"]
    assert (item["person"], item["kinds"]["added"]) == ({"id": ada, "name": "Ada"}, 2)
    assert (found["people"], found["nameless"]) == (1, 1)


async def test_a_token_is_looked_into_for_as_long_as_it_was_good(
    desk: Desk, boss: Desk, eve: Desk
) -> None:
    kinds, user, token = desk.others.kinds, eve.ask.principal.user_id, new_id()
    before, within, after = [await desk.person(first_name=name) for name in ("A", "B", "C")]
    await eve.write("PUT", f"/contacts/{before}/tags/seen")
    made = kinds["ApiTokenMade"](user, token, "Shop", ["contacts.read"], occurred_at=NOON)
    desk.saw(await desk.others.publish(("user", user, made)))
    await eve.write("PUT", f"/contacts/{within}/tags/seen")
    assert _touched(await boss.read(f"/breach?token={token}")) == {"B": {"tag": 1}}
    revoked = kinds["ApiTokenRevoked"](user, token, occurred_at=NOON)
    desk.saw(await desk.others.publish(("user", user, revoked)))
    await eve.write("PUT", f"/contacts/{after}/tags/seen")
    found = await boss.read(f"/breach?token={token}&{SINCE}")
    assert _touched(found) == {"B": {"tag": 1}}
    assert found["token"]["name"] == "Shop"
    assert "not the way they came in" in found["not_known"][0]
    [known] = (await boss.read("/breach/tokens"))["items"]
    assert (known["id"], known["user"]["name"]) == (str(token), "Eve")
    assert known["revoked_at"] == found["to"]
    status, problem = await boss.refused("GET", f"/breach?token={token}&user={new_id()}")
    assert (status, problem["field"]) == (422, "user")
    assert (await boss.refused("GET", f"/breach?token={new_id()}"))[0] == 404


async def test_the_report_says_how_to_reach_everybody_and_is_noted(
    desk: Desk, boss: Desk, eve: Desk
) -> None:
    ada = await desk.person(first_name="=Ada", email="ada@example.org", phone="+44 20 7946 0958")
    user = eve.ask.principal.user_id
    await eve.write("PUT", f"/contacts/{ada}/tags/seen")
    await eve.write("PUT", f"/contacts/{ada}/tags/more")
    [row] = await boss.csv(f"/breach/export?user={user}&{SINCE}")
    assert (row["person"], row["email"], row["events"], row["what"]) == (
        "'=Ada",
        "ada@example.org",
        "2",
        "tag: 2",
    )
    [noted] = (await boss.read("/exports"))["items"]
    assert (noted["kind"], noted["people"]) == ("breach", 1)
    assert noted["filters"]["user"] == str(user)


async def test_only_who_oversees_everybody_may_look_and_says_since_when(
    desk: Desk, boss: Desk
) -> None:
    me, rights = new_id(), boss.ask.principal.permissions
    some = desk.other(user_id=me, sees=OWN, owners=[me], permissions=rights)
    for path in ("/breach", "/breach/tokens", "/breach/export"):
        assert (await desk.refused("GET", f"{path}?{SINCE}"))[0] == 403
        status, problem = await some.refused("GET", f"{path}?{SINCE}")
        assert (status, problem["detail"][:21]) == (403, "This is about everybo")
    await some.ask.close()
    for path in ("/breach", "/breach/export"):
        status, problem = await boss.refused("GET", path)
        assert (status, problem["field"]) == (422, "from")
