"""Which views there are, for whom, and over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.default_view import DefaultViewChosen
from contacts.domain.saved_view import (
    SavedViewAdded,
    SavedViewArranged,
    SavedViewRemoved,
    SavedViewRenamed,
    SavedViewShared,
)
from contacts.read_models.saved_views import DEFAULT_VIEWS, SAVED_VIEWS, SAVED_VIEWS_PROJECTION

Desk = Any
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID, ME = new_id(), new_id()
added = SavedViewAdded(ID, "Élite", ME, False, ("city",), {"tag": "VIP"}, "name", occurred_at=NOON)


def test_a_row_says_what_the_view_shows_now() -> None:
    book = History()
    events = [
        book.add("saved_view", ID, event)
        for event in (
            added,
            SavedViewArranged(ID, ("tags",), {}, "-created", occurred_at=NOON),
            SavedViewRenamed(ID, "Öst", occurred_at=NOON),
            SavedViewShared(ID, True, occurred_at=NOON),
        )
    ]
    rows = project(SAVED_VIEWS_PROJECTION, *events)
    assert rows[SAVED_VIEWS] == [
        {
            "view_id": ID,
            "version": 4,
            "name": "Öst",
            "sort_name": "ost",
            "owner_id": ME,
            "shared": True,
            "columns": ["tags"],
            "filters": {},
            "sort": "-created",
            "changed_at": NOON,
        }
    ]
    events.append(book.add("saved_view", ID, SavedViewRemoved(ID, occurred_at=NOON)))
    assert project(SAVED_VIEWS_PROJECTION, *events)[SAVED_VIEWS] == []


def test_everybody_has_one_choice() -> None:
    book = History()
    events = [
        book.add("default_view", ME, DefaultViewChosen(ME, view, occurred_at=NOON))
        for view in (ID, new_id(), None)
    ]
    for upto, expected in ((1, ID), (3, None)):
        [row] = project(SAVED_VIEWS_PROJECTION, *events[:upto])[DEFAULT_VIEWS]
        assert row == {"user_id": ME, "view_id": expected}


async def _names(desk: Desk) -> list[str]:
    return [view["name"] for view in (await desk.read("/contacts/views"))["items"]]


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_views_are_kept_shared_and_opened_with(desk: Desk) -> None:
    body = {"name": "North", "columns": ["city"], "filters": {"tag": "VIP"}, "sort": "-activity"}
    mine = (await desk.write("POST", "/contacts/views", body))["id"]
    await desk.write("POST", "/contacts/views", {"name": "Élan", "shared": True})
    other = desk.other(user_id=new_id())
    assert (await _names(desk), await _names(other)) == (["Élan", "North"], ["Élan"])
    shown = await desk.read(f"/contacts/views/{mine}")
    assert {name: shown[name] for name in body} == body
    assert (shown["shared"], shown["default"]) == (False, False)
    path = f"/contacts/views/{mine}"
    assert (await other.refused("GET", path))[0] == 404
    assert (await other.refused("PATCH", path, {"name": "x"}, If_Match='"1"'))[0] == 404
    assert (await other.refused("PUT", "/contacts/views/default", {"view_id": mine}))[0] == 404

    await desk.write("PUT", "/contacts/views/default", {"view_id": mine})
    await desk.change(path, shared=True, filters={"country": "NO"})
    assert (await desk.refused("PATCH", path, {"name": "x"}, If_Match='"1"'))[0] == 412
    assert (await desk.refused("PATCH", path, {"name": "x"}))[0] == 428
    [_, seen] = (await other.read("/contacts/views"))["items"]
    assert (seen["filters"], seen["default"]) == ({"country": "NO"}, False)
    assert (await desk.read(path))["default"] is True
    assert (await other.refused("DELETE", path))[0] == 403
    admin = desk.other(user_id=new_id(), permissions=frozenset({"contacts.read", "settings.write"}))
    await admin.write("DELETE", path)
    assert await _names(desk) == ["Élan"]
    shared = {"name": "For all", "shared": True}
    assert (await admin.refused("POST", "/contacts/views", shared))[0] == 403
    for somebody in (other, admin):
        await somebody.ask.close()


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_a_page_of_views_leads_to_the_next(desk: Desk) -> None:
    for name in "CAB":
        await desk.write("POST", "/contacts/views", {"name": name})
    first = await desk.read("/contacts/views?limit=2")
    rest = await desk.read(f"/contacts/views?limit=2&cursor={first['next']}")
    assert [view["name"] for view in (*first["items"], *rest["items"])] == ["A", "B", "C"]
    status, problem = await desk.refused("POST", "/contacts/views", {"name": "D", "columns": ["x"]})
    assert (status, problem["field"]) == (422, "columns")
