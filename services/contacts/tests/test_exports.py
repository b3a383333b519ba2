"""Who took data of people out, and what is said of it when the person is erased."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.http.principal import OWN
from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.export import ExportMade
from contacts.read_models.exports import EXPORTS, EXPORTS_PROJECTION

Desk = Any
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_an_export_is_a_row_with_who_made_it() -> None:
    id_, ada = new_id(), new_id()
    made = ExportMade(id_, "person", 1, 1, ada, occurred_at=NOON)
    [row] = project(EXPORTS_PROJECTION, History().add("export", id_, made))[EXPORTS]
    assert row == {
        "export_id": id_,
        "at": NOON,
        "actor": "user-1",
        "kind": "person",
        "rows": 1,
        "people": 1,
        "person_id": ada,
        "filters": {},
    }


def administrator(desk: Desk) -> Desk:
    """Somebody who oversees the workspace; close `ask` yourself."""
    rights = desk.ask.principal.permissions | {"settings.write"}
    return desk.other(user_id=desk.ask.principal.user_id, permissions=rights)


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_every_file_that_leaves_is_in_the_register(desk: Desk) -> None:
    boss, me = administrator(desk), desk.ask.principal.user_id
    desk.saw(await desk.others.users(Ada_Admin=me))
    ada = await desk.person(first_name="Ada")
    await desk.write("PUT", f"/contacts/{ada}/consents/email/news", {})
    await desk.csv("/consents/export?channel=email&source=ada")
    await desk.take_out(f"/contacts/{ada}/export")
    whole, ledger = (await boss.read("/exports"))["items"]
    assert (whole["kind"], whole["person"]) == ("person", {"id": ada, "name": "Ada"})
    assert whole["actor"] == {"id": str(me), "name": "Ada Admin"}
    assert (ledger["kind"], ledger["rows"], ledger["people"]) == ("consents", 0, 0)
    assert ledger["filters"] == {"channel": "email", "source": "(some words)"}
    first = await boss.read("/exports?limit=1")
    rest = await boss.read(f"/exports?limit=1&cursor={first['next']}")
    assert [first["items"], rest["items"]] == [[whole], [ledger]]
    for query, found in (
        ("kind=person", [whole]),
        (f"user={new_id()}", []),
        (f"user={me}&from=2026-01-01", [whole, ledger]),
        ("to=2026-01-01", []),
    ):
        assert (await boss.read(f"/exports?{query}"))["items"] == found, query
    await desk.write("POST", f"/contacts/{ada}/erase")
    assert (await boss.read("/exports"))["items"][0]["person"] == {"id": ada, "name": None}
    await boss.ask.close()


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_only_who_oversees_everybody_sees_the_register(desk: Desk) -> None:
    assert (await desk.refused("GET", "/exports"))[0] == 403
    me = new_id()
    rights = desk.ask.principal.permissions | {"settings.write"}
    some = desk.other(user_id=me, sees=OWN, owners=[me], permissions=rights)
    status, problem = await some.refused("GET", "/exports")
    assert (status, problem["detail"][:24]) == (403, "This is about everybody'")
    await some.ask.close()
