"""The certificate of an erasure: true, without personal data, and only of who is erased."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from chassis.certificate import check, key_of
from chassis.errors import Tampered
from chassis.events import wire_name
from chassis.http.principal import OWN
from chassis.ids import new_id
from chassis.postgres import erasures
from chassis.setup import database_of, in_database
from chassis.testing.service_bench import MASTER_KEY
from chassis.vault import Keyring
from contacts.domain.person.events import PersonErased

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any

ADA = {"first_name": "Ada", "last_name": "Lovelace", "emails": [{"address": "ada@example.org"}]}
KEY = key_of(Keyring(bytes.fromhex(MASTER_KEY)))


async def test_who_is_erased_gets_a_certificate_that_names_nobody(desk: Desk) -> None:
    ada = await desk.person(**ADA)
    await desk.write("POST", f"/contacts/{ada}/interactions", {"kind": "note", "text": "secret"})
    erased = await desk.write("POST", f"/contacts/{ada}/erase")
    stated = check(erased, KEY)
    [record] = stated["records"]
    assert (stated["person_id"], record["stream"]) == (ada, f"person-{ada}")
    assert (record["events"], record["unreadable_events"]) == (3, 2)
    assert len(record["destroyed_keys"]) == 1
    assert record["erasure"]["version"] == erased["version"] == 3
    assert not [
        word for word in ("Ada", "Lovelace", "example.org", "secret") if word in str(erased)
    ]
    await desk.read("/tags")  # waits for the read models: by then it is on its topic
    _, feed, _ = await desk.ask("GET", f"/api/v1/events?stream=person-{ada}")
    assert feed["items"][-1]["id"] == record["erasure"]["event_id"]


async def test_the_certificate_can_be_had_again_and_says_when_others_were_told(desk: Desk) -> None:
    ada = await desk.person(**ADA)
    await desk.write("POST", f"/contacts/{ada}/erase")
    await desk.read("/tags")
    again = check(await desk.read(f"/contacts/{ada}/certificate"), KEY)
    assert again["told_to_others"] is True
    assert again["records"][0]["erasure"]["version"] == 2


async def test_all_records_of_somebody_are_in_it(desk: Desk) -> None:
    ada, copy = await desk.person(**ADA), await desk.person(**ADA)
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    stated = check(await desk.write("POST", f"/contacts/{ada}/erase"), KEY)
    assert {each["stream"] for each in stated["records"]} == {f"person-{ada}", f"person-{copy}"}
    assert len({key for each in stated["records"] for key in each["destroyed_keys"]}) == 2


async def test_nobody_else_has_one(desk: Desk) -> None:
    ada = await desk.person(**ADA)
    status, problem = await desk.refused("GET", f"/contacts/{ada}/certificate")
    assert (status, problem["code"]) == (409, "not-erased")
    assert (await desk.refused("GET", f"/contacts/{new_id()}/certificate"))[0] == 404
    await desk.write("POST", f"/contacts/{ada}/erase")
    me = new_id()
    rep = desk.other(user_id=me, sees=OWN, owners=[me], role="sales_representative")
    assert (await rep.refused("GET", f"/contacts/{ada}/certificate"))[0] == 403
    await rep.ask.close()


async def test_nothing_is_certified_while_a_key_is_there(desk: Desk, postgres_dsn: str) -> None:
    """As when somebody has restored an old copy of the vault: in a transaction nobody else sees."""
    ada = await desk.person(**ADA)
    await desk.write("POST", f"/contacts/{ada}/erase")
    asked = (desk.ask.principal.workspace, [f"person-{ada}"], wire_name(PersonErased))
    connection = await asyncpg.connect(in_database(postgres_dsn, database_of("contacts")))
    try:
        transaction = connection.transaction()
        await transaction.start()
        assert await erasures.testimony(connection, *asked)
        await connection.execute(_KEY_BACK, UUID(ada))
        with pytest.raises(Tampered, match="still there"):
            await erasures.testimony(connection, *asked)
        await transaction.rollback()
    finally:
        await connection.close()


_KEY_BACK = """
insert into log.subject_keys select workspace_id, $1::uuid, key_id, 'x'
  from log.events where stream = 'person-' || $1::uuid and key_id is not null limit 1
"""
